"""The development sets, and their questions as the cache reads them."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from evaluation.cache.memo import Memo
from penstock.cache.semantic.question import Question, question_of

DATA = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
_LEAST_WORDS, _MOST_WORDS = 5, 40
SHORT_CHARS = 120


class _Asked(msgspec.Struct):
    user_query: str


class _Query(msgspec.Struct):
    query: str


class _Turn(msgspec.Struct):
    content: str


class _Meeting(msgspec.Struct):
    specific_query_list: list[_Query]
    meeting_transcripts: list[_Turn]


class Pair(msgspec.Struct):
    """A question and a paraphrase of it."""

    origin: str
    similar: str


def pairs() -> list[Pair]:
    """GPTCache's."""
    return msgspec.json.decode((DATA / "cache" / "gptcache_mock_pairs.json").read_bytes(), type=list[Pair])


def banking() -> list[tuple[str, str]]:
    """BANKING77's questions with their intents, both parts."""
    found: list[tuple[str, str]] = []
    for part in ("train", "test"):
        with (DATA / "cache" / f"banking77_{part}.csv").open(encoding="utf-8") as file:
            found += [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return found


def clinc() -> list[tuple[str, str]]:
    """CLINC150's questions in scope with their intents."""
    parts = msgspec.json.decode(
        (DATA / "scope" / "clinc150_train_val.json").read_bytes(), type=dict[str, list[list[str]]]
    )
    return [(text, intent) for name in ("train", "val") for text, intent in parts[name]]


def stems() -> list[str]:
    """MMLU's questions: open-domain, each of its own."""
    lines = (DATA / "routing" / "routellm_mmlu.jsonl").read_bytes().splitlines()
    return [str(msgspec.json.decode(line)["prompt"]) for line in lines]


def out_of_scope() -> list[str]:
    """CLINC150's questions that belong to none of its intents: each asks something else."""
    parts = msgspec.json.decode(
        (DATA / "scope" / "clinc150_train_val.json").read_bytes(), type=dict[str, list[list[str]]]
    )
    return [text for name in ("oos_train", "oos_val") for text, _ in parts[name]]


def open_questions() -> list[str]:
    """HaluEval's: what people asked a chat model, each of its own."""
    lines = (DATA / "grounded" / "halueval_general.jsonl").read_bytes().splitlines()
    return list(dict.fromkeys(msgspec.json.decode(line, type=_Asked).user_query for line in lines))


def strangers() -> list[str]:
    """Texts that the check was not written on: of CLINC150, GPTCache, QMSum and MMLU, short ones."""
    found = [text for text, _ in clinc()]
    found += [pair.origin for pair in pairs()]
    for line in (DATA / "memory" / "qmsum_val.jsonl").read_bytes().splitlines():
        meeting = msgspec.json.decode(line, type=_Meeting)
        found += [query.query for query in meeting.specific_query_list]
        found += [turn.content for turn in meeting.meeting_transcripts]
    found += [stem.partition("\nA. ")[0] for stem in stems()]
    return [text for text in dict.fromkeys(found) if _LEAST_WORDS <= len(text.split()) <= _MOST_WORDS]


def questions(texts: Sequence[str], memo: Memo) -> list[Question | None]:
    """In their order; None where a text is no question."""
    return [question_of(text, encoded, memo.projected) for text, encoded in zip(texts, memo.encode(texts), strict=True)]
