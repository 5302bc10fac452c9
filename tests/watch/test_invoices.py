"""Exports of providers against the ledger.  The files here are written for the tests, with the columns of real ones."""

import random
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from penstock.watch.invoices.amounts import InvoiceError, decimal_of, mark_of, taken_apart
from penstock.watch.invoices.formats import own_format
from penstock.watch.invoices.matching import Billed, Report, Tolerance, reconcile
from penstock.watch.invoices.names import model_key
from penstock.watch.invoices.reading import Invoice, Reading, read_invoice

UTC = ZoneInfo("UTC")
OCTOBER = Reading(month=date(2026, 10, 1), zone=UTC)
STRICT = Tolerance(Decimal(0), 0)
OWN = own_format({"date": "Day", "model": "Model", "amount": "Cost"})

OPENAI = (
    "\ufeffstart_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,"
    "project_id\r\n"
    "1790812800,1790899200,2026-10-01T00:00:00,2026-10-02T00:00:00,0.250000000000000000000000000001,usd,10,tokens,"
    '"gpt-4o-mini-2024-07-18, input",proj\r\n'
    "1790812800,1790899200,2026-10-01T00:00:00,2026-10-02T00:00:00,0.5,usd,9,tokens,"
    '"gpt-4o-mini-2024-07-18, output",proj\r\n'
    "1790899200,1790985600,2026-10-02T00:00:00,2026-10-03T00:00:00,,,,,,\r\n"
    "1790812800,1790899200,2026-10-01T00:00:00,2026-10-02T00:00:00,0.01,usd,1,calls,web search tool calls,proj\r\n"
).encode()
ANTHROPIC = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type\n"
    "2026-10-31,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,1.25,1.25,token\n"
    "2026-10-31,Claude Haiku 4.5,Default,k,message,≤ 200k,output,0.75,0.75,token\n"
    "2026-11-01,Claude Haiku 4.5,Default,k,message,≤ 200k,output,9.00,9.00,token\n"
).encode()
ANTHROPIC_USAGE = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
    '2026-10-05,claude-sonnet-4-5-20250929,k,Default,standard,≤ 200k,100,20,3,"1,000",50,0,,\n'
).encode()
AWS = (
    b"lineItem/UsageStartDate,lineItem/ProductCode,lineItem/LineItemType,lineItem/UsageType,lineItem/UnblendedCost,"
    b"lineItem/CurrencyCode\n"
    b"2026-10-01T23:00:00Z,AmazonBedrock,Usage,USE1-Claude4.6Opus-input-tokens-cross-region-global,2.5,USD\n"
    b"2026-10-01T23:00:00Z,8z4gfprod,Usage,USW2-Claude4.6Opus-cache-read-input-token-count,0.5,USD\n"
    b"2026-10-01T00:00:00Z,AmazonEC2,Usage,BoxUsage:m5.large,77,USD\n"
    b"2026-10-01T00:00:00Z,AmazonBedrock,Tax,USE1-Claude4.6Opus-input-tokens,0.6,USD\n"
)


def invoice(text: str, how: Reading | None = None) -> Invoice:
    return read_invoice(text.encode(), how or Reading(month=OCTOBER.month, zone=UTC, own=OWN))


def charged(found: Invoice) -> dict[tuple[str, str], str]:
    return {(f"{day:%d}", model): f"{charge.usd}" for (day, model), charge in found.charges.items()}


def billed(day: date, model: str, nanousd: int, **more: int) -> Billed:
    sums = {
        "calls": 1,
        "unknown_cost": 0,
        "estimated": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "estimated_nanousd": 0,
    }
    return Billed(day=day, model=model, nanousd=nanousd, **{**sums, **more})


def held(found: Invoice, *rows: Billed, tolerance: Tolerance = STRICT, aliases: dict[str, str] | None = None) -> Report:
    return reconcile(found, rows, tolerance, aliases=aliases or {})


