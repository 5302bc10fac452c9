"""A vendor with two APIs for the same models: each client gets the one that is its own."""

import asyncio
from collections.abc import Mapping, Sequence

from penstock.core.chat import Dialect, Request
from penstock.core.ports import Provider, Source


class TwinProvider:
    """A `core.ports.Provider` that calls the provider of the client's dialect, else that of `main`.

    So a Responses client keeps its built-in tools and its stored conversations, and everyone else the older API.
    """

    __slots__ = ("_main", "_name", "_providers")

    def __init__(self, name: str, providers: Mapping[Dialect, Provider], main: Dialect) -> None:
        self._name = name
        self._providers = providers
        self._main: Dialect = main

    @property
    def name(self) -> str:
        return self._name

    @property
    def dialect(self) -> Dialect:
        return self._main

    def advisory(self, request: Request) -> Sequence[str]:
        return self.for_request(request).advisory(request)

    async def open(self, request: Request, model: str, *, timeout_s: float) -> Source:
        return await self.for_request(request).open(request, model, timeout_s=timeout_s)

    async def aclose(self) -> None:
        await asyncio.gather(*(provider.aclose() for provider in self._providers.values()))

    def for_request(self, request: Request) -> Provider:
        """The provider that `open` would use."""
        return self._providers.get(request.dialect) or self._providers[self._main]
