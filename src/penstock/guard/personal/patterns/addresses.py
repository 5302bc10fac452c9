# ruff: noqa: RUF001 - the typographic apostrophe is what people type
"""Where people live: streets with a number, what follows them in an address, and codes of places.

A street is known by its word (`street`, `-straße`, `rue`, `ul.`), by its number and a flat after it, or by what was
said before it (`lives at`, `address:`); a capitalised word and a number alone are as often a product or a chapter.
"""

from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.expressions import CAPITAL, LETTER, code_after, words

_ADDRESS: Final = "STREET_ADDRESS"
_NAME: Final = f"[{CAPITAL}][{LETTER}'’.-]{{0,20}}"
_ANY_WORD: Final = f"[{LETTER}][{LETTER}'’.-]{{0,20}}"
_NUMBER: Final = r"[0-9]{1,5}(?:[a-zA-Z]\b| [a-e]\b)?(?: ?[-/] ?[0-9]{1,4}[a-zA-Z]?)?"
_FRONT: Final = (
    "street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|terrace|terr|way|highway|hwy|parkway|"
    "pkwy|square|sq|crescent|cres|close|grove|gardens|mews|alley|bypass|circle|trail|trl|row|walk|hill|plaza|esplanade|gate|"
    "parade|loop|ridge|pike|path|mount|vale|rise"
)
_FRONT_IN_SMALL_LETTERS: Final = "street|avenue|ave|road|boulevard|blvd|terrace|crescent|parkway"
_BACK: Final = (
    "straße|strasse|str[.]|gasse|weg|allee|platz|ufer|damm|gata|gatan|vägen|vegen|veien|vej|vei|gade|gränd|stræde|katu|"
    "polku|kuja|straat|laan|plein|kade|gracht|dreef|steeg|utca|körút|braut|stígur|steig|chaussee|promenade|pfad|torv|"
    "plads|väylä"
)
"""Ends of words; such as end no English word that stands before a number."""
_BACK_ALONE: Final = "ring|hof|gate|tie|väg|tér|út|útja|u[.]|str|park|markt"
_LED: Final = (
    "rue|avenue|av|boulevard|bd|chemin|impasse|allée|quai|place|cours|via|viale|piazza|piazzale|corso|vicolo|strada|largo|"
    "calle|c/|avda|avenida|paseo|plaza|camino|carretera|ronda|rua|travessa|praça|estrada|ul|ulica|aleja|aleje|al|plac|"
    "os|osiedle|ulice|náměstí|nám|trg|cesta|ulita|str|bulevardul|calea"
)
_LED_OTHER: Final = "οδός|λεωφόρος|λεωφ|λ|ул|бул|улица"
_UNIT_ALONE: Final = r"(?i:apt|apartment|suite|ste|flat|wohnung)[. ]{1,2}#?[0-9]{1,5}[A-Za-z]?\b"
_UNIT: Final = (
    r"(?i:apt|apartment|suite|ste|unit|flat|room|rm|floor|fl|wohnung|whg|etage|stock|piso|appartement|appt|interno|lok|m)"
    r"[. ]{1,2}#?[0-9]{1,5}[A-Za-z]?\b"
)
_STATES: Final = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|"
    "PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|AA|AE|AP"
)
_BREAK: Final = r"[\s,>]{1,6}"
_PLACE: Final = rf"{_NAME}(?:[ -](?:{_NAME}|de|la|del|di|do|da|am|an|der|im|bei|upon|under|nad|sur|le|y)){{0,3}}"
_CODE: Final = r"(?:[A-Z]{1,2}-)?(?:[0-9]{2}-[0-9]{3}|[0-9]{3,6}(?:[ -][0-9]{2,4}|[ -]?[A-Z]{2})?)\b"
_FIVE: Final = "[0-9]{5}|[0-9]{3} [0-9]{2}"
_CANADIAN: Final = "[ABCEGHJ-NPRSTVXY][0-9][A-Z] ?[0-9][A-Z][0-9]"
_UK_CODE: Final = "[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}"
_COUNTRY: Final = (
    "(?i:united states|usa|u[.]s[.]a[.]|united kingdom|uk|england|scotland|wales|ireland|germany|deutschland|austria|"
    "österreich|switzerland|schweiz|suisse|svizzera|france|belgium|belgique|belgië|netherlands|nederland|luxembourg|"
    "spain|españa|portugal|italy|italia|greece|cyprus|malta|croatia|slovenia|slovakia|czech republic|czechia|poland|"
    "polska|hungary|romania|bulgaria|denmark|danmark|sweden|sverige|finland|norway|norge|iceland|estonia|latvia|lithuania|"
    "canada|mexico|brazil|argentina|chile|uruguay|colombia|peru|australia|new zealand|south africa|morocco|tunisia|"
    "egypt|turkey|israel|russia|ukraine|serbia|greenland|india|china|japan|south korea|singapore|hong kong|taiwan|"
    "philippines)"
)
_AND_UNIT: Final = rf"(?:(?: {_NAME}){{0,2}}[.]?{_BREAK}{_UNIT}(?:,? {_PLACE}(?:, {_PLACE})?)?)?"
_END: Final = rf"(?:{_CODE}|{_UK_CODE}|{_COUNTRY}\b(?: {_CODE})?)"
_REST: Final = (
    rf"{_AND_UNIT}(?:{_BREAK}(?:{_CODE}|{_UK_CODE})(?: {_NAME}(?: {_NAME})?)?)?"
    rf"(?:[.]?(?:{_BREAK}{_PLACE}){{1,2}}(?:{_BREAK}[A-Za-z]{{2,3}}\b)?(?:{_BREAK}{_PLACE})?{_BREAK}{_END})?"
)
_STREET_FRONT: Final = (
    rf"(?:[0-9]{{1,6}}[A-Za-z]? ){{1,2}}(?:(?:{_NAME} ){{1,3}}(?i:{_FRONT})|"
    rf"(?:{_ANY_WORD} ){{1,2}}(?:{_FRONT_IN_SMALL_LETTERS}))\b[.]?"
)
_STREET_BACK: Final = (
    rf"(?:\b[0-9]{{1,6}} )?(?:{_NAME} ){{0,2}}(?:[{LETTER}-]{{2,24}}(?:{_BACK})|{_NAME} (?i:{_BACK}|{_BACK_ALONE}))"
    rf" {{0,2}}{_NUMBER}"
)
_STREET_LED: Final = (
    rf"(?:\b[0-9]{{1,6}}[a-z]?,? ){{0,2}}(?:\b(?i:{_LED})|(?i:{_LED_OTHER}))[. ]{{1,2}}(?:{_ANY_WORD} ){{0,3}}"
    rf"{_NAME},? (?:[Nn][.º°o]{{1,2}} ?)?{_NUMBER}"
)
_STREET_FRENCH: Final = (
    r"\b(?:[0-9]{1,6}(?: ?bis| ?ter)?,? ){1,2}"
    r"(?i:rue|avenue|av|boulevard|bd|chemin|impasse|allée|quai|place|cours|route|square|via|rua|calle)"
    rf"[. ]{{1,2}}(?:(?:de|du|des|la|le|les|l'|d'|al|el) {{0,1}}){{0,3}}{_NAME}(?: {_NAME}){{0,3}}"
)
_AT: Final = (
    "lives at|live at|living at|lived at|resides at|residing at|reside at|staying at|address|addresses|"
    "located at|moved to|deliver to|ship to|shipped to|send it to|return to|come to|taxi to|pick me up at|"
    "drop me off at|house at|apartment at|office at|restaurant is at|store at|drops you off at|meet at|meet me at|"
    "adresse|anschrift|wohnhaft|wohnt in|wohne in|wohnung in|lieferung an|habite au|habite|demeurant|adresse est|"
    "vive en|vivo en|domicilio|dirección|direccion|abita in|abito in|residente in|"
    "indirizzo|morada|endereço|adres|bor på|"
    "asuu|lakik|lakcím|bydliště|adresa|διεύθυνση|адрес|woont op|mieszka"
)
_TO: Final = (
    "(?:[^0-9A-Za-z]{1,4}(?i:is|it|to|with|in|the|a|at|my|our|here|they|are|new|same|this|following|below|now|der|die|das|"
    "ist|lautet|est|la|le|es|jest|van)){0,5}[^0-9A-Za-z]{1,6}"
)
_BOX: Final = (
    r"(?i:p[.]? ?o[.]? ?box|post box|postbox|postfach|apartado(?: de correos)?|casella postale|bo[iî]te postale|"
    r"postboks|postbus|caixa postal|postafiók|skrytka pocztowa)"
)
_MILITARY: Final = (
    rf"(?i:\b(?:PSC|CMR|unit|box|USNS|USS|USCGC|USNV|USNVT|USAV) [0-9A-Z ]{{1,24}},?(?: ?box [0-9]{{1,5}})?{_BREAK}"
    r"[ADF]PO,? A[AEP] [0-9]{5}(?:-[0-9]{4})?)"
)
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct", "okt", "nov", "dec", "dez", "mär",
)  # fmt: skip


