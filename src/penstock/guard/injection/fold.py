"""Brings a text to the form in which rules read it, and keeps where every character came from.

What looks like a letter becomes that letter: compatibility forms (full width, circled, mathematical), letters with
marks, and letters of other scripts that are drawn alike.  What cannot be seen is left out.  Linear in the text.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# Letters of other scripts that are drawn like a Latin one in common typefaces; each pair is letters, what they look
# like.  The forms are those of the Unicode charts (https://www.unicode.org/charts/), chosen one by one.
_ALIKE: Final = (
    ("авекмнорстухіјѕԁԛԝһԍӏьѵєзги", "abekmhopctyxijsdqwhglbve3ru"),
    ("αβγδεζηικλμνοπρστυφχωϲϳ", "abydezniklmnonpstuqxwcj"),
    ("ɑɡɩıȷɪʀʏʙɢʜʟɴᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱꜰ", "agiiiirybghlnacdejkmoptuvwzsf"),
    ("ɐɔəɘɛɯɹʇʌʍʎʋɨʉøłđħŧƀɓɖɗƒɠɦƙɲŋɵƥʂƭʈʒʐɳɱɫɭȼ", "acaeemrtvwyviuoldhtbbddfghknnopsttzznmllc"),
    ("ագհոսցօքզ", "uqhnugopq"),
    ("ⲁⲃⲉⲓⲕⲙⲛⲟⲣⲥⲧⲩⲭ", "abeikmnopctyx"),
    ("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᏔᏃ", "abcdeghijklmprstvwz"),
    ("‐‑‒–—―−⁃﹘", "---------"),
    ("‘’‚‛′ʹʼˈ`´", "''''''''''"),
    ("“”„‟″«»", 7 * '"'),
    ("․‥…", "..."),
    ("∕⁄／", "///"),
)
_INVISIBLE: Final = frozenset({"Cf", "Mn", "Me"})
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")
_UNSEEN: Final = re.compile(
    "[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\u180e\ufeff\U000e0001-\U000e007f\U000e0100-\U000e01ef]+"
)
_TAGS: Final = range(0xE0000, 0xE0080)
_SPELLED_OUT: Final = MappingProxyType({"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_MOST_MATCHED_CHARS: Final = 3


def _alike() -> dict[str, str]:
    found: dict[str, str] = {}
    for letters, looks in _ALIKE:
        found |= dict(zip(letters, looks, strict=True))
    return found


class Folded:
    """`data` is the folded text in UTF-8, as RE2 reads it.  Where its bytes came from is worked out when it is asked:
    most texts are harmless, and nobody asks.
    """

    __slots__ = ("_folder", "_map", "_text", "data")

    def __init__(self, data: bytes, text: str, folder: "Folder | None" = None) -> None:
        """Without a `folder` each byte came from the character at its place."""
        self.data = data
        self._text = text
        self._folder = folder
        self._map: tuple[Sequence[int], Sequence[int]] | None = None

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The characters of the original of which the bytes `begin` to `end` were made."""
        if self._folder is None:
            return begin, max(begin, end)
        if self._map is None:
            self._map = self._folder.places(self._text)
        first = self._origin(begin, *self._map)
        return first, max(first, self._origin(end - 1, *self._map) + 1 if end > begin else first)

    def _origin(self, at: int, steps: Sequence[int], origins: Sequence[int]) -> int:
        """From byte `steps[i]` on (to the next step) characters are those from `origins[i]` on, one for one."""
        step = bisect_right(steps, at) - 1
        following = origins[step + 1] if step + 1 < len(origins) else len(self._text)
        return min(origins[step] + at - steps[step], max(origins[step], following - 1))


@dataclass(frozen=True, slots=True)
class Hidden:
    """Characters of a text that nobody sees: what they spell, where they spell something, and how many there are."""

    spelled: str
    begin: int
    end: int
    invisible_count: int


class Folder:
    """Safe in any thread: its tables are only ever added to, and each entry is always the same."""

    def __init__(self) -> None:
        self._alike = _alike()
        self._latin: dict[str, str] = {}
        self._others: dict[str, str] = {}

    def fold(self, text: str) -> Folded:
        if text.isascii():
            return Folded(text.lower().encode(), text)
        known, alike = self._tables(text)

        def folded(run: re.Match[str]) -> str:
            return "".join([known.get(char) or _known(char, known, alike) for char in run.group()])

        # Of the bytes only ASCII letters become small; the others were made so each by itself.
        return Folded(_FOREIGN.sub(folded, text).encode().lower(), text, self)

    def places(self, text: str) -> tuple[Sequence[int], Sequence[int]]:
        """Where the folded text goes on at another place of the original than one character further, and at which."""
        known, alike = self._tables(text)
        steps, origins = [0], [0]
        size = end = 0
        for match in _FOREIGN.finditer(text):
            at = match.start()
            if at > end:
                steps.append(size)
                origins.append(end)
                size += at - end
            for end, char in enumerate(match.group(), at):
                piece = known.get(char) or _known(char, known, alike)
                if piece:
                    steps.append(size)
                    origins.append(end)
                    size += len(piece.encode())
            end = match.end()
        return [*steps, size], [*origins, end]

    def _tables(self, text: str) -> tuple[dict[str, str], dict[str, str]]:
        return (self._latin, self._alike) if _is_mostly_latin(text) else (self._others, {})


def _known(char: str, known: dict[str, str], alike: dict[str, str]) -> str:
    piece = known.get(char)
    if piece is None:
        piece = known[char] = _folded(char, alike)
    return piece


def _folded(char: str, alike: dict[str, str]) -> str:
    if unicodedata.category(char) in {"Cf", "Cs"}:
        return ""
    if char.isspace():
        return " "
    plain = unicodedata.normalize("NFKD", char.lower())[:_MOST_MATCHED_CHARS]
    kept = "".join(each for each in plain if unicodedata.category(each) not in _INVISIBLE)
    return "".join(_SPELLED_OUT.get(each, alike.get(each, each)) for each in kept.lower())


def _is_mostly_latin(text: str) -> bool:
    """Whether letters of other scripts are strangers in it; else they are only what they are."""
    start = text[:4000]
    if _STRANGE.search(start) is None:
        return True
    ascii_count = sum(char.isascii() and char.isalpha() for char in start)
    others = sum(not char.isascii() and char.isalpha() and ord(char) > _LATIN_END for char in start)
    return ascii_count >= others // 2 or ascii_count + others < _FEW_LETTERS


_LATIN_END: Final = 0x24F
_STRANGE: Final = re.compile(f"[^\\x00-{chr(_LATIN_END)}]")
_FEW_LETTERS: Final = 12


def hidden_in(text: str) -> Hidden | None:
    """What invisible characters there are, and what those of them spell that stand for others (tags, U+E0020 to
    U+E007E, for ASCII; the further variation selectors for bytes); None where there are none.
    """
    found = [] if text.isascii() else _UNSEEN.findall(text)
    if not found:
        return None
    codes = [ord(char) for char in "".join(found)]
    spelled = "".join(
        chr(code - 0xE0000) if code in _TAGS else _byte(code - 0xE0100 + 16) for code in codes if code >= _TAGS.start
    )
    first = text.index(found[0])
    return Hidden(spelled, first, text.rindex(found[-1]) + len(found[-1]), len(codes))


def _byte(value: int) -> str:
    return chr(value) if 32 <= value < 127 else ""


def place(starts: Sequence[int], at: int) -> int:
    """Which of the pieces that begin at `starts` holds the position."""
    return max(0, bisect_right(starts, at) - 1)
