"""docs/configuration.md tells of every setting, with its default, and of none that is not there."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin

import msgspec
import yaml

from penstock.config import read
from penstock.config.types import Settings

DOCUMENT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
ROW = re.compile(r"^\| `(?P<path>[a-z0-9_.*]+)` \| (?P<default>.+?) \| ", re.MULTILINE)
WORDS = {"none": None, "required": msgspec.NODEFAULT, "the vendor's": None}


def inner(hint: Any) -> tuple[Any, str]:
    """The struct that a setting leads to, and what stands for the names or numbers in between."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(member for member in get_args(hint) if member is not type(None))
    if get_origin(hint) is dict:
        return get_args(hint)[1], ".*"
    if get_origin(hint) is tuple:
        return get_args(hint)[0], ".*"
    return hint, ""


def as_section(found: Any) -> type[msgspec.Struct] | None:
    return cast("type[msgspec.Struct]", found) if hasattr(found, "__struct_fields__") else None


def settings(kind: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(kind):
        place = f"{path}{field.name}"
        found, between = inner(field.type)
        section = as_section(found)
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if section is None or (between and default is msgspec.NODEFAULT):
            yield (
                place,
                list(cast("tuple[object, ...]", default)) if isinstance(default, tuple) else default,
            )  # YAML has no tuples
        if section is not None:
            yield from settings(section, f"{place}{between}.")


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {
        match["path"]: WORDS[match["default"]]
        if match["default"] in WORDS
        else yaml.safe_load(match["default"].strip("`"))
        for match in ROW.finditer(DOCUMENT)
    }
    # `guards.default` has what each model's `guards` have, and is told of with them.
    told = {path: value for path, value in settings(Settings) if not path.startswith("guards.default.")}
    assert documented == told


def test_every_setting_is_read_by_someone() -> None:
    source = Path(__file__).parents[2] / "src" / "penstock"
    code = "\n".join(
        path.read_text() for path in source.rglob("*.py") if path.parent.name != "config" or path.name == "logs.py"
    )
    unread = {path for path, _ in settings(Settings) if f".{path.rpartition('.')[2]}" not in code}
    assert unread == set()


def test_the_example_is_a_sound_configuration(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "secret").write_text("x")
    path = tmp_path / "penstock.yaml"
    path.write_text(dedent(blocks[0]).replace("/run/secrets/anthropic", "secret"))
    config = read(path, {"OPENAI_EU_KEY": "x"})
    assert [target.provider for target in config.models["fast"].targets] == ["openai-eu", "claude"]
