# ruff: noqa: SIM905, E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins with another plain noun once more, of other nouns and in other sentences than `nouns` has."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.twin import EIGHTH, Twin, mined, said, swapped

_ANIMALS: Final = (
    "goat falcon hedgehog salmon squirrel tortoise octopus beetle horse parrot".split(),
    "how long does a {} live in captivity", "What should I feed an injured {}?", "Does the {} sleep through the winter?",
    "are there laws against keeping a {} at home", "In which countries is the {} a symbol of luck?",
)  # fmt: skip
_FOODS: Final = (
    "lentils spinach cheese oysters walnuts pumpkin honey rice mustard cherries".split(),
    "can I freeze {} after cooking", "How much protein do {} have?", "I am looking for a soup with {} for six guests",
    "Is it safe to give {} to a baby?", "what wine goes well with {}",
)  # fmt: skip
_CLOTHES: Final = (
    "jacket scarf boots gloves backpack watch necklace helmet umbrella belt".split(),
    "I want to swap my {} for another size", "the zip of the {} broke on the first day, what now", "Do you ship {} to Iceland?",
    "Please cancel the {} from my order but keep the rest", "Was the {} in my basket already discounted?",
)  # fmt: skip
_PAPERS: Final = (
    "passport visa lease diploma will patent permit prescription subpoena deed".split(),
    "Who has to sign the {} besides me?", "I lost my {} abroad, whom do I call", "Until when is a {} valid?",
    "Can somebody else collect the {} for me?", "what does it take to have a {} translated officially",
)  # fmt: skip
_PROGRAMS: Final = (
    "scheduler parser cache buffer validator logger router compiler sandbox tokenizer".split(),
    "Can the {} be replaced by one of my own?", "since which version does the {} run in parallel", "Give me an example that configures the {} in YAML",
    "The {} fails silently, how can I debug that?", "Does every worker get a {} of its own?",
)  # fmt: skip
_PLACES: Final = (
    "library gym museum bakery station cemetery cinema pool market chapel".split(),
    "until when is the {} open today", "Are dogs allowed in the {}?", "Could you give me directions to the {} from here?",
    "is there wheelchair access at the {}", "Who paid for rebuilding the {} after the flood?",
)  # fmt: skip
_ASKED: Final = "size owner price origin temperature smell purpose weight".split()
_TWO: Final = (
    "tell me about the {} of the {}", "Did the {} of the {} change since the war?", "is there a record of the {} of each {}",
    "Which book mentions the {} of the {}?",
)  # fmt: skip
_KINDS: Final = (
    "wooden electric medieval inflatable frozen ceramic portable antique striped solar".split(),
    "Where do I buy a {} boat?", "how do you clean the {} door", "What is a fair price for a {} clock?", "Who invented the {} oven?",
)  # fmt: skip
_DEEDS: Final = (
    "paint weigh bury photograph insure repair steal rent polish auction".split(),
    "How do I {} a piano?", "is it legal to {} a boat on Sundays", "Who can {} the statue for us?", "When did they {} the old clock?",
)  # fmt: skip
_EACH: Final = 12
_NOUN: Final = re.compile(r"(?:(?<=\bthe )|(?<=\ba )|(?<=\bof )|(?<=\bin ))[a-z]{4,}(?=[?.]?$|,)")


def animals(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Open questions."""
    del questions
    yield from swapped("animals", _ANIMALS[1:], _ANIMALS[0], _EACH, chance, EIGHTH)


def foods(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """With no article before them."""
    del questions
    yield from swapped("foods", _FOODS[1:], _FOODS[0], _EACH, chance, EIGHTH)


def clothes(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Questions to a shop."""
    del questions
    yield from swapped("clothes", _CLOTHES[1:], _CLOTHES[0], _EACH, chance, EIGHTH)


def papers(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Questions to an office."""
    del questions
    yield from swapped("papers", _PAPERS[1:], _PAPERS[0], _EACH, chance, EIGHTH)


def programs(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Questions to a documentation."""
    del questions
    yield from swapped("programs", _PROGRAMS[1:], _PROGRAMS[0], _EACH, chance, EIGHTH)


def places(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What there is in a town."""
    del questions
    yield from swapped("places", _PLACES[1:], _PLACES[0], _EACH, chance, EIGHTH)


def two_others(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another thing, and another that is asked of it."""
    del questions
    for text in _TWO:
        for _ in range(_EACH):
            (one, other), (a, b) = chance.sample(_ASKED, 2), chance.sample(_ANIMALS[0] + _PLACES[0], 2)
            yield said("two others", text.format(one, a), text.format(other, b), chance, phrases=EIGHTH)


def qualities(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another adjective, that is no opposite."""
    del questions
    yield from swapped("qualities", _KINDS[1:], _KINDS[0], _EACH, chance, EIGHTH)


def deeds(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another verb, that is no opposite."""
    del questions
    yield from swapped("deeds", _DEEDS[1:], _DEEDS[0], _EACH, chance, EIGHTH)


def mined_again(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """In real texts, the last word by another text's last."""
    yield from mined("mined again", _NOUN, questions, chance)
