"""What is kept of exchanges: sums that add, of what the ledger's rows say."""

import math
from typing import Any

import msgspec
import pytest

from penstock.config.drift import FEATURES as CONFIGURED
from penstock.watch.drift.reading import Row, is_telling, note
from penstock.watch.drift.tally import FEATURES, Sums, Tally, added, measures_of
from penstock.watch.drift.tone import tone_of


def row(**more: Any) -> Row:
    given: dict[str, Any] = {
        "hour": 1, "model": "m", "outcome": "completed", "duration_s": 2.0, "input_tokens": 100, "output_tokens": 40,
        "cost_nanousd": 5000, "attempts": 1, "facts": "[]",
    }  # fmt: skip
    return Row(**given | more)


def noted(*rows: Row) -> dict[str, Sums]:
    tally = Tally()
    for each in rows:
        note(tally, each)
    return tally.sums()


def test_the_configuration_names_the_features_that_there_are() -> None:
    assert tuple(FEATURES) == CONFIGURED


def test_an_exchange_says_what_its_row_and_its_facts_say() -> None:
    facts: list[dict[str, Any]] = [
        {"fact": "claims_traced", "at_s": 1.0, "claims": 4, "supported": 3, "contradicted": 0, "not_found": 1},
        {"fact": "confidence_estimated", "at_s": 1.0, "confidence": 0.7, "action": "none"},
        {"fact": "cache_missed", "at_s": 0.1, "reason": "new", "nearest": 0.6},
        {"fact": "knowledge_searched", "at_s": 0.1, "bases": ["a"], "nearness": 0.5},
        {"fact": "of a newer data plane", "at_s": 0.1, "what": {}},
    ]
    sums = noted(row(facts=msgspec.json.encode(facts).decode()))
    assert {name: each.totals[0] for name, each in sums.items()} == {
        "input_length": math.log(100), "output_length": math.log(40), "cost": math.log(5000), "latency": math.log(2),
        "groundedness": 0.75, "confidence": 0.7, "familiarity": 0.6, "retrieval": 0.5,
        "blocked": 0.0, "held": 0.0, "failed": 0.0, "personal_data": 0.0,
    }  # fmt: skip


def test_tools_count_where_some_were_offered_and_a_provider_answered() -> None:
    def facts(calls: int) -> str:
        return msgspec.json.encode([{"fact": "tools_offered", "at_s": 1.0, "offered": 3, "calls": calls}]).decode()

    sums = noted(row(facts=facts(2)), row(facts=facts(0)), row(), row(facts=facts(1), attempts=0))["tool_use"]
    assert (sums.count, sums.totals) == (2, (1.0,))


def test_a_tone_is_the_length_of_sentences_and_shares_of_signs() -> None:
    tally = Tally()
    for text in ("Sorry! I cannot say.", "Sure. Here it is.", "```\ncode\n```", ""):
        tone = tone_of(text)
        if tone is not None:
            tally.note("tone", *tone)
    sums = tally.sums()["tone"]
    assert sums.count == 2
    assert sums.totals[0] == pytest.approx(math.log((5 + 12) / 2) + math.log((4 + 10) / 2))
    signs = {each.name: sums.piece(each.index).total for each in measures_of("tone") if each.index}
    assert {name: share for name, share in signs.items() if share} == {"exclamations": 1, "apologies": 1}


def test_what_no_provider_answered_says_nothing_of_answers() -> None:
    assert noted(row(outcome="blocked", attempts=0)).keys() & {"cost", "latency", "output_length"} == set()
    failed = noted(row(outcome="upstream_failed", cost_nanousd=None))
    assert failed["failed"].totals == (1.0,)
    assert "latency" not in failed
    assert not is_telling(row(outcome="client_gone"))
    assert not is_telling(row(outcome="rejected"))


def test_sums_add_and_know_their_octaves() -> None:
    lengths = (1, 15, 16, 40, 5_000, 10**9)
    whole = noted(*(row(input_tokens=each) for each in lengths))["input_length"]
    parts = [noted(row(input_tokens=each))["input_length"] for each in lengths]
    together = parts[0]
    for each in parts[1:]:
        together = added(together, each)
    assert together.count == whole.count == 6
    assert together.totals == pytest.approx(whole.totals)
    shares = {
        measure.name: whole.piece(measure.index).total for measure in measures_of("input_length") if measure.index
    }
    assert {name: share for name, share in shares.items() if share} == {
        "below 16": 2, "16 to 31": 1, "32 to 63": 1, "4096 to 8191": 1, "16384 and more": 1,
    }  # fmt: skip


def test_what_is_no_value_is_not_counted() -> None:
    tally = Tally()
    for value in (math.nan, math.inf, -1.0, 0.0):
        tally.note("cost", value)
    assert tally.sums() == {}


def test_an_hour_of_all_features_takes_a_few_hundred_bytes() -> None:
    facts = '[{"fact":"claims_traced","claims":3,"supported":2},{"fact":"confidence_estimated","confidence":0.712}]'
    rows = [row(input_tokens=100 + each, output_tokens=7 * each, facts=facts) for each in range(1, 400)]
    assert len(msgspec.json.encode(noted(*rows))) < 1000
