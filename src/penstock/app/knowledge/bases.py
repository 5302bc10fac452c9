"""Knowledge bases as commands and workers have them: the index over one connection, asked by name."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import psycopg

from penstock.app.knowledge.views import BaseView
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.sources import Passage, Reader
from penstock.knowledge.document import BaseId
from penstock.knowledge.index import bases
from penstock.knowledge.index.request import Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.steps import Asker, take

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

_NAME: Final = re.compile(r"[^/\s][^/]{0,199}")


class PostgresBases:
    """`app.knowledge.views.Bases` over a connection in autocommit; only `create` and `search` ask for the encoder."""

    def __init__(self, connection: psycopg.Connection, encoder: "Callable[[], Encoder]", clock: Clock) -> None:
        self._connection = connection
        self._encoder = encoder
        self._clock = clock

    def create(self, tenant: str, name: str) -> BaseId:
        if not _NAME.fullmatch(name) or not name.isprintable():
            raise ConfigError("a knowledge base's name has up to 200 printable letters and no slash")
        encoder = self._encoder()
        of = bases.Fingerprint(encoder.identity, encoder.width)
        try:
            return bases.create_base(self._connection, tenant, name, of)
        except bases.BaseExists:
            raise ConfigError(f"there is a knowledge base {name!r} already") from None

    def find(self, tenant: str, name: str) -> BaseView | None:
        found = bases.find_base(self._connection, tenant, name)
        return None if found is None else _view(found)

    def listed(self, tenant: str | None) -> Sequence[BaseView]:
        return [_view(each) for each in bases.list_bases(self._connection, tenant)]

    def delete(self, base: BaseId) -> None:
        bases.delete_base(self._connection, base)

    def search(self, base: BaseId, query: str, readers: Sequence[Reader], *, most: int) -> Sequence[Passage]:
        found = next((each for each in bases.list_bases(self._connection, None) if each.id == base), None)
        if found is None:
            return ()
        vector = self._encoder().model.encode(query).sentence
        asker = Asker(found.tenant, tuple(readers))
        search = Search(query=query, vector=vector, asker=asker, bases=(base,), k=most)
        return take(self._connection, searching(search, now=self._clock.now())).passages


def _view(base: bases.Base) -> BaseView:
    return BaseView(id=base.id, tenant=base.tenant, name=base.name, documents=base.documents, chunks=base.chunks)