def is_street(text: str) -> bool:
    """No day of the calendar: "5 March 2020" has the shape of a house, a street and a flat."""
    return not [word for word in text.lower().split(None, 3)[1:3] if word.startswith(_MONTHS) and len(word) <= 9]


def is_no_round_number(text: str) -> bool:
    """What stands before or after a name and is round is an amount more often than a code."""
    return not text.endswith("00")


def has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


ADDRESSES: Final = (
    Pattern("personal.address.street_number_first", _ADDRESS, rf"\b{_STREET_FRONT}{_REST}", score=0.8, most_chars=1000),
    Pattern("personal.address.street_number_last", _ADDRESS, rf"{_STREET_BACK}{_REST}", score=0.8, most_chars=1000),
    Pattern("personal.address.street_led", _ADDRESS, rf"(?:{_STREET_LED}){_REST}", score=0.8, most_chars=1000),
    Pattern("personal.address.street_french", _ADDRESS, rf"{_STREET_FRENCH}{_REST}", score=0.8, most_chars=1000),
    Pattern(
        "personal.address.with_unit",
        _ADDRESS,
        rf"\b(?:[0-9]{{1,6}} ){{0,2}}(?:{_NAME} ){{1,4}}{_NUMBER}[.]?(?: {_NAME}){{0,2}}{_BREAK}{_UNIT}{_REST}",
        most_chars=1000,
    ),
    Pattern(
        "personal.address.with_code",
        _ADDRESS,
        rf"(?:{_NAME} ){{1,4}}{_NUMBER}[,\n] {{0,4}}(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}} {_NAME}(?: {_NAME}){{0,2}}",
        most_chars=300,
    ),
    Pattern(
        "personal.address.two_numbers",
        _ADDRESS,
        rf"\b[0-9]{{2,6}} (?:[{CAPITAL}][{LETTER}'’.-]{{2,20}} ){{1,3}}[0-9]{{1,4}}\b{_REST}",
        is_street,
        score=0.5,
        most_chars=1000,
    ),
    Pattern(
        "personal.address.named",
        _ADDRESS,
        rf"{words(_AT)}{_TO}((?:[0-9]{{1,6}} ){{0,2}}[{CAPITAL}][{LETTER} '’.-]{{1,40}} {_NUMBER}|"
        rf"(?:[0-9]{{1,6}} ){{1,2}}[{CAPITAL}][{LETTER} '’.-]{{2,40}})",
        has_digit,
        score=0.7,
        most_chars=1000,
    ),
    Pattern(
        "personal.address.corner",
        _ADDRESS,
        rf"\b(?i:(?:the )?corner of) (?:[0-9{LETTER}][0-9{LETTER}.'’-]{{0,24}} ){{1,6}}(?i:and|&)"
        rf" {_NAME}(?: {_NAME}){{0,2}}",
        score=0.7,
        most_chars=300,
    ),
    Pattern("personal.address.unit", _ADDRESS, rf"\b{_UNIT_ALONE}", score=0.7),
    Pattern(
        "personal.address.box",
        _ADDRESS,
        rf"(?:\b[0-9]{{1,6}} )?{_BOX}[ #.]{{0,3}}[0-9][0-9 ]{{0,8}}[0-9]?\b{_REST}",
        most_chars=1000,
    ),
    Pattern("personal.address.military", _ADDRESS, _MILITARY),
    Pattern(
        "personal.address.state_code",
        "POSTAL_CODE",
        rf"[{LETTER}],?[ \n]{{1,3}}(?:{_STATES}),?[ \n]{{1,3}}([0-9]{{5}}(?:-[0-9]{{4}})?)\b",
    ),
    Pattern(
        "personal.postal.in_block",
        "POSTAL_CODE",
        rf"(?:\b{_UNIT_ALONE}|{_NAME} {_NUMBER})[,.]?"
        rf"(?:[ >]{{0,4}}\n[ >]{{0,8}}[^\n0-9]{{0,30}}){{1,4}}\b({_CODE}|{_UK_CODE}\b|{_CANADIAN}\b)",
        score=0.6,
        most_chars=320,
    ),
    Pattern("personal.postal.extended", "POSTAL_CODE", r"\b[0-9]{5}-[0-9]{4}\b", score=0.6),
    Pattern("personal.postal.polish", "POSTAL_CODE", rf"\b([0-9]{{2}}-[0-9]{{3}}),? [{CAPITAL}][{LETTER}]", score=0.6),
    Pattern(
        "personal.postal.before_place",
        "POSTAL_CODE",
        rf"\b(?i:in|nach|aus|bei|from|to|near|à|en|da|a|van|uit|w|do|z) ({_FIVE}) [{CAPITAL}][{LETTER}]{{2}}",
        is_no_round_number,
        score=0.5,
    ),
    Pattern(
        "personal.postal.after_place",
        "POSTAL_CODE",
        rf"\b(?i:in|from|to|near|at|lives in|aus|nach|à|de|en|da) {_NAME}(?:[ -]{_NAME}){{0,2}},? ({_FIVE})\b",
        is_no_round_number,
        score=0.5,
    ),
    Pattern("personal.postal.british", "POSTAL_CODE", r"\b[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][ABD-HJLNP-UW-Z]{2}\b"),
    Pattern("personal.postal.canadian", "POSTAL_CODE", rf"\b{_CANADIAN}\b"),
    Pattern("personal.postal.dutch", "POSTAL_CODE", rf"\b([1-9][0-9]{{3}} [A-Z]{{2}}),? [{CAPITAL}]"),
    Pattern("personal.postal.german", "POSTAL_CODE", r"\b((?:D|DE|A|AT|CH|F|I|B|L)-[0-9]{4,5}) [A-ZÄÖÜ]"),
    Pattern(
        "personal.postal.named",
        "POSTAL_CODE",
        code_after(
            "zip|zipcode|zip code|postal code|postcode|post code|plz|postleitzahl|code postal|código postal|"
            "codigo postal|codice postale|cap|cep|postnummer|postinumero|irányítószám|psč|kod pocztowy|cod poștal|"
            "eircode",
            "[0-9A-Z]{2,6}(?:[ -][0-9A-Z]{2,4})?",
        ),
        has_digit,
    ),
)