def test_the_exports_of_providers_are_known_by_their_columns() -> None:
    openai = read_invoice(OPENAI, OCTOBER)
    assert openai.format == "openai-costs"
    assert charged(openai) == {
        ("01", "gpt-4o-mini-2024-07-18"): "0.750000000000000000000000000001",
        ("01", "web search tool calls"): "0.01",
    }
    anthropic = read_invoice(ANTHROPIC, OCTOBER)
    assert (anthropic.format, charged(anthropic)) == ("anthropic-costs", {("31", "Claude Haiku 4.5"): "2.00"})
    assert (anthropic.outside_rows, anthropic.outside_usd) == (1, 9)
    usage = read_invoice(ANTHROPIC_USAGE, OCTOBER)
    ((_, charge),) = usage.charges.items()
    assert (usage.has_amounts, charge.input_tokens, charge.output_tokens) == (False, 1123, 50)
    aws = read_invoice(AWS, OCTOBER)
    assert (aws.format, charged(aws)) == ("aws-cur", {("01", "Claude4.6Opus"): "3.0"})
    assert (aws.others, aws.foreign_rows) == ({"Tax": Decimal("0.6")}, 1)
    second = AWS.replace(b"lineItem/UsageStartDate", b"line_item_usage_start_date").replace(b"lineItem/", b"line_item_")
    for name in (b"ProductCode", b"LineItemType", b"UsageType", b"UnblendedCost", b"CurrencyCode"):
        spelt = b"".join(b"_" + bytes([c]).lower() if 65 <= c < 97 else bytes([c]) for c in name)[1:]
        second = second.replace(name, spelt)
    assert read_invoice(second, OCTOBER).format == "aws-cur-2"
    days = read_invoice(AWS, Reading(month=date(2026, 10, 1), zone=ZoneInfo("Europe/Berlin")))
    assert ("02", "Claude4.6Opus") in charged(days)  # eleven at night of UTC is the next day there


