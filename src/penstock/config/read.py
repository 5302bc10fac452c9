"""Reads the configuration: the file, then the environment over it, then every check, then the hash.

Called once at start by each process and by `penstock check`.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from penstock.config.build import Builder
from penstock.config.digest import config_hash
from penstock.config.document import Document, load
from penstock.config.overlay import overlay
from penstock.config.problems import refuse
from penstock.config.rules import broken
from penstock.config.types import Config, Settings
from penstock.core.errors import ConfigError


def read(path: Path | str | None, environ: Mapping[str, str]) -> Config:
    """The configuration in `path` (None: defaults only) with `environ`'s `PENSTOCK__…` variables over it.

    Raises `InvalidConfig`, which holds every problem found.
    """
    document = Document() if path is None else load(Path(path))
    root = {} if document.root is None else document.root
    if not isinstance(root, dict):
        document.problems.append(ConfigError("expected a mapping of settings", file=document.file, line=1))
        root = {}
    builder = Builder(document, environ)
    settings = builder.struct(Settings, overlay(root, environ), "")
    config = Config(
        **msgspec.structs.asdict(settings),
        file=document.file,
        lines=MappingProxyType(document.lines),
        config_hash=config_hash(settings),
    )
    problems = document.problems + builder.problems
    known = {problem.path for problem in problems if problem.path}
    problems += [problem for problem in broken(config) if not _is_covered(problem.path or "", known)]
    refuse(_in_order(problems))
    return config


def _is_covered(path: str, known: set[str]) -> bool:
    """Whether a problem at, above or below `path` is known: what a rule says then is mere consequence."""
    return any((path + ".").startswith(other + ".") or other.startswith(path + ".") for other in known)


def _in_order(problems: list[ConfigError]) -> list[ConfigError]:
    return sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0))
