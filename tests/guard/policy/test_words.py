"""Terms, names, claims and tone: found as whole words in any form, in texts and in streams, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.errors import ConfigError
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.patterns.window import Found, PatternWindow, Piece
from penstock.guard.policy.claims import claim_patterns
from penstock.guard.policy.harm_words import harm_patterns
from penstock.guard.policy.terms import competitor_patterns, term_patterns
from penstock.guard.policy.tone import tone_patterns

ALL = (*claim_patterns(), *tone_patterns(), *harm_patterns())


def found(patterns: tuple[Pattern, ...], text: str) -> list[str]:
    return [text[each.begin : each.end] for each in PatternSet(patterns).find(text)]


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        ("warranty", "Warranties and a WARRANTY", ["Warranties", "WARRANTY"]),
        ("guarantee", "guaranteed, guaranteeing, guarantees", ["guaranteed", "guaranteeing", "guarantees"]),
        ("kaufen", "Er kaufte, sie kauft", ["kaufte", "kauft"]),
        (
            "price match",
            "a price-match, price  matches, price\nmatch",
            ["price-match", "price  matches", "price\nmatch"],
        ),
        ("Geld", "Gelder, geldgierig, Entgeld", ["Gelder"]),
        ("übel", "das übel, aber Kübel", ["übel"]),
        ("café", "cafés and a café.", ["cafés", "café"]),
        ("ox", "an ox, a box, oxen", ["ox"]),
        ("C++", "I write C++ and C", ["C++"]),
        ("42", "42 is not 420 or 142", ["42"]),
        ("Straße", "Straßen", ["Straßen"]),
        ("a.b", "a.b but not aXb", ["a.b"]),
    ],
)
def test_a_term_is_found_in_its_forms(term: str, text: str, expected: list[str]) -> None:
    assert found(term_patterns("list", [term]), text) == expected


def test_competitors_are_found_by_their_aliases_as_they_are_written() -> None:
    patterns = competitor_patterns({"Target": ["Target Corp."], "Müller & Söhne": ["Mueller"]})
    text = "Target's offer beats MUELLER and Müller & Söhne; our target does not."
    assert found(patterns, text) == ["Target's", "MUELLER", "Müller & Söhne"]
    assert [each.rule for each in PatternSet(patterns).find(text)][:2] == ["policy.competitor.1", "policy.competitor.2"]


@pytest.mark.parametrize("term", ["", "  ", "!!", "x" * 300])
def test_a_term_that_is_none_is_refused(term: str) -> None:
    with pytest.raises(ConfigError):
        term_patterns("list", [term])


def test_a_long_list_suits_a_stream() -> None:
    terms = [
        f"{left}{right}" for left in ("alpha", "bravo", "carbon", "delta") for right in ("man", "wood", "stone") * 9
    ]
    PatternWindow(term_patterns("list", terms))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("policy.claim.guarantee", "We guarantee that it works."),
        ("policy.claim.guarantee", "It comes with a money-back guarantee."),
        ("policy.claim.guarantee", "Wir garantieren Ihnen den Erfolg."),
        ("policy.claim.guarantee", "The method can’t fail."),  # noqa: RUF001 - printed text
        ("policy.claim.medical", "You have diabetes, I am afraid."),
        ("policy.claim.medical", "You should stop taking your insulin."),
        ("policy.claim.medical", "Nehmen Sie dreimal täglich 400 mg."),
        ("policy.claim.legal", "You have a strong case against him."),
        ("policy.claim.legal", "You don't need a lawyer."),
        ("policy.claim.legal", "Sie haben Anspruch auf Schadensersatz."),
        ("policy.claim.financial", "You should buy these shares."),
        ("policy.claim.financial", "Bitcoin will definitely double."),
        ("policy.claim.financial", "Das ist eine risikofreie Geldanlage."),
        ("policy.tone.rude", "Don't be so stupid."),
        ("policy.tone.rude", "Das ist eine dumme Frage."),
        ("policy.tone.familiar", "Hey sweetie, your parcel is on its way."),
        ("policy.tone.familiar", "Hallo Schatz, Ihr Paket ist da."),
        ("policy.harm.self_harm", "Just kill yourself."),
        ("policy.harm.weapons_drugs", "Here is how to make a pipe bomb."),
        ("policy.harm.hate", "Immigrants are parasites."),
    ],
)
def test_what_must_not_be_said_is_found(rule: str, text: str) -> None:
    assert rule in {each.rule for each in PatternSet(ALL).find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "The parcel left our warehouse on Tuesday and should arrive within three working days.",
        "Your book comes in a box made of recycled paper.",
        "A doctor can tell you whether this medicine suits you.",
        "Shares may rise and fall; please ask an adviser.",
        "How do I kill a process that does not respond?",
        "Whether this is legal depends on your country; a lawyer can advise you.",
        "Die Lieferung dauert drei Tage, und die Rücksendung ist kostenlos.",
        "Dear customer, thank you for your patience.",
        "This product has been tested for safety.",
    ],
)
def test_ordinary_answers_are_left_alone(text: str) -> None:
    assert PatternSet(ALL).find(text) == []


WORDS = st.sampled_from(
    [
        "We",
        "guarantee",
        "that",
        "you",
        "should",
        "buy",
        "shares",
        "stupid",
        "idea",
        ".",
        "warranty",
        "Hey",
        "babe",
        "ä",
        "\u2019s",
    ]
)


@given(words=st.lists(WORDS, max_size=15), sizes=st.lists(st.integers(1, 9), max_size=30))
@settings(deadline=None, max_examples=60)
def test_a_stream_in_any_pieces_has_the_findings_of_the_whole(words: list[str], sizes: list[int]) -> None:
    text, window, at = " ".join(words), WINDOW.open(), 0
    pieces: list[Piece] = []
    for size in sizes:
        pieces += window.feed(text[at : at + size])
        at += size
    pieces += [*window.feed(text[at:]), *window.finish()]
    said = [each for each in pieces if isinstance(each, Found)]
    whole = [each for each in WINDOW.whole(text) if isinstance(each, Found)]
    assert said == whole


WINDOW = PatternWindow((*ALL, *term_patterns("list", ["warranty", "ä"])))
