"""Whether a text asks for or gives what does harm: violence, self-harm, sex, hate, weapons and drugs, malware.

A linear head on the sentence's vector (`harm.npz`, with its card beside it, made by `python -m training.harm`).  It is
for English; `harm_words` has what is said outright, in German too.  Called by the output guard for each sentence.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from penstock.encoder.heads import arrays_of, shipped
from penstock.encoder.model import Encoded
from penstock.guard.verdict import Finding

Harm = Literal["violence", "self_harm", "sexual", "hate", "weapons_drugs", "malware"]
HARMS: Final[tuple[Harm, ...]] = get_args(Harm)

Array = NDArray[np.float32]

_LEAST_WORDS: Final = 3
_THRESHOLD: Final = 0.5


@dataclass(frozen=True, slots=True)
class HarmHead:
    """See the module.  Blocking, some microseconds, safe in any thread.

    `weights` has a column for each of `HARMS` and one for the harmless, `bias` a number each.  `edge` is the lead over
    the harmless that stands for a score of 0.5: one in 200 harmless questions has it.
    """

    encoder_sha256: str
    weights: Array
    bias: Array
    edge: float

    def find(self, text: str, encoded: Encoded, *, threshold: float = _THRESHOLD) -> list[Finding]:
        """The likeliest kind on all of the text, from `threshold` on; `policy.harm.<kind>`."""
        if len(text.split(None, _LEAST_WORDS)) < _LEAST_WORDS:
            return []
        lead = self.leads(encoded.sentence)
        best = int(np.argmax(lead))
        score = 1.0 / (1.0 + float(np.exp(min(self.edge - float(lead[best]), 50.0))))
        if score < threshold:
            return []
        return [Finding(f"policy.harm.{HARMS[best]}", HARMS[best].upper(), 0, len(text), score)]

    def leads(self, sentence: Array) -> Array:
        """How far each kind lies before the harmless, in logits."""
        logits = sentence @ self.weights + self.bias
        return logits[: len(HARMS)] - logits[len(HARMS)]


def load_harm() -> HarmHead:
    """The head that is shipped.  Raises `ConfigError` where it is not there or not whole."""
    with arrays_of(shipped("penstock.guard.policy", "harm.npz"), "the harm head") as data:
        return HarmHead(
            encoder_sha256=str(data["encoder_sha256"]),
            weights=data["weights"].astype(np.float32),
            bias=data["bias"].astype(np.float32),
            edge=float(data["edge"]),
        )
