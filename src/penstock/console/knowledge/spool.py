"""A request's body on disk: within its limits, without a name, and gone with whoever held it."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fastapi import Request
from starlette.requests import ClientDisconnect

from penstock.core.errors import MalformedRequest, RequestTimeout, RequestTooLarge


class Spooled(NamedTuple):
    """`file` stands at its beginning."""

    file: BinaryIO
    size: int
    sha256: str


@asynccontextmanager
async def spooled(request: Request, folder: Path, *, most_bytes: int, timeout_s: float) -> AsyncGenerator[Spooled]:
    """The whole body.  Raises `RequestTooLarge`, `RequestTimeout`, and `MalformedRequest` where it breaks off."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > most_bytes:
        raise _too_large(most_bytes)
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        digest = hashlib.sha256()
        size = 0
        try:
            async with asyncio.timeout(timeout_s):
                async for piece in request.stream():
                    size += len(piece)
                    if size > most_bytes:
                        raise _too_large(most_bytes)
                    digest.update(piece)
                    await asyncio.to_thread(file.write, piece)
        except TimeoutError:
            raise RequestTimeout(f"The body did not arrive within {timeout_s:g} s.") from None
        except ClientDisconnect:
            raise MalformedRequest("The body broke off before its end.") from None
        if not size:
            raise MalformedRequest("The body is empty: it is to be the document.")
        file.seek(0)
        yield Spooled(file, size, digest.hexdigest())


def _too_large(most_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(f"A document may have {most_bytes} bytes (`ingest.file_bytes`).")
