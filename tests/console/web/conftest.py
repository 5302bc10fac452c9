"""A control plane with a console, as a process of its own, and one browser: both once for a worker's page tests."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from psycopg import sql
from tests.console.web.drifted import add_drift
from tests.console.web.harness import Console, Looker, seed, until
from tests.console.web.issuer import CLIENT, SECRET, OpenIdIssuer, issuing
from tests.console.web.judged import add_scores
from tests.console.web.things import add_contents, add_holds, add_knowledge
from tests.console.web.weeks import add_weeks

from penstock.storage.embedded import EmbeddedPostgres
from penstock.testing.ports import free_port

expect.set_options(timeout=20_000)
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONFIG = """
database_url: env:DB
region: eu-central-1
control:
  host: 127.0.0.1
  port: {port}
  console:
    public_url: http://127.0.0.1:{port}
    tries_per_minute: 40
    refresh_s: 0.5
    oidc:
      acme: {{client_id: {client}, client_secret: env:OIDC_SECRET, label: Acme}}
identity:
  issuers:
    acme:
      issuer: {issuer}
      audiences: [{client}]
      tenant: acme
      spans_tenants: true
      claims: {{roles: roles}}
      role_map: {{viewer: viewer, admin: admin}}
alerts:
  webhooks:
    - {{name: pager, url: "{issuer}/nobody", secret: env:HOOK_SECRET}}
  rules:
    busy: {{figure: exchanges, by: [tenant], above: 0, window_s: 21600, severity: info}}
    slow-support: {{figure: duration_p95_s, where: {{assistant: support}}, above: 900, window_s: 21600, for_s: 600}}
objectives:
  support-answers: {{kind: availability, assistant: support, target: 0.97}}
  all-is-quick: {{kind: latency, target: 0.8, within_s: 3, window_days: 14}}
  sales-begin: {{kind: latency, assistant: sales, target: 0.6, within_s: 0.5, of: first_event, window_days: 7}}
  nobody-asks: {{kind: availability, assistant: nobody, target: 0.99}}
contents: {{keep: all, tenants: {{hooli: {{keep: none}}}}}}
providers:
  openai-eu: {{vendor: openai, api_key: env:SOME_KEY}}
models:
  support: {{targets: [{{provider: openai-eu, model: gpt-4o-mini}}, {{provider: sim, model: sim}}]}}
  judge: {{targets: [{{provider: openai-eu, model: gpt-4o-mini}}]}}
quality:
  sample: 0.5
  judge: {{model: judge, key: env:JUDGE_KEY, budget_usd: 2, judged: 0.2}}
limits:
  - {{name: per-key, unit: requests, amount: 600, per: minute, scope: [key]}}
budgets:
  - {{name: month, per: month, scope: [tenant], hard_usd: 500}}
"""


@pytest.fixture(scope="session")
def issuer() -> Iterator[OpenIdIssuer]:
    with issuing() as found:
        yield found


@pytest.fixture(scope="session")
def console_database(postgres: EmbeddedPostgres, database_names: Iterator[str], migrated: str) -> Iterator[str]:
    """As `database_url`, for as long as the console runs."""
    name = next(database_names)
    with psycopg.connect(postgres.start(), autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(migrated)))
        yield postgres.start().replace("/penstock?", f"/{name}?")
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory, console_database: str, issuer: OpenIdIssuer) -> Iterator[Console]:
    root = tmp_path_factory.mktemp("console")
    port = free_port()
    config = root / "penstock.yaml"
    config.write_text(CONFIG.format(port=port, client=CLIENT, issuer=issuer.url))
    given = {
        "DB": console_database,
        "OIDC_SECRET": SECRET,
        "HOOK_SECRET": "whsec_" + "QUJD" * 10,
        "JUDGE_KEY": "pk_live_" + "x" * 20,
        "SOME_KEY": "sk-" + "x" * 20,
        "PENSTOCK__SERVER__PORT": str(free_port()),
    }
    environ = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
    command = [
        sys.executable,
        "-m",
        "penstock.cli",
        "control",
        "--config",
        str(config),
        "--data-dir",
        str(root / "data"),
    ]
    log = root / "control.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, env={**environ, **given}, stdout=said, stderr=said)
    found = Console(port, root / "data", console_database, log)
    found.serve = ([*command[:3], "serve", *command[4:]], {**environ, **given})
    try:
        until(found.is_ready, lambda: f"{process.poll()}\n{log.read_text()}")
        add_drift(found)
        seed(found)
        add_scores(found, add_weeks(found))
        add_knowledge(found)
        add_holds(found)
        add_contents(found)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "Traceback" not in log.read_text(), log.read_text()[-4000:]


@pytest.fixture(scope="session")
def data_plane(console: Console, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Beside the console, on its data directory."""
    command, environ = console.serve
    log = tmp_path_factory.mktemp("serve") / "serve.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environ, stdout=said, stderr=said)
    try:
        until(
            lambda: console.api("GET", "/status").json["health"]["data_plane"] in ("ready", "degraded"), log.read_text
        )
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists() and shutil.which("chromium") is None:
        if os.environ.get("PENSTOCK_REQUIRE_BROWSER") == "1":
            pytest.fail("PENSTOCK_REQUIRE_BROWSER=1, and there is no Chromium")
        pytest.skip("there is no Chromium: apt-get install chromium")
    path = str(CHROMIUM) if CHROMIUM.exists() else shutil.which("chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


def _new(browser: Browser) -> BrowserContext:
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(20_000)
    return context


@pytest.fixture
def stranger(browser: Browser, console: Console) -> Generator[Looker]:
    """A browser in which nobody is signed in."""
    context = _new(browser)
    yield Looker(console, context.new_page())
    context.close()


@pytest.fixture(scope="session")
def _owner_context(browser: Browser, console: Console) -> Generator[Page]:
    context = _new(browser)
    page = context.new_page()
    Looker(console, page).sign_in(console.token)
    yield page
    context.close()


@pytest.fixture
def owner(_owner_context: Page, console: Console) -> Looker:
    """The holder of the admin token, in a desktop window."""
    _owner_context.set_viewport_size({"width": 1280, "height": 860})
    _owner_context.emulate_media(color_scheme="light")
    return Looker(console, _owner_context)
