"""What a source is, as it is kept: enough to open it again in another process."""

import msgspec

from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId
from penstock.knowledge.ingest.progress import Progress
from penstock.knowledge.ingest.sources.rules import ReaderRule


class FolderSpec(msgspec.Struct, frozen=True, tag="folder"):
    """`root` is absolute: another process opens it."""

    root: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class SiteSpec(msgspec.Struct, frozen=True, tag="site"):
    """`url` is the site map's, whose host is the only one asked.  `is_inner`: it may be on an inner network."""

    url: str
    is_inner: bool = False


class UploadSpec(msgspec.Struct, frozen=True, tag="upload"):
    """Files that are handed in one by one and stay until they are removed."""


Spec = FolderSpec | SiteSpec | UploadSpec


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    base: BaseId
    name: str
    spec: Spec
    rules: tuple[ReaderRule, ...]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is waiting, running, done, stopped (the rest is done when it is taken up again) or failed."""

    source: int
    state: str
    error: str | None
    updated_at: float
    progress: Progress


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    key: str
    readers: tuple[Reader, ...]
    at: float
