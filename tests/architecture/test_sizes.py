"""The size ratchet: a file, a function, a protocol or a package that outgrows one sitting is split, not waved through.

The limits below may be lowered, never raised.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "penstock"
FILE_LINES = 700
FUNCTION_LINES = 100
PROTOCOL_METHODS = 5
PARAMETERS = 7
FILES_A_PACKAGE = 20
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

FILES = sorted(SOURCE.rglob("*.py"))
MIGRATIONS = next(path.parent for path in FILES if path.parent.name == "versions")
"""A row of what the schema was, in order: nobody reads it as a whole."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def _parameters(function: Function) -> int:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_can_be_held_in_mind(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= FILE_LINES
    assert path.stem not in FORBIDDEN_NAMES
    for function in _functions(tree):
        assert (function.end_lineno or 0) - function.lineno + 1 <= FUNCTION_LINES, function.name
        assert _parameters(function) <= PARAMETERS, function.name
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _is_protocol(node):
            methods = [f for f in node.body if isinstance(f, Function)]
            assert len(methods) <= PROTOCOL_METHODS, node.name


def test_no_package_outgrows_one_screen() -> None:
    for package in {path.parent for path in FILES} - {MIGRATIONS}:
        assert len(list(package.glob("*.py"))) <= FILES_A_PACKAGE, package


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 30
