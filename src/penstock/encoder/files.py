"""The model's files: where they are, and whether they are whole.

Called by `build`, by `load`, and by `penstock check`; needs none of the libraries that run a model.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from penstock.config.texts.encoder import EncoderSettings
from penstock.core.errors import ConfigError

MODEL: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"
MANIFEST: Final = "manifest.json"
RECIPE: Final = 3
"""How a model is made of the weights.  Another number is another model: their vectors are never mixed."""

WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

_AGAIN: Final = "build it with: penstock encoder build"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was built, of what."""

    model_sha256: str
    tokenizer_sha256: str
    weights_sha256: str
    recipe: int = 0


@dataclass(frozen=True, slots=True)
class Located:
    """Files that are what they should be; `weights_sha256` names what heads must have been trained on."""

    model: Path
    tokenizer: Path
    weights_sha256: str


def default_folder() -> Path:
    """Beside the packages that it was built from, so that each environment has its own."""
    return Path(sys.prefix) / "share" / "penstock" / "encoder"


def locate(settings: EncoderSettings, *, beside: Path, built: Path | None = None) -> Located:
    """The files that the settings ask for: those named, sought in `beside`, or those that were built (into `built`).

    Raises `ConfigError`, with its `path` set where a setting is the reason.
    """
    if settings.model is None or settings.tokenizer is None:
        folder = built or default_folder()
        return Located(folder / MODEL, folder / TOKENIZER, check(folder).weights_sha256)
    model, tokenizer = (beside / Path(each).expanduser() for each in (settings.model, settings.tokenizer))
    for name, path in (("tokenizer", tokenizer), ("model", model)):
        try:
            found = sha256_of(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}", path=f"encoder.{name}") from None
        if name == "model" and found != settings.sha256:
            raise ConfigError(f"{path} is another file: its sha256 is {found}", path="encoder.sha256")
    return Located(model, tokenizer, str(settings.sha256))


def check(folder: Path) -> Manifest:
    """The manifest of a model whose files are those that were built, by this version of Penstock.

    Raises `ConfigError` where there is no model, a file is not what the manifest says, or the manifest is of another
    version.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"there is no encoder in {folder}: {_AGAIN}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"the encoder in {folder} cannot be used ({error}): {_AGAIN}") from None
    if (manifest.weights_sha256, manifest.recipe) != (WEIGHTS_SHA256, RECIPE):
        raise ConfigError(f"the encoder in {folder} was built by another version of Penstock: {_AGAIN}")
    for name, sha256 in ((MODEL, manifest.model_sha256), (TOKENIZER, manifest.tokenizer_sha256)):
        path = folder / name
        try:
            found = sha256_of(path)
        except FileNotFoundError:
            raise ConfigError(f"the encoder in {folder} has no {name}: {_AGAIN}") from None
        except OSError as error:
            raise ConfigError(f"{path} cannot be read ({error.strerror})") from None
        if found != sha256:
            raise ConfigError(f"{path} is damaged, its hash is not that of its manifest: {_AGAIN}")
    return manifest


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
