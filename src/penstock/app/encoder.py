"""The sentence encoder of a process, put together from the configuration."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.config.types import Config
from penstock.core.errors import ConfigError
from penstock.encoder.files import Located, locate

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder


def open_encoder(config: Config, *, needed_by: Sequence[str], built: Path | None = None) -> "Encoder | None":
    """As `load_encoder`, where anything needs it; else None, and nothing is loaded.

    `needed_by` are the settings that do (`cache.semantic`), which an error names.
    """
    return load_encoder(config, needed_by=needed_by, built=built) if needed_by else None


def load_encoder(config: Config, *, needed_by: Sequence[str] = (), built: Path | None = None) -> "Encoder":
    """Verified and loaded, which blocks for about half a second.

    `built` is where the built model lies, if not in its usual place.  Whoever opens it closes it.  Raises
    `ConfigError`, which points at the setting that is wrong.
    """
    # Products are small here.  OpenBLAS would give half of each to a second thread, which then spins for milliseconds.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from penstock.encoder.load import load  # noqa: PLC0415 - an extra of its own, and 50 MB that few need
    except ImportError as error:
        missing = ConfigError(f"its libraries are not installed ({error}): pip install 'penstock[encoder]'")
        raise _pointed(config, missing, needed_by) from None
    try:
        return load(config.encoder, beside=_beside(config), built=built)
    except ConfigError as error:
        raise _pointed(config, error, needed_by) from None


def encoder_files(config: Config) -> Located:
    """The files of the encoder, verified and not loaded.  Raises `ConfigError`."""
    try:
        return locate(config.encoder, beside=_beside(config))
    except ConfigError as error:
        raise _pointed(config, error, ()) from None


def _beside(config: Config) -> Path:
    return Path.cwd() if config.file is None else Path(config.file).resolve().parent


def _pointed(config: Config, error: ConfigError, needed_by: Sequence[str]) -> ConfigError:
    """With its place in the file: the setting that is wrong, or else the one that needs the encoder."""
    if error.path is not None:
        return config.problem(error.path, error.message)
    return config.problem(needed_by[0], f"it needs the encoder: {error.message}") if needed_by else error
