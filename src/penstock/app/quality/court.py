"""Asks the model that judges, over HTTP, as any application would: with a key, metered, priced, limited, visible.

Nothing of the call is kept or cached (`cache-control: no-store`).  What a call can cost at most is told from prices
before it is made; a model of which a target has no price cannot judge.
"""

import http.client
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from penstock.config.quality import JudgeSettings
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.ports import PriceList, Target
from penstock.core.usage import Usage
from penstock.watch.quality.judge import MOST_TOKENS, request_body
from penstock.watch.quality.judging import Reply
from penstock.watch.quality.seen import Seen

PATH: Final = "/v1/chat/completions"
_ANY_ADDRESS = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"})  # noqa: S104 - where to knock
_MOST_BYTES: Final = 1 << 20
_MORE_TOKENS: Final = 1_000
"""Beside the texts: what providers put around them."""


class DataPlaneCourt:
    """A `watch.quality.judging.Court`."""

    def __init__(
        self, config: Config, settings: JudgeSettings, targets: tuple[Target, ...], prices: PriceList, clock: Clock
    ) -> None:
        """Raises `ConfigError` where a target has no price: its budget could not be kept."""
        self._host = _ANY_ADDRESS.get(config.server.host, config.server.host)
        self._port = config.server.port
        self._settings = settings
        self._targets = targets
        self._prices = prices
        self._clock = clock
        self._calls = config.models[settings.model].max_attempts  # `rules` sees to it that no other calls are made
        for target in targets:
            if prices.cost(target, Usage(input_tokens=1, output_tokens=1), at=clock.now()).amount_nanousd is None:
                raise config.problem(
                    "quality.judge.model",
                    f"the price of {target.name} is not known, so that `budget_usd` could not be kept: "
                    "write it into `providers.*.prices`",
                )
        if not targets:
            raise config.problem("quality.judge.model", "it has no targets")

    def most_nanousd(self, seen: Seen) -> int:
        """A token is a byte at least; every call that the route may make is counted."""
        body = self._body(seen, "0" * 32)
        usage = Usage(input_tokens=len(body) + _MORE_TOKENS, output_tokens=MOST_TOKENS)
        costs = [self._prices.cost(target, usage, at=self._clock.now()).amount_nanousd for target in self._targets]
        known = [each for each in costs if each is not None]
        if len(known) < len(costs):
            raise ConfigError("a price that was known is not known any more")
        return max(known) * self._calls

    def ask(self, seen: Seen) -> Reply:
        fence = secrets.token_hex(16)
        headers: Mapping[str, str] = {
            "authorization": f"Bearer {self._settings.key.reveal()}",
            "content-type": "application/json",
            "cache-control": "no-store",
        }
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._settings.timeout_s)
        try:
            connection.request("POST", PATH, body=self._body(seen, fence), headers=dict(headers))
            response = connection.getresponse()
            return Reply(response.status, response.read(_MOST_BYTES), response.getheader("x-request-id"))
        except (OSError, http.client.HTTPException):
            return Reply(None, b"", None)
        finally:
            connection.close()

    def _body(self, seen: Seen, fence: str) -> bytes:
        settings = self._settings
        return request_body(
            seen, model=settings.model, rubric=settings.rubric, most_chars=settings.most_chars, fence=f"~~~{fence}~~~"
        )
