"""What answers that were looked at say for drift: each once, by its hour, and beside what the ledger says."""

from typing import Any

import msgspec
import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from tests.watch.contents.test_kept import DAY_S, NOW, OPENING, Fixed, exchange, made, taken
from tests.watch.quality.test_looking import ledger, settled

from penstock.app.quality.words import words_of
from penstock.config import read
from penstock.config.quality import QualityPolicy
from penstock.core.chat import ResponseFormat
from penstock.watch.contents import store as contents
from penstock.watch.drift import store
from penstock.watch.drift.looked import Traits
from penstock.watch.drift.tally import FEATURES, Sums
from penstock.watch.drift.topics import Topics
from penstock.watch.quality import store as quality
from penstock.watch.quality.checks import Checks
from penstock.watch.quality.looking import Looking

POLICY = QualityPolicy(sample=1.0, checks=("empty", "refusal"), judged=0.0)
HOUR = int(NOW) // 3600
SORRY = "I'm sorry, but I can't help with that."
WORDS = ("card", "money", "train", "code")


class Clock(Fixed):
    """`later_s` after the moment that it is in the tests of contents."""

    def __init__(self, later_s: float = 0.0) -> None:
        self.later_s = later_s

    def now(self) -> float:  # type: ignore[override] # the real one is a function of `time`
        return NOW + self.later_s

    def monotonic(self) -> float:  # type: ignore[override] # as above
        return self.later_s


