"""The slices in Valkey or Redis, for fleets whose lease traffic outgrows the database; a single server or a cluster.

A counter is one hash, and its shares are fields of it, so that one script books them together.  Counters are spread
over `shards` hash tags: a batch is one script call for each tag that it touches, one in all on a single server.
What Redis loses (a restart without persistence, a failover before replication) is told it again by the processes that
hold shares; what was used by processes that have stopped is gone: budgets belong in PostgreSQL or a persistent Redis.

Called by the thread of `LimitSupply`.
"""

from collections.abc import Sequence
from typing import Protocol, cast
from zlib import crc32

import msgspec
import redis
import redis.cluster
import redis.exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from penstock.admission.limits.slices import CLAIM_S, LONGEST_STEP_S, STARVING_S, Ask, Replies, Reply, StoreLost

_TIMEOUT_S = 3.0
_CLUSTER_SHARDS = 16

# Numbers are doubles in Lua: exact up to 2^53, which is the largest amount there may be.  Batch numbers are small, but
# for the one that closes a dead process's lease, which is sent as 2^53.
_SCRIPT = """
local clock = redis.call('TIME')
local at = clock[1] + clock[2] / 1000000
local args = cjson.decode(ARGV[1])
local lease, batch = args.lease, args.batch
local out = {}
for i, key in ipairs(KEYS) do
  local a = args.asks[i]
  local f = redis.call('HMGET', key, 'granted', 'used', 'asked', 'age', 'starved', 'claimed', 'claimer', 'confirmed',
                       'h:' .. lease, 'u:' .. lease, 'b:' .. lease)
  local granted, used = tonumber(f[1] or '0'), tonumber(f[2] or '0')
  local age = tonumber(f[4] or '0') + math.min(math.max(at - tonumber(f[3] or at), 0), args.longest)
  local starved, claimed = tonumber(f[5] or '-1e15'), tonumber(f[6] or '-1e15')
  local claimer, confirmed = f[7] or '', tonumber(f[8] or '0')
  local held, mine, last = tonumber(f[9] or '0'), tonumber(f[10] or '0'), tonumber(f[11] or '0')
  local due = 0
  local set = {'asked', string.format('%.6f', at), 'age', string.format('%.6f', age)}
  local function put(name, value) set[#set + 1] = name; set[#set + 1] = value end
  if batch > last then
    granted = granted + a.keep - held
    used = used + a.used - mine
    if a.hold_s > 0 then
      local all = redis.call('HGETALL', key)
      local seen = {}
      for n = 1, #all, 2 do seen[all[n]] = all[n + 1] end
      for name, value in pairs(seen) do
        local other = string.match(name, '^s:(.*)$')
        if other and other ~= lease and tonumber(value) < age - a.hold_s then
          granted = granted - tonumber(seen['h:' .. other] or '0')
          used = used - tonumber(seen['u:' .. other] or '0')
          redis.call('HDEL', key, 'h:' .. other, 'u:' .. other, 'b:' .. other, 's:' .. other)
        end
      end
      put('s:' .. lease, string.format('%.6f', age))
    end
    local room, grant = math.max(0, a.amount - granted), 0
    if a.least > 0 then
      if room >= a.least then grant = math.min(room, a.need) else starved = age end
    end
    if starved <= age - args.starving then
      grant = grant + math.min(a.ahead, math.floor((room - grant) / 4))
    end
    granted = granted + grant
    held = a.keep + grant
    confirmed = bit.bor(confirmed, a.confirmed)
    due = bit.band(a.crossed, bit.bnot(confirmed))
    if due ~= 0 then
      if claimer ~= '' and claimer ~= lease and claimed > age - args.claim then
        due = 0
      else
        claimer, claimed = lease, age
      end
    end
    put('granted', string.format('%.0f', granted))
    put('used', string.format('%.0f', used))
    put('starved', string.format('%.6f', starved))
    put('claimed', string.format('%.6f', claimed))
    put('claimer', claimer)
    put('confirmed', string.format('%.0f', confirmed))
    -- What takes leave has nothing any more.  Its batch stays: a message from before must come to nothing.
    put('h:' .. lease, a.is_final and '0' or string.format('%.0f', held))
    put('u:' .. lease, a.is_final and '0' or string.format('%.0f', a.used))
    put('b:' .. lease, string.format('%.0f', batch))
  end
  redis.call('HSET', key, unpack(set))
  local life = redis.call('TTL', key)
  if life < a.expires_s or life < 0 then redis.call('EXPIRE', key, math.max(1, a.expires_s)) end
  local starving = 0
  if starved > age - args.starving then starving = 1 end
  out[i] = {string.format('%.0f', held), string.format('%.0f', granted), string.format('%.0f', used), starving, due}
end
return {string.format('%.6f', at), out}
"""


