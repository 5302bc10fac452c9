"""The lists of names and the frames for them, written down for this from general knowledge: one file a list, UTF-8.

Entries of one word are divided by blanks, those of several by semicolons, and frames by lines.  In a frame `{P}` is a
person, `{F}` a first name, `{S}` a surname, `{L}` a place, `{O}` an organisation, `{A}` an address, `{N}` of a people,
`{D}` a date, `{#}` a number, `{M}` a mail address and `{T}` a telephone number.  No names are `{R}`, what somebody is
(`Trainerin`), `{K}`, what a place is (`Kanton`), `{W}`, a German noun, `{Y}`, a word of computers, and `{H}`, a title.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "lists"


@cache
def listed(name: str) -> tuple[str, ...]:
    """The entries of the file `name`, each once, in their order."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    parts = re.split(r"[;\n]", text) if ";" in text else text.split()
    return tuple(dict.fromkeys(each.strip() for each in parts if each.strip()))


@cache
def frames(*, german: bool) -> tuple[str, ...]:
    lines = (FOLDER / f"frames_{'de' if german else 'en'}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.replace("\\n", "\n").replace("\\t", "\t") for line in lines if line)
