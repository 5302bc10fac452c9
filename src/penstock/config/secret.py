"""Secrets by reference: what a config says instead of the secret itself.

Called by `build`, which resolves each reference once, at start.  A secret shows its reference wherever it is printed,
hashed or sent to the console; only `reveal` gives the value, and only the provider and storage rooms call it.
"""

from collections.abc import Mapping
from pathlib import Path

_MAX_SECRET_BYTES = 65_536


class UnresolvedSecret(Exception):
    """A reference that leads nowhere; `str()` says why and holds no secret."""


class Secret:
    """A value named by `env:NAME` or `file:/path`.  Never prints its value."""

    __slots__ = ("_value", "reference")

    def __init__(self, reference: str, value: str) -> None:
        self.reference = reference
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def shown(self) -> str:
        """What may be printed."""
        return self.reference

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shown()})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self.reference, self._value) == (other.reference, other._value)

    def __hash__(self) -> int:
        return hash((self.reference, self._value))


class Text(Secret):
    """A value that may be secret, and so may be a reference, but may also be written out where it is not."""

    __slots__ = ()

    @property
    def is_literal(self) -> bool:
        return not is_reference(self.reference)


def is_reference(text: str) -> bool:
    return text.startswith(("env:", "file:"))


def resolve(text: str, *, environ: Mapping[str, str], folder: Path) -> str:
    """The value that a reference names; a relative file is sought beside the config file, in `folder`.

    Raises `UnresolvedSecret`.
    """
    scheme, _, name = text.partition(":")
    if scheme == "env":
        value = environ.get(name)
        if not value:
            raise UnresolvedSecret(f"the environment variable {name} is {'not set' if value is None else 'empty'}")
        return value
    path = folder / Path(name).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SECRET_BYTES + 1)
        value = data.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise UnresolvedSecret(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnresolvedSecret(f"{path} is not UTF-8 text") from None
    if len(data) > _MAX_SECRET_BYTES:
        raise UnresolvedSecret(f"{path} is larger than {_MAX_SECRET_BYTES} bytes")
    if not value:
        raise UnresolvedSecret(f"{path} is empty")
    return value
