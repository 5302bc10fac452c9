"""A provider on a loopback socket that answers with recordings, byte for byte or cut into pieces.

A request names its recording in its model (`rec-17-whole`), in the path or in the body, wherever its dialect puts it.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import cast

from evaluation.conformance.cutting import Cutting, pieces
from evaluation.conformance.recordings import Recording
from penstock.core.json import JsonObject, loads

_MODEL = re.compile(rb"rec-(\d+)-(whole|cut|folded)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TAKES_GZIP = re.compile(rb"accept-encoding:[^\r\n]*gzip", re.IGNORECASE)


def model_name(number: int, cutting: Cutting) -> str:
    return f"rec-{number}-{cutting}"


class RecordingServer:
    """Serves `recordings` by their number.  `got` holds the JSON body of the last request for each model name."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings
        self._server: asyncio.Server | None = None
        self.got: dict[str, JsonObject] = {}

    async def start(self) -> int:
        """Returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                self._answer(head, body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        asked = _MODEL.search(head) or _MODEL.search(body)
        if asked is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        recording = self._recordings[int(asked[1])]
        cutting = cast("Cutting", asked[2].decode())
        got = loads(body)
        if isinstance(got, dict):
            self.got[asked[0].decode()] = got
        is_compressed = recording.is_compressed and _TAKES_GZIP.search(head) is not None
        content = recording.body if is_compressed else recording.content()
        writer.write(_head(recording, content, cutting, is_compressed=is_compressed))
        if cutting != "cut":
            writer.write(content)
            return
        for piece in pieces(recording, content, cutting):
            if writer.is_closing():
                return
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")


def _head(recording: Recording, content: bytes, cutting: Cutting, *, is_compressed: bool) -> bytes:
    lines = [f"HTTP/1.1 {recording.status} Recorded"]
    lines += [f"{name}: {value}" for name, value in recording.headers if is_compressed or name != "content-encoding"]
    lines.append(f"content-length: {len(content)}" if cutting != "cut" else "transfer-encoding: chunked")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
