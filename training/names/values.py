"""Draws names to put into texts: persons, places, organisations, peoples.

Most come from the files in `lists`, and some names of people from `given`.  More places come from the package
phonenumbers (Apache-2.0), which names the towns of its prefixes, and makers of devices from the registry in
python-stdnum: these are read where they are installed.
"""

import random
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from training.names.given import given
from training.names.listed import listed

Chance = random.Random

_PARTICLES_DE: Final = ("von ", "von der ", "zu ", "van ")
_PARTICLES: Final = ("de ", "van der ", "al-", "di ", "O'", "Mc", "da ", "Le", "D'")
_SLOT: Final = re.compile(r"\{([SCXTFV])\}")
_LONGEST: Final = 40
_SHARE_GIVEN: Final = 0.3
_ENDINGS: Final = (
    "ify",
    "ly",
    "ious",
    "era",
    "ia",
    "io",
    "int",
    "ix",
    "on",
    "us",
    "ent",
    "ora",
    "ium",
    "sy",
    "ado",
    "eo",
)


@cache
def towns() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """German towns and those of the world, as the package of telephone prefixes names them."""
    from phonenumbers.geodata import GEOCODE_DATA  # noqa: PLC0415 - takes a second, and few runs need it

    german: set[str] = set()
    others: set[str] = set()
    for prefix, names in GEOCODE_DATA.items():
        if prefix.startswith(("49", "43", "41")) and "de" in names:
            german.update(_town(names["de"]))
        elif "en" in names:
            others.update(_town(names["en"]))
    return tuple(sorted(german)), tuple(sorted(others - german))


def _town(name: str) -> Sequence[str]:
    bare = re.split(r",| - [A-Z]{2}$|/|\(", name)[0].strip()
    return [bare] if 3 <= len(bare) <= 28 and bare[0].isupper() and not re.search(r"\d", bare) else []


@cache
def makers() -> tuple[str, ...]:
    """Makers of devices, as IEEE's registry names them."""
    text = files("stdnum").joinpath("oui.dat").read_text(encoding="utf-8")
    found = {each.strip() for each in re.findall(r'o="([^"]+)"', text)}
    return tuple(sorted(each for each in found if 4 <= len(each) <= _LONGEST and each[0].isalpha()))


def first_name(chance: Chance, *, german: bool) -> str:
    own = chance.random() < (0.75 if german else 0.12)
    if chance.random() < _SHARE_GIVEN:
        return chance.choice(given(german=own).first)
    return chance.choice(listed("first_de" if own else "first_other"))


def surname(chance: Chance, *, german: bool) -> str:
    drawn = chance.random()
    if drawn < 0.12:
        return chance.choice(listed("starts")) + chance.choice(listed("ends"))
    own = chance.random() < (0.7 if german else 0.12)
    is_listed = chance.random() >= _SHARE_GIVEN
    name = chance.choice(listed("last_de" if own else "last_other") if is_listed else given(german=own).last)
    if drawn > 0.96:
        return f"{name}-{chance.choice(listed('last_de' if german else 'last_other'))}"
    if drawn > 0.94:
        return chance.choice(_PARTICLES_DE if german else _PARTICLES) + name
    return name


def person(chance: Chance, *, german: bool) -> str:
    first, last = first_name(chance, german=german), surname(chance, german=german)
    drawn = chance.random()
    if drawn < 0.52:
        return f"{first} {last}"
    if drawn < 0.68:
        return last
    if drawn < 0.84:
        return first
    if drawn < 0.88:
        return f"{first[0]}. {last}"
    if drawn < 0.92:
        return f"{first} {chance.choice('ABCDEFGHIJKLMNOPRSTVW')}. {last}"
    if drawn < 0.95:
        return f"{first} {first_name(chance, german=german)} {last}"
    return f"{first}-{first_name(chance, german=german)} {last}" if german else f"{last}, {first}"


def city(chance: Chance, *, german: bool) -> str:
    drawn = chance.random()
    if german and drawn < 0.04:
        return f"{chance.choice(towns()[0])} {chance.choice(listed('lies_de'))}"
    if drawn < 0.5:
        return chance.choice(listed("cities_de" if german else "cities_en"))
    return chance.choice(towns()[0 if german else 1])


def country(chance: Chance, *, german: bool) -> str:
    return chance.choice(listed("countries_de" if german else "countries_en"))


def place(chance: Chance, *, german: bool) -> str:
    drawn = chance.random()
    if drawn < 0.25:
        return country(chance, german=german)
    if drawn < 0.4:
        return chance.choice(listed("regions_de" if german else "regions_en"))
    return city(chance, german=german if chance.random() < 0.85 else not german)


def people(chance: Chance, *, german: bool) -> str:
    return chance.choice(listed("peoples_de" if german else "peoples_en"))


def organisation(chance: Chance, *, german: bool) -> str:
    drawn = chance.random()
    if drawn < 0.30:
        return chance.choice(listed("companies"))
    if drawn < 0.38:
        return chance.choice(listed("abbreviations"))
    if drawn < 0.40:
        return "".join(chance.choice("ABCDEFGHIKLMNOPRSTUVWZ") for _ in range(chance.choice((2, 3, 3, 4, 5))))
    if drawn < 0.50:
        return coined(chance)
    if drawn < 0.57:
        return chance.choice(makers())
    if german and drawn < 0.70:
        return chance.choice(listed("institutions_de"))
    if drawn > (0.95 if german else 0.82):
        return _body(chance, "bodies_ordinary", german=german)
    return _body(chance, "bodies_de" if german else "bodies_en", german=german)


def noun(chance: Chance) -> str:
    """A German noun, or one made of two."""
    first = chance.choice(listed("nouns_de"))
    return first + chance.choice(listed("nouns_de")).lower() if chance.random() < 0.35 else first


def coined(chance: Chance) -> str:
    if chance.random() < 0.3:
        return chance.choice(listed("parts")).capitalize() + chance.choice(_ENDINGS)
    first, second = chance.choice(listed("parts")), chance.choice(listed("parts"))
    return first.capitalize() + (second if chance.random() < 0.5 else second.capitalize())


def _body(chance: Chance, name: str, *, german: bool) -> str:
    def drawn(slot: re.Match[str]) -> str:
        match slot[1]:
            case "S":
                return surname(chance, german=german)
            case "F":
                return first_name(chance, german=german)
            case "C":
                return city(chance, german=german)
            case "T":
                return chance.choice(listed("fields_de"))
            case "V":
                return chance.choice(listed("ordinary"))
            case _:
                return coined(chance)

    return _SLOT.sub(drawn, chance.choice(listed(name)))
