"""National numbers of northern Europe: Denmark, Estonia, Finland, Latvia, Lithuania, Sweden; and of Norway."""

from typing import Final

from stdnum.dk import cpr, cvr
from stdnum.ee import ik
from stdnum.fi import hetu
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.no import fodselsnummer
from stdnum.se import personnummer

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.expressions import number_after

_ID: Final = "NATIONAL_ID"
_TAX: Final = "TAX_ID"

NORTH: Final = (
    Pattern(
        "personal.id.dk.cpr",
        _ID,
        number_after("cpr|personnummer|danish personal|danish id", "[0-3][0-9][01][0-9]{3}[- ]?[0-9]{4}"),
        cpr.is_valid,
    ),
    Pattern(
        "personal.id.dk.company",
        _TAX,
        number_after("cvr|se-nr", "[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2}"),
        cvr.is_valid,
    ),
    Pattern(
        "personal.id.ee.personal",
        _ID,
        number_after(
            "isikukood|estonian personal|estonian id|personal (?:id )?code|personal identification", "[1-8][0-9]{10}"
        ),
        ik.is_valid,
    ),
    Pattern(
        "personal.id.fi.personal", _ID, r"\b[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]\b", hetu.is_valid
    ),
    Pattern(
        "personal.id.lt.personal",
        _ID,
        number_after(
            "asmens kod|lithuanian personal|lithuanian id|personal (?:id )?code|personal identification",
            "[1-6][0-9]{10}",
        ),
        asmens.is_valid,
    ),
    Pattern(
        "personal.id.lv.personal",
        _ID,
        number_after(
            "personas kod|latvian personal|latvian id|personal (?:id )?code|personal identification",
            "[0-3][0-9]{5}-?[0-9]{5}",
        ),
        pvn.is_valid,
    ),
    Pattern(
        "personal.id.se.personal", _ID, r"\b(?:19|20)?[0-9]{2}[01][0-9][0-9]{2}[-+][0-9]{4}\b", personnummer.is_valid
    ),
    Pattern(
        "personal.id.se.personal_bare",
        _ID,
        number_after("personnummer|person-nr|samordningsnummer|swedish personal|swedish id", "(?:19|20)?[0-9]{10}"),
        personnummer.is_valid,
    ),
    Pattern(
        "personal.id.no.birth",
        _ID,
        number_after(
            "fødselsnummer|f[oø]dselsnr|personnummer|d-nummer|norwegian personal|norwegian id", "[0-9]{6} ?[0-9]{5}"
        ),
        fodselsnummer.is_valid,
    ),
)
