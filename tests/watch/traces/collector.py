"""A real OTLP/HTTP collector on a port: it decodes what it is sent, and answers as it is told."""

import gzip
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class OtlpCollector:
    """`answers` are statuses in turn, and then `status`; `waits` holds every answer back until it is set."""

    status: int = 200
    answers: deque[int] = field(default_factory=deque[int])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    rejects: int = 0
    waits: threading.Event | None = None
    heads: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    bodies: list[bytes] = field(default_factory=list[bytes])
    taken: list[ExportTraceServiceRequest] = field(default_factory=list[ExportTraceServiceRequest])
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/traces"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.taken
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def roots(self) -> list[Span]:
        return [span for span in self.spans if span.kind == Span.SPAN_KIND_SERVER]

    def answer(self, path: str, head: dict[str, str], body: bytes) -> tuple[int, bytes]:
        plain = gzip.decompress(body)
        self.heads.append(head)
        self.bodies.append(plain)
        if self.waits is not None:
            self.waits.wait(30)
        status = self.answers.popleft() if self.answers else self.status
        if status != 200 or path != "/v1/traces" or head["content-type"] != "application/x-protobuf":
            return (404 if path != "/v1/traces" else status), b"no"
        self.taken.append(ExportTraceServiceRequest.FromString(plain))
        reply = ExportTraceServiceResponse()
        reply.partial_success.rejected_spans = self.rejects
        return 200, reply.SerializeToString()


@contextmanager
def collecting(tls: SSLContext | None = None) -> Generator[OtlpCollector]:
    collector = OtlpCollector(scheme="http" if tls is None else "https")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            head = {name.lower(): value for name, value in self.headers.items()}
            status, reply = collector.answer(self.path, head, body)
            try:
                self.send_response(status)
                for name, value in collector.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)
            except OSError:
                return  # the sender has gone

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    collector.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        if collector.waits is not None:
            collector.waits.set()
        server.shutdown()
        server.server_close()
        thread.join()


def attributes(pairs: "object") -> dict[str, object]:
    """A span's, or an event's, as plain values."""
    found: dict[str, object] = {}
    for pair in pairs:  # type: ignore[attr-defined] # protobuf's container
        assert isinstance(pair, KeyValue)
        assert pair.key not in found
        found[pair.key] = plain(pair.value)
    return found


def plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(each) for each in value.array_value.values]
    return getattr(value, str(kind))
