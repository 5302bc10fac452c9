"""What taking documents in may cost, and who does it (`ingest`)."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`worker` is whether `penstock up` runs a worker once there is work for one.  A worker says every `heartbeat_s`
    that it lives, and after three times that without a word its job goes to another.

    `readers` files are read at once, each by a process of its own.  `file_bytes` is the largest file that is taken,
    uploads too, `expanded_bytes` the most that an archive may unpack to; `text_chars`, `pages`, `cells` and
    `attachments` bound what is in one file.  A file that takes longer than `seconds`, or more than `cpu_seconds` of
    processor time or `memory_bytes`, is refused.  An upload must have arrived after `upload_s`; a page of a site after
    `page_s`, and a site map may name `site_pages`.
    """

    worker: bool = True
    heartbeat_s: Annotated[float, msgspec.Meta(ge=0.1, le=300)] = 5.0
    readers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    file_bytes: Annotated[int, msgspec.Meta(ge=1, le=512 << 20)] = 100 << 20
    expanded_bytes: Annotated[int, msgspec.Meta(ge=1, le=16 << 30)] = 512 << 20
    text_chars: Count = 20_000_000
    pages: Count = 5_000
    cells: Count = 2_000_000
    attachments: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 50
    seconds: Seconds = 120.0
    cpu_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 90
    memory_bytes: Annotated[int, msgspec.Meta(ge=256 << 20, le=256 << 30)] = 2 << 30
    upload_s: Seconds = 600.0
    page_s: Seconds = 20.0
    site_pages: Count = 50_000


def broken_ingest(ingest: IngestSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    if ingest.memory_bytes < 4 * ingest.file_bytes:
        yield "ingest.memory_bytes", "the process that reads a file needs four times `file_bytes`"
