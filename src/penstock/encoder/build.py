"""Builds the encoder's model once, when Penstock is installed: `penstock encoder build`.

The pinned weights become an ONNX graph of 8 bits a weight, 24 MB in place of 91.  The result is the same on every
machine, and a manifest beside it holds its hash: what runs is what was built.
"""

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from penstock.core.errors import ConfigError
from penstock.encoder.files import (
    MANIFEST,
    MODEL,
    RECIPE,
    TOKENIZER,
    WEIGHTS_SHA256,
    Manifest,
    check,
    default_folder,
    sha256_of,
)


def build(folder: Path | None = None, *, say: Callable[[str], None] = lambda _: None) -> Path:
    """Build the model into `folder` (default: `default_folder`) and return that; what is there is replaced as a whole.

    `say` hears of each step.  Raises `ConfigError` where the weights or the tools to build are missing, or the folder
    cannot be written.
    """
    target = folder or default_folder()
    try:
        # What these need is needed to build, never to run.
        weights: Any = import_module("penstock.encoder.weights")
        graph: Any = import_module("penstock.encoder.graph")
        narrow: Any = import_module("penstock.encoder.narrow")
        onnx: Any = import_module("onnx")
    except ImportError as error:
        message = f"building the encoder needs `pip install 'penstock[encoder,encoder-build]'`: {error}"
        raise ConfigError(message) from None
    say("checking the weights")
    source, tokenizer = weights.weights_file(), weights.tokenizer_file()
    say("writing the graph")
    model = graph.build_graph(weights.read_tensors(source))
    say("reducing it to 8 bits")
    narrowed = narrow.narrow(model)
    say(f"writing {target}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".encoder-", dir=target.parent) as made:
            fresh = Path(made) / "model"
            fresh.mkdir()
            onnx.save_model(narrowed, str(fresh / MODEL))
            (fresh / TOKENIZER).write_bytes(tokenizer.read_bytes())
            _write_manifest(fresh)
            check(fresh)
            _replace(target, fresh)
    except OSError as error:
        raise ConfigError(f"the encoder cannot be written to {target}: {error.strerror or error}") from None
    return target


def _write_manifest(folder: Path) -> None:
    manifest = Manifest(
        model_sha256=sha256_of(folder / MODEL),
        tokenizer_sha256=sha256_of(folder / TOKENIZER),
        weights_sha256=WEIGHTS_SHA256,
        recipe=RECIPE,
    )
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def _replace(target: Path, fresh: Path) -> None:
    if target.exists():
        if any(entry.name not in {MODEL, TOKENIZER, MANIFEST} for entry in target.iterdir()):
            raise ConfigError(f"{target} holds other files: name an empty folder")
        target.rename(fresh.parent / "old")
    fresh.rename(target)
