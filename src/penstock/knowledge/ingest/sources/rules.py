"""Who may read what comes from a source: the first rule that fits a key says so.  Without one it is nobody's."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final

import msgspec

from penstock.core.errors import ConfigError
from penstock.core.sources import PUBLIC, Reader

_EXACT: Final = "/"
"""Before a glob: it is of the whole key, though it has no slash."""
_READER: Final = re.compile(r"(?:role|group|user):\S.*")


class ReaderRule(msgspec.Struct, frozen=True, dict=True):
    """`glob` is matched against the whole key: `*` within a folder, `**` over folders, `?` one letter."""

    glob: str
    readers: tuple[Reader, ...]

    @cached_property
    def expression(self) -> re.Pattern[str]:
        return compiled(self.glob)


def readers_for(key: str, rules: Sequence[ReaderRule]) -> tuple[Reader, ...]:
    """In order and once; () where no rule fits, or the one that does names nobody."""
    for rule in rules:
        if rule.expression.fullmatch(key):
            return tuple(sorted(set(rule.readers)))
    return ()


def parsed_rules(texts: Sequence[str]) -> tuple[ReaderRule, ...]:
    """Rules as a command line has them: `GLOB=READER,READER`, or `READER,READER` for all.  Raises `ConfigError`."""
    rules: list[ReaderRule] = []
    for text in texts:
        glob, equals, named = text.rpartition("=")
        readers = tuple(parsed_reader(each.strip()) for each in named.split(",") if each.strip())
        if not readers:
            raise ConfigError(f"{text!r} names no reader: one is public, role:NAME, group:NAME or user:ID")
        rules.append(ReaderRule(glob if equals else "**", readers))
    return tuple(rules)


def parsed_reader(text: str) -> Reader:
    """Raises `ConfigError` where it is none."""
    if text != PUBLIC and not _READER.fullmatch(text):
        raise ConfigError(f"{text!r} is no reader: one is public, role:NAME, group:NAME or user:ID")
    return Reader(text)


def compiled(glob: str) -> re.Pattern[str]:
    """As in .gitignore, but always for the whole key; a glob without a slash fits in every folder."""
    if glob.startswith(_EXACT):
        glob = glob.removeprefix(_EXACT)
    elif "/" not in glob and glob != "**":
        glob = f"**/{glob}"
    parts: list[str] = []
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            parts.append("(?:[^/]+/)*")
            at += 3
        elif glob.startswith("**", at):
            parts.append(".*")
            at += 2
        else:
            if glob[at] == "\\" and at + 1 < len(glob):
                at += 1
                parts.append(re.escape(glob[at]))
                at += 1
                continue
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(glob[at], re.escape(glob[at])))
            at += 1
    return re.compile("".join(parts), re.DOTALL)


def glob_of(key: str) -> str:
    """The glob that fits this key and no other."""
    escaped = re.sub(r"([*?\\])", r"\\\1", key)
    return escaped if "/" in key else f"{_EXACT}{escaped}"
