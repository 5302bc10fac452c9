"""Draws street addresses, as people of many countries write them, on one line or several."""

from typing import Final

from training.names.listed import listed
from training.names.values import Chance, city, country, first_name, surname

_KINDS_EN: Final = (
    "Street",
    "St",
    "St.",
    "Road",
    "Rd",
    "Avenue",
    "Ave",
    "Lane",
    "Drive",
    "Dr.",
    "Court",
    "Place",
    "Way",
    "Boulevard",
    "Blvd",
    "Terrace",
    "Square",
    "Close",
    "Crescent",
    "Park",
    "Highway",
    "Parkway",
)
_KINDS_DE: Final = ("straße", "str.", "weg", "platz", "allee", "gasse", "ring", "damm", "ufer")
_KINDS_NORTH: Final = ("gatan", "veien", "katu", "laan", "straat", "vej", " utca", " u.", "stræde", "väg", "tie")
_KINDS_SOUTH: Final = ("Rua", "Via", "Calle", "Rue", "Avenida", "ul.", "Piazza", "rue de", "Carrer de", "Ulica", "Quai")
_UNITS: Final = ("Apt.", "Suite", "Unit", "Apt", "Flat", "Floor", "Room")
_STATES: Final = (
    "AL",
    "AK",
    "AZ",
    "CA",
    "CO",
    "CT",
    "FL",
    "GA",
    "HI",
    "IL",
    "IN",
    "KS",
    "KY",
    "LA",
    "MA",
    "MD",
    "MI",
    "MN",
    "MO",
    "NC",
    "NJ",
    "NV",
    "NY",
    "OH",
    "OR",
    "PA",
    "TN",
    "TX",
    "UT",
    "VA",
    "WA",
)
_GAPS: Final = (", ", ", ", "\n", " ", "\n ")


def street(chance: Chance, *, german: bool) -> str:
    """A street's name without its number."""
    drawn = chance.random()
    if not german:
        known = chance.choice(listed("streets_en"))
        return f"{known if drawn < 0.5 else surname(chance, german=False)} {chance.choice(_KINDS_EN)}"
    if drawn < 0.4:
        return chance.choice(listed("streets_de"))
    if drawn < 0.7:
        return surname(chance, german=True) + chance.choice(_KINDS_DE)
    if drawn < 0.9:
        return f"{city(chance, german=True)}er {chance.choice(_KINDS_DE).capitalize()}"
    return f"{first_name(chance, german=True)}-{surname(chance, german=True)}-Straße"


def address(chance: Chance, *, german: bool) -> str:
    """With its number, and often the town and more."""
    number = str(chance.randrange(1, 300)) + chance.choice(("", "", "", "a", "b"))
    gap = chance.choice(_GAPS)
    if german:
        line = f"{street(chance, german=True)} {number}"
        town = f"{chance.randrange(1000, 99999):05d} {city(chance, german=True)}"
        return chance.choice((line, f"{line}{gap}{town}", f"{line}{gap}{town}", town))
    drawn = chance.random()
    if drawn < 0.2:
        line = f"{surname(chance, german=False)}{chance.choice(_KINDS_NORTH)} {number}"
        town = f"{chance.randrange(1000, 99999)} {city(chance, german=False)}"
        return line if chance.random() < 0.5 else f"{line}{gap}{town}"
    if drawn < 0.28:
        line = f"{chance.choice(_KINDS_SOUTH)} {surname(chance, german=False)}"
        return f"{number} {line}" if chance.random() < 0.5 else f"{line} {number}"
    return _english(chance, number, gap)


def _english(chance: Chance, number: str, gap: str) -> str:
    line = f"{chance.choice((number, str(chance.randrange(1, 99999))))} {street(chance, german=False)}"
    if chance.random() < 0.3:
        line += f"{chance.choice((' ', ', ', gap))}{chance.choice(_UNITS)} {chance.randrange(1, 999)}"
    drawn = chance.random()
    if drawn < 0.4:
        return line
    town = city(chance, german=False)
    if drawn < 0.75:
        return f"{line}{gap}{town}, {chance.choice(_STATES)} {chance.randrange(1000, 99999):05d}"
    return f"{line}{gap}{town}{gap}{country(chance, german=False)} {chance.randrange(1000, 99999)}"
