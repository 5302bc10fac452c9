"""National and tax numbers of eastern Europe: Bulgaria, Czechia, Hungary, Poland, Romania, Slovakia."""

from typing import Final

from stdnum.bg import egn, pnf
from stdnum.cz import dic, rc
from stdnum.hu import anum
from stdnum.pl import nip, pesel
from stdnum.ro import cnp, cui
from stdnum.sk import dph

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import (
    is_hungarian_health_number,
    is_hungarian_personal_number,
    is_hungarian_tax_id,
    is_polish_id_card,
)
from penstock.guard.personal.patterns.expressions import code_after, number_after

_ID: Final = "NATIONAL_ID"
_TAX: Final = "TAX_ID"


def _is_czech_or_slovak_tax(text: str) -> bool:
    return dic.is_valid(text) or dph.is_valid(text)


EAST: Final = (
    Pattern(
        "personal.id.bg.egn",
        _ID,
        number_after("егн|egn|единен граждански|bulgarian personal|bulgarian id", "[0-9]{10}"),
        egn.is_valid,
    ),
    Pattern(
        "personal.id.bg.foreigner",
        _ID,
        number_after("лнч|lnch|личен номер|bulgarian personal|bulgarian id", "[0-9]{10}"),
        pnf.is_valid,
    ),
    Pattern("personal.id.cz.birth", _ID, r"\b[0-9]{2}[0-8][0-9][0-3][0-9]/[0-9]{3,4}\b", rc.is_valid),
    Pattern(
        "personal.id.cz.birth_bare",
        _ID,
        number_after(
            "rodn[eé] č[ií]slo|rodn[eé] cislo|rč|r[.] ?č[.]|birth number|czech personal|slovak personal", "[0-9]{9,10}"
        ),
        rc.is_valid,
    ),
    Pattern(
        "personal.id.cz.tax",
        _TAX,
        number_after("dič|dic|daňov|daňové|tin|tax id", "[0-9]{8,10}"),
        _is_czech_or_slovak_tax,
    ),
    Pattern("personal.id.hu.company", _TAX, r"\b[0-9]{8}-[0-9]-[0-9]{2}\b", lambda text: anum.is_valid(text[:8])),
    Pattern(
        "personal.id.hu.tax",
        _TAX,
        number_after("adóazonosító|adoazonosito|adóazon|hungarian tax|tin|tax id", "8[0-9]{9}"),
        is_hungarian_tax_id,
    ),
    Pattern(
        "personal.id.hu.health",
        _ID,
        number_after("taj|társadalombiztosítási|hungarian social", "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}"),
        is_hungarian_health_number,
    ),
    Pattern(
        "personal.id.hu.personal",
        _ID,
        number_after(
            "személyi szám|személyi azonosító|hungarian personal|hungarian id", "[1-8][ -]?[0-9]{6}[ -]?[0-9]{4}"
        ),
        is_hungarian_personal_number,
    ),
    Pattern(
        "personal.id.pl.pesel",
        _ID,
        number_after("pesel|polish personal|polish id|polish national", "[0-9]{11}"),
        pesel.is_valid,
    ),
    Pattern(
        "personal.id.pl.nip",
        _TAX,
        number_after("nip|polish tax|tin|tax id", "[0-9]{3}[- ]?[0-9]{2,3}[- ]?[0-9]{2}[- ]?[0-9]{2,3}"),
        nip.is_valid,
    ),
    Pattern(
        "personal.id.pl.card",
        _ID,
        code_after(
            "dow[oó]d osobist[a-z]{1,3}|dowodu osobist[a-z]{1,3}|dow[oó]d|seria i numer|polish id", "[A-Z]{3} ?[0-9]{6}"
        ),
        is_polish_id_card,
    ),
    Pattern(
        "personal.id.ro.cnp",
        _ID,
        number_after("cnp|cod numeric|romanian personal|romanian id", "[1-9][0-9]{12}"),
        cnp.is_valid,
    ),
    Pattern(
        "personal.id.ro.tax",
        _TAX,
        number_after("cui|c[.]u[.]i|cif|cod fiscal|cod de înregistrare|romanian tax", "[0-9]{4,10}"),
        cui.is_valid,
    ),
)
