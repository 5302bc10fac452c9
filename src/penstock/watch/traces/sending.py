"""One batch of exchanges as one OTLP/HTTP request, and what the collector made of it.

https://opentelemetry.io/docs/specs/otlp/#otlphttp: a binary protobuf, compressed with gzip, which every receiver takes;
429, 502, 503 and 504 mean that the same may be sent again, any other refusal that it may not.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

import penstock
from penstock.watch.posting import Way, post
from penstock.watch.traces import names

_AGAIN = frozenset({429, 502, 503, 504})
_COMPRESSION = 1


@dataclass(frozen=True, slots=True)
class Collector:
    """Where it goes.  `headers` hold credentials: they are shown nowhere."""

    endpoint: str
    headers: Mapping[str, str]
    resource: Mapping[str, str]
    way: Way

    def __repr__(self) -> str:
        return "Collector(…)"


@dataclass(frozen=True, slots=True)
class Sent:
    """`taken`, `refused` for good, or not now (`later`), for at least `wait_s` where it says so.

    `lost_spans` are those that it would not have, though it took the others.
    """

    outcome: Literal["taken", "refused", "later"]
    problem: str | None = None
    wait_s: float | None = None
    lost_spans: int = 0


def body_of(spans: Sequence[Span], resource: Mapping[str, str]) -> bytes:
    """The request, compressed."""
    described = {names.SERVICE_NAME: "penstock", names.SERVICE_VERSION: penstock.__version__, **resource}
    attributes = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in described.items()]
    scope = ScopeSpans(scope=InstrumentationScope(name="penstock", version=penstock.__version__), spans=spans)
    whole = ResourceSpans(resource=Resource(attributes=attributes), scope_spans=[scope])
    return gzip.compress(ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString(), _COMPRESSION)


def send(collector: Collector, body: bytes) -> Sent:
    """Send it once.  Never raises for what the collector or the network does."""
    headers = {
        **collector.headers,
        "content-type": "application/x-protobuf",
        "content-encoding": "gzip",
        "user-agent": f"penstock/{penstock.__version__}",
    }
    posted = post(collector.endpoint, body, headers, collector.way)
    if posted.is_taken:
        lost = _lost(posted.body)
        return Sent("taken", f"it would not have {lost} spans" if lost else None, lost_spans=lost)
    if posted.status is None or posted.status in _AGAIN:
        return Sent("later", posted.problem, posted.retry_after_s)
    return Sent("refused", posted.problem)


def _lost(body: bytes) -> int:
    """How many spans a collector that took the request says it has not taken; its words are its own."""
    try:
        return max(0, ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)
    except DecodeError:
        return 0  # an answer of 2xx counts, whatever else it says