class _Client(Protocol):
    """What is used of it; the client's own types are looser."""

    def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes) -> object: ...
    def close(self) -> None: ...


class RedisStore:
    """`SliceStore` on a server or, with `is_cluster`, on a cluster that any of its nodes at `url` tells of."""

    def __init__(self, url: str, *, is_cluster: bool = False, prefix: str = "penstock") -> None:
        self._url = url
        self._is_cluster = is_cluster
        self._prefix = prefix
        self._shards = _CLUSTER_SHARDS if is_cluster else 1
        self._client: _Client | None = None

    @property
    def is_local(self) -> bool:
        return False

    def exchange(self, lease: str, batch: int, asks: Sequence[Ask]) -> Replies:
        try:
            client = self._connected()
            if not asks:
                return Replies(self._now(client), ())
            return self._book(client, lease, min(batch, 2**53), asks)
        except (redis.exceptions.RedisError, redis.exceptions.RedisClusterException, OSError) as error:
            self.close()
            raise StoreLost(str(error).partition("\n")[0]) from None

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _book(self, client: _Client, lease: str, batch: int, asks: Sequence[Ask]) -> Replies:
        by_shard: dict[int, list[int]] = {}
        for place, ask in enumerate(asks):
            by_shard.setdefault(crc32(ask.key.encode()) % self._shards, []).append(place)
        found: dict[int, Reply] = {}
        now = 0.0
        for shard, places in by_shard.items():
            mine = [asks[place] for place in places]
            keys = [f"{self._prefix}:{{limits-{shard}}}:{ask.key}" for ask in mine]
            now, replies = _call(client, keys, lease, batch, mine)
            found.update(zip(places, replies, strict=True))
        return Replies(now, tuple([found[place] for place in range(len(asks))]))

    def _now(self, client: _Client) -> float:
        now, _ = _call(client, [f"{self._prefix}:{{limits-0}}"], "", 0, [])
        return now

    def _connected(self) -> _Client:
        if self._client is None:
            # No retries of the client's own: the next batch says it all again, and nobody waits for it meanwhile.
            once = Retry(NoBackoff(), 0)
            if self._is_cluster:
                cluster = redis.cluster.RedisCluster.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped
                    self._url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=once
                )
                self._client = cast("_Client", cluster)
            else:
                server = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped keyword arguments
                    self._url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=once
                )
                self._client = cast("_Client", server)
        return self._client


class _Arguments(msgspec.Struct, frozen=True):
    lease: str
    batch: int
    starving: float
    claim: float
    longest: float
    asks: list[Ask]


def _call(client: _Client, keys: list[str], lease: str, batch: int, asks: list[Ask]) -> tuple[float, list[Reply]]:
    """One script call.  Without asks the one key only says which node tells the time."""
    arguments = msgspec.json.encode(_Arguments(lease, batch, STARVING_S, CLAIM_S, LONGEST_STEP_S, asks))
    raw = client.eval(_SCRIPT, len(keys), *keys, arguments) if asks else client.eval(_TIME_SCRIPT, 1, keys[0])
    at, rows = cast("tuple[bytes, list[tuple[bytes, bytes, bytes, int, int]]]", raw)
    replies = [
        Reply(held=int(row[0]), granted=int(row[1]), used=int(row[2]), is_starving=row[3] == 1, due=row[4])
        for row in rows
    ]
    return float(at), replies


_TIME_SCRIPT = """
local clock = redis.call('TIME')
return {string.format('%.6f', clock[1] + clock[2] / 1000000), {}}
"""
