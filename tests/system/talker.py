"""A provider that says what the test tells it to, over a real socket: OpenAI chat, whole or word by word."""

import json  # noqa: TID251 - the provider's side
import re
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}


@dataclass
class Talker:
    """`says` is by model: always the same, or something else each time; a model that is not in it repeats the last
    message of the request, whoever wrote it.

    `asked` are the requests as they came; `hung_up` is set once somebody has left before the end of an answer.
    """

    port: int
    says: dict[str, str | Iterator[str]] = field(default_factory=dict[str, str | Iterator[str]])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    hung_up: threading.Event = field(default_factory=threading.Event)

    def config(self) -> str:
        """The provider `talker`, for a configuration file."""
        return "\n".join(
            (
                "providers:",
                "  talker:",
                "    vendor: custom",
                "    dialect: openai-chat",
                f"    base_url: http://127.0.0.1:{self.port}/v1",
                "    prices: {'*': {input_usd_per_million: 1, output_usd_per_million: 2}}",
                "",
            )
        )


def _answer(talker: Talker, asked: dict[str, Any]) -> str:
    model = str(asked["model"])
    if model in talker.says:
        said = talker.says[model]
        return said if isinstance(said, str) else next(said)
    content = asked["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@contextmanager
def talking() -> Generator[Talker]:
    """The provider, for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Nothing is printed."""

        def do_POST(self) -> None:
            asked: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            talker.asked.append(asked)
            text = _answer(talker, asked)
            try:
                if asked.get("stream"):
                    self._stream(text)
                else:
                    self._whole(text)
            except ConnectionError:
                talker.hung_up.set()

        def _whole(self, text: str) -> None:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
            self._send("application/json", json.dumps({**body, "usage": USAGE}).encode())

        def _stream(self, text: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for word in re.findall(r"\S*\s*", text):
                self._chunk({"content": word})
            self._chunk({}, "stop")
            self.wfile.write(b"data: [DONE]\n\n")

        def _chunk(self, delta: dict[str, str], finish: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(b"data: " + json.dumps(body).encode() + b"\n\n")
            self.wfile.flush()

        def _send(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    talker = Talker(int(server.server_address[1]))
    thread = threading.Thread(target=server.serve_forever, name="talker", daemon=True)
    thread.start()
    try:
        yield talker
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
