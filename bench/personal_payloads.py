"""Two thousand different conversations with personal data such as people write, for what guards take.

Numbers have right check digits, so that every check is paid for.  Two conversations in five have no value but a
name; hardly any two questions are the same.
"""

import random
from collections.abc import Callable
from typing import Final

import msgspec

from bench.payloads import SYSTEM, TURNS

COUNT: Final = 2_000
AT_ONCE: Final = 40
_FIRST: Final = ("Anna", "Jan", "Maria", "Tom", "Lena", "Paul", "Sofia", "Emil", "Nora", "David", "Ida", "Felix")
_LAST: Final = ("Müller", "Schmidt", "Weber", "Brown", "Taylor", "Novak", "Rossi", "Silva", "Berg", "Fischer", "Jones")
_HOSTS: Final = ("example.org", "example.com", "mail.example.net", "firma.example.de")
_ABOUT: Final = (
    "a train ticket", "a hotel in Lisbon", "a pair of shoes", "the electricity bill", "a concert", "two books",
    "a taxi from the station", "the gym", "a birthday present", "parking", "a streaming service", "groceries",
)  # fmt: skip
_WHEN: Final = ("last Friday", "this morning", "two days ago", "on Monday", "over the weekend", "yesterday evening")

_QUESTIONS: Final = (
    "My card payment of {amount} for {about} was declined {when}.",
    "I was charged {amount} twice for {about}, how do I get it back?",
    "How long does it take until {amount} for {about} are released?",
    "Can I still cancel the transfer of {amount} that I made {when}?",
    "I lost my card {when} and there are {amount} missing.",
    "Why does the app show a fee of {amount} for {about}?",
    "What do I pay for {amount} in another country?",
    "The {amount} that I sent {when} have not arrived yet.",
    "Where do I find the statement with the {amount} for {about}?",
    "Can I change the limit of my card to {amount}?",
)

Write = Callable[[random.Random], str]


def _name(chance: random.Random) -> str:
    return f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"


def _email(chance: random.Random) -> str:
    first, last = chance.choice(_FIRST).lower(), chance.choice(_LAST).lower().replace("ü", "ue")
    return f"My address is {first}.{last}{chance.randint(1, 99)}@{chance.choice(_HOSTS)}."


def _phone(chance: random.Random) -> str:
    return f"You can reach me on +49 30 {chance.randint(1_000_000, 9_999_999)}."


def _iban(chance: random.Random) -> str:
    account = f"{chance.randrange(10**18):018}"
    check = 98 - int(account + "131400") % 97
    number = f"DE{check:02}{account}"
    return f"The account is {' '.join(number[at : at + 4] for at in range(0, 22, 4))}."


def _card(chance: random.Random) -> str:
    digits = f"4{chance.randrange(10**14):014}"
    total = sum(sum(divmod(int(each) * (2 - at % 2), 10)) for at, each in enumerate(digits))
    number = f"{digits}{-total % 10}"
    return f"It was paid with {' '.join(number[at : at + 4] for at in range(0, 16, 4))}."


def _birth(chance: random.Random) -> str:
    return f"I was born on {chance.randint(1, 28)}.{chance.randint(1, 12):02}.{chance.randint(1945, 2005)}."


def _street(chance: random.Random) -> str:
    return f"I live at {chance.choice(_LAST)}straße {chance.randint(1, 180)}, {chance.randint(10115, 99998)} Berlin."


def _machine(chance: random.Random) -> str:
    return f"The login came from 203.0.{chance.randint(0, 255)}.{chance.randint(1, 254)}."


_VALUES: Final[tuple[Write, ...]] = (_email, _phone, _iban, _card, _birth, _street, _machine)


def conversations(model: str, seed: int) -> list[bytes]:
    """Requests as applications send them: each turn of a conversation comes with all turns before it, and only the last
    has not been sent before.  `AT_ONCE` conversations take turns.  Every seed has texts of its own.
    """
    chance = random.Random(seed)  # noqa: S311 - made-up people
    found: list[bytes] = []
    for first in range(0, COUNT, AT_ONCE):
        group = [_turns(chance) for _ in range(AT_ONCE)]
        for last in range(2, len(TURNS) + 2, 2):
            found += (_request(model, turns[:last], f"customer-{seed}-{first + at}") for at, turns in enumerate(group))
    return found


def first_sights(model: str, seed: int) -> list[bytes]:
    """Only the last requests of conversations of which nobody has seen the others: every question in them is new."""
    chance = random.Random(seed)  # noqa: S311 - made-up people
    numbers = (f"{seed}-{number}" for number in range(COUNT))
    return [_request(model, _turns(chance), f"customer-{each}") for each in numbers]


def _turns(chance: random.Random) -> list[dict[str, str]]:
    """Three questions of a dozen words, as people ask them, with what they tell of themselves; and the answers."""
    values = [write(chance) for write in chance.sample(_VALUES, chance.choice((0, 0, 1, 1, 2)))]
    turns: list[dict[str, str]] = [{"role": "system", "content": SYSTEM}]
    questions = iter(chance.sample(_QUESTIONS, 3))
    told = chance.randrange(3)
    for place, (role, text) in enumerate(TURNS):
        said = text
        if role == "user":
            amount = f"{chance.randint(100, 999_999) / 100:.2f}"
            asked = next(questions).format(about=chance.choice(_ABOUT), when=chance.choice(_WHEN), amount=amount)
            said = f"{_name(chance)} here. {asked}" if place == 0 else asked
            share = values if place == 2 * told else ()
            said = " ".join((said, *share))
        turns.append({"role": role, "content": said})
    return turns


def _request(model: str, turns: list[dict[str, str]], user: str) -> bytes:
    return msgspec.json.encode({"model": model, "messages": turns, "temperature": 0.2, "max_tokens": 256, "user": user})
