"""Guards of others, made for one model: plugins by their entry points, services over HTTP."""

from collections.abc import Mapping, Sequence

from penstock.config.guards import OwnGuardSettings
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError, UpstreamError
from penstock.guard.own.opinion import GuardPlugin, action_of
from penstock.guard.own.plugin import Plugin, load_plugin
from penstock.guard.own.webhook import Post, WebHook
from penstock.guard.ward import Direction, Ward
from penstock.providers.http_client import HttpCall, HttpClient

_MOST_ANSWER_BYTES = 4 << 20


class Own:
    """Makes the wards; `aclose` once, after the last exchange has settled."""

    def __init__(self, clock: Clock) -> None:
        self._client = HttpClient(clock=clock)
        self._plugins: list[Plugin] = []
        self._made: dict[str, GuardPlugin] = {}

    def wards(self, guards: Mapping[str, OwnGuardSettings], direction: Direction) -> Sequence[Ward]:
        """Those that are asked about `direction`.  Raises `ConfigError` with the path below `guards.own`."""
        return [
            self._ward(name, settings, direction)
            for name, settings in guards.items()
            if direction in settings.on and settings.mode != "off"
        ]

    async def aclose(self) -> None:
        for plugin in self._plugins:
            plugin.close()
        await self._client.aclose()

    def _ward(self, name: str, settings: OwnGuardSettings, direction: Direction) -> Ward:
        if settings.url is not None:
            asked = WebHook(name, self._post(settings.url, settings), direction).ask
        else:
            try:
                plugin = Plugin(name, self._plugin(settings.plugin or ""), direction)
            except ConfigError as error:
                raise ConfigError(error.message, path=f"own.{name}.plugin") from None
            self._plugins.append(plugin)
            asked = plugin.ask
        return Ward(
            guard=f"own.{name}",
            mode="shadow" if settings.mode == "shadow" else "enforce",
            fail=settings.fail,
            action=action_of,
            ask=asked,
            timeout_s=settings.timeout_s,
            stream=settings.stream,
            asks_for=lambda segment: segment.is_said,
        )

    def _plugin(self, name: str) -> GuardPlugin:
        """Made once: it may have loaded much."""
        if name not in self._made:
            self._made[name] = load_plugin(name)
        return self._made[name]

    def _post(self, url: str, settings: OwnGuardSettings) -> Post:
        named = tuple((name, value.reveal()) for name, value in settings.headers.items())
        headers = (("content-type", "application/json"), ("accept", "application/json"), *named)
        client = self._client

        async def post(body: bytes) -> tuple[int, bytes]:
            try:
                connection = await client.send(HttpCall(url, headers, body), timeout_s=settings.timeout_s)
                try:
                    await connection.wait_head()
                    answer = bytearray()
                    while (data := await connection.read_body()) is not None:
                        answer += data
                        if len(answer) > _MOST_ANSWER_BYTES:
                            raise OSError("the answer does not end")
                    return connection.status, bytes(answer)
                finally:
                    client.release(connection)
            except UpstreamError as error:
                raise OSError(error.code) from None

        return post
