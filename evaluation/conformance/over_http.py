"""The real transport: a running Penstock, its own HTTP in and out, between a plain client and the recording server."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from evaluation.conformance.cutting import CUTTINGS, Cutting
from evaluation.conformance.recording_server import RecordingServer, model_name
from evaluation.conformance.recordings import Recording
from evaluation.conformance.replay import Seen
from evaluation.conformance.rooms import OPTIONS, vendor_of
from penstock.core.chat import Dialect
from penstock.core.json import JsonObject, dumps
from penstock.providers.vendors import vendors
from penstock.testing.ports import free_port

_START_S = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATHS: dict[Dialect, str] = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic": "/v1/messages",
}


class PenstockNotReadyError(Exception):
    """Penstock did not start; the text is its last output."""


class OverHttp:
    """Implements `Transport` over one running Penstock.  Ask it for one recording at a time."""

    def __init__(self, recordings: Sequence[Recording], server: RecordingServer, port: int, key: str) -> None:
        self._numbers = {recording.id: number for number, recording in enumerate(recordings)}
        self._server = server
        self._port = port
        self._key = key

    def model_for(self, recording: Recording, cutting: Cutting) -> str:
        return model_name(self._numbers[recording.id], cutting)

    async def answer(self, client: Dialect, request: JsonObject, recording: Recording, cutting: Cutting) -> Seen:
        status, body = await post(self._port, _PATHS[client], self._key, dumps(request))
        return Seen(status, body, self._server.got.pop(self.model_for(recording, cutting), None))


@asynccontextmanager
async def running(recordings: Sequence[Recording], folder: Path) -> AsyncGenerator[OverHttp]:
    """Penstock as `penstock up` starts it, configured so that each recording is a model."""
    server = RecordingServer(recordings)
    upstream = await server.start()
    config = folder / "penstock.yaml"
    config.write_bytes(dumps(configuration(recordings, upstream)))
    port, control = free_port(), free_port()
    log = folder / "penstock.log"
    command = [str(Path(sys.executable).parent / "penstock"), "up", "--data-dir", str(folder / "data")]
    command += ["--port", str(port), "--control-port", str(control), "--config", str(config)]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - starts once, before anything is awaited
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "CONFORMANCE_KEY": _credential()}
        )
    try:
        await _wait_until_ready(process, port, log)
        key = (folder / "data" / "dev-key").read_text().strip()
        yield OverHttp(recordings, server, port, key)
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 60)
        await server.aclose()


def configuration(recordings: Sequence[Recording], upstream_port: int) -> JsonObject:
    """One provider for each vendor, all at the recording server, and one model for each recording and cutting."""
    providers: JsonObject = {}
    models: JsonObject = {}
    for number, recording in enumerate(recordings):
        vendor = vendor_of(recording)
        name = f"recorded-{vendor}"
        options = {**vendors()[vendor].options, **OPTIONS.get(vendor, {})}
        providers[name] = {
            "vendor": vendor,
            "dialect": recording.dialect,  # written out, so that no client is sent to the vendor's other API
            "base_url": f"http://127.0.0.1:{upstream_port}",
            "api_key": "env:CONFORMANCE_KEY",
            "options": dict(options),
        }
        for cutting in CUTTINGS:
            model = model_name(number, cutting)
            models[model] = {
                "targets": [{"provider": name, "model": model}],
                "max_attempts": 1,
                "hedged": cutting == "folded",
            }
    log: JsonObject = {"level": "error"}
    return {"discover_providers": False, "log": log, "providers": providers, "models": models}


async def post(port: int, path: str, key: str, body: bytes) -> tuple[int, bytes]:
    """One request on a connection of its own; the answer's status and whole body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    try:
        answer = await reader.read()
    finally:
        writer.close()
    head_bytes, _, rest = answer.partition(b"\r\n\r\n")
    status = int(head_bytes.split(b" ", 2)[1])
    return status, rest if _LENGTH.search(head_bytes) else _unchunked(rest)


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            break
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)


async def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _START_S
    while asyncio.get_running_loop().time() < deadline and process.poll() is None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)  # noqa: TID251 - waits for another process
            continue
        writer.write(b"GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        if answer.startswith(b"HTTP/1.1 200"):
            return
        await asyncio.sleep(0.05)  # noqa: TID251 - same
    raise PenstockNotReadyError(await asyncio.to_thread(log.read_text))


def _credential() -> str:
    """Fits every vendor: Bedrock wants two parts."""
    return f"{secrets.token_hex(8)}:{secrets.token_hex(8)}"
