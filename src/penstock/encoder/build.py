"""Builds the encoder's model once, when Penstock is installed: `penstock encoder build`.

The pinned weights become an ONNX graph whose matrices have 8 bits (blocks of 128 with a scale each), 59 MB in place of
91.  The result is the same on every machine, and a manifest beside it holds its hash: what runs is what was built.
"""

import logging
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.core.errors import ConfigError
from penstock.encoder.files import MANIFEST, MODEL, TOKENIZER, Manifest, check, default_folder
from penstock.encoder.weights import WEIGHTS_SHA256, read_tensors, sha256_of, tokenizer_file, weights_file

_BITS: Final = 8
_BLOCK: Final = 128
_ACCURACY_LEVEL: Final = 4
"""Products in 8-bit integers (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html)."""


def build(folder: Path | None = None, *, say: Callable[[str], None] = lambda _: None) -> Path:
    """Build the model into `folder` (default: `default_folder`) and return that; what is there is replaced as a whole.

    `say` hears of each step.  Raises `ConfigError` where the weights or the tools to build are missing.
    """
    target = folder or default_folder()
    say("checking the weights")
    weights, tokenizer = weights_file(), tokenizer_file()
    try:
        graph = import_module("penstock.encoder.graph")  # what it needs is needed to build, never to run
        onnx: Any = import_module("onnx")
        quantization: Any = import_module("onnxruntime.quantization.matmul_nbits_quantizer")
    except ImportError as error:
        raise ConfigError(f"building the encoder needs the extra `encoder-build`: {error}") from None
    say("writing the graph")
    model = graph.build_graph(read_tensors(weights))
    say("reducing its matrices to 8 bits")
    config = quantization.DefaultWeightOnlyQuantConfig(
        block_size=_BLOCK,
        is_symmetric=True,
        accuracy_level=_ACCURACY_LEVEL,
        quant_format=quantization.QuantFormat.QOperator,
        bits=_BITS,
    )
    logging.getLogger("onnxruntime.quantization").setLevel(logging.WARNING)  # it tells of every node
    quantizer = quantization.MatMulNBitsQuantizer(model, algo_config=config)
    quantizer.process()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".encoder-", dir=target.parent) as made:
        fresh = Path(made) / "model"
        fresh.mkdir()
        onnx.save_model(quantizer.model.model, str(fresh / MODEL))
        (fresh / TOKENIZER).write_bytes(tokenizer.read_bytes())
        manifest = Manifest(
            model_sha256=sha256_of(fresh / MODEL),
            tokenizer_sha256=sha256_of(fresh / TOKENIZER),
            weights_sha256=WEIGHTS_SHA256,
        )
        (fresh / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        check(fresh)
        _replace(target, fresh)
    return target


def _replace(target: Path, fresh: Path) -> None:
    if target.exists():
        if any(entry.name not in {MODEL, TOKENIZER, MANIFEST} for entry in target.iterdir()):
            raise ConfigError(f"{target} holds other files: name an empty folder")
        old = fresh.parent / "old"
        target.rename(old)
    fresh.rename(target)
