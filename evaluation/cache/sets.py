"""The development sets, and their questions as the cache reads them."""

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from penstock.cache.semantic.question import Question, Weights, question_of
from penstock.encoder.model import Model

DATA = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
_THREADS = 2


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


def questions(texts: Sequence[str], model: Model, weights: Weights) -> list[Question | None]:
    """In their order; None where a text is no question."""

    def one(text: str) -> Question | None:
        return question_of(text, model.encode(text), weights)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(one, texts))
