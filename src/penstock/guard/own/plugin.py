"""A guard that somebody has written in Python: found by its entry point, run on threads of its own."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from typing import Final, cast

from penstock.core.errors import ConfigError
from penstock.core.exchange import Exchange
from penstock.guard.own.opinion import GuardPlugin, Opinion, findings_of, questions_of
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import CannotJudge, Direction

GROUP: Final = "penstock.guards"
_THREADS: Final = 4


def load_plugin(name: str) -> GuardPlugin:
    """Raises `ConfigError` where there is none of that name, or it cannot be made."""
    found = entry_points(group=GROUP)
    names = sorted(each.name for each in found)
    for each in found:
        if each.name != name:
            continue
        try:
            made = each.load()()
        except Exception as error:  # noqa: BLE001 - boundary: somebody's code, at start
            raise ConfigError(f"the guard {name!r} cannot be made: {type(error).__name__}: {error}") from None
        if not callable(getattr(made, "judge", None)):
            raise ConfigError(f"the guard {name!r} has no method `judge`")
        return cast("GuardPlugin", made)
    known = ", ".join(names) or "there is none"
    raise ConfigError(f"no installed package offers a guard {name!r} (entry points of {GROUP!r}: {known})")


class Plugin:
    """Asks a plugin.  `ask` has the form of `guard.ward.Ask`."""

    def __init__(self, name: str, plugin: GuardPlugin, direction: Direction) -> None:
        self._name = name
        self._plugin = plugin
        self._direction: Direction = direction
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"guard-{name}")
        self._running = 0

    async def ask(self, exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        """Raises `CannotJudge` where every thread is held by a call that has not come back."""
        if self._running >= _THREADS * 4:
            raise CannotJudge("busy")
        questions = questions_of(
            segments,
            exchange=exchange.id,
            tenant=exchange.principal.tenant,
            model=exchange.request.model,
            direction=self._direction,
        )
        self._running += 1
        call = asyncio.get_running_loop().run_in_executor(self._pool, self._plugin.judge, questions)
        call.add_done_callback(self._came_back)
        # Shielded: what is given up here goes on running there, and counts until it comes back.
        said: Sequence[object] = await asyncio.shield(call)
        opinions = [each for each in said if isinstance(each, Opinion)]
        if len(opinions) != len(said):
            raise CannotJudge("nonsense")
        return findings_of(self._name, segments, opinions)

    def close(self) -> None:
        """Start no further call."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _came_back(self, call: "asyncio.Future[Sequence[Opinion]]") -> None:
        self._running -= 1
        if not call.cancelled():
            call.exception()  # looked at, so that one which nobody waits for any more is not reported as lost