@pytest.mark.parametrize(
    ("text", "usd"),
    [
        ("Day;Model;Cost\n01.10.2026;m;1.234,56\n2026-10-01;m;0,44\n", "1235.00"),
        ("sep=;\nDay;Model;Cost\n2026/10/1;m;1.234\n2026-10-01;m;0,5\n", "1234.5"),
        ('Day,Model,Cost\n2026-10-01,m,"$1,234.50"\n2026-10-01,m,(0.50)\n', "1234.00"),
        ("Day,Model,Cost\n2026-10-01,m,12.345\n", "12.345"),
        ("Exported by hand\n\nDay\tModel\tCost\n1790812800\tm\t1e-7\n", "1E-7"),
        ("Day,Model,Cost\n2026-10-01,m,5.00\n2026-10-01,Total,5.00\nTotal,,5.00\n", "5.00"),
        ("Day,Model,Cost\n2026-10-01 03:00:00 UTC,m,-1.5 USD\n", "-1.5"),
    ],
)
def test_amounts_are_read_as_they_are_written(text: str, usd: str) -> None:
    assert charged(invoice(text)) == {("01", "m"): usd}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("a,b\n1,2\n", "its columns are not day, model, cost"),
        ("Day,Model,Cost\n2026-10-01,m\n", "row 2: it has 2 cells, and the header 3"),
        ("Day,Model,Cost\n2026-10-01,m,1,2\n", "row 2: it has 4 cells"),
        ('Day,Model,Cost\n2026-10-01,"m,1\n', "it is no CSV"),
        ("Day,Model,Cost\n2026-10-01,m,1\n2026-10-01,m,much\n", "row 3: `much` is no amount"),
        ("Day,Model,Cost\n2026-10-01,m,NaN\n", "is no amount"),
        ("Day,Model,Cost\n2026-10-01,m,1e999999\n", "is no amount"),
        ("Day,Model,Cost\n2026-10-32,m,1\n", "row 2: `2026-10-32` is no date"),
        ("Day,Model,Cost\n,m,1\n", "row 2: it has no date"),
        ("Day,Model,Cost\n10/11/2026,m,1\n", "row 2: `10/11/2026` may be two days"),
        ("Day;Model;Cost\n2026-10-01;m;1.234\n", "row 2: `1.234` may be a thousand times as much"),
        ('Day,Model,Cost\n2026-10-01,m,"1,234"\n', "row 2: `1,234` may be a thousand times as much"),
        ("Day;Model;Cost\n2026-10-01;m;0,5\n2026-10-01;m;0.5\n", "row 3: its decimals stand behind a point"),
        ("Day,Model,Cost\n2026-10-01,m,€ 1.50\n", "row 2: it is in EUR"),
        ("Day,Model,Cost\n2026-09-30,m,1\n", "nothing in it is of 2026-10: its days go from 2026-09-30"),
        ("Day,Model,Cost\n", "it has no row that charges anything"),
        ("Day,Model,Cost,Cost\n", "there are two columns `cost`"),
        ("PK\x03\x04", "a spreadsheet or an archive"),
        ("Day,Model,Cost\n2026-10-01,m," + "9" * 200_000 + "\n", "row 2: it is no CSV"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_for_sure_is_an_error_with_its_row(text: str, said: str) -> None:
    with pytest.raises(InvoiceError) as caught:
        invoice(text)
    assert said in str(caught.value)


def test_another_currency_and_another_order_of_days_are_said_and_never_guessed() -> None:
    how = Reading(month=OCTOBER.month, zone=UTC, own=OWN, mark="comma", dates="dmy", rates={"EUR": Decimal("1.0834")})
    assert charged(invoice("Day;Model;Cost\n10/10/2026;m;1,234 €\n", how)) == {("10", "m"): "1.3369156"}


def test_random_bytes_are_refused_and_nothing_else() -> None:
    chance = random.Random(5)  # noqa: S311 - a sample, no secret
    pieces = [OPENAI, ANTHROPIC, AWS, b"\x00", b"\xff\xfe", b'"', b"\n", b";", b"Total,", b"1,234", "€".encode()]
    for _ in range(300):
        data = b"".join(chance.sample(pieces, chance.randint(1, 5)))
        cut = chance.randint(0, len(data))
        try:
            read_invoice(data[cut:] if chance.random() < 0.3 else data[:cut], OCTOBER)
        except InvoiceError:
            continue


def test_amounts_that_are_written_out_are_read_back() -> None:
    chance = random.Random(6)  # noqa: S311 - a sample, no secret
    for _ in range(500):
        amount = Decimal(chance.randint(0, 10**9)).scaleb(-chance.choice((0, 2, 6)))
        english = f"{amount:,f}"
        german = english.translate(str.maketrans(",.", ".,"))
        for text, delimiter in ((english, ","), (german, ";"), (f"${english}", ","), (f"({german} €)", ";")):
            cell = taken_apart(text)
            mark = mark_of(cell.digits, delimiter=delimiter)
            assert mark in {None, "point" if delimiter == "," else "comma"}
            assert decimal_of(cell.digits, "point" if delimiter == "," else "comma", 1) == amount
            assert cell.is_negative == text.startswith("(")


@pytest.mark.parametrize(
    ("invoice_name", "ledger_name"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("Claude Haiku 4.5", "claude-haiku-4-5-20251001"),
        ("Claude3Sonnet", "anthropic.claude-3-sonnet-20240229-v1:0"),
        ("claude4.6opus", "us.anthropic.claude-opus-4-6-v1:0"),
        ("gpt-4-0613", "gpt-4"),
        ("claude-3-5-haiku@20241022", "claude-3-5-haiku-latest"),
        ("meta/llama-3.3-70b", "llama-3.3-70b"),
    ],
)
def test_two_names_of_one_model_are_known(invoice_name: str, ledger_name: str) -> None:
    assert model_key(invoice_name) == model_key(ledger_name)


def test_models_that_differ_stay_apart() -> None:
    names = (
        *("gpt-4", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-5", "gpt-5-nano", "o3", "o4-mini"),
        *("claude-3-sonnet", "claude-3-5-sonnet", "claude-sonnet-4", "claude-sonnet-4-5", "deepseek-v3"),
        *("deepseek-v3.1", "voxtral-small-24b", "voxtral-small-24b-2507", "工"),
    )
    assert len({model_key(name) for name in names}) == len(names)


def test_every_difference_is_told_by_day_and_model() -> None:
    text = (
        "Day,Model,Cost\n2026-10-01,a,1.00\n2026-10-01,b,2.00\n2026-10-02,a,3.00\n2026-10-02,GPT Mini,1\n"
        "2026-10-03,,0.25\nTotal,,7.25\n"
    )
    day = date(2026, 10, 1)
    report = held(
        invoice(text),
        billed(day, "a", 1_000_000_000, estimated=1, estimated_nanousd=400),
        billed(day, "c", 500, unknown_cost=3, calls=4),
        billed(day + timedelta(1), "a", 2_500_000_000),
        billed(day + timedelta(1), "gpt-4o-mini", 1_000_000_000),
        aliases={"GPT Mini": "gpt-4o-mini"},
    )
    told = [
        (f"{line.day:%d}", line.model, line.difference_nanousd, line.percent, line.verdict) for line in report.lines
    ]
    assert told == [
        ("01", "a", 0, "0.00", "matched"),
        ("01", "b", -2_000_000_000, "-100.00", "only_invoice"),
        ("01", "c", 500, None, "only_ledger"),
        ("02", "a", -500_000_000, "-16.67", "differs"),
        ("02", "gpt-4o-mini", 0, "0.00", "matched"),
    ]
    assert (report.total.unknown_cost, report.total.estimated_nanousd) == (3, 400)
    assert (report.others, report.stated_agrees) == ({"(no model)": 250_000_000}, True)
    assert report.agrees is False
    assert held(invoice(text.replace("7.25", "8.25"))).stated_agrees is False


def test_a_month_agrees_within_its_tolerance_model_by_model() -> None:
    found = invoice("Day,Model,Cost\n2026-10-01,a,100.00\n2026-10-02,a,100.00\n2026-10-01,b,100.00\n")
    one, two = date(2026, 10, 1), date(2026, 10, 2)
    # Midnight may cut a day otherwise: the days differ, the month does not.
    rows = (billed(one, "a", 150 * 10**9), billed(two, "a", 51 * 10**9), billed(one, "b", 101 * 10**9))
    for percent, agrees in (("1", True), ("0.99", False)):
        report = held(found, *rows, tolerance=Tolerance(Decimal(percent), 0))
        assert report.agrees is agrees
        assert [line.verdict for line in report.lines].count("differs") == (2 if agrees else 3)
    # What is too much of one and too little of another is not made up for.
    rows = (billed(one, "a", 220 * 10**9), billed(one, "b", 80 * 10**9))
    report = held(found, *rows, tolerance=Tolerance(Decimal(1), 0))
    assert (report.total.verdict, report.agrees) == ("matched", False)


def test_an_export_without_models_or_amounts_is_compared_by_what_it_has() -> None:
    days = Reading(month=OCTOBER.month, zone=UTC, own=own_format({"date": "day", "amount": "cost"}))
    one = date(2026, 10, 1)
    report = held(invoice("day,cost\n2026-10-01,3\n", days), billed(one, "a", 10**9), billed(one, "b", 2 * 10**9))
    assert (report.by_model, report.agrees, len(report.days), report.lines) == (False, True, 1, [])
    usage = read_invoice(ANTHROPIC_USAGE, OCTOBER)
    row = billed(date(2026, 10, 5), "claude-sonnet-4-5", 7, input_tokens=1123, output_tokens=50)
    assert held(usage, row).agrees is True
    report = held(usage, billed(row.day, row.model, 7, input_tokens=1122, output_tokens=50))
    assert (report.compared, report.agrees, report.total.difference_tokens) == ("tokens", False, -1)


def test_the_parts_add_up_to_the_whole_whatever_is_charged() -> None:
    chance = random.Random(9)  # noqa: S311 - a sample, no secret
    for _ in range(50):
        lines = [
            f"2026-10-{chance.randint(1, 31):02d},{chance.choice('abc')},{chance.randint(-9, 10**13)}e-13"
            for _ in range(chance.randint(1, 60))
        ]
        rows = [
            billed(date(2026, 10, chance.randint(1, 31)), chance.choice("bcd"), chance.randint(0, 10**9))
            for _ in range(chance.randint(0, 60))
        ]
        report = held(invoice("Day,Model,Cost\n" + "\n".join(lines)), *rows)
        for parts in (report.lines, report.days, report.models):
            assert sum(each.invoice_nanousd or 0 for each in parts) == report.total.invoice_nanousd
            assert sum(each.ledger_nanousd for each in parts) == sum(row.nanousd for row in rows)
            assert sum(each.difference_nanousd or 0 for each in parts) == report.total.difference_nanousd
        exact = sum((Decimal(line.rpartition(",")[2]) for line in lines), Decimal(0)) * 10**9
        assert abs((report.total.invoice_nanousd or 0) - exact) <= Decimal(len(report.lines)) / 2


def test_a_file_of_many_rows_is_read() -> None:
    rows = "".join(f"2026-10-{n % 31 + 1:02d},m{n % 5},0.000000001\n" for n in range(20_000))
    report = held(invoice("Day,Model,Cost\n" + rows))
    assert (report.total.invoice_nanousd, report.total.invoice_rows) == (20_000, 20_000)
