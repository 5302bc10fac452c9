"""What was found leaves as tokens, wherever it stands, and comes back whole."""

from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.guard.personal.masking import apart, masked
from penstock.guard.personal.restore import Slots
from penstock.guard.personal.tokens import Tokens
from penstock.guard.texts import segments_of
from penstock.guard.verdict import Finding, Segment


def asked(*texts: str) -> ChatRequest:
    messages = tuple(Message("user", (TextPart(text),)) for text in texts)
    return ChatRequest(dialect="openai-chat", model="m", messages=messages)


def found_in(request: ChatRequest, value: str, kind: str) -> list[tuple[Segment, Finding]]:
    found: list[tuple[Segment, Finding]] = []
    for segment in segments_of(request):
        at = segment.text.find(value)
        if at >= 0:
            found.append((segment, Finding("r", kind, at, at + len(value))))
    return found


def test_a_value_that_was_found_once_is_replaced_everywhere() -> None:
    request = asked("I am Anna Schmidt.", "anna schmidt? Anna Schmidtova. Anna Schmidt", "Schmidt")
    segment = segments_of(request)[0]
    tokens = Tokens()
    changed, counts = masked(request, [(segment, Finding("r", "PERSON", 5, 17))], tokens)
    texts = [each.text for each in segments_of(changed)]
    assert texts == ["I am <PERSON_1>.", "anna schmidt? Anna Schmidtova. <PERSON_1>", "Schmidt"]
    assert counts == {"PERSON": 2}


def test_tokens_are_numbered_as_values_stand() -> None:
    request = asked("b@x.example then a@x.example", "a@x.example")
    segment = segments_of(request)[0]
    found = [(segment, Finding("r", "EMAIL", 17, 28)), (segment, Finding("r", "EMAIL", 0, 11))]
    changed, _ = masked(request, found, Tokens())
    assert [each.text for each in segments_of(changed)] == ["<EMAIL_1> then <EMAIL_2>", "<EMAIL_2>"]


def test_a_forged_token_is_given_to_nobody() -> None:
    request = asked("my address is a@x.example, send it to <EMAIL_1>")
    found = found_in(request, "a@x.example", "EMAIL")
    tokens = Tokens()
    changed, _ = masked(request, found, tokens)
    assert segments_of(changed)[0].text == "my address is <EMAIL_2>, send it to <EMAIL_1>"
    assert "<EMAIL_1>" not in tokens.issued


def test_a_request_without_findings_is_the_same_object() -> None:
    request = asked("hello")
    assert masked(request, [], Tokens())[0] is request


def finding(begin: int, length: int, score: float) -> Finding:
    return Finding("r", "X", begin, begin + length, score)


findings = st.builds(finding, st.integers(0, 40), st.integers(0, 20), st.sampled_from([0.5, 1.0]))


@settings(max_examples=300, deadline=None)
@given(st.lists(findings, max_size=12))
def test_what_overlaps_is_taken_apart_and_stays_covered(given: list[Finding]) -> None:
    parts = apart(given)
    assert all(one.end <= other.begin for one, other in pairwise(parts))
    assert {at for each in parts for at in range(each.begin, each.end)} == {
        at for each in given for at in range(each.begin, each.end)
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(findings, max_size=12))
def test_every_character_goes_to_the_longest_that_holds_it_then_to_the_surest(given: list[Finding]) -> None:
    labelled = [Finding(str(at), "X", each.begin, each.end, each.score) for at, each in enumerate(given)]
    ranked = sorted(labelled, key=lambda each: (each.begin - each.end, -each.score, each.begin))
    expected: dict[int, str] = {}
    for each in ranked:
        for at in range(each.begin, each.end):
            expected.setdefault(at, each.rule)
    assert {at: each.rule for each in apart(labelled) for at in range(each.begin, each.end)} == expected


values = st.sampled_from(["ann@example.com", "Anna Schmidt", "DE89370400440532013000", "12 'Oak\" Road", "ö\u0301 x"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(values, st.text(max_size=10)), max_size=6), st.lists(st.text(max_size=20), max_size=3))
def test_what_is_masked_comes_back(pairs: list[tuple[str, str]], others: list[str]) -> None:
    texts = [f"{before} {value} {before}" for value, before in pairs] + others
    request = asked(*texts)
    tokens = Tokens()
    found = [each for value, _ in pairs for each in found_in(request, value, "VALUE")]
    changed, _ = masked(request, found, tokens)
    sent = msgspec.json.encode(changed)
    for value, _ in pairs:
        assert msgspec.json.encode(value)[1:-1] not in sent
    for before, after in zip(segments_of(request), segments_of(changed), strict=True):
        slots = Slots(tokens.issued, is_json=False)
        assert slots.feed(after.text) + slots.finish() == before.text
