"""Every `path::symbol` in the documentation exists: a tour through rooms that are not there helps nobody."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REFERENCE = re.compile(r"`((?:src|tests|bench|evaluation)/[\w/.]+\.py)::([\w.]+)`")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)(?:#[^)]*)?\)")
ROOMS_OF_THE_TOUR = ("server/routes", "wire/openai_chat", "flow/admit", "flow/attempt", "flow/pump")


def symbols(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """The names that a module or a class defines, with those inside its classes."""
    found: set[str] = set()
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(prefix + name)
            case ast.ClassDef(name=name):
                found |= {prefix + name} | symbols(node.body, f"{prefix}{name}.")
            case ast.Assign(targets=targets):
                found |= {prefix + target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(prefix + name)
            case _:
                pass
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_symbol_that_a_page_names_exists(page: Path) -> None:
    text = " ".join(page.read_text("utf-8").split())
    missing = [
        f"{path}::{symbol}"
        for path, symbol in REFERENCE.findall(text)
        if not (ROOT / path).is_file() or symbol not in symbols(ast.parse((ROOT / path).read_text("utf-8")).body)
    ]
    assert missing == []
    assert text.count(".py::") == len(REFERENCE.findall(text)), "a reference is not written as `path::symbol`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert broken == []


def test_the_tour_goes_through_its_five_files_in_order() -> None:
    headings = re.findall(r"^## \d\. `([\w/]+)`", (ROOT / "docs" / "tour.md").read_text("utf-8"), re.MULTILINE)
    assert tuple(headings) == ROOMS_OF_THE_TOUR


def test_a_symbol_that_is_not_there_is_found() -> None:
    body = ast.parse((ROOT / "src/penstock/flow/pump.py").read_text("utf-8")).body
    assert "pump" in symbols(body)
    assert "pomp" not in symbols(body)
