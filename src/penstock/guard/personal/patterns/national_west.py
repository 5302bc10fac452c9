"""National and tax numbers of western Europe: Austria, Belgium, Germany, France, Ireland, Luxembourg, the Netherlands;
and of the United Kingdom and Switzerland.

A bare row of digits passes a check digit once in ten or eleven times, so digits alone are asked for a word before them;
what has a shape of its own and a strong check is found wherever it stands.
"""

from typing import Final

from stdnum.at import tin, vnr
from stdnum.be import bis, nn
from stdnum.ch import ssn as ahv
from stdnum.de import idnr, stnr
from stdnum.fr import nif, nir
from stdnum.gb import nhs, utr
from stdnum.ie import pps
from stdnum.nl import bsn

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import (
    is_german_health_number,
    is_german_id_card,
    is_german_pension_number,
    is_luxembourgish_number,
)
from penstock.guard.personal.patterns.expressions import code_after, number_after

_ID: Final = "NATIONAL_ID"
_TAX: Final = "TAX_ID"
_NINO: Final = r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b"
_NIR: Final = r"\b[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b"
_PENSION: Final = r"\b[0-9]{2} ?[0-3][0-9][01][0-9]{3} ?[A-Z] ?[0-9]{3}\b"


def _is_belgian(text: str) -> bool:
    return nn.is_valid(text) or bis.is_valid(text)


WEST: Final = (
    Pattern(
        "personal.id.at.social_security",
        _ID,
        number_after("sozialversicherung|svnr|sv-nummer|sv-nr|versicherungsnummer", "[0-9]{4} ?[0-9]{6}"),
        vnr.is_valid,
    ),
    Pattern(
        "personal.id.at.tax",
        _TAX,
        number_after("steuernummer|abgabenkonto|st[.]?-?nr|austrian tax", "[0-9]{2}-?[0-9]{3}/?[0-9]{4}"),
        tin.is_valid,
    ),
    Pattern(
        "personal.id.be.national",
        _ID,
        r"\b[0-9]{2}[.][0-9]{2}[.][0-9]{2}-[0-9]{3}[.][0-9]{2}\b",
        _is_belgian,
    ),
    Pattern(
        "personal.id.be.national_bare",
        _ID,
        number_after("rijksregister|num[eé]ro national|registre national|niss|insz|belgian national", "[0-9]{11}"),
        _is_belgian,
    ),
    Pattern(
        "personal.id.de.tax",
        _TAX,
        number_after(
            "steuer-?id|steuerliche id|steueridentifikation|idnr|id-nr|tin|tax id|german tax",
            "[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        ),
        idnr.is_valid,
    ),
    Pattern(
        "personal.id.de.tax_office",
        _TAX,
        number_after("steuernummer|steuer-nr|st[.]?-?nr", "[0-9]{2,3}[/ ][0-9]{3,4}[/ ][0-9]{4,5}|[0-9]{13}"),
        stnr.is_valid,
    ),
    Pattern(
        "personal.id.de.card",
        _ID,
        code_after(
            "personalausweis[a-z]{0,7}|ausweisnummer|ausweis-?nr|german id|id card|identity card",
            "[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}[0-9]?",
        ),
        is_german_id_card,
    ),
    Pattern("personal.id.de.pension", _ID, _PENSION, is_german_pension_number),
    Pattern(
        "personal.id.de.health",
        _ID,
        code_after("krankenversich[a-z]{0,14}|versichertennummer|versicherten-?nr|kvnr", "[A-Za-z][0-9]{9}"),
        is_german_health_number,
    ),
    Pattern("personal.id.fr.social_security", _ID, _NIR, nir.is_valid),
    Pattern(
        "personal.id.fr.tax",
        _TAX,
        number_after(
            "num[eé]ro fiscal|spi|r[eé]f[eé]rence fiscale|french tax", "[0-3][0-9] ?[0-9]{2}(?: ?[0-9]{3}){3}"
        ),
        nif.is_valid,
    ),
    Pattern(
        "personal.id.ie.pps",
        _ID,
        number_after("pps|ppsn|personal public service", "[0-9]{7} ?[A-Wa-w][A-IWa-iw]?"),
        pps.is_valid,
    ),
    Pattern(
        "personal.id.lu.national",
        _ID,
        number_after("matricule|identification national|luxembourg|cns", "[12][0-9]{3} ?[0-9]{4} ?[0-9]{5}"),
        is_luxembourgish_number,
    ),
    Pattern(
        "personal.id.nl.citizen",
        _ID,
        number_after(
            "bsn|burgerservice|sofi-?nummer|citizen service",
            "[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{2,3}|[0-9]{4}[.][0-9]{2}[.][0-9]{3}",
        ),
        bsn.is_valid,
    ),
    Pattern("personal.id.gb.national_insurance", _ID, _NINO),
    Pattern(
        "personal.id.gb.health",
        _ID,
        number_after("nhs|health service", "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}"),
        nhs.is_valid,
    ),
    Pattern(
        "personal.id.gb.tax",
        _TAX,
        number_after("utr|unique taxpayer", "[0-9]{5} ?[0-9]{5}"),
        utr.is_valid,
    ),
    Pattern("personal.id.ch.social_security", _ID, r"\b756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}\b", ahv.is_valid),
)
