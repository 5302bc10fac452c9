"""Puts the texts together, by families: the goal, the disguise and the carrier of a text are its family."""

import base64
import codecs
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from training.injection_texts.carriers import ADVICE, CARRIERS, FAQ, HARMLESS, HEADINGS, QUESTIONS, SENTENCES
from training.injection_texts.disguises import DISGUISES
from training.injection_texts.goals import DIRECT, GOALS, TRANSLATED
from training.injection_texts.harmless import ASKED, PHRASES, WRITTEN_ABOUT
from training.injection_texts.slots import fill

HELD_OUT_DISGUISES: Final = frozenset({"borders", "conditional", "tools"})
HELD_OUT_GOALS: Final = frozenset({"steer", "form"})
"""Families that are only tested, never trained on, in the measurement of new families."""

_LOOKS: Final = str.maketrans("aeopcxis", "аеорсхіѕ")
_LEET: Final = str.maketrans("oieast", "013457")
_TRANSLATED_SHARE: Final = 0.12
_TWO_SHARE: Final = 0.15


@dataclass(frozen=True, slots=True)
class Text:
    """`begin` to `end` is the attack's place in it, None in a harmless one; `goal` and `disguise` its family."""

    text: str
    is_untrusted: bool
    begin: int | None
    end: int | None
    goal: str
    disguise: str
    carrier: str


def attacks(count: int, seed: int, bodies: Sequence[str] = ()) -> list[Text]:
    """`bodies` are real texts that some of the attacks are put into."""
    chance = random.Random(seed)
    return [_attack(chance, bodies) for _ in range(count)]


def _attack(chance: random.Random, bodies: Sequence[str]) -> Text:
    goal = chance.choice(tuple(GOALS))
    disguise = chance.choice(tuple(DISGUISES)) if chance.random() < 0.6 else "plain"
    templates = TRANSLATED.get(goal, GOALS[goal]) if chance.random() < _TRANSLATED_SHARE else GOALS[goal]
    wish = fill(chance.choice(templates), chance)
    if chance.random() < _TWO_SHARE:
        wish = f"{wish} {fill(chance.choice(GOALS[goal]), chance)}"
    if disguise == "letters":
        wish = _rewritten(wish, chance)
    dressed = chance.choice(DISGUISES[disguise]).replace("{{", "{").replace("}}", "}").replace("{x}", wish)
    if goal in DIRECT and chance.random() < 0.5:
        return Text(dressed, False, 0, len(dressed), goal, disguise, "user")
    text, at, carrier = _carried(dressed, chance, bodies)
    return Text(text, True, at, at + len(dressed), goal, disguise, carrier)


def _rewritten(wish: str, chance: random.Random) -> str:
    ways = (
        lambda x: base64.b64encode(x.encode()).decode(),
        lambda x: x.translate(_LOOKS),
        lambda x: x.lower().translate(_LEET),
        lambda x: codecs.encode(x, "rot13"),
        lambda x: x[::-1],
        " ".join,
        "\u200b".join,
        lambda x: x.encode().hex(),
        lambda x: "".join(chr(0xFEE0 + ord(char)) if "!" <= char <= "~" else char for char in x),
        lambda x: "".join(chr(0xE0000 + ord(char)) if " " <= char <= "~" else "" for char in x),
        lambda x: "".join(f"%{ord(char):02x}" for char in x if ord(char) < 256),
    )
    return chance.choice(ways)(wish)


def _carried(inner: str, chance: random.Random, bodies: Sequence[str]) -> tuple[str, int, str]:
    """The text, where the inner one begins in it, and which kind of carrier it is."""
    mark = "\x00"
    if bodies and chance.random() < 0.45:
        body = chance.choice(bodies)
        breaks = [0, len(body), *(at + 1 for at, char in enumerate(body) if char == "\n")]
        at = chance.choice(breaks)
        glue = chance.choice((" ", "\n", "\n\n"))
        text, carrier = f"{body[:at]}{glue}{mark}{glue}{body[at:]}", "real"
    else:
        carrier = chance.choice(tuple(CARRIERS))
        text = _carrier(chance.choice(CARRIERS[carrier]), chance).replace("{x}", mark, 1).replace("{x}", "")
    at = text.index(mark)
    return text.replace(mark, inner), at, carrier


def _carrier(template: str, chance: random.Random) -> str:
    while "{sentence}" in template:
        sentence = chance.choice(SENTENCES) if chance.random() < 0.75 else chance.choice(HARMLESS)
        template = template.replace("{sentence}", sentence, 1)
    while "{heading}" in template:
        template = template.replace("{heading}", chance.choice(HEADINGS), 1)
    template = template.replace("{d}", f"{chance.randint(1, 28):02d}")
    return fill(template, chance).replace("{{", "{").replace("}}", "}")


def harmless(count: int, seed: int) -> list[Text]:
    """Half of them documents and results with nothing wrong, half what users ask."""
    chance = random.Random(seed)
    found: list[Text] = []
    for number in range(count):
        if number % 2:
            template = chance.choice(ASKED).replace("{phrase}", chance.choice(PHRASES))
            found.append(Text(fill(template, chance), False, None, None, "none", "none", "user"))
            continue
        carrier = chance.choice(tuple(CARRIERS))
        template = chance.choice(WRITTEN_ABOUT) if chance.random() < 0.12 else chance.choice(HARMLESS)
        inner = fill(template.replace("{phrase}", chance.choice(PHRASES)), chance)
        if chance.random() < 0.3:
            inner = f"{inner} {fill(chance.choice(HARMLESS), chance)}"
        text = _carrier(chance.choice(CARRIERS[carrier]), chance).replace("{x}", inner)
        found.append(Text(text, True, None, None, "none", "none", carrier))
    return found


def advice(count: int, seed: int) -> list[Text]:
    """Documents that tell people what to do and answer their questions: harmless, and full of both."""
    chance = random.Random(seed)
    found: list[Text] = []
    for _ in range(count):
        template = chance.choice(FAQ)
        for slot, texts in (("{question}", QUESTIONS), ("{advice}", ADVICE)):
            while slot in template:
                template = template.replace(slot, chance.choice(texts), 1)
        found.append(Text(_carrier(template, chance), True, None, None, "none", "none", "faq"))
    return found
