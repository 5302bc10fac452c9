"""Numbers of the United States, those of any state that names itself, and VAT numbers of the European Union."""

from types import MappingProxyType
from typing import Final

from stdnum.eu import vat
from stdnum.us import atin, ein, itin

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import digits_of, has_digits, is_us_social_security
from penstock.guard.personal.patterns.expressions import code_after, number_after

_ID: Final = "NATIONAL_ID"
_TAX: Final = "TAX_ID"
_VAT_LENGTHS: Final = MappingProxyType(
    {
        "AT": (11,), "BE": (12,), "BG": (11, 12), "CY": (11,), "CZ": (10, 11, 12), "DE": (11,), "DK": (10,),
        "EE": (11,), "EL": (11,), "ES": (11,), "FI": (10,), "FR": (13,), "GR": (11,), "HR": (13,), "HU": (10,),
        "IE": (10, 11), "IT": (13,), "LT": (11, 14), "LU": (10,), "LV": (13,), "MT": (10,), "NL": (14,), "PL": (12,),
        "PT": (11,), "RO": tuple(range(4, 13)), "SE": (14,), "SI": (10,), "SK": (12,),
    }
)  # fmt: skip
_VAT: Final = (
    r"\b(?:AT ?U ?|B[EG] ?|CY ?|CZ ?|D[EK] ?|E[ELS] ?|F[IR] ?|GR ?|H[RU] ?|I[ET] ?|L[TUV] ?|MT ?|NL ?|P[LT] ?|RO ?|"
    r"S[EIK] ?)[0-9A-Z]{2}[0-9A-Z .-]{4,12}[0-9A-Z]\b"
)


def _is_vat(text: str) -> bool:
    compact = text.replace(" ", "").replace(".", "").replace("-", "")
    return len(compact) in _VAT_LENGTHS.get(compact[:2], ()) and len(digits_of(compact)) > 6 and vat.is_valid(compact)


ANYWHERE: Final = (
    Pattern(
        "personal.id.us.social_security",
        "SSN",
        r"\b[0-8][0-9]{2}(?:-[0-9]{2}-| [0-9]{2} )[0-9]{4}\b",
        is_us_social_security,
    ),
    Pattern(
        "personal.id.us.social_security_bare",
        "SSN",
        number_after("ssn|social security|soc sec", "[0-8][0-9]{2}[ .-]?[0-9]{2}[ .-]?[0-9]{4}"),
        is_us_social_security,
    ),
    Pattern("personal.id.us.taxpayer", _TAX, r"\b9[0-9]{2}-[5-9][0-9]-[0-9]{4}\b", itin.is_valid),
    Pattern("personal.id.us.taxpayer_bare", _TAX, number_after("itin|taxpayer id", "9[0-9]{8}"), itin.is_valid),
    Pattern(
        "personal.id.us.adoption",
        _TAX,
        number_after("atin|adoption taxpayer", "9[0-9]{2}-?93-?[0-9]{4}"),
        atin.is_valid,
    ),
    Pattern(
        "personal.id.us.employer",
        _TAX,
        number_after("ein|fein|employer id|federal tax|tax id", "[0-9]{2}-?[0-9]{7}"),
        ein.is_valid,
    ),
    Pattern("personal.id.us.preparer", _TAX, code_after("ptin|preparer", "P[0-9]{8}")),
    Pattern("personal.id.eu.vat", _TAX, _VAT, _is_vat, has_digit=True),
    Pattern(
        "personal.id.named",
        _ID,
        code_after(
            "national id|national identity|national identification|identity number|identity card|id card|id number|"
            "personal identity|personal identification|personal number|citizen id|social security|social insurance|"
            "ausweisnummer|ausweis-nr|personenkennzahl|sozialversicherungsnummer|num[eé]ro d'identit[eé]|"
            "documento de identidad|n[uú]mero de identidad|documento d'identit[aà]",
            r"[0-9A-Za-z](?:[0-9A-Za-z]|[ ./-][0-9]){4,17}",
        ),
        has_digits,
        score=0.6,
    ),
    Pattern(
        "personal.tax.named",
        _TAX,
        code_after(
            "tax id|tax identification|taxpayer id|tax number|tax no|tax file|vat id|vat number|vat no|tin|"
            "ust-?id|umsatzsteuer-?id|steuernummer|steuer-nr|num[eé]ro fiscal|num[eé]ro de tva|"
            "identificaci[oó]n fiscal|codice fiscale|partita iva",
            r"[0-9A-Za-z](?:[0-9A-Za-z]|[ ./-][0-9]){4,17}",
        ),
        has_digits,
        score=0.6,
    ),
)
