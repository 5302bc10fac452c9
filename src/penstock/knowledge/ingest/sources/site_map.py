"""The pages that a site map names, and those of the site maps that it names.  No link is followed to any other."""

import tempfile
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from penstock.knowledge.ingest.sources.fetching import Fetcher
from penstock.knowledge.ingest.sources.source import Entry, Gone, Loaded, SourceUnavailable
from penstock.knowledge.ingest.unreadable import Unreadable

_MOST_MAPS: Final = 100
_MOST_MAP_BYTES: Final = 50 << 20
_ENTITIES: Final = tuple("<!DOCTYPE".encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be"))


class SiteMap:
    """Its entries' keys are their addresses.  `close` it: what was fetched lies in a temporary folder until then."""

    def __init__(self, url: str, fetcher: Fetcher, *, most_pages: int = 50_000) -> None:
        self._url = url
        self._most_pages = most_pages
        self._fetcher = fetcher
        self._spool = tempfile.TemporaryDirectory(prefix="penstock-pages-")

    def entries(self) -> Iterator[Entry]:
        pending, seen, count = [self._url], {self._url}, 0
        while pending:
            maps, pages = self._read(pending.pop())
            for url, modified_at in pages:
                count += 1
                if count > self._most_pages:
                    raise SourceUnavailable(f"the site map names more than {self._most_pages} pages")
                yield Entry(key=url, uri=url, modified_at=modified_at)
            for url in maps:
                if url not in seen and len(seen) < _MOST_MAPS:
                    seen.add(url)
                    pending.append(url)

    def load(self, entry: Entry, *, mark: str | None = None) -> Loaded | None:
        kept = Path(self._spool.name) / sha256(entry.key.encode()).hexdigest()
        if mark is None and kept.exists():
            return Loaded(kept.read_bytes())
        page = self._fetcher.fetch(entry.key, mark=mark)
        if page.data is None:
            return None
        kept.write_bytes(page.data)
        return Loaded(page.data, page.mark)

    def close(self) -> None:
        self._spool.cleanup()

    def _read(self, url: str) -> tuple[list[str], list[tuple[str, float | None]]]:
        try:
            data = self._fetcher.fetch(url).data or b""
        except Gone:
            raise SourceUnavailable(f"there is no site map at {url}") from None
        except Unreadable as error:
            raise SourceUnavailable(f"the site map {url}: {error.message}") from None
        try:
            return _locations(_unpacked(data))
        except (ET.ParseError, zlib.error, ValueError) as error:
            raise SourceUnavailable(f"{url} is no site map ({type(error).__name__})") from None


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(wbits=31)
    found = unpacker.decompress(data, _MOST_MAP_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError("it expands too far")
    return found


def _locations(data: bytes) -> tuple[list[str], list[tuple[str, float | None]]]:
    if any(mark in data for mark in _ENTITIES):
        raise ValueError("a site map has no document type")
    root = ET.fromstring(data)  # noqa: S314 - without a document type there is nothing to expand
    maps: list[str] = []
    pages: list[tuple[str, float | None]] = []
    for element in root:
        name = _local(element.tag)
        values = {_local(each.tag): (each.text or "").strip() for each in element}
        url = values.get("loc", "")
        if urlsplit(url).scheme not in {"http", "https"}:
            continue
        if name == "sitemap":
            maps.append(url)
        elif name == "url":
            pages.append((url, _time(values.get("lastmod", ""))))
    return maps, pages


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _time(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
