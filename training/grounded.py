"""Train the judge of grounded claims: `python -m training.grounded` writes src/penstock/guard/grounded/grounded.npz.

`general` is fitted on BEGIN, SciFact and mtRAG (`grounded_sets`), `copied` on made answers over the handbook's pages
that are not for tests: of the kinds that are fitted (`grounded_made`) and of those that only teach
(`grounded_exchanged`).  The edges are set on these: each holds back as many of their right answers as `HELD` says.
`evaluation.grounded` leaves each set out in turn, and reports on the other pages and the other kinds.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.sources import Passage
from penstock.encoder.files import MODEL, TOKENIZER, default_folder
from penstock.encoder.model import Encoded, Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.grounded.claims import split
from penstock.guard.grounded.differ import state
from penstock.guard.grounded.evidence import between, gather
from penstock.guard.grounded.exchanged import EXCHANGES
from penstock.guard.grounded.judge import Judge, is_copy
from penstock.guard.grounded.measure import FEATURES, measure
from training.grounded_fit import Labelled, fit_copied, fit_general
from training.grounded_made import FITTED, TAUGHT, make
from training.grounded_sets import begin, mtrag, scifact

HEAD: Final = Path(__file__).parents[1] / "src" / "penstock" / "guard" / "grounded" / "grounded.npz"
HELD: Final = 0.008
"""The share of right made answers that each edge holds back."""
OF_A_KIND: Final = 110
FITTED_OF_A_KIND: Final = 150
SEED: Final = 7
_WIDTH: Final = len(FEATURES) + len(EXCHANGES)


class Reader:
    """Reads texts, each once."""

    def __init__(self, folder: Path) -> None:
        self._model = Model(folder / MODEL, folder / TOKENIZER)
        self._known: dict[str, Encoded] = {}

    def read(self, text: str) -> Encoded:
        if text not in self._known:
            self._known[text] = self._model.encode(text)
        return self._known[text]

    def alone(self, words: str) -> NDArray[np.float32]:
        return self.read(words).sentence

    def between(self, before: str, words: str, after: str) -> NDArray[np.float32]:
        return between(self.read, before, words, after)

    def features(self, answer: str, passages: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """A row for each claim that has words."""
        parted = split(answer)
        if not parted.claims:
            return np.zeros((0, _WIDTH))
        shown = [
            Passage(label=str(at + 1), document=str(at), version=1, title=title, text=text, start=0, end=len(text))
            for at, (title, text) in enumerate(passages)
        ]
        evidence = gather(shown, [self.read(each.text) for each in shown])
        encoded = self.read(parted.text)
        stated = [state(each.text, each.at[0], encoded) for each in parted.claims]
        rows = [measure(each, evidence, self).features for each in stated if each.content and evidence.told]
        return np.array(rows).reshape(-1, _WIDTH)


def judged(reader: Reader) -> list[Labelled]:
    """The sets that people judged; answers that state nothing are left out."""
    found = [
        Labelled(reader.features(each.answer, each.passages), each.is_supported, each.set)
        for each in (*begin(), *scifact(), *mtrag())
    ]
    return [each for each in found if len(each.rows)]


def made(reader: Reader) -> list[Labelled]:
    found = [
        Labelled(reader.features(each.answer, each.passages), each.is_right, each.kind)
        for each in make(FITTED_OF_A_KIND, SEED, for_tests=False, kinds=FITTED | TAUGHT)
    ]
    return [each for each in found if len(each.rows)]


def fit(of_people: Sequence[Labelled], of_rules: Sequence[Labelled]) -> Judge:
    """The judge of these answers; its edges by the right ones among those that are made."""
    general, copied = fit_general(of_people), fit_copied(of_rules)
    right = [each.rows for each in of_rules if each.is_supported]
    lowest = [float(general.totals(rows).min()) for rows in right]
    copies = [float(copied.totals(rows[is_copy(rows)]).min()) for rows in right if is_copy(rows).any()]
    return Judge(
        WEIGHTS_SHA256,
        general,
        copied,
        float(np.quantile(lowest, HELD)),
        float(np.quantile(copies, HELD)),
    )


def write(judge: Judge, to: Path) -> None:
    arrays: dict[str, NDArray[np.float32]] = {
        f"{name}_{each}": np.asarray(getattr(part, each), np.float32)
        for name, part, names in (
            ("general", judge.general, ("mean", "scale", "weights", "bias")),
            ("copied", judge.copied, ("mean", "scale", "hidden", "hidden_bias", "out", "bias")),
        )
        for each in names
    }
    with to.open("wb") as file:
        np.savez(
            file,
            encoder_sha256=np.array(judge.encoder_sha256),
            features=np.array((*FEATURES, *EXCHANGES)),
            edge=np.array(judge.edge),
            copied_edge=np.array(judge.copied_edge),
            allow_pickle=False,
            **arrays,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.grounded")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--to", type=Path, default=HEAD)
    chosen = parser.parse_args()
    reader = Reader(chosen.model)
    write(fit(judged(reader), made(reader)), chosen.to)


if __name__ == "__main__":
    main()
