"""The settings of the sentence encoder, as frozen values; every default works.

`app.encoder` opens it, once for each process in which something needs it.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

Path = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class EncoderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Without `model` the one that `penstock encoder build` made.

    Another one is an ONNX file and its `tokenizer.json`, sought beside the configuration file, and the ONNX file's
    `sha256`: what was read by two encoders is never compared, so which one it is must be said.  `pooling` is what
    stands for a whole text: `auto` (what the model says, else the mean of its tokens), `mean`, or `cls` (the first).

    A window has `max_tokens`, and of a text `windows` are read: more are left out in its middle.  `threads` texts are
    read at once and `max_waiting` more wait; what was read is remembered in `memory_mib`.
    """

    model: Path | None = None
    tokenizer: Path | None = None
    sha256: Sha256 | None = None
    pooling: Literal["auto", "mean", "cls"] = "auto"
    max_tokens: Annotated[int, msgspec.Meta(ge=8, le=8192)] = 256
    windows: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8
    threads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    max_waiting: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 64
    memory_mib: Annotated[int, msgspec.Meta(ge=0, le=65_536)] = 32


def broken_encoder(encoder: EncoderSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    if encoder.model is None:
        for name, value in (("tokenizer", encoder.tokenizer), ("sha256", encoder.sha256)):
            if value is not None:
                yield f"encoder.{name}", "it belongs to a `model` of your own, and none is named"
        return
    if encoder.tokenizer is None:
        yield "encoder.model", "it needs its `tokenizer` (tokenizer.json): another one would read other words"
    if encoder.sha256 is None:
        yield "encoder.model", "it needs its `sha256`, so that what two encoders have read is never mixed"
