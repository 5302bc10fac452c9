# ruff: noqa: RUF001 - minutes and seconds of a degree are written with primes
"""Addresses of machines and pages, and positions on the globe."""

from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import is_position, is_public_ip

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DOTTED: Final = r"\b[0-9]{1,3}(?:[.][0-9]{1,10}){3,15}\b"
"""An address of version 4, and what only holds its shape: the number of an object in a directory, a long version."""
_IP6: Final = rf"\b(?:[0-9A-Fa-f]{{1,4}}:){{6,7}}(?:{_OCTET}(?:[.]{_OCTET}){{3}}|[0-9A-Fa-f]{{1,4}})\b"
_IP6_SHORT: Final = r"\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}::(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{1,4}\b"
_TOP_LEVEL: Final = (
    "com|org|net|edu|gov|mil|int|info|biz|pro|io|ai|app|dev|co|tv|xyz|online|site|shop|store|blog|cloud|tech|"
    "eu|at|be|bg|hr|cy|cz|dk|ee|fi|fr|de|gr|hu|ie|it|lv|lt|lu|mt|nl|pl|pt|ro|sk|si|es|se|uk|us|ca|ch|no|li|au|nz|"
    "jp|cn|kr|br|mx|ar|cl|za|ru|ua|tr|il|sg|hk|tw|berlin|bayern|wien|koeln|hamburg|swiss|paris|london"
)
_LABEL: Final = "[0-9A-Za-zÀ-ÖØ-öø-ɏ](?:[0-9A-Za-zÀ-ÖØ-öø-ɏ-]{0,61}[0-9A-Za-zÀ-ÖØ-öø-ɏ])?"
_HOST: Final = rf"(?:{_LABEL}[.]){{1,4}}(?i:[A-Z]{{2,18}}|xn--[0-9A-Z-]{{2,20}})"
_PATH: Final = "[0-9A-Za-zÀ-ÖØ-öø-ɏ/_.~%!$&'()*+,;=:@?#-]{0,300}[0-9A-Za-zÀ-ÖØ-öø-ɏ/_~%$&*+=@#-]"
_DEGREES: Final = "[0-9]{1,3} ?° ?[0-9]{1,2} ?['′’] ?(?:[0-9]{1,2}(?:[.][0-9]{1,4})? ?(?:\"|″|''|”) ?)?"

NETWORK: Final = (
    Pattern("personal.ip.v4", "IP_ADDRESS", _DOTTED, is_public_ip, is_whole=True),
    Pattern("personal.ip.v6", "IP_ADDRESS", _IP6, is_public_ip),
    Pattern("personal.ip.v6_short", "IP_ADDRESS", _IP6_SHORT, is_public_ip),
    Pattern(
        "personal.mac",
        "MAC_ADDRESS",
        r"\b(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:[.][0-9A-Fa-f]{4}){2})\b",
        lambda text: len(set(text)) > 2,
    ),
    Pattern(
        "personal.url",
        "URL",
        rf"\b(?i:https?|ftp|ftps|sftp)://{_HOST}(?::[0-9]{{1,5}})?(?:/(?:{_PATH})?|[?#]{_PATH})?",
        most_chars=600,
    ),
    Pattern("personal.url.www", "URL", rf"\b(?i:www)[.]{_HOST}(?:/(?:{_PATH})?)?", most_chars=600),
    Pattern("personal.domain", "DOMAIN_NAME", rf"\b(?:{_LABEL}[.]){{1,3}}(?:{_TOP_LEVEL})\b"),
    Pattern(
        "personal.position.decimal",
        "COORDINATES",
        r"[-+]?\b[0-9]{1,2}[.][0-9]{4,9}°? ?[NSns]? ?, ?[-+]?[0-9]{1,3}[.][0-9]{4,9}(?:°? ?[EWOewo]\b)?",
        is_position,
    ),
    Pattern("personal.position.degrees", "COORDINATES", rf"\b{_DEGREES}[NS][ ,;/]{{0,3}}{_DEGREES}[EWO]\b"),
)
