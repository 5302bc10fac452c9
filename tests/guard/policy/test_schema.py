"""An answer's JSON: what is wrong with it, what is mended without asking, and what no schema may do."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.guard.policy.schema import MOST_ERRORS, SchemaCheck, SchemaError, UnusableSchema, repair_prompt

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"},
        "items": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "a/b~c": {"type": "string"},
    },
    "required": ["id", "items"],
    "additionalProperties": False,
}
GOOD = '{"id": "AB12", "items": [1, 2]}'


@pytest.fixture(scope="module")
def check() -> SchemaCheck:
    return SchemaCheck(ORDER)


def test_an_answer_of_the_right_form_has_no_errors(check: SchemaCheck) -> None:
    assert check.errors(GOOD) == []


def test_errors_say_where_and_what(check: SchemaCheck) -> None:
    found = check.errors('{"id": "AB12", "items": [1, "secret", 0], "a/b~c": 3}')
    said = {each.path: each.message for each in found}
    assert set(said) == {"/a~1b~0c", "/items/1", "/items/2"}
    assert "integer" in said["/items/1"]


def test_errors_hold_no_values(check: SchemaCheck) -> None:
    found = check.errors('{"id": "jane@example.com", "items": ["jane@example.com"]}')
    assert found
    assert "jane" not in str(found)


def test_errors_are_bounded(check: SchemaCheck) -> None:
    found = check.errors('{"id": "AB1", "items": [' + ",".join(["0"] * 5_000) + "]}")
    assert len(found) == MOST_ERRORS
    assert all(len(each.message) <= 300 and len(each.path) <= 200 for each in found)


@pytest.mark.parametrize("text", ["", "sorry", '{"id": ', "[" * 50_000, "\ud800", "NaN", '"' + "x" * 9_999])
def test_what_is_no_json_is_one_error(check: SchemaCheck, text: str) -> None:
    assert len(check.errors(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GOOD}\n```",
        f"Here is the order:\n\n```\n{GOOD}\n```\nAnything else?",
        f"Sure! {GOOD} I hope this helps.",
        f"As in [1] and {{x}}: {GOOD}",
        f"\ufeff{GOOD}\n",
        f'He said "{{" and then: {GOOD}',
    ],
)
def test_what_stands_around_the_json_is_taken_away(check: SchemaCheck, text: str) -> None:
    assert check.mended(text) == GOOD


def test_brackets_within_strings_do_not_end_the_json() -> None:
    text = '{"id": "a } \\" ] {"}'
    assert SchemaCheck({"type": "object", "required": ["id"]}).mended(f"Yes: {text}.") == text


@pytest.mark.parametrize("text", ["no json at all", '```json\n{"id": 3}\n```', "{" * 500, "[1, 2"])
def test_what_is_wrong_itself_is_not_mended(check: SchemaCheck, text: str) -> None:
    assert check.mended(text) is None


@given(st.text(alphabet='{}[]"\\`ab\n:1,', max_size=200))
def test_mending_never_fails_and_never_gives_what_is_wrong(text: str) -> None:
    check = SchemaCheck({"type": "object"})
    mended = check.mended(text)
    assert mended is None or (mended in text and not check.errors(mended))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"pattern": "(?=x)"},
        {"properties": {"a": {"minimum": "one"}}},
    ],
)
def test_a_schema_that_is_none_or_lies_elsewhere_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(UnusableSchema):
        SchemaCheck(schema)


class _Schemas(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"type": "object"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library gives it
        """Say nothing."""


def test_a_schema_fetches_nothing() -> None:
    with HTTPServer(("127.0.0.1", 0), _Schemas) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(UnusableSchema):
            SchemaCheck({"$ref": f"http://127.0.0.1:{server.server_port}/schema.json"})
        server.shutdown()
    assert _Schemas.asked == []


def test_an_expression_of_a_schema_runs_in_linear_time() -> None:
    check = SchemaCheck({"type": "string", "pattern": "^(a+)+$"})
    begin = time.process_time()
    assert check.errors('"' + "a" * 50_000 + '!"')
    assert time.process_time() - begin < 1.0


def test_the_model_is_told_what_is_wrong() -> None:
    said = repair_prompt([SchemaError("/items/1", "it is no integer"), SchemaError("", "“x” is missing")])
    assert "- /items/1: it is no integer" in said
    assert "- the whole answer: “x” is missing" in said
