"""How to reach a person: e-mail and telephone."""

from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.expressions import LETTER, words
from penstock.guard.personal.patterns.phones import (
    is_dialled_at_home,
    is_grouped,
    is_international,
    is_italian_mobile,
    is_national,
    is_no_date,
)

_LOCAL: Final = f"[0-9{LETTER}_][0-9{LETTER}_.%+'-]{{0,63}}"
_LABEL: Final = f"[0-9{LETTER}](?:[0-9{LETTER}-]{{0,61}}[0-9{LETTER}])?"
_TOP_LEVEL: Final = f"(?:xn--[0-9A-Za-z-]{{2,20}}|[{LETTER}]{{2,24}})"
_AT: Final = r"[\[({] ?(?i:at|@) ?[\])}]"
_DOT: Final = r"[\[({] ?(?i:dot|punkt|[.]) ?[\])}]"
_DIALLED: Final = (
    "phone|telephone|telefone|telephon|tel|call|mobile|cell|fax|whatsapp|viber|signal|sms|text me|text us|texting|dial|"
    "ring|hotline|helpline|reach me|reach us|reach him|reach her|reach them|contact|answering|messages to|message to|"
    "voicemail|pager|my number|new number|registered number|registered|landline|"
    "number is|his number|her number|our number|your number|their number|numbers are|number to reach|number to call|"
    "meine nummer|deine nummer|seine nummer|ihre nummer|unsere nummer|nummer ist|nummer lautet|unter der nummer|"
    "mon numéro|son numéro|numéro est|mi número|su número|número es|mio numero|suo numero|numero è|numer to|"
    "reachable|handy|telefon|rufnummer|anruf|ruf|rückruf|mobil|"
    "téléphone|portable|appel|joignable|teléfono|telefono|móvil|movil|llam|cellulare|chiam|telemóvel|celular|ligue|"
    "telefoon|bellen|bel me|gsm|komórk|zadzwo|puhelin|puh|tlf|mob|soita|τηλ|κινητό|тел|sună|zavolej|hívj"
)
_EXTENSION: Final = "(?: ?,? ?(?i:x|ext[.]?|extension|durchwahl) ?[0-9]{1,6})?"
_ANY: Final = rf"[+(]{{0,2}}\b[0-9](?:[ ()./-]{{0,2}}[0-9]){{5,14}}{_EXTENSION}"

_GROUPED: Final = (
    r"\b[0-9]{2,4}(?:[ -][0-9]{2,4}){2,4}\b|\b[0-9]{2,3} [0-9]{6}\b|\b[0-9]{4} [0-9]{4}\b|\b[0-9]{3}[ -][0-9]{4}\b|"
    r"[(][0-9]{2,5}[)] ?[0-9]{2,4}(?:[ -][0-9]{2,4}){1,2}\b"
)

CONTACT: Final = (
    Pattern("personal.email", "EMAIL_ADDRESS", rf"{_LOCAL}@(?:{_LABEL}[.]){{1,6}}{_TOP_LEVEL}", most_chars=500),
    Pattern(
        "personal.email.spelled",
        "EMAIL_ADDRESS",
        rf"{_LOCAL} {{0,2}}{_AT} {{0,2}}(?:{_LABEL} {{0,2}}(?:[.]|{_DOT}) {{0,2}}){{1,3}}{_TOP_LEVEL}",
        most_chars=500,
    ),
    Pattern(
        "personal.phone.international",
        "PHONE_NUMBER",
        rf"(?:[+] ?|\b00 ?)[1-9][0-9]{{0,2}}(?:[ ./-]{{0,2}}(?:[(][0-9]{{1,5}}[)]|[0-9]{{1,10}})){{1,7}}{_EXTENSION}",
        is_international,
    ),
    Pattern(
        "personal.phone.american",
        "PHONE_NUMBER",
        r"(?:(?:[+]1|\b001|\b1)[ .-]?)?(?:[(][2-9][0-9]{2}[)][ .-]?|\b[2-9][0-9]{2}[ ./-])[2-9][0-9]{2}[ .-][0-9]{4}\b"
        + _EXTENSION,
    ),
    Pattern(
        "personal.phone.national",
        "PHONE_NUMBER",
        r"(?:[(]0[1-9][0-9]{0,4}[)]|\b0[1-9][0-9]{0,4})(?: ?[/-] ?|[ .])[0-9]{2,10}(?:[ .-][0-9]{2,5}){0,4}\b",
        is_dialled_at_home,
        score=0.8,
    ),
    Pattern(
        "personal.phone.italian",
        "PHONE_NUMBER",
        r"\b3[2-9][0-9](?: ?[/.-] ?| )[0-9]{3}(?: ?[0-9]{3,4}|[.-][0-9]{3,4}| [0-9]{2} [0-9]{2})\b",
        is_italian_mobile,
        score=0.7,
    ),
    Pattern("personal.phone.grouped", "PHONE_NUMBER", _GROUPED, is_grouped, score=0.5, is_whole=True),
    Pattern("personal.phone.pairs", "PHONE_NUMBER", r"\b0[1-9](?:[ .-][0-9]{2}){4}\b", is_national, score=0.9),
    Pattern(
        "personal.phone.named", "PHONE_NUMBER", rf"{words(_DIALLED)}[^0-9]{{0,30}}?({_ANY})\b", is_no_date, score=0.8
    ),
    Pattern(
        "personal.phone.labelled",
        "PHONE_NUMBER",
        rf"({_ANY})[ \t]{{0,2}}[(\[,]?(?i:office|fax|mobile|cell|home|work|mobil|privat|büro|bureau|casa|ufficio)\b",
        is_no_date,
        score=0.8,
    ),
)
