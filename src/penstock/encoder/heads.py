"""What was trained on the encoder's vectors: arrays in one file, shipped beside the code that asks them or kept."""

import zlib
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from io import BytesIO
from zipfile import BadZipFile

import numpy as np

from penstock.core.errors import ConfigError


def shipped(package: str, name: str) -> bytes | None:
    """The file of that name beside the package's code; None where it is not there."""
    try:
        return files(package).joinpath(name).read_bytes()
    except FileNotFoundError:
        return None


@contextmanager
def arrays_of(data: bytes | None, what: str) -> "Generator[np.lib.npyio.NpzFile]":
    """Its arrays, while what is made of them is made.

    Raises `ConfigError`, which says that `what` cannot be loaded, where there is no data or it is not whole, and where
    an array is missing (`KeyError`) or not as its reader needs it (`ValueError`).
    """
    if data is None:
        raise ConfigError(f"{what} cannot be loaded: its file is missing")
    try:
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            yield arrays
    except (OSError, EOFError, KeyError, ValueError, BadZipFile, zlib.error) as error:
        raise ConfigError(f"{what} cannot be loaded: {str(error)[:200]}") from None
