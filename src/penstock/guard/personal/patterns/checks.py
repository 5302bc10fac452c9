"""Checksums and ranges that expressions cannot state: what the catalogue's patterns ask of what they found.

What stands here is not in `stdnum`, or so often asked that its ease of use costs too much (an IBAN: 150 against 2 µs).
"""

import hashlib
import ipaddress
from bisect import bisect_right
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from stdnum import verhoeff

_TO_DIGITS: Final = str.maketrans(
    {str(each): str(each) for each in range(10)} | {chr(ord("A") + each): str(10 + each) for each in range(26)}
)
_NO_DIGITS: Final = bytes(each for each in range(256) if not 48 <= each < 58)
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_WEIGHTS_MRZ: Final = (7, 3, 1)

# https://en.wikipedia.org/wiki/Payment_card_number: first digits, from and to, and how long numbers with them are.
_CARDS: Final = (
    (4000, 4999, frozenset({13, 16, 19})),
    (5100, 5599, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (3400, 3499, frozenset({15})),
    (3700, 3799, frozenset({15})),
    (3000, 3059, frozenset({14, 16, 19})),
    (3095, 3095, frozenset({14, 16, 19})),
    (3600, 3699, frozenset({14, 16, 19})),
    (3800, 3999, frozenset({14, 16, 19})),
    (3528, 3589, frozenset({16, 17, 18, 19})),
    (2131, 2131, frozenset({15})),
    (1800, 1800, frozenset({15})),
    (2200, 2204, frozenset({16, 17, 18, 19})),
    (5000, 5099, frozenset(range(12, 20))),
    (5600, 5899, frozenset(range(12, 20))),
    (6000, 6999, frozenset(range(12, 20))),
)
_FIRSTS: Final = tuple(sorted(low for low, _, _ in _CARDS))
_CARDS_BY_FIRST: Final = tuple(sorted(_CARDS, key=lambda each: each[0]))
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_PLAIN: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_NEVER_GIVEN: Final = frozenset({"078051120", "219099999", "457555462"})


def digits_of(text: str) -> str:
    return ascii_digits(text).decode("ascii")


def ascii_digits(text: str) -> bytes:
    """As `digits_of`, for those that count them; most checks are asked so often that a decoding tells."""
    return text.encode("ascii", "replace").translate(None, _NO_DIGITS)


def is_card(text: str) -> bool:
    """An issuer's first digits at a length that it gives out, and Luhn's check digit."""
    digits = ascii_digits(text)
    first = int(digits[:4])
    place = bisect_right(_FIRSTS, first) - 1
    if place < 0:
        return False
    _, high, lengths = _CARDS_BY_FIRST[place]
    return first <= high and len(digits) in lengths and _has_luhn(digits)


def is_named_card(text: str) -> bool:
    """What stands after the word "card": any issuer's, those that are not in the table too."""
    return _has_luhn(ascii_digits(text))


def has_luhn(digits: str) -> bool:
    """Every second digit from the right doubled, and the digits of that added up (ISO/IEC 7812-1, annex B)."""
    return _has_luhn(digits.encode("ascii"))


def _has_luhn(digits: bytes) -> bool:
    return (sum(digits[-1::-2].translate(_PLAIN)) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def is_us_social_security(text: str) -> bool:
    """No area 000, 666 or 900 and up, no group 00, no serial 0000, none of three that advertisements made void."""
    digits = digits_of(text)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    is_void = area == "000" or area == "666" or area >= "900" or group == "00" or serial == "0000"  # noqa: PLR1714 - half the time
    return not is_void and digits not in _NEVER_GIVEN


def is_iban(text: str) -> bool:
    """The length that its country registered, and the remainder of ISO 7064's mod 97-10."""
    compact = text.replace(" ", "").replace("-", "").upper()
    if len(compact) != _iban_lengths().get(compact[:2]):
        return False
    return int((compact[4:] + compact[:4]).translate(_TO_DIGITS)) % 97 == 1


@cache
def _iban_lengths() -> MappingProxyType[str, int]:
    """From the registry that comes with stdnum: `DE country="Germany" bban="8!n10!n"`."""
    lengths: dict[str, int] = {}
    for line in files("stdnum").joinpath("iban.dat").read_text("utf-8").splitlines():
        if line[:2].isupper() and 'bban="' in line:
            parts = line.split('bban="')[1].split('"')[0].split("!")
            lengths[line[:2]] = 4 + sum(int(digits_of(each)) for each in parts if digits_of(each))
    return MappingProxyType(lengths)


def is_german_id_card(text: str) -> bool:
    """Nine characters of which the last is a check digit or a tenth is; the first is a letter since 2010."""
    return _machine_readable(text[:9], text[9]) if len(text) == 10 else sum(map(str.isdigit, text)) >= 2


def _machine_readable(value: str, check: str) -> bool:
    """ICAO 9303: letters count from 10, `<` as nothing, weights 7, 3 and 1 in turn."""
    total = sum(
        (0 if character == "<" else int(character, 36)) * _WEIGHTS_MRZ[place % 3]
        for place, character in enumerate(value)
    )
    return check.isdigit() and total % 10 == int(check)


def is_machine_readable_line(text: str) -> bool:
    """The second line of a passport (ICAO 9303, TD3): number, birth and expiry with their check digits."""
    return (
        _machine_readable(text[:9], text[9])
        and _machine_readable(text[13:19], text[19])
        and _machine_readable(text[21:27], text[27])
    )


def is_german_pension_number(text: str) -> bool:
    """Two digits of the region, the birthday, a letter, two digits of the series and a check digit."""
    compact = "".join(filter(str.isalnum, text)).upper()
    letter = ord(compact[8]) - 64
    digits = f"{compact[:8]}{letter:02}{compact[9:11]}"
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(map(int, str(int(digit) * weight))) for digit, weight in zip(digits, weights, strict=True))
    return total % 10 == int(compact[11])


def is_german_health_number(text: str) -> bool:
    """The letter counts as two digits; every second digit doubled, sums of digits, remainder of ten."""
    digits = f"{ord(text[0].upper()) - 64:02}{text[1:9]}"
    total = sum(sum(map(int, str(int(digit) * (1 + place % 2)))) for place, digit in enumerate(digits))
    return total % 10 == int(text[9])


def is_polish_id_card(text: str) -> bool:
    compact = "".join(filter(str.isalnum, text)).upper()
    weights = (7, 3, 1, 9, 7, 3, 1, 7, 3)
    return sum(int(each, 36) * weight for each, weight in zip(compact, weights, strict=True)) % 10 == 0


def is_hungarian_tax_id(text: str) -> bool:
    digits = digits_of(text)
    return sum(int(each) * place for place, each in enumerate(digits[:9], 1)) % 11 == int(digits[9])


def is_hungarian_health_number(text: str) -> bool:
    digits = digits_of(text)
    return sum(int(each) * (3, 7)[place % 2] for place, each in enumerate(digits[:8])) % 10 == int(digits[8])


def is_hungarian_personal_number(text: str) -> bool:
    """Weights 1 to 10 for those born up to 1996, 10 down to 1 since."""
    digits = digits_of(text)
    rising = sum(int(each) * place for place, each in enumerate(digits[:10], 1)) % 11
    falling = sum(int(each) * (11 - place) for place, each in enumerate(digits[:10], 1)) % 11
    return int(digits[10]) in {rising, falling}


def is_luxembourgish_number(text: str) -> bool:
    """Birthday, running number, then one check digit by Luhn and one by Verhoeff over the first eleven."""
    digits = digits_of(text)
    return (
        is_day(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        and has_luhn(digits[:12])
        and verhoeff.is_valid(digits[:11] + digits[12])
    )


def is_spanish_social_security(text: str) -> bool:
    digits = digits_of(text)
    return int(digits[:10]) % 97 == int(digits[10:])


def is_portuguese_social_security(text: str) -> bool:
    weights = (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)
    return 9 - sum(int(each) * weight for each, weight in zip(text, weights, strict=False)) % 10 == int(text[10])


def has_digits(text: str) -> bool:
    """Four at least: what follows "licence no." is a number and not the next word."""
    return sum(map(str.isdigit, text)) >= 4


def is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def is_public_ip(text: str) -> bool:
    """An address that may stand for somebody: not this machine itself, not nobody, not a mask."""
    if ":" not in text:
        is_other = text.startswith(("127.", "255.")) or text == "0.0.0.0"  # noqa: S104 - an address in a text
        return not is_other and len(text) <= 15 and _are_octets(text.split("."))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _are_octets(parts: list[str]) -> bool:
    return len(parts) == 4 and all(
        len(each) < 4 and int(each) < 256 and (each[0] != "0" or each == "0") for each in parts
    )


def is_position(text: str) -> bool:
    """Degrees of latitude and longitude within their ranges."""
    latitude, _, longitude = text.partition(",")
    return abs(float(latitude.strip(" °NSns"))) <= 90 and abs(float(longitude.strip(" °EWOewo"))) <= 180


def is_base58_address(text: str) -> bool:
    """Bitcoin's, and those of what was made after it: version, twenty bytes, four of SHA-256 taken twice."""
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    data = number.to_bytes(25, "big") if number.bit_length() <= 200 else b""
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:] and len(data) == 25


def is_bech32_address(text: str) -> bool:
    """BIP 173 and 350: `bc1…`, with either constant."""
    lower = text.lower()
    prefix, _, data = lower.rpartition("1")
    values = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    values += [_BECH32.find(each) for each in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> place & 1 else 0
    return -1 not in values and text in {lower, text.upper()} and check in {1, 0x2BC830A3}
