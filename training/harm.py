"""Train the harm head: `python -m training.harm` writes src/penstock/guard/policy/harm.npz.

Harmful are the sentences of `harm_texts`, made for it.  Harmless are its other sentences; every second one of MITRE's
harmless security questions (PurpleLlama, MIT); questions and answers of HaluEval (RUCAIBox/HaluEval, MIT), CLINC150
(CC BY 3.0) and RouteLLM's MMLU set (Apache-2.0).  One softmax regression on the sentence's vector; the edge is set on
harmless questions that it was not trained on.  `evaluation.scope` reports on held-out families and on other sets.
"""

import argparse
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.encoder.files import default_folder
from penstock.encoder.model import Model
from penstock.encoder.weights import WEIGHTS_SHA256
from training.harm_texts import ANSWERING, ASKING, CATEGORIES, GOALS, HARMLESS, HARMLESS_ABOUT, about, harmful

FOLDER = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[2] / "shared" / "data"))
HEAD = Path(__file__).parents[1] / "src" / "penstock" / "guard" / "policy" / "harm.npz"

PENALTY: Final = 1e-3
FALSE_ALARMS: Final = 0.005
MOST_CHARS: Final = 2_000
_ROUNDS: Final = 150
_STEP: Final = 8.0
_A_SET: Final = 750
_WEIGHT_OF_HARM: Final = 3_000.0
_WEIGHT_OF_ABOUT: Final = 1_000.0
_MOST_WEIGHT_OF_A_SET: Final = 500.0

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weighed:
    """Texts of one kind with the weight that they have together; None is harmless."""

    texts: Sequence[str]
    labels: Sequence[str | None]
    weight: float


def sets() -> dict[str, list[str]]:
    """The harmless texts of others, by the name of their set.  Raises `FileNotFoundError`."""
    security = msgspec.json.decode((FOLDER / "injection" / "benign_mitre_frr.json").read_bytes())
    answers = [msgspec.json.decode(line) for line in _lines(FOLDER / "grounded" / "halueval_general.jsonl")]
    exams = [msgspec.json.decode(line) for line in _lines(FOLDER / "routing" / "routellm_mmlu.jsonl")]
    clinc = msgspec.json.decode((FOLDER / "scope" / "clinc150_train_val.json").read_bytes())
    arena = [msgspec.json.decode(line) for line in _lines(FOLDER / "injection" / "benign_arena_hard_v01.jsonl")]
    return {
        "security": [each["mutated_prompt"] for each in security],
        "questions": [each["user_query"] for each in answers],
        "answers": [each["chatgpt_response"] for each in answers],
        "exams": [each["prompt"].split("\n")[0] for each in exams[::7]],
        "chat": [text for text, _ in clinc["val"][::2]],
        "prompts": [each["prompt"] for each in arena],
    }


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def trained_on(others: dict[str, list[str]]) -> list[Weighed]:
    """All that is harmless in training, but for what is made of goals."""
    parts = [others["security"][::2], *(others[each][:_A_SET] for each in ("questions", "answers", "exams", "chat"))]
    weighed = [Weighed(part, [None] * len(part), min(len(part), _MOST_WEIGHT_OF_A_SET)) for part in parts]
    return [*weighed, Weighed(HARMLESS, [None] * len(HARMLESS), len(HARMLESS))]


def made(goals: Sequence[int], frames: Sequence[str], harmless_frames: Sequence[str]) -> list[Weighed]:
    """The sentences of `harm_texts` of these families."""
    bad, good = list(harmful(goals, frames)), list(about(goals, harmless_frames))
    return [
        Weighed([each.text for each in part], [each.category for each in part], weight)
        for part, weight in ((bad, _WEIGHT_OF_HARM), (good, _WEIGHT_OF_ABOUT))
    ]


class Reader:
    """Sentence vectors, each made once, and kept in a file between runs."""

    def __init__(self, model: Path, kept: Path) -> None:
        self._model = Model(model / "model.onnx", model / "tokenizer.json")
        self._file = kept / f"harm-{self._model.identity[:16]}.npz"
        self._known: dict[bytes, Array] = {}
        if self._file.exists():
            with np.load(self._file, allow_pickle=False) as data:
                keys = [each.tobytes() for each in data["keys"]]
                self._known = dict(zip(keys, data["vectors"].astype(np.float32), strict=True))

    def vectors(self, texts: Sequence[str]) -> Array:
        cut = {_key(text): text[:MOST_CHARS] for text in texts}
        missing = [key for key in cut if key not in self._known]
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(self._model.encode, [cut[key] for key in missing]))
        self._known |= {key: each.sentence for key, each in zip(missing, found, strict=True)}
        if missing:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            keys = np.frombuffer(b"".join(self._known), np.uint8).reshape(len(self._known), -1)
            np.savez(self._file, keys=keys, vectors=np.array(list(self._known.values()), np.float16))
        return np.array([self._known[_key(text)] for text in texts], np.float32)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text[:MOST_CHARS].encode("utf-8", "surrogatepass"), digest_size=16).digest()


def fit(parts: Sequence[Weighed], reader: Reader) -> tuple[Array, Array]:
    """Weights and bias of the softmax regression, by Nesterov's accelerated gradient."""
    rows = np.concatenate([reader.vectors(each.texts) for each in parts])
    rows = np.hstack([rows, np.ones((len(rows), 1), np.float32)])
    labels = np.array([_number(label) for each in parts for label in each.labels])
    weight = np.concatenate([np.full(len(each.texts), each.weight / len(each.texts)) for each in parts])
    weight /= weight.sum()
    right = np.eye(len(CATEGORIES) + 1)[labels]
    now = ahead = np.zeros((rows.shape[1], len(CATEGORIES) + 1))
    for turn in range(_ROUNDS):
        logits = rows @ ahead
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        slope = rows.T @ ((chances - right) * weight[:, None])
        slope[:-1] += PENALTY * ahead[:-1]
        then = ahead - _STEP * slope
        ahead = then + turn / (turn + 3) * (then - now)
        now = then
    return now[:-1].astype(np.float32), now[-1].astype(np.float32)


def leads(weights: Array, bias: Array, rows: Array) -> NDArray[np.float64]:
    """How far the likeliest kind lies before the harmless."""
    logits = rows @ weights + bias
    return (logits[:, :-1].max(axis=1) - logits[:, -1]).astype(float)


def edge_of(weights: Array, bias: Array, others: dict[str, list[str]], reader: Reader) -> float:
    """The lead that `FALSE_ALARMS` of the harmless questions have; none of them was trained on."""
    apart = [text for name in ("questions", "exams", "chat") for text in others[name][_A_SET : 2 * _A_SET]]
    return float(np.quantile(leads(weights, bias, reader.vectors(apart)), 1.0 - FALSE_ALARMS))


def _number(label: str | None) -> int:
    return len(CATEGORIES) if label is None else CATEGORIES.index(label)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m training.harm")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--vectors", type=Path, default=Path(".penstock/vectors"), help="folder, kept between runs")
    chosen = parser.parse_args()
    reader, others = Reader(chosen.model, chosen.vectors), sets()
    goals = range(max(map(len, GOALS.values())))
    parts = [*made(goals, ASKING + ANSWERING, HARMLESS_ABOUT), *trained_on(others)]
    weights, bias = fit(parts, reader)
    with HEAD.open("wb") as file:
        np.savez_compressed(
            file,
            encoder_sha256=np.array(WEIGHTS_SHA256),
            weights=weights,
            bias=bias,
            edge=np.array(edge_of(weights, bias, others, reader)),
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
