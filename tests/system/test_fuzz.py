"""Schemathesis against our own OpenAPI description: what is said of the HTTP surface holds for whatever is sent."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# (schemathesis is generic over the answers of `requests`, which has no types here)

import json  # noqa: TID251 - the application's side
from typing import Any
from urllib.request import urlopen

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.system.conftest import Installation

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ASKING = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/embeddings",
    "/v1/events",
    "/v1/feedback",
    "/v1/ground",
)
PAGES = ("/v1/models", "/v1/models/{model}", "/v1/holds/{hold}", "/health", "/health/live", "/health/ready", "/metrics")
KEPT = (
    "/v1/conversations",
    "/v1/conversations/{conversation}",
    "/v1/conversations/{conversation}/items",
    "/v1/conversations/{conversation}/items/{item}",
    "/v1/responses/{response}",
    "/v1/responses/{response}/input_items",
)
"""Tried in `test_memory`, where something is kept."""
MOST_ROUNDS = 5
"""Of fifty that are drawn, two to twenty-six can be answered, and once in a long while none."""
JSON, SSE = "application/json", "text/event-stream"
VALID, INVALID = GenerationMode.POSITIVE, GenerationMode.NEGATIVE

bounded = settings(
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
)


@pytest.fixture(scope="module")
def description(penstock: Installation) -> dict[str, Any]:
    with urlopen(f"http://127.0.0.1:{penstock.port}/openapi.json", timeout=10) as reply:
        return json.load(reply)


def conforms(case: "schemathesis.Case[Any]", penstock: Installation) -> tuple[int, str]:
    """Send it, check the answer, return its status and its media type."""
    reply = case.call_and_validate(
        base_url=penstock.url, headers={"authorization": f"Bearer {penstock.key}"}, checks=CHECKS
    )
    return reply.status_code, reply.headers["content-type"][0].partition(";")[0]


def strategy(description: dict[str, Any], method: str, path: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
    operation: Any = schemathesis.openapi.from_dict(description)[path][method]
    return operation.as_strategy(generation_mode=mode)


def test_every_path_is_described_and_fuzzed(description: dict[str, Any]) -> None:
    assert set(description["paths"]) == {*ASKING, *PAGES, *KEPT}


@pytest.mark.parametrize("mode", [VALID, INVALID], ids=["valid", "invalid"])
@pytest.mark.parametrize("path", ASKING)
def test_whatever_is_asked_the_answer_is_as_described(
    penstock: Installation, description: dict[str, Any], path: str, mode: GenerationMode
) -> None:
    answers: set[tuple[int, str]] = set()

    # No model of this installation traces claims: whatever is to be held against sources, nothing can do it.
    alone = {"/v1/embeddings": {(200, JSON)}, "/v1/ground": {(404, JSON)}}
    alone |= {each: {(202, JSON)} for each in ("/v1/events", "/v1/feedback")}
    valid = alone.get(path, {(200, JSON), (200, SSE)})
    is_chat = (200, SSE) in valid

    @bounded
    @given(case=strategy(description, "POST", path, mode), is_known=st.integers(0, 3))
    def check(case: "schemathesis.Case[Any]", is_known: int) -> None:
        body = case.body
        if is_known and isinstance(body, dict) and isinstance(body.get("model"), str):
            body["model"] = "sim"  # a name that is made up gets no further than a 404
            if mode is VALID and is_chat:
                # Seldom drawn, and the half of the description that nothing else checks.
                body["stream"] = True
                answers.add(conforms(case, penstock))
                body["stream"] = False
        answers.add(conforms(case, penstock))

    wanted = valid if mode is VALID or path == "/v1/ground" else {(400, JSON)}
    for _ in range(MOST_ROUNDS):
        check()
        if wanted <= answers:
            break
    assert wanted <= answers, "else nothing was tried"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_as_described(penstock: Installation, description: dict[str, Any], path: str) -> None:
    @bounded
    @given(case=strategy(description, "GET", path, VALID))
    def check(case: "schemathesis.Case[Any]") -> None:
        conforms(case, penstock)

    check()
