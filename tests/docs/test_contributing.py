"""The examples in CONTRIBUTING.md work: each section's Python blocks are run as one module, and so are its tests."""

import re
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import cast

import msgspec
import pytest

from penstock.providers.vendors import Vendor

PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")
SECTIONS = ("Your first provider", "Your first stage")


def code_of(title: str) -> str:
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return "\n\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))


@pytest.fixture(params=SECTIONS)
def section(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleType]:
    title = cast("str", request.param)
    name = "contributing_" + title.rpartition(" ")[2]
    file = tmp_path / f"{name}.py"
    file.write_text(code_of(title), "utf-8")
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


def test_the_examples_of_a_section_run_and_their_tests_pass(section: ModuleType) -> None:
    tests = {name: value for name, value in vars(section).items() if name.startswith("test_")}
    assert len(tests) >= 2
    for test in tests.values():
        cast("Callable[[], None]", test)()


def test_the_example_of_a_vendor_is_one() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    rows = msgspec.toml.decode(block, type=dict[str, dict[str, object]])
    vendors = [msgspec.convert({"name": name, **row}, Vendor) for name, row in rows.items()]
    assert [vendor.name for vendor in vendors] == ["acme"]


def test_the_limits_it_states_are_the_enforced_ones() -> None:
    enforced = (Path(__file__).parents[1] / "architecture" / "test_sizes.py").read_text("utf-8")
    assert "FILE_LINES = 700" in enforced
    assert "FUNCTION_LINES = 100" in enforced
    assert "PARAMETERS = 7" in enforced
    assert "fails at 700 and 100" in PAGE
