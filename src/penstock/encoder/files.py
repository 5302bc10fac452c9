"""The built model's files: where they are, and whether they are whole."""

import sys
from pathlib import Path
from typing import Final

import msgspec

from penstock.core.errors import ConfigError
from penstock.encoder.weights import sha256_of

MODEL: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"
MANIFEST: Final = "manifest.json"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was built, of what."""

    model_sha256: str
    tokenizer_sha256: str
    weights_sha256: str


def default_folder() -> Path:
    """Beside the packages that it was built from, so that each environment has its own."""
    return Path(sys.prefix) / "share" / "penstock" / "encoder"


def check(folder: Path) -> Manifest:
    """The manifest of a model whose files are those that were built.

    Raises `ConfigError` where there is no model, or a file is not what the manifest says.
    """
    again = "build it with: penstock encoder build"
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise ConfigError(f"there is no encoder in {folder}: {again}") from None
    except (msgspec.DecodeError, OSError) as error:
        raise ConfigError(f"the encoder in {folder} cannot be used ({error}): {again}") from None
    for name, sha256 in ((MODEL, manifest.model_sha256), (TOKENIZER, manifest.tokenizer_sha256)):
        path = folder / name
        if not path.is_file():
            raise ConfigError(f"the encoder in {folder} has no {name}: {again}")
        if sha256_of(path) != sha256:
            raise ConfigError(f"{path} is damaged, its hash is not that of its manifest: {again}")
    return manifest
