"""A request's headers, by name: decoded when they are asked for, since most never are."""

from collections.abc import Mapping

_REMEMBERED = 512


class HeaderNames(dict[bytes, str]):
    """Header names in lower case, by how they were sent.  Remembers the first few hundred spellings, and no more."""

    __slots__ = ()

    def __missing__(self, sent: bytes) -> str:
        name = sent.decode("latin-1").lower()
        if len(self) < _REMEMBERED and len(sent) < 64:
            self[sent] = name
        return name


class Headers:
    """Names in lower case; `get` gives the first value of a name."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self._values = values

    def get(self, key: str) -> str | None:
        value = self._values.get(key)
        return None if value is None else value.decode("latin-1")

    def __contains__(self, key: str) -> bool:
        return key in self._values
