"""What page tests are written with: the control plane over HTTP, somebody who looks, and things to look at."""

import http.client
import os
import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import ConsoleMessage, Page, Request, Response
from psycopg import sql
from psycopg.types.json import Jsonb
from tests.console.serving import Reply
from tests.console.web.traffic import add_exchanges, exchange, exchange_id, hostile_exchange

from penstock.core.json import dumps, loads

HOSTILE = "<img src=x onerror=window.hit=1>{{constructor.constructor('window.hit=1')()}}"
FORMULA = '=HYPERLINK("http://evil","x")'
PATIENCE_S = 60.0
HOSTILE_EXCHANGE = 900_000
EXAMPLES = {
    "/exchanges/{exchange}": f"/exchanges/{exchange_id(HOSTILE_EXCHANGE)}",
    "/knowledge/{base}": "/knowledge/returns?tenant=acme",
    "/reviews/{hold}": "/reviews/hold_0001",
}
"""Where a page of one thing is looked at."""


def day(days_ago: int) -> str:
    """A day of the past, as the API takes it."""
    return (datetime.now(UTC) - timedelta(days=days_ago)).date().isoformat()


def until(condition: Callable[[], Any], said: Callable[[], str] = str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, said()
        time.sleep(0.05)  # noqa: TID251 - waits for another process


@dataclass
class Console:
    port: int
    data_dir: Path
    database_url: str
    log: Path
    keys: dict[str, str] = field(default_factory=dict[str, str])
    """Of the seeded tenant, by role."""
    said: list[str] = field(default_factory=list[str])
    """Exchanges of which is kept what was said."""
    serve: tuple[list[str], dict[str, str]] = field(default_factory=lambda: ([], {}))
    """How its data plane is started, and in what environment."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def token(self) -> str:
        return (self.data_dir / "admin-token").read_text("ascii").strip()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        address: str = "127.0.0.1",
    ) -> tuple[int, dict[str, str], bytes]:
        """`address` is where it comes from."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S, source_address=(address, 0))
        data = body if isinstance(body, bytes) else None if body is None else dumps(body)
        connection.request(method, path, data, dict(headers or {}))
        response = connection.getresponse()
        read = response.read()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, read

    def api(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Reply:
        headers = {"authorization": f"Bearer {token or self.token}", "content-type": "application/json"}
        status, _, data = self.ask(method, f"/admin/v1{path}", body, headers=headers)
        return Reply(status, loads(data) if data else None)

    def is_ready(self) -> bool:
        try:
            return self.ask("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    @contextmanager
    def without_database(self) -> Generator[None]:
        """Nobody gets into the database, and whoever was in it is out."""
        name = self.database_url.rpartition("/")[2].partition("?")[0]
        with psycopg.connect(self.database_url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
            allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
            connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            try:
                yield
            finally:
                connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))

    def key(self, tenant: str, *roles: str, name: str = "x") -> Any:
        """A new key that the control plane knows already, as the API shows it once."""
        made = self.api("POST", "/keys", {"tenant": tenant, "name": name, "roles": list(roles)}).json
        until(lambda: self.api("GET", "/whoami", token=made["key"]).status != 401)
        return made


class Looker:
    """Somebody before a browser.  Notes whatever the browser complains of, and each request that leaves this host."""

    def __init__(self, console: Console, page: Page) -> None:
        self.console = console
        self.page = page
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)
        page.on("response", self._weigh)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _weigh(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.console.url, "data:", "blob:", "ws://127.0.0.1:")):
            self.outside.append(request.url)

    def go(self, path: str) -> int:
        """Open a page of the console, and wait until it is alive.  Its status."""
        reply = self.page.goto(f"{self.console.url}/console{path}", wait_until="domcontentloaded")
        if "/sign-in" not in self.page.url:
            self._wait_until_alive()
        return 0 if reply is None else reply.status

    def sign_in(self, credential: str, then: str = "/") -> None:
        self.page.goto(f"{self.console.url}/console{then}")
        self.page.fill("#credential", credential)
        with self.page.expect_navigation(wait_until="domcontentloaded"):  # until then there is no cookie
            self.page.click("button[type=submit]")
        assert "/sign-in" not in self.page.url, self.page.inner_text("main")
        self._wait_until_alive()

    def _wait_until_alive(self) -> None:
        """What is clicked before, sooner than a person could, is lost."""
        self.page.wait_for_function("window.did_handshake && document.querySelector('main h1')")

    def fits(self, width: int) -> None:
        """Nothing is wider than that, in pixels; charts are drawn anew a moment after the window has changed."""
        self.page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)

    def rows(self) -> list[str]:
        return self.page.locator("table.data tbody tr").all_inner_texts()

    def links(self) -> list[str]:
        return self.page.locator("nav.side a").all_inner_texts()


def shoot(looker: Looker, name: str) -> None:
    """A picture of the whole page, where pictures are asked for."""
    folder = os.environ.get("PENSTOCK_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        looker.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def seed(console: Console) -> None:
    """Something in every table; hostile texts wherever one may be given."""
    assert console.api("POST", "/tenants", {"id": "acme", "name": "Acme"}).status == 201
    assert console.api("POST", "/tenants", {"id": "hostile", "name": HOSTILE, "plan": FORMULA}).status == 201
    for role in ("viewer", "developer", "auditor", "reviewer", "admin"):
        console.keys[role] = console.key("acme", role, name=f"{role} key")["key"]
    for name in (HOSTILE, FORMULA):
        assert console.api("POST", "/keys", {"tenant": "hostile", "name": name, "models": ["gpt-*"]}).status == 201
    limit = {"unit": "tokens", "amount": 1000, "per": "day", "scope": ["user"], "where": {"assistant": HOSTILE}}
    assert console.api("PUT", "/limits/daily", limit).status == 201
    budget = {"per": "day", "hard_usd": 20, "scope": ["global"], "where": {"feature": HOSTILE}}
    assert console.api("PUT", "/budgets/daily-money", budget).status == 201
    override = {"raise_usd": 5, "until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    assert console.api("POST", "/budgets/month/overrides", override).status == 201
    assert console.api("POST", "/targets/sim%2Fsim/open", {"reason": HOSTILE}).status == 200
    silence = {"subject": HOSTILE, "kind": "budget.*", "reason": FORMULA, "until": override["until"]}
    assert console.api("POST", "/alerts/silences", silence).status == 201
    add_alert(console, "alert-hostile", HOSTILE)
    add_alert(console, "alert-formula", FORMULA)
    _add_traffic(console)


def add_alert(console: Console, name: str, text: str) -> None:
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO alerts (id, kind, severity, tenant, subject, text, facts, at, arrived_at)"
            " VALUES (%s, 'budget.threshold', 'warning', 'acme', %s, %s, %s, now(), now())",
            (name, text, text, Jsonb({})),
        )


def _add_traffic(console: Console) -> None:
    """Of the last hours; for pictures of two days, and more of it."""
    rng = random.Random(7)  # noqa: S311 - made exchanges
    amount, hours = (5000, 47) if os.environ.get("PENSTOCK_SCREENSHOTS") else (300, 20)
    now = time.time()  # noqa: TID251 - the control plane is another process, with its own clock
    records = [exchange(rng, number, now - 60 - rng.random() * hours * 3600) for number in range(amount)]
    records += [hostile_exchange(HOSTILE_EXCHANGE + n, now - 30 - n, text) for n, text in enumerate((HOSTILE, FORMULA))]
    add_exchanges(console.database_url, records)
