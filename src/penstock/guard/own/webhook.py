"""A guard that is a service: asked over HTTP, with the same questions as a plugin."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from penstock.core.exchange import Exchange
from penstock.core.json import dumps
from penstock.guard.own.opinion import Opinions, findings_of, questions_of
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import CannotJudge, Direction

Post = Callable[[bytes], Awaitable[tuple[int, bytes]]]
"""Sends a body; gives the status and the body that came back.  Raises what a connection raises."""

_MOST_AT_ONCE: Final = 64
_decoder = msgspec.json.Decoder(Opinions)


class WebHook:
    """`ask` has the form of `guard.ward.Ask`."""

    def __init__(self, name: str, post: Post, direction: Direction) -> None:
        self._name = name
        self._post = post
        self._direction: Direction = direction
        self._running = 0

    async def ask(self, exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        """Raises `CannotJudge` for every status but 200 and every body that is no `Opinions`."""
        if self._running >= _MOST_AT_ONCE:
            raise CannotJudge("busy")
        questions = questions_of(
            segments,
            exchange=exchange.id,
            tenant=exchange.principal.tenant,
            model=exchange.request.model,
            direction=self._direction,
        )
        self._running += 1
        try:
            status, body = await self._post(dumps(questions))
        except OSError:
            raise CannotJudge("unreachable") from None
        finally:
            self._running -= 1
        if status != 200:
            raise CannotJudge(f"status_{status}")
        try:
            answer = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CannotJudge("nonsense") from None
        return findings_of(self._name, segments, answer.opinions)