class Words:
    """Reads a text by a few words; counts what it was given."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, text: str) -> NDArray[np.float32] | None:
        self.read += 1
        vector = np.array([float(word in text) for word in WORDS], np.float32)
        return vector / max(1.0, float(np.linalg.norm(vector)))


def looking(
    topics: Topics | None = None, clock: Clock | None = None, features: tuple[str, ...] = tuple(FEATURES)
) -> Looking:
    traits = Traits(features, None if topics is None else topics.nearness)
    return Looking(OPENING.sealed, Checks(words_of(read(None, {}))), lambda _: POLICY, clock or Clock(), traits)


def came(url: str, *pairs: tuple[str, str], first: int = 0, at: float = NOW, json: bool = False) -> None:
    """Questions and their answers, in the ledger and as contents that wait to be looked at."""
    ledger(url, *(settled(first + number, at=at) for number in range(len(pairs))))
    found = [taken(first + number, asked, said, at=at) for number, (asked, said) in enumerate(pairs)]
    for each in found if json else ():
        assert each.request is not None
        request = msgspec.structs.replace(each.request, response_format=ResponseFormat("json_object"))
        found = [msgspec.structs.replace(each, request=request)]
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        contents.write(connection, [made(each) for each in found], now=at)
        quality.queue(connection, [exchange(first + number, at) for number in range(len(pairs))], now=at)


def look(url: str, looking: Looking) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        return looking.look(connection)


def kept(url: str) -> dict[tuple[int, str], tuple[int, tuple[float, ...]]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT hour, feature, count, totals FROM drift_looked").fetchall()
    return {(hour - HOUR, feature): (count, tuple(totals)) for hour, feature, count, totals in rows}


def test_each_answer_counts_once_in_its_hour(database_url: str) -> None:
    came(database_url, ("why?", SORRY), ("why?", "Because it is so."))
    came(database_url, ("why?", "Because!"), first=5, at=NOW + 3600)
    look(database_url, looking())
    once = kept(database_url)
    assert once[0, "refusal"] == (2, (1.0,))
    assert once[1, "refusal"] == (1, (0.0,))
    count, (sentences, *signs) = once[0, "tone"]
    assert (count, signs) == (2, [0, 0, 1, 0, 0, 0])
    assert sentences == pytest.approx(np.log(len(SORRY) - 1) + np.log(len("Because it is so")))
    assert once[1, "tone"][1][1:] == (1, 0, 0, 0, 0, 0)
    came(database_url, ("why?", SORRY), ("why?", "Because it is so."))  # the outbox has brought them again
    look(database_url, looking())
    with psycopg.connect(database_url, autocommit=True) as connection:  # and one that was looked at waits again
        connection.execute("INSERT INTO quality_queue (exchange, at) VALUES (%s, %s)", (exchange(0), NOW))
    look(database_url, looking())
    assert kept(database_url) == once
    came(database_url, ("why?", SORRY), first=9)
    look(database_url, looking())
    assert kept(database_url)[0, "refusal"] == (3, (2.0,))


def test_only_what_is_watched_is_kept_and_json_has_no_tone(database_url: str) -> None:
    came(database_url, ("why?", "Because."))
    look(database_url, looking(features=("refusal", "cost")))
    assert set(kept(database_url)) == {(0, "refusal")}
    came(database_url, ("why?", '{"a": "sorry!"}'), first=5, json=True)
    look(database_url, looking(features=("tone",)))
    assert set(kept(database_url)) == {(0, "refusal")}


def test_they_stand_beside_what_the_ledger_says_of_the_hour(database_url: str) -> None:
    came(database_url, ("why?", SORRY), ("why?", "Because."))
    look(database_url, looking())
    with psycopg.connect(database_url, autocommit=True) as connection:
        store.sum_up(connection, HOUR, now=NOW)
        features = store.read_hours(connection, "help", HOUR, HOUR + 1)
        assert features["refusal"][HOUR] == Sums(2, (1.0,), 1.0)
        assert features["tone"][HOUR].count == features["input_length"][HOUR].count == 2
        store.forget(connection, HOUR + 1)
    assert kept(database_url) == {}


def asked(about: str, count: int, first: int, at: float = NOW) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    return [(f"where is my {about}?", "There.")] * count, {"first": first, "at": at}


def test_questions_are_held_against_earlier_ones_and_not_against_themselves(database_url: str) -> None:
    words = Words()
    watching = looking(Topics(OPENING.sealed, words, Clock(), known=10))

    def nearness() -> tuple[int, float] | None:
        found = kept(database_url).get((0, "topics"))
        return None if found is None else (found[0], round(found[1][0], 6))

    pairs, more = asked("card", 9, 0)
    came(database_url, *pairs, **more)
    look(database_url, watching)
    assert nearness() is None, "too few are known"
    assert words.read == 0, "nothing is read for nothing"
    watching = looking(Topics(OPENING.sealed, words, Clock(), known=10))
    pairs, more = asked("card", 3, 20)
    came(database_url, *pairs, ("   ", "What?"), **more)
    look(database_url, watching)
    assert nearness() == (2, 2.0), "of twelve, ten are known by now, and two are held against them"
    pairs, more = asked("train", 4, 40)
    came(database_url, *pairs, **more)
    look(database_url, watching)
    assert nearness() == (6, 2.0), "nothing near was asked before"
    other = looking(Topics(OPENING.sealed, words, Clock(), known=10))  # another control plane
    pairs, more = asked("card", 1, 60)
    came(database_url, *pairs, **more)
    look(database_url, other)
    assert nearness() == (7, 3.0)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM drift_known").fetchone() == (10,)


def test_a_question_that_is_gone_is_replaced_by_one_that_is_not_new(database_url: str) -> None:
    def known() -> set[str]:
        with psycopg.connect(database_url) as connection:
            return {row[0] for row in connection.execute("SELECT exchange FROM drift_known").fetchall()}

    words, old = Words(), NOW - 8 * DAY_S
    topics = Topics(OPENING.sealed, words, Clock(-8 * DAY_S), known=4)
    pairs, more = asked("card", 6, 100, old)
    came(database_url, *pairs, **more)
    look(database_url, looking(topics, Clock(-8 * DAY_S)))
    first = known()
    assert len(first) == 4
    pairs, more = asked("train", 5, 20)
    came(database_url, *pairs, **more)
    gone = sorted(first)[:2]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM contents WHERE id = %s", (gone[0],))  # erased
        connection.execute("UPDATE contents SET expires_at = %s WHERE id = %s", (NOW - 1, gone[1]))
    look(database_url, looking(Topics(OPENING.sealed, words, Clock(), known=4)))
    assert known() == (first - set(gone)) | ({exchange(number, old) for number in range(100, 106)} - first)
    assert kept(database_url)[0, "topics"] == (5, (0.0,)), "none of the trains is known yet"


def test_what_cannot_be_read_holds_up_nothing(database_url: str) -> None:
    def blind(text: str) -> None:
        del text

    pairs, more = asked("card", 5, 0)
    came(database_url, *pairs, **more)
    assert look(database_url, looking(Topics(OPENING.sealed, blind, Clock(), known=4))) == 5
    assert (0, "topics") not in kept(database_url)
    assert kept(database_url)[0, "refusal"] == (5, (0.0,))
