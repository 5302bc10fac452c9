"""The whole catalogue over streams: what it finds in a text, it finds in every stream of it."""

import random

import pytest
from tests.guard.patterns.streams import cut, findings_of, plain_places, streamed, text_of
from tests.guard.personal.patterns.test_catalogue import EXAMPLES, marked, written_out

from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.patterns.window import PatternWindow
from penstock.guard.personal.patterns.catalogue import catalogue

SET = PatternSet(catalogue())
WINDOW = PatternWindow(catalogue())


@pytest.mark.parametrize("rule", EXAMPLES)
def test_examples_are_found_in_streams_as_in_whole_texts(rule: str) -> None:
    chance = random.Random(rule)  # noqa: S311 - where a text is cut
    for text in (*EXAMPLES[rule]["found"], *EXAMPLES[rule]["near"]):
        spoken, _ = marked(written_out(text))
        found = sorted(SET.find(spoken), key=lambda each: (each.begin, -each.end, each.rule))
        places = chance.choices(range(len(spoken) + 1), k=len(spoken) // 4)
        for pieces in (list(spoken), cut(spoken, places)):
            out = streamed(WINDOW, pieces)
            assert text_of(out) == spoken
            assert findings_of(out) == found, spoken
            assert not {at for each in found for at in range(each.begin, each.end)} & plain_places(out), spoken
