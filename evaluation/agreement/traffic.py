"""Requests of every kind to an installation: answered, broken off, fallen back, blocked, given from a cache."""

import http.client
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from penstock.core.json import dumps

CONFIG: Final = """\
prices:
  - {provider: sim, model: "sim:echo", input_usd_per_million: 0.15, output_usd_per_million: 0.6}
  - {provider: sim, model: "sim:tokens=12", input_usd_per_million: 2.5, output_usd_per_million: 10}
models:
  support:
    targets: [{provider: sim, model: "sim:echo"}]
    guards:
      refusal: I cannot help with that.
      personal_data: {fail: closed, names: false, actions: {CREDIT_CARD: block}}
  sales:
    targets: [{provider: sim, model: "sim:tokens=12"}]
    cache: {exact: {ttl_s: 86400}}
  failing:
    targets: [{provider: sim, model: "sim:fault=status@500,rate=40%"}, {provider: sim, model: "sim:tokens=12"}]
  breaking:
    targets: [{provider: sim, model: "sim:fault=cut@3"}]
  plain:
    targets: [{provider: sim, model: "sim:tokens=7"}]
  slow:
    targets: [{provider: sim, model: "sim:gap=20ms,tokens=40"}]
limits:
  - {name: few, unit: requests, amount: 500, per: month, scope: [tenant], where: {tenant: small}}
"""
_SHARES: Final = {"support": 40, "sales": 35, "failing": 10, "breaking": 5, "plain": 7, "slow": 3}
_WORKERS: Final = 16
_LEAVES: Final = 0.5
"""Of those who ask the slow assistant: they hang up in the middle."""


def play(port: int, keys: Sequence[str], requests: int, told: Callable[[str], None]) -> Counter[int]:
    """All of them, by so many clients at a time.  How many got which status."""
    statuses: Counter[int] = Counter()
    lock = threading.Lock()

    def client(number: int) -> None:
        rng = random.Random(number)  # noqa: S311 - made traffic
        mine: Counter[int] = Counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for _ in range(number, requests, _WORKERS):
            mine[_ask(connection, rng, rng.choices(keys, weights=range(len(keys), 0, -1))[0])] += 1
            if mine.total() % 500 == 0 and number == 0:
                told(f"about {mine.total() * _WORKERS:,} of {requests:,} asked")
        connection.close()
        with lock:
            statuses.update(mine)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(_WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def _ask(connection: http.client.HTTPConnection, rng: random.Random, key: str) -> int:
    model = rng.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
    said = f"Where is parcel {rng.randrange(400)}?"
    if model == "support":
        said += rng.choice(["", " I am ann@example.com.", " My card is 4111 1111 1111 1111.", ""])
    is_streamed = model in ("slow", "breaking") or rng.random() < 0.4
    body = dumps({"model": model, "stream": is_streamed, "messages": [{"role": "user", "content": said}]})
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    reply = connection.getresponse()
    if model == "slow" and rng.random() < _LEAVES:
        reply.read1(100)
        connection.close()
        return reply.status
    try:
        reply.read()
    except http.client.IncompleteRead:
        connection.close()
    return reply.status
