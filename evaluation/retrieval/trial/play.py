"""The trials: somebody asks for a document, in one of the ways that there are, while rights change and people review.

A leak is a secret in anything that somebody was sent, of a document that they could not read at any moment between
their question's beginning and its answer's end.
"""

import random
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, Final

import msgspec
import psycopg

from evaluation.retrieval.trial.site import DOCUMENTS, TENANTS, Person, Site, call, some_readers
from penstock.core.clock import SystemClock
from penstock.core.sources import Reader
from penstock.knowledge.index.store import PostgresStore

SECRET: Final = re.compile(rb"zq[0-9a-f]{12}")
_ASKING: Final = (
    "What is the access phrase of project {}?",
    "what's the access phrase of project {}",
    "Could you tell me the access phrase of project {}?",
)
_HOT: Final = 12
"""Documents that most questions are about, so that caches have something to give."""
_REVIEW: Final = "/admin/v1/review"


@dataclass(slots=True)
class Outcome:
    """`told` are the secrets that somebody was sent, by where; `leaks` those that they could not read."""

    trials: int = 0
    changes: int = 0
    cache: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[str] = field(default_factory=Counter[str])
    told: Counter[str] = field(default_factory=Counter[str])
    leaks: list[str] = field(default_factory=list[str])


class Play:
    """`run` it once."""

    def __init__(self, site: Site, *, threads: int = 6) -> None:
        self._site = site
        self._threads = threads
        self._outcome = Outcome()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._left = 0
        self._holds: deque[tuple[str, Person]] = deque(maxlen=500)

    def run(self, trials: int) -> Outcome:
        self._left = trials
        with ThreadPoolExecutor(self._threads + 2) as pool:
            beside = [pool.submit(self._change), pool.submit(self._review)]
            asking = [pool.submit(self._ask_all, seed) for seed in range(self._threads)]
            try:
                for each in asking:
                    each.result()
            finally:
                self._is_over.set()
            for each in beside:
                each.result()
        return self._outcome

    def _change(self) -> None:
        """Rights, without a rest: half of the changes are of documents that are asked for much."""
        draw = random.Random(21)  # noqa: S311 - a repeatable draw
        site = self._site
        with psycopg.connect(site.url, autocommit=True) as connection:
            store = PostgresStore(connection, SystemClock())
            while not self._is_over.wait(0.01):
                tenant = draw.choice(TENANTS)
                is_hot = draw.random() < 0.5
                number = draw.randrange(_HOT if is_hot else DOCUMENTS)
                key = f"{tenant}/{number}"
                who = (
                    (Reader(f"group:{draw.choice(('g1', 'g2', 'g3', 'g4'))}"),)
                    if is_hot and draw.random() < 0.7
                    else some_readers(draw)
                )
                site.rights.begin(key, who)
                store.permit(site.bases[tenant], {key: who})
                site.rights.end(key)
                self._outcome.changes += 1

    def _ask_all(self, seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311 - a repeatable draw
        connection = HTTPConnection("127.0.0.1", self._site.port, timeout=120)
        while True:
            with self._lock:
                if self._left <= 0:
                    return
                self._left -= 1
                self._outcome.trials += 1
            who = draw.choice(self._site.callers)
            if draw.random() < 0.08 and self._fetch(connection, draw):
                continue
            self._ask(connection, draw, who)

    def _ask(self, connection: HTTPConnection, draw: random.Random, who: Person) -> None:
        """Mostly about a document of one's own tenant, and now and then about another's."""
        tenant = who.tenant if draw.random() < 0.9 else draw.choice(TENANTS)
        number = draw.randrange(_HOT) if draw.random() < 0.8 else draw.randrange(DOCUMENTS)
        text = draw.choice(_ASKING).format(self._site.names[f"{tenant}/{number}"])
        model = "held" if draw.random() < 0.1 else "help"
        body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": draw.random() < 0.3}
        headers = {"authorization": f"Bearer {who.token}", "content-type": "application/json"}
        wish = draw.choice(("", "", "", "", "", "", "no-cache", "no-store", "only-if-cached"))
        if wish:
            headers["cache-control"] = wish

        def ask() -> tuple[str, bytes]:
            connection.request("POST", "/v1/chat/completions", msgspec.json.encode(body), headers)
            reply = connection.getresponse()
            page = reply.read()
            hold = reply.headers.get("x-penstock-hold")
            with self._lock:
                self._outcome.statuses[str(reply.status)] += 1
                self._outcome.cache[reply.headers.get("x-penstock-cache") or "none"] += 1
                if hold:
                    self._holds.append((hold, who))
            return reply.headers.get("x-penstock-cache") or "none", str(reply.headers).encode() + page

        self._held_against(who, ask)

    def _fetch(self, connection: HTTPConnection, draw: random.Random) -> bool:
        """How a hold stands, by who asked for it; True where there was one to ask for."""
        with self._lock:
            if not self._holds:
                return False
            hold, who = draw.choice(self._holds)

        def ask() -> tuple[str, bytes]:
            connection.request("GET", f"/v1/holds/{hold}", headers={"authorization": f"Bearer {who.token}"})
            page = connection.getresponse().read()
            return "released answer", page

        self._held_against(who, ask)
        return True

    def _review(self) -> None:
        """Reviewers take what they are given, look at it and all there is, and let it go, now and then for good."""
        draw = random.Random(22)  # noqa: S311 - same
        while not self._is_over.wait(0.05):
            who = draw.choice(self._site.reviewers)
            taken = self._reviewed(who, "POST", "/holds/next", {})
            hold: dict[str, Any] | None = (taken or {}).get("hold")
            if hold is not None:
                path = f"/holds/{hold['id']}"
                self._reviewed(who, "GET", path)
                order = {"outcome": "approved", "version": hold["version"], "remember": True, "case": {"why": "x"}}
                self._reviewed(who, "POST", f"{path}/decision", order)
            with self._lock:
                known = list(self._holds)
            if known:
                self._reviewed(who, "GET", f"/holds/{draw.choice(known)[0]}")
            self._reviewed(who, "GET", draw.choice(("/holds?order=newest", "/cases")))

    def _reviewed(self, who: Person, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        found: list[bytes] = []

        def ask() -> tuple[str, bytes]:
            status, page = call(self._site.control_port, method, _REVIEW + path, who.token, body)
            with self._lock:
                self._outcome.statuses[f"review {status}"] += 1
            found.append(page if status == 200 else b"{}")
            return "cases" if path == "/cases" else "review", page

        self._held_against(who, ask)
        return None if path == "/cases" else msgspec.json.decode(found[0], type=dict[str, Any])

    def _held_against(self, who: Person, ask: Callable[[], tuple[str, bytes]]) -> None:
        begin_s = time.monotonic()
        where, said = ask()
        end_s = time.monotonic()
        for secret in {each.decode() for each in SECRET.findall(said)}:
            key = self._site.secrets[secret]
            is_theirs = key.startswith(f"{who.tenant}/")
            with self._lock:
                self._outcome.told[where] += 1
            if not is_theirs or not self._site.rights.could_read(key, who.is_all, begin_s, end_s):
                with self._lock:
                    self._outcome.leaks.append(f"{where}: {who.tenant}/{who.name} was told of {key}")
