"""One YAML file as plain values, with the line of each: the first half of `read`.

The nodes of `yaml.compose` are used rather than loaded values, because only they know lines and duplicate keys.
Anchors, aliases and merge keys work; tags other than YAML's plain scalars do not.  A small file that unfolds into a
large document, or into itself, is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from penstock.core.errors import ConfigError
from penstock.core.json import JsonValue

MAX_FILE_BYTES = 1024 * 1024
_MAX_VALUES = 50_000
_MAX_DEPTH = 40
_PLAIN_TAGS = frozenset({f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")})
_TEXT_TAGS = frozenset({f"tag:yaml.org,2002:{name}" for name in ("str", "timestamp", "value")})
_BOOL_TAG = "tag:yaml.org,2002:bool"
_BOOLS = frozenset({"true", "false"})
"""As YAML 1.2 has it: `off` is a mode and `no` is Norwegian."""
_MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass(slots=True)
class Document:
    """`root` is what the file says; `lines` maps dotted paths to line numbers from 1."""

    file: str | None = None
    root: JsonValue = None
    lines: dict[str, int] = field(default_factory=dict[str, int])
    problems: list[ConfigError] = field(default_factory=list[ConfigError])


def load(path: Path) -> Document:
    """Read the file.  What cannot be read or is not YAML is the document's only problem."""
    document = Document(file=str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        document.problems.append(ConfigError(f"cannot read it: {error.strerror}", file=document.file))
        return document
    if len(data) > MAX_FILE_BYTES:
        document.problems.append(ConfigError(f"it is larger than {MAX_FILE_BYTES} bytes", file=document.file))
        return document
    return parse(data, document)


def parse(text: bytes | str, document: Document) -> Document:
    """Fill `document` from YAML text."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            document.root = _Unfold(document).value(node, "", 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        document.problems.append(ConfigError(f"not YAML: {error.problem}", file=document.file, line=line))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        document.problems.append(ConfigError(f"not YAML: {reason}", file=document.file))
    except RecursionError:
        document.problems.append(ConfigError("it is nested too deeply", file=document.file))
    except _TooLarge as error:
        document.problems.append(ConfigError(str(error), file=document.file, line=error.line))
    return document


class _TooLarge(Exception):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Unfold:
    """Walks nodes into values; an alias is walked again wherever it is used, within the bound on values."""

    def __init__(self, document: Document) -> None:
        self._document = document
        constructor = cast("Any", yaml.constructor.SafeConstructor())  # its stub leaves the node untyped
        self._construct: Callable[[yaml.Node], JsonValue] = constructor.construct_object
        self._left = _MAX_VALUES

    def value(self, node: yaml.Node, path: str, depth: int) -> JsonValue:
        line = node.start_mark.line + 1
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise _TooLarge("it unfolds into too many values or levels", line)
        if path:
            self._document.lines.setdefault(path, line)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path, depth)
            case yaml.SequenceNode():
                items = cast("list[yaml.Node]", node.value)
                return [self.value(item, f"{path}.{i}", depth + 1) for i, item in enumerate(items)]
            case yaml.ScalarNode():
                return self._scalar(node, path)
            case _:
                return None

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> JsonValue:
        found: dict[str, JsonValue] = {}
        merged: list[yaml.Node] = []
        first_lines: dict[str, int] = {}
        for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            line = key_node.start_mark.line + 1
            if key_node.tag == _MERGE_TAG:
                merged.append(value_node)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem("a key must be a plain text", line, path)
                continue
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            if key in found:
                self._problem(f"it is set twice, first on line {first_lines[key]}", line, inner)
                continue
            first_lines[key] = line
            self._document.lines.setdefault(inner, line)  # what a merge key brings comes later
            found[key] = self.value(value_node, inner, depth + 1)
        for value_node in merged:
            self._merge(found, value_node, path, depth)
        return found

    def _merge(self, found: dict[str, JsonValue], node: yaml.Node, path: str, depth: int) -> None:
        sources = cast("list[yaml.Node]", node.value) if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._problem("`<<` wants a mapping", source.start_mark.line + 1, path)
                continue
            merged = self.value(source, path, depth + 1)
            if isinstance(merged, dict):
                for key, value in merged.items():
                    found.setdefault(key, value)

    def _scalar(self, node: yaml.ScalarNode, path: str) -> JsonValue:
        if node.tag in _TEXT_TAGS or (node.tag == _BOOL_TAG and str(node.value).lower() not in _BOOLS):
            return str(node.value)
        if node.tag in _PLAIN_TAGS:
            try:
                return self._construct(node)
            except ValueError:
                return str(node.value)
        self._problem(f"the tag {node.tag} is not allowed", node.start_mark.line + 1, path)
        return None

    def _problem(self, message: str, line: int, path: str) -> None:
        self._document.problems.append(ConfigError(message, file=self._document.file, line=line, path=path or None))
