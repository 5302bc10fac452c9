# ruff: noqa: SIM905 - tables of words read best as lines of words, and sentences in one piece
"""Names, values and sentences with gaps that the twins of the first set are filled from: see `written`."""

import random
from typing import Final

MONTHS: Final = tuple("January February March April June July August September October November December".split())
DAYS: Final = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
CITIES: Final = tuple(
    "Paris London Berlin Madrid Rome Vienna Chicago Boston Denver Seattle Tokyo Sydney Lisbon Oslo".split()
)
PEOPLE: Final = tuple("Alice Bob Carol David Emma Frank Grace Henry Irene Jack Maria Peter".split())
COMPANIES: Final = tuple("Siemens Toyota Nokia Intel Boeing Airbus Samsung Sony Pfizer Nestle Ford Dell".split())
_LANGUAGES: Final = ("English", "French", "German", "Spanish", "Italian", "Polish", "Dutch")
STORES: Final = ("MySQL", "Postgres", "Oracle", "Redis", "Dropbox", "SharePoint", "Jira", "Trello")
_ACCOUNTS: Final = ("checking", "savings", "brokerage", "pension", "business")
_MEASURES: Final = ("miles", "kilometers", "pounds", "kilograms", "dollars", "euros", "inches", "centimeters")
DATED: Final = (
    "What is the weather like in {c} in {m}?", "Are you open on {d} morning?", "When is the deadline in {m}?",
    "Book a flight to {c} on {d}", "Is the {d} delivery still on time?", "Show my spending for {m}",
    "Which public holidays are there in {m}?", "Move the meeting with {p} to {d}",
)  # fmt: skip
DIRECTED: Final = (
    "How do I convert {a} to {b}?", "How long is the flight from {c} to {e}?", "Translate this from {l} to {k}",
    "Move the files from {x} to {y}", "How do I migrate from {x} to {y}?", "Transfer money from {s} to {t}",
    "What is the time difference going from {c} to {e}?", "Send the invoice from {p} to {q}",
)  # fmt: skip
ROLES: Final = (
    "Did {p} pay {q} back?", "Does {p} report to {q}?", "Is {p} taller than {q}?", "Did {f} acquire {g}?",
    "Why did {f} sue {g}?", "Can {p} approve expenses of {q}?", "Is {c} bigger than {e}?", "Who introduced {p} to {q}?",
    "Does {f} supply parts to {g}?", "Has {p} shared the folder with {q}?",
)  # fmt: skip


def drawn(chance: random.Random) -> dict[str, str]:
    """A value for each gap, no two the same where a sentence has two of a kind."""
    c, e = chance.sample(CITIES, 2)
    p, q = chance.sample(PEOPLE, 2)
    f, g = chance.sample(COMPANIES, 2)
    x, y = chance.sample(STORES, 2)
    lang, k = chance.sample(_LANGUAGES, 2)
    s, t = chance.sample(_ACCOUNTS, 2)
    a, b = chance.sample(_MEASURES, 2)
    found = {"c": c, "e": e, "p": p, "q": q, "f": f, "g": g, "x": x, "y": y, "l": lang, "k": k}
    return found | {"s": s, "t": t, "a": a, "b": b, "m": chance.choice(MONTHS), "d": chance.choice(DAYS)}
