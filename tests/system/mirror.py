"""A provider that shows what it was asked: it keeps each body, and answers with the last thing that was said.

Speaks OpenAI chat, whole and streamed.  `calls` are tools that it calls in place of an answer; while `hangs` is cleared
it waits, and while `breaks` is set its streams break off.
"""

import json  # noqa: TID251 - the provider's side
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass
class Mirror:
    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    calls: list[str] = field(default_factory=list[str])
    hangs: threading.Event = field(default_factory=threading.Event)
    breaks: bool = False

    @property
    def seen(self) -> list[tuple[str, str]]:
        """Role and text of each message of the last request."""
        return [(each["role"], _text(each)) for each in self.asked[-1]["messages"]]


@contextmanager
def mirroring() -> Generator[Mirror]:
    mirror = Mirror()
    mirror.hangs.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            mirror.asked.append(body)
            mirror.hangs.wait(60)
            if mirror.breaks:
                self._send(
                    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
                    b'[{"index":0,"delta":{"role":"assistant","content":"half"}}]}\n\n',
                    "text/event-stream",
                )
                return
            message: dict[str, Any] = {"role": "assistant", "content": _text(body["messages"][-1])}
            if mirror.calls:
                call = {"id": "call_1", "type": "function", "function": {"name": mirror.calls.pop(), "arguments": "{}"}}
                message = {"role": "assistant", "content": None, "tool_calls": [call]}
            self._answer(body, message)

        def _answer(self, body: dict[str, Any], message: dict[str, Any]) -> None:
            shell = {"id": "c1", "created": 1, "model": "m"}
            reason = "tool_calls" if "tool_calls" in message else "stop"
            usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
            if not body.get("stream"):
                choice = {"index": 0, "message": message, "finish_reason": reason}
                whole = {**shell, "object": "chat.completion", "choices": [choice], "usage": usage}
                self._send(json.dumps(whole).encode(), "application/json")
                return
            text = message["content"]
            deltas = [{"role": "assistant", "content": ""}, *({"content": each} for each in text)]
            frames: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": each}]} for each in deltas]
            frames.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
            frames.append({"choices": [], "usage": usage})
            kind = {**shell, "object": "chat.completion.chunk"}
            lines = [b"data: " + json.dumps({**kind, **each}).encode() for each in frames]
            self._send(b"\n\n".join([*lines, b"data: [DONE]", b""]), "text/event-stream")

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nothing: it is no test's business."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mirror.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield mirror
    mirror.hangs.set()
    server.shutdown()
    server.server_close()


def _text(message: dict[str, Any]) -> str:
    content = cast("list[dict[str, str]] | str | None", message.get("content"))
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""
