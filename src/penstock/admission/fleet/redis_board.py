"""The fleet's board in Valkey or Redis: two hashes that expire, one script, and a channel.

Whatever a restart loses is told again: members with their next beat, open breakers by the processes that found them.
An operator's order is lost with a Redis that does not persist.

Called by the thread of `FleetLink`, and by the control plane, each on connections of its own.
"""

from typing import Protocol, cast

import msgspec
import redis
import redis.cluster
import redis.exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from penstock.admission.fleet.board import KEPT_S, MOST_STATES, BoardLost, Member, Report, TargetState, View

_TIMEOUT_S = 3.0
_LOST = (redis.exceptions.RedisError, redis.exceptions.RedisClusterException, OSError)

# Values are JSON; their times are the store's, in seconds, as text, since cjson writes 14 digits of a number.
_SCRIPT = """
local clock = redis.call('TIME')
local at = clock[1] + clock[2] / 1000000
local function text(number) return string.format('%.6f', number) end
local r = cjson.decode(ARGV[1])
if r.is_leaving then
  redis.call('HDEL', KEYS[2], r.process)
elseif r.process ~= '' then
  redis.call('HSET', KEYS[2], r.process, cjson.encode({seen_at = text(at), place = r.place, targets = r.targets}))
  redis.call('EXPIRE', KEYS[2], r.kept_s)
end
local is_told = false
for _, f in ipairs(r.findings) do
  local raw, stands = redis.call('HGET', KEYS[1], f.target), true
  if raw and not f.is_ordered then
    local t = cjson.decode(raw)
    if t.is_ordered and t.state == 'open' and tonumber(t.open_until) > at then
      stands = false
    else
      local changed_at = tonumber(t.changed_at)
      stands = t.stamp == f.after or changed_at <= at - f.age_s or changed_at > at
    end
  end
  if stands then
    is_told = true
    redis.call('HSET', KEYS[1], f.target, cjson.encode({
      stamp = f.stamp, state = f.state, changed_at = text(at - f.age_s), open_until = text(at + f.left_s),
      openings = f.openings, reason = f.reason, process = r.process, place = r.place, is_ordered = f.is_ordered}))
    redis.call('EXPIRE', KEYS[1], r.kept_s)
  end
end
if is_told then redis.call('PUBLISH', ARGV[2], r.process) end
local members, states = {}, {}
local all = redis.call('HGETALL', KEYS[2])
for n = 1, #all, 2 do
  if math.abs(at - tonumber(cjson.decode(all[n + 1]).seen_at)) <= r.silent_s then
    members[#members + 1] = {all[n], all[n + 1]}
  else
    redis.call('HDEL', KEYS[2], all[n])
  end
end
all = redis.call('HGETALL', KEYS[1])
for n = 1, #all, 2 do
  local t = cjson.decode(all[n + 1])
  local changed_at, open_until = tonumber(t.changed_at), tonumber(t.open_until)
  if math.max(changed_at, open_until) < at - r.kept_s then
    redis.call('HDEL', KEYS[1], all[n])
  else
    states[#states + 1] = {all[n], text(at - changed_at), text(open_until - at), all[n + 1]}
  end
end
return {states, members}
"""


class _PubSub(Protocol):
    def subscribe(self, channel: str) -> object: ...
    def get_message(self, *, timeout: float) -> dict[str, object] | None: ...
    def close(self) -> None: ...


class _Client(Protocol):
    """What is used of it; the client's own types are looser."""

    def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes) -> object: ...
    def pubsub(self) -> _PubSub: ...
    def close(self) -> None: ...


class _Arguments(msgspec.Struct, frozen=True):
    process: str
    place: str
    targets: list[str]
    findings: list[dict[str, object]]
    is_leaving: bool
    silent_s: float
    kept_s: int


class _State(msgspec.Struct, frozen=True):
    stamp: str
    state: str
    openings: int
    reason: str
    process: str
    place: str
    is_ordered: bool


class _Member(msgspec.Struct, frozen=True):
    place: str
    targets: "list[str] | dict[str, str]"
    """An empty list is an empty table in Lua, and comes back as an empty object."""


class RedisBoard:
    """`Board` on a server or, with `is_cluster`, on a cluster that any of its nodes at `url` tells of."""

    def __init__(self, url: str, *, is_cluster: bool = False, prefix: str = "penstock") -> None:
        self._url = url
        self._is_cluster = is_cluster
        self._keys = (f"{prefix}:{{fleet}}:targets", f"{prefix}:{{fleet}}:processes")
        self._channel = f"{prefix}:{{fleet}}"
        self._client: _Client | None = None
        self._listening: _PubSub | None = None
        self._own = b""

    def exchange(self, report: Report) -> View:
        arguments = _Arguments(
            process=report.process,
            place=report.place,
            targets=list(report.targets),
            findings=[msgspec.structs.asdict(finding) for finding in report.findings],
            is_leaving=report.is_leaving,
            silent_s=report.silent_s,
            kept_s=int(KEPT_S),
        )
        self._own = report.process.encode()
        try:
            raw = self._connected().eval(
                _SCRIPT, len(self._keys), *self._keys, msgspec.json.encode(arguments), self._channel
            )
        except _LOST as error:
            raise self._lost(error) from None
        states, members = cast("tuple[list[tuple[bytes, bytes, bytes, bytes]], list[tuple[bytes, bytes]]]", raw)
        known = sorted((_state(*each) for each in states), key=lambda state: state.age_s)
        return View(states=tuple(known[:MOST_STATES]), members=tuple(_member(*each) for each in members))

    def wait(self, timeout_s: float) -> bool:
        try:
            self._connected()
            assert self._listening is not None  # noqa: S101 - what `_connected` has just made
            message = self._listening.get_message(timeout=timeout_s)
        except _LOST as error:
            raise self._lost(error) from None
        return message is not None and message["type"] == "message" and message["data"] != self._own

    def close(self) -> None:
        client, self._client = self._client, None
        listening, self._listening = self._listening, None
        for each in (listening, client):
            if each is not None:
                each.close()

    def _lost(self, error: Exception) -> BoardLost:
        self.close()
        return BoardLost(str(error).partition("\n")[0] or type(error).__name__)

    def _connected(self) -> _Client:
        if self._client is None:
            # No retries of the client's own: the next exchange says it all again.
            once = Retry(NoBackoff(), 0)
            if self._is_cluster:
                cluster = redis.cluster.RedisCluster.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped
                    self._url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=once
                )
                client = cast("_Client", cluster)
            else:
                server = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped keyword arguments
                    self._url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=once
                )
                client = cast("_Client", server)
            self._client = client
            self._listening = client.pubsub()
            self._listening.subscribe(self._channel)
        return self._client


def _state(target: bytes, age_s: bytes, left_s: bytes, raw: bytes) -> TargetState:
    found = msgspec.json.decode(raw, type=_State)
    return msgspec.convert(
        {
            **msgspec.structs.asdict(found),
            "target": target.decode(),
            "age_s": float(age_s),
            "left_s": float(left_s),
        },
        TargetState,
    )


def _member(process: bytes, raw: bytes) -> Member:
    found = msgspec.json.decode(raw, type=_Member)
    return Member(process=process.decode(), place=found.place, targets=tuple(found.targets))
