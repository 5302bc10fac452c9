"""What commands see of knowledge bases."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from penstock.core.sources import Passage, Reader
from penstock.knowledge.document import BaseId, DocumentStore


class BaseView(msgspec.Struct, frozen=True, kw_only=True):
    id: BaseId
    tenant: str
    name: str
    documents: int
    chunks: int


class Bases(Protocol):
    """Knowledge bases by name, and what is in them.  All raise `psycopg.Error`.

    `create` raises `ConfigError` where there is one of the name.  `search` finds what one of `readers` may read.
    """

    def create(self, tenant: str, name: str) -> BaseId: ...
    def find(self, tenant: str, name: str) -> BaseView | None: ...
    def listed(self, tenant: str | None) -> Sequence[BaseView]: ...
    def delete(self, base: BaseId) -> None: ...
    def search(self, base: BaseId, query: str, readers: Sequence[Reader], *, most: int) -> Sequence[Passage]: ...


class Index(msgspec.Struct, frozen=True):
    """Both sides of the index: what is kept, and what is found."""

    documents: DocumentStore
    bases: Bases
