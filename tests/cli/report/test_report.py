"""Reports over a real control plane: exact to the last nano-dollar, and whoever's names are in them do nothing."""

import io
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pypdfium2
import pytest
from psycopg import sql
from selectolax.parser import HTMLParser
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of
from tests.watch.rollups.scene import arrivals, random_record
from typer.testing import CliRunner, Result

from penstock import cli
from penstock.cli.admin.api import AdminApi
from penstock.cli.report.gather import Wanted, gather
from penstock.core.facts import AnyFact, GuardJudged, PersonalDataMasked
from penstock.core.record import Settled
from penstock.storage.embedded import EmbeddedPostgres
from penstock.watch.figures.sums import FAULTS, UNJUDGED
from penstock.watch.report import written
from penstock.watch.report.content import document
from penstock.watch.report.data import MonthData, total
from penstock.watch.report.html import html
from penstock.watch.report.pdf import pdf
from penstock.watch.store import LedgerWriter

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=cmd|' /C calc'!A0", "日本\u202e語\x1b[31m")
NOW = datetime(2026, 9, 1, tzinfo=UTC)
OBJECTIVES = """{up: {kind: availability, target: 0.9999}, quick: {kind: latency, target: 0.01, within_s: 60},
    none: {kind: availability, target: 0.99, assistant: nobody}}"""


def _record(rng: random.Random, number: int) -> Settled:
    """In March, or some of them in February."""
    record = random_record(rng, number, began=MARCH.timestamp() - 6 * 86_400, spread_s=37 * 86_400.0)
    blocked = GuardJudged(at_s=0.1, guard="injection", direction="input", mode="enforce", action="block", texts=1)
    more: tuple[AnyFact, ...] = (blocked,) if record.outcome == "blocked" else ()
    return msgspec.structs.replace(
        record,
        model=rng.choice(("support", *HOSTILE)),
        feature=rng.choice((None, *HOSTILE)),
        facts=(*record.facts, *more),
    )


@pytest.fixture(scope="module")
def records() -> list[Settled]:
    rng = random.Random(11)  # noqa: S311 - made records
    return [_record(rng, number) for number in range(260)]


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres, migrated: str) -> Iterator[str]:
    """One database for all: each test looks at months of its own."""
    name = sql.Identifier("reported")
    with psycopg.connect(postgres.start(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(migrated)))
    yield postgres.start().replace("/penstock?", "/reported?")
    with psycopg.connect(postgres.start(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, url: str, records: list[Settled]) -> Iterator[Api]:
    more = {"PENSTOCK__LEDGER__MINUTE_SUMS_DAYS": "400", "PENSTOCK__OBJECTIVES": OBJECTIVES}
    with serving(tmp_path_factory.mktemp("plane"), url, more) as api:
        insert(url, records)
        yield api


def insert(url: str, records: list[Settled]) -> None:
    writer = LedgerWriter(url)
    writer.insert(arrivals(records))
    writer.close()


def run(api: Api, *arguments: str, credential: str | None = None) -> Result:
    environ = {
        "PENSTOCK_CONTROL_URL": f"http://127.0.0.1:{api.port}",
        "PENSTOCK_ADMIN_TOKEN": api.token if credential is None else credential,
    }
    built = cli._build(["report"])  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
    return CliRunner().invoke(built, ["report", *arguments], env=environ)


def told(api: Api, monkeypatch: pytest.MonkeyPatch, *, first: date = date(2026, 3, 1), zone: str = "UTC") -> MonthData:
    monkeypatch.setenv("PENSTOCK_ADMIN_TOKEN", api.token)
    asked = AdminApi(url=f"http://127.0.0.1:{api.port}", data_dir=None, config=None)
    return gather(asked, Wanted(first, None, ZoneInfo(zone), NOW), version=None)


def of_month(records: list[Settled], zone: str = "UTC", month: int = 3) -> list[Settled]:
    return [each for each in records if datetime.fromtimestamp(each.started_at, ZoneInfo(zone)).month == month]


def cost(of: list[Settled]) -> int:
    return sum(each.cost_nanousd or 0 for each in of)


def test_every_sum_is_that_of_the_records(api: Api, records: list[Settled], monkeypatch: pytest.MonkeyPatch) -> None:
    data, march = told(api, monkeypatch), of_month(records)
    keys: dict[str, Callable[[Settled], str | None]] = {
        "assistant": lambda r: r.model,
        "tenant": lambda r: r.tenant,
        "project": lambda r: r.project,
        "feature": lambda r: r.feature,
        "target": lambda r: r.target,
        "outcome": lambda r: r.outcome,
    }
    assert data.by.keys() == keys.keys()
    for by, key in keys.items():
        meant = {name: [each for each in march if (key(each) or "") == name] for name in {key(r) or "" for r in march}}
        assert {line.name: line.total("cost_nanousd") for line in data.by[by]} == {
            n: cost(of) for n, of in meant.items()
        }
    assert total(data.total, "cost_nanousd") == cost(march)
    assert {day: total(each, "exchanges") for day, each in data.days.items()} == {
        day: sum(datetime.fromtimestamp(each.started_at, UTC).date() == day for each in march) for day in data.days
    }
    assert total(data.before, "cost_nanousd") == cost(of_month(records, month=2)) > 0
    masked = [fact for each in march for fact in each.facts if isinstance(fact, PersonalDataMasked)]
    assert data.tallies["masked:email"] == sum(fact.kinds["email"] for fact in masked)
    assert data.tallies["found:injection:input:block"] == sum(each.outcome == "blocked" for each in march)


def test_a_month_is_that_of_its_zone_to_the_minute(
    api: Api, records: list[Settled], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Half an hour off: sums by the hour would count a part of the neighbours' months."""
    begin = datetime(2026, 6, 1, tzinfo=ZoneInfo("Asia/Kolkata")).timestamp()
    near = [
        msgspec.structs.replace(records[0], id=f"ex_{10**9 + place:032x}", started_at=begin + away, cost_nanousd=cost)
        for place, (away, cost) in enumerate(((-900, 1), (-61, 10), (0, 100), (61, 1000), (900, 10_000)))
    ]
    insert(url, near)
    data = told(api, monkeypatch, first=date(2026, 6, 1), zone="Asia/Kolkata")
    assert total(data.total, "cost_nanousd") == 11_100
    assert total(data.before, "cost_nanousd") == 11
    assert {day.day: total(each, "exchanges") for day, each in data.days.items()} == {1: 3}


def test_hostile_names_are_shown_and_do_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = document(told(api, monkeypatch))
    page = HTMLParser(html(made))
    assert page.css("script, img, iframe, link, object, a") == []
    handlers = [name for node in page.css("*") for name in node.attributes if name.startswith("on")]
    assert handlers == []
    cells = {node.text(deep=False) for node in page.css("tbody th")}
    assert cells >= set(HOSTILE[:3])
    assert not any("\x1b" in cell or "\N{RIGHT-TO-LEFT OVERRIDE}" in cell for cell in cells)


def test_html_and_pdf_say_the_same(api: Api, records: list[Settled], monkeypatch: pytest.MonkeyPatch) -> None:
    made = document(told(api, monkeypatch))
    whole = written.money(cost(of_month(records)))
    page = html(made)
    data = pdf(made)
    assert b"/FontFile2" in data  # letters are embedded
    assert b"/JavaScript" not in data
    assert b"/Subtype /Image" not in data  # charts are drawn, not pictures
    printed = "\n".join(each.get_textpage().get_text_range() for each in pypdfium2.PdfDocument(io.BytesIO(data)))
    for said in (
        "March 2026",
        whole,
        "By assistant",
        "Injections that were found",
        HOSTILE[0],
        "Changes are against February",
    ):
        assert said in HTMLParser(page).text()
        assert said in printed, said
    assert "stands for letters that this document has not" in " ".join(printed.split())


def test_objectives_are_held_against_the_month_alone(
    api: Api, records: list[Settled], monkeypatch: pytest.MonkeyPatch
) -> None:
    march = of_month(records)
    counted = [each for each in march if each.outcome not in UNJUDGED]
    faults = [each for each in counted if each.outcome in FAULTS]
    data = told(api, monkeypatch)
    up, quick, none = sorted(data.promises, key=lambda each: ("up", "quick", "none").index(each.name))
    assert (up.exchanges, up.bad) == (len(counted), len(faults))
    assert len(faults) > 0
    slow = [each for each in counted if each not in faults and each.duration_s > 60]
    assert (quick.exchanges, quick.bad) == (len(counted), len(faults) + len(slow))
    assert (none.exchanges, none.reached, none.consumed) == (0, None, None)
    page = HTMLParser(html(document(data)))
    cells = {node.text(): node.parent for node in page.css("tbody th")}
    assert "bad" in (cells["up: all assistants without a fault"].html or "")  # type: ignore[union-attr]
    assert "good" in (cells["quick: answers of all assistants within 60.00 s"].html or "")  # type: ignore[union-attr]


def test_what_nobody_knows_is_never_nothing(api: Api, records: list[Settled], monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = sum(each.cost_nanousd is None for each in of_month(records))
    assert unknown > 0
    page = HTMLParser(html(document(told(api, monkeypatch))))
    least = f"≥\N{NO-BREAK SPACE}{written.money(cost(of_month(records)))}"
    assert [each.text() for each in page.css(".tile .value, tfoot td:nth-child(3)")].count(
        least
    ) == 6  # a tile, 5 tables
    assert f"Nobody knows what {unknown} exchanges cost" in page.text()


def test_a_tenants_reader_gets_its_own_month_and_is_told_what_is_left_out(
    api: Api, records: list[Settled], tmp_path: Path
) -> None:
    key = key_of(api, "acme", "viewer")
    out = tmp_path / "report.html"
    done = run(api, "--month", "2026-03", "--out", str(out), credential=key)
    assert done.exit_code == 0, done.output
    page = HTMLParser(out.read_text("utf-8")).text()
    acme = [each for each in of_month(records) if each.tenant == "acme"]
    assert written.money(cost(acme)) in page
    assert "globex" not in page
    other = run(api, "--month", "2026-03", "--tenant", "globex", "--out", str(out), credential=key)
    assert (other.exit_code, "unknown_tenant" in other.output) == (1, True)


def test_the_running_month_has_a_forecast_or_says_why_not(
    api: Api, records: list[Settled], tmp_path: Path, url: str
) -> None:
    now = datetime.now(UTC)
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    at = max(first.timestamp(), now.timestamp() - 60)
    insert(url, [msgspec.structs.replace(records[0], started_at=at, id=f"ex_{10**10:032x}")])
    out = tmp_path / "report.pdf"
    done = run(api, "--out", str(out))
    assert done.exit_code == 0, done.output
    printed = pypdfium2.PdfDocument(out)[0].get_textpage().get_text_range()
    assert "The month still runs" in printed
    assert "There is no forecast:" in printed


REFUSED = (
    (("--out", "report.txt"), "as .html or .pdf"),
    (("--month", "2026-13"), "a month reads like 2026-10"),
    (("--month", "2999-01"), "has not begun"),
    (("--zone", "Europe/Nowhere"), "no such time zone"),
)


def test_what_cannot_be_reported_is_refused(api: Api) -> None:
    for arguments, says in REFUSED:
        done = run(api, *arguments)
        assert (done.exit_code, says in done.output) == (2, True), done.output


def test_an_empty_month_says_so(api: Api, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert run(api, "--month", "2025-01", "--out", str(out)).exit_code == 0
    assert "Nothing was settled in this month" in out.read_text("utf-8")


def test_numbers_are_rounded_once_and_never_into_a_lie() -> None:
    assert written.money(1_234_567_891_234) == "$1,234.57"
    assert written.money(10**9 + 5_000_000) == "$1.00"  # half to even
    assert written.money(123_456) == "$0.0001"
    assert written.money(-5_000_000_000) == "\N{MINUS SIGN}$5.00"
    assert written.share(0.99999) == "< 100.0 %"
    assert written.share(0.00001) == "> 0.0 %"
    assert written.share(1.0) == "100.0 %"
    assert written.change(3.0, 0) == ""
