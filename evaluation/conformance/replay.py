"""Replays recordings through a `Transport` and says where the client saw something else than the provider said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from evaluation.conformance import oracle
from evaluation.conformance.client_requests import CLIENT_DIALECTS, request_differences, request_for, shows_usage
from evaluation.conformance.cutting import CUTTINGS, Cutting
from evaluation.conformance.official import misfits
from evaluation.conformance.read_openai import shows_usage_in_stream, streamed_text_of_responses
from evaluation.conformance.reading import Reading, UnreadableError, differences
from evaluation.conformance.recordings import Recording
from evaluation.conformance.rooms import vendor_of
from evaluation.conformance.verbatim import verbatim_differences
from penstock.core.chat import Dialect
from penstock.core.json import JsonObject
from penstock.providers.vendors import vendors

Verdict = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back to the client, and the JSON body that the provider got (None where it got none)."""

    status: int
    body: bytes
    provider_got: JsonObject | None


class Transport(Protocol):
    """Carries one request of `client` through Penstock to a provider that answers with the recording."""

    async def answer(self, client: Dialect, request: JsonObject, recording: Recording, cutting: Cutting) -> Seen: ...
    def model_for(self, recording: Recording, cutting: Cutting) -> str: ...


@dataclass(frozen=True, slots=True)
class Case:
    recording: Recording
    client: Dialect
    cutting: Cutting

    @property
    def is_streamed(self) -> bool:
        """Whether the client wants a stream."""
        return self.recording.is_streamed and self.cutting != "folded"

    @property
    def name(self) -> str:
        return f"{self.recording.id} as {self.client}, {self.cutting}"


@dataclass(frozen=True, slots=True)
class Outcome:
    case: Case
    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a recording says: an answer, or an error that the client must see (with one of `error_status`, if any)."""

    reading: Reading | None
    error_status: frozenset[int] = field(default_factory=frozenset[int])
    skip: str | None = None


def expected_of(recording: Recording) -> Expected:
    if recording.status >= 400:
        return Expected(None, frozenset({_client_status(recording.status)}))
    try:
        reading = oracle.read(recording.dialect, recording.content(), is_streamed=recording.is_streamed)
    except UnreadableError:
        return Expected(None)
    if any(choice.finish in {"queued", "in_progress"} for choice in reading.choices.values()):
        return Expected(reading, skip="background mode: the answer is still to come")
    return Expected(reading)


def _client_status(status: int) -> int:
    """An operator's problem (a bad credential) and a provider's own fault are a 502 to the client."""
    return 502 if status in {401, 403} or status >= 500 else status


def cases(recordings: Sequence[Recording]) -> Iterator[Case]:
    for recording in recordings:
        for client in CLIENT_DIALECTS:
            for cutting in CUTTINGS if recording.is_streamed else CUTTINGS[:-1]:
                yield Case(recording, client, cutting)


async def replay(case: Case, transport: Transport, expected: Expected) -> Outcome:
    """One request, one answer, one verdict."""
    recording, client = case.recording, case.client
    if expected.skip is not None:
        return Outcome(case, "skipped", (expected.skip,))
    if expected.reading is not None and len(expected.reading.choices) > 1 and client != "openai-chat":
        return Outcome(case, "skipped", (f"{client} has no place for several choices",))
    if case.cutting == "folded" and "no_stream_options" in vendors()[vendor_of(recording)].quirks:
        return Outcome(case, "skipped", ("not fetched as a stream: the vendor tells no usage of streams",))
    request = request_for(client, recording, transport.model_for(recording, case.cutting), is_streamed=case.is_streamed)
    seen = await transport.answer(client, request, recording, case.cutting)
    reasons = _judge(case, expected, request, seen)
    return Outcome(case, "failed" if reasons else "passed", tuple(reasons))


def _judge(case: Case, expected: Expected, request: JsonObject, seen: Seen) -> list[str]:
    recording, client = case.recording, case.client
    reasons: list[str] = []
    is_own = client == recording.dialect
    is_as_recorded = case.is_streamed == recording.is_streamed
    if is_own and is_as_recorded and recording.request is not None and seen.provider_got is not None:
        reasons += request_differences(client, recording.request, seen.provider_got)
    if expected.reading is None:
        return reasons + _judge_error(case, expected, seen)
    if seen.status != 200:
        return [*reasons, f"status {seen.status}: {seen.body[:200].decode(errors='replace')}"]
    try:
        reading = oracle.read(client, seen.body, is_streamed=case.is_streamed)
    except UnreadableError as error:
        return [*reasons, f"unreadable answer: {error}"]
    asks_for_usage = shows_usage(client, request)
    reasons += differences(expected.reading, reading, shows_usage=asks_for_usage)
    if not asks_for_usage and shows_usage_in_stream(seen.body):
        reasons.append("usage shown to a client that did not ask for it")
    if is_own and is_as_recorded:
        reasons += verbatim_differences(client, recording.content(), seen.body, is_streamed=recording.is_streamed)
    if not is_own or not misfits(client, recording.content(), is_streamed=recording.is_streamed):
        reasons += misfits(client, seen.body, is_streamed=case.is_streamed)
    if client == "openai-responses" and case.is_streamed:
        text, _ = streamed_text_of_responses(seen.body)
        if text != reading.choice(0).text + reading.choice(0).refusal:
            reasons.append(f"the deltas say {text[:80]!r}, the terminal event {reading.choice(0).text[:80]!r}")
    return reasons


def _judge_error(case: Case, expected: Expected, seen: Seen) -> list[str]:
    if seen.status >= 400:
        if expected.error_status and seen.status not in expected.error_status:
            return [f"status {case.recording.status} became {seen.status}, not {sorted(expected.error_status)}"]
        return [] if b'"error"' in seen.body else ["the error has no body of the client's dialect"]
    try:
        oracle.read(case.client, seen.body, is_streamed=case.is_streamed)
    except UnreadableError:
        if b"error" in seen.body or b"response.failed" in seen.body:
            return []
        return ["the broken stream ends with no error event"]
    return ["the provider's failure reached the client as a whole answer"]
