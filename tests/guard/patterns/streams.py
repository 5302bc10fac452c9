"""Patterns as guards have them, and what it takes to send a text through a window in pieces."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.window import Found, PatternWindow, Piece
from penstock.guard.verdict import Finding

LABEL = "[A-Za-z0-9-]{1,63}"


def luhn(value: str) -> bool:
    digits = [int(each) for each in value if each.isdigit()]
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(value: str) -> bool:
    plain = value.replace(" ", "")
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


PATTERNS = (
    Pattern("p.email", "EMAIL", rf"\b[A-Za-z0-9._%+-]{{1,64}}@(?:{LABEL}\.){{1,4}}[A-Za-z]{{2,24}}\b", most_chars=345),
    Pattern("p.iban", "IBAN", r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", is_iban),
    Pattern("p.card", "CARD", r"\b[0-9]{4}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}\b", luhn),
    Pattern("p.phone", "PHONE", r"\+[0-9]{1,3}(?:[ /-]?[0-9]{2,5}){2,5}"),
    Pattern("p.key", "KEY", r"\bsk-[A-Za-z0-9_-]{16,64}"),
    Pattern("p.aws", "KEY", r"\bAKIA[0-9A-Z]{16}\b"),
    Pattern("p.ip", "IP", r"\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\b"),
    Pattern(
        "p.passport", "PASSPORT", r"(?i:passport|reisepass)[^0-9A-Za-z]{1,8}(?:(?i:no|nr)\W{1,4})?([A-Z0-9]{8,9})\b"
    ),
    Pattern("p.password", "SECRET", r"(?i:password|passwort)[ \t]{0,3}[:=][ \t]{0,3}([^\s\"',;]{6,32})"),
    Pattern(
        "p.pem", "KEY", r"-----BEGIN PRIVATE KEY-----[\sA-Za-z0-9+/=]{1,600}-----END PRIVATE KEY-----", None, 1.0, 700
    ),
    Pattern("p.list", "WORD", r"(?i)\b(?:acme corp|acme|müller|łódź|jürgen sample)\b"),
    Pattern("p.greek", "NAME", r"[Α-Ω][α-ωά-ώ]{2,12} Π[α-ωά-ώ]{2,12}"),  # noqa: RUF001 - Greek
    Pattern("p.hebrew", "NAME", r"שלום (?:\p{Hebrew}{2,8})"),
    Pattern("p.lazy", "LAZY", r"<<.{1,20}?>>"),
)
WINDOW = PatternWindow(PATTERNS)

FRAGMENTS = (
    *("john", ".doe", "@", "example", ".com", ".", "+", "-", " ", "  ", "\n", ",", "x", "7", "1234", "_"),
    *("DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "GB82 WEST", "4111 1111 1111 1111", "4111-1111", "1111"),
    *("+49", " 30", "/1234", "sk-", "A1b2C3d4E5f6G7h8", "AKIA", "ABCDEFGHIJKLMNOP", "10.0", ".0.", "255", "256"),
    *("Passport", " no. ", "reisepass: ", "C01X00T47", "password", ": ", "=", "hunter22", "hunter2", "passport"),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQ==",
        "-----END PRIVATE KEY-----",
        "acme",
        " corp",
        "Müller",
        "ŁÓDŹ",
        "\u017f",
    ),
    *(
        "Jürgen",
        " Sample",
        "Γιώργος",
        " Παπαδόπουλος",
        "שלום",
        " עולם",
        "é",
        "e\u0301",
        "😀",
        "\ud83d",
        "\udc00",
        "<<",
        ">>",
    ),
    *("The quick", " brown fox", "dog.", "12", "don't", "\u200b", "\u202e"),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)


@st.composite
def cut_texts(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> tuple[str, list[str]]:
    """A text, and the pieces that it comes in."""
    text = draw(texts)
    return text, cut(text, draw(st.lists(st.integers(0, len(text)), max_size=12)))


def cut(text: str, places: Sequence[int]) -> list[str]:
    edges = [0, *sorted(places), len(text)]
    return [text[begin:end] for begin, end in pairwise(edges)]


def streamed(window: PatternWindow, pieces: Sequence[str]) -> list[Piece]:
    opened = window.open()
    out = [piece for each in pieces for piece in opened.feed(each)]
    return out + opened.finish()


def text_of(pieces: Sequence[Piece]) -> str:
    return "".join(each.text if isinstance(each, Found) else each for each in pieces)


def findings_of(pieces: Sequence[Piece]) -> list[Finding]:
    found = [finding for each in pieces if isinstance(each, Found) for finding in each.findings]
    return sorted(found, key=lambda each: (each.begin, -each.end, each.rule))


def plain_places(pieces: Sequence[Piece]) -> set[int]:
    """Where the characters stood that went out as they are."""
    places: set[int] = set()
    at = 0
    for each in pieces:
        if isinstance(each, str):
            places.update(range(at, at + len(each)))
        at += len(each.text) if isinstance(each, Found) else len(each)
    return places
