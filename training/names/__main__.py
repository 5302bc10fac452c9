"""Train the recogniser of names: `python -m training.names` writes src/penstock/guard/personal/names/names.npz.

Twice: without what is held out, for the calibration and the figures of docs/guards/names.md (this one is kept in
`--heads`), and then with everything, which is what is shipped.  About five minutes of one core each.
"""

import argparse
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.encoder.files import default_folder
from penstock.encoder.model import Encoded, Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.personal.names.known import Known
from penstock.guard.personal.names.network import LABELS, load, pack
from training.names.chain import forbidden
from training.names.encoded import Memo
from training.names.examples import Sample, examples, is_held_out, samples
from training.names.fit import Fitter
from training.names.known import gather
from training.names.scores import calibration, exact, judged

HEAD: Final = Path(__file__).parents[2] / "src" / "penstock" / "guard" / "personal" / "names" / "names.npz"
EPOCHS: Final = 5
SEED: Final = 0


def fit(
    samples: Sequence[Sample], encoded: Sequence[Encoded], known: Known, *, epochs: int
) -> dict[str, NDArray[np.float32]]:
    found = [each for own in examples(samples, encoded, known) for each in own]
    fitter = Fitter(encoded[0].tokens.shape[1], LABELS, SEED)
    fitter.train(found, epochs=epochs)
    return fitter.mean


def packed(weights: dict[str, NDArray[np.float32]], known: Known, calibrated: NDArray[np.float64]) -> bytes:
    transitions = weights["moves"] + forbidden(LABELS)
    arrays = pack(
        weights,
        known,
        encoder_sha256=WEIGHTS_SHA256,
        transitions=transitions,
        calibration=calibrated.astype(np.float32),
    )
    file = BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes `allow_pickle` for a key
    return file.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m training.names")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--heads", type=Path, default=Path(".penstock/names"), help="where the first is kept")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--develop-only", action="store_true", help="leave what is shipped as it is")
    chosen = parser.parse_args()
    known, every = gather(), samples()
    encoded = Memo(Model(chosen.model / "model.onnx", chosen.model / "tokenizer.json")).encode(
        [each.text.text for each in every]
    )
    held_out = [is_held_out(each.text) for each in every]
    kept = [at for at, out in enumerate(held_out) if not out]
    asked = [at for at, out in enumerate(held_out) if out and not every[at].is_made]
    plain = np.tile([1.0, 0.0], (LABELS // 2, 1))
    weights = fit([every[at] for at in kept], [encoded[at] for at in kept], known, epochs=chosen.epochs)
    texts, read_texts = [every[at].text for at in asked], [encoded[at] for at in asked]
    found = judged(load(packed(weights, known, plain)), texts, read_texts)
    calibrated = calibration(found)
    chosen.heads.mkdir(parents=True, exist_ok=True)
    (chosen.heads / "develop.npz").write_bytes(packed(weights, known, calibrated))
    for origin in ("synthetic", "germeval", "tweets", "legal"):
        score = exact([each for each in found if each[1].origin == origin])
        sys.stdout.write(f"{origin}: F1 {score.f1:.3f}, precision {score.precision:.3f}, recall {score.recall:.3f}\n")
    if not chosen.develop_only:
        HEAD.write_bytes(packed(fit(every, encoded, known, epochs=chosen.epochs), known, calibrated))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
