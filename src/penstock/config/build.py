"""Plain values into settings, finding every problem on the way: the second half of `read`.

The types of `types` are the schema.  Each value is checked where it stands, so that an error can name its line.  What
has a problem is left out, so that the rules can be tried on the rest and all problems come out at once.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

import msgspec

from penstock.config.document import Document, parse
from penstock.config.overlay import FromEnvironment
from penstock.config.problems import closest
from penstock.config.secret import Secret, Text, UnresolvedSecret, is_reference, resolve
from penstock.core.errors import ConfigError

_SPOKEN: Mapping[str, bool] = {"yes": True, "on": True, "no": False, "off": False}
"""How people write it, in a file and in the environment; where no `bool` is wanted these are words as any other."""
_ABSENT = object()
"""Stands for a value that could not be built; its problem is on record."""


class Builder:
    """Builds values of annotated types out of a document; `problems` grows as it goes."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._folder = Path(document.file).parent if document.file else Path()
        self.problems: list[ConfigError] = []

    def struct(self, kind: type[msgspec.Struct], value: object, path: str) -> Any:
        """An instance of `kind`; a setting with a problem keeps its default.  `_ABSENT` where it has none."""
        if not isinstance(value, dict):
            return self._wrong(path, value, "a mapping")
        given = cast("dict[str, object]", value)
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        for key in given:
            if key not in fields:
                found = closest(key, fields)
                self._problem(_join(path, key), "unknown setting", given[key], did_you_mean=found)
        built: dict[str, object] = {}
        for name, field in fields.items():
            item = _ABSENT
            if name in given:
                item = self.value(field.type, given[name], _join(path, name))
            elif field.required:
                self._problem(_join(path, name), "it is required")
            if item is not _ABSENT:
                built[name] = item
        is_whole = all(name in built for name, field in fields.items() if field.required)
        return kind(**built) if is_whole else _ABSENT

    def value(self, hint: Any, value: object, path: str) -> object:
        """A value of the annotated type `hint`."""
        hint, is_optional = _without_none(hint)
        if value is None and is_optional:
            return None
        origin = get_origin(hint)
        if origin in (dict, tuple) or (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
            value = self._unfolded(value, path)
        if value is _ABSENT:
            return _ABSENT
        if origin is dict:
            return self._dict(get_args(hint)[1], value, path)
        if origin is tuple:
            return self._tuple(get_args(hint)[0], value, path)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return self.struct(hint, value, path)
        if isinstance(hint, type) and issubclass(hint, Secret):
            return self._secret(hint, value, path)
        return self._leaf(hint, value, path)

    def _unfolded(self, value: object, path: str) -> object:
        """A list or mapping given in an environment variable is YAML there."""
        if not isinstance(value, FromEnvironment):
            return value
        inner = parse(value.text, Document(file=value.variable))
        self.problems.extend(ConfigError(problem.message, file=value.variable, path=path) for problem in inner.problems)
        return _ABSENT if inner.problems else inner.root

    def _dict(self, item: Any, value: object, path: str) -> object:
        if value is None:
            return {}
        if not isinstance(value, dict):
            return self._wrong(path, value, "a mapping")
        given = cast("dict[str, object]", value)
        built = {key: self.value(item, inner, _join(path, key)) for key, inner in given.items()}
        return {key: inner for key, inner in built.items() if inner is not _ABSENT}

    def _tuple(self, item: Any, value: object, path: str) -> object:
        if not isinstance(value, list):
            return self._wrong(path, value, "a list")
        given = cast("list[object]", value)
        built = tuple(self.value(item, inner, f"{path}.{i}") for i, inner in enumerate(given))
        return _ABSENT if any(inner is _ABSENT for inner in built) else built

    def _secret(self, kind: type[Secret], value: object, path: str) -> object:
        text = value.text if isinstance(value, FromEnvironment) else value
        if not isinstance(text, str):
            return self._wrong(path, value, "a text")
        if not is_reference(text):
            if kind is Text:
                return Text(text, text)
            self._problem(path, "a secret is never written out: use `env:NAME` or `file:/path`", value)
            return _ABSENT
        try:
            return kind(text, resolve(text, environ=self._environ, folder=self._folder))
        except UnresolvedSecret as error:
            self._problem(path, str(error), value)
            return _ABSENT

    def _leaf(self, hint: Any, value: object, path: str) -> object:
        is_text = isinstance(value, FromEnvironment)
        raw = value.text if isinstance(value, FromEnvironment) else value
        if isinstance(raw, float) and not math.isfinite(raw):
            return self._wrong(path, value, "a finite number")
        if get_origin(hint) is Literal:
            return self._choice(get_args(hint), raw, value, path)
        if isinstance(raw, str) and hint is bool:
            raw = _SPOKEN.get(raw.lower(), raw)
        try:
            return msgspec.convert(raw, hint, strict=not is_text)
        except msgspec.ValidationError as error:
            self._problem(path, str(error).replace("Expected", "expected"), value)
            return _ABSENT

    def _choice(self, allowed: tuple[object, ...], raw: object, value: object, path: str) -> object:
        if raw in allowed:
            return raw
        names = [str(name) for name in allowed]
        found = closest(str(raw), names)
        self._problem(path, f"expected one of {', '.join(names)}, got {_short(raw)}", value, did_you_mean=found)
        return _ABSENT

    def _wrong(self, path: str, value: object, wanted: str) -> object:
        raw = value.text if isinstance(value, FromEnvironment) else value
        self._problem(path, f"expected {wanted}, got {_short(raw)}", value)
        return _ABSENT

    def _problem(self, path: str, message: str, value: object = None, *, did_you_mean: str | None = None) -> None:
        if isinstance(value, FromEnvironment):
            error = ConfigError(message, file=value.variable, path=path, did_you_mean=did_you_mean)
        else:
            line, place = None, path
            while line is None and place:
                line = self._document.lines.get(place)
                place = place.rpartition(".")[0]
            error = ConfigError(
                message, file=self._document.file, line=line, path=path or None, did_you_mean=did_you_mean
            )
        self.problems.append(error)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """The type without `None`, and whether `None` was in it (no setting is a union of anything else)."""
    if get_origin(hint) in (Union, UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        if len(members) == 1:
            return members[0], len(members) < len(get_args(hint))
    return hint, False


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _short(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            text = repr(value)
            return text if len(text) <= 40 else text[:37] + "..."
