"""Traces on their way: from the journal by way of the ledger to a collector that may be away, slow or unwilling."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import msgspec
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.watch.traces.collector import OtlpCollector, attributes, collecting

from penstock.config.secret import Secret, Text
from penstock.config.traces import TraceSettings
from penstock.core.clock import SystemClock
from penstock.core.record import Settled
from penstock.testing.clock import FakeClock
from penstock.watch.journal import JournalFile
from penstock.watch.posting import Way
from penstock.watch.ship import Shipper
from penstock.watch.traces.peer import Peer
from penstock.watch.traces.sending import Collector
from penstock.watch.traces.tracing import Tracing
from penstock.watch.traces.waiting import Kept, Waiting

MakeRecord = Callable[[int], Settled]
PATIENCE_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up
        threading.Event().wait(0.01)


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with collecting() as running:
        yield running


def tracing(url: str, *, clock: FakeClock | None = None, **changes: object) -> Tracing:
    settings = msgspec.structs.replace(TraceSettings(endpoint=Text(url, url), sample=1.0), **changes)
    return Tracing(settings, lambda: {"openai": Peer("openai", "api.openai.com", 443)}, clock or FakeClock())


def lines(make_record: MakeRecord, count: int, **changes: object) -> list[bytes]:
    return [msgspec.json.encode(msgspec.structs.replace(make_record(number), **changes)) for number in range(count)]


def count(traces: Tracing, name: str) -> int:
    said = [line for line in traces.metrics().decode().splitlines() if line.startswith(name + " ")]
    assert len(said) == 1
    return int(float(said[0].rpartition(" ")[2]))


def dropped(traces: Tracing, reason: str) -> int:
    return count(traces, f'penstock_traces_dropped_total{{reason="{reason}"}}')


def test_what_has_reached_the_ledger_is_sent_with_headers_and_resource(
    database_url: str, tmp_path: Path, make_record: MakeRecord, collector: OtlpCollector
) -> None:
    traces = tracing(
        collector.url,
        headers={"x-tenant": Secret("env:X", "blue")},
        resource={"deployment.environment.name": "test", "service.name": "gateway"},
    )
    traces.start()
    journal = JournalFile(tmp_path, clock=SystemClock(), fsync="never")
    for number in range(3):
        journal.append(make_record(number))
    journal.close()
    assert Shipper(tmp_path, database_url, clock=SystemClock(), told=traces.offer).drain_once() == 3
    traces.stop()
    assert sorted(str(attributes(span.attributes)["penstock.exchange"]) for span in collector.roots) == [
        make_record(number).id for number in range(3)
    ]
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM ledger").fetchone() == (3,)
    assert collector.heads[0]["x-tenant"] == "blue"
    resource = attributes(collector.taken[0].resource_spans[0].resource.attributes)
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("gateway", "test")
    assert count(traces, "penstock_traces_exported_total") == 3


def test_a_line_that_the_database_refuses_is_not_told_of(
    database_url: str, tmp_path: Path, make_record: MakeRecord
) -> None:
    journal = JournalFile(tmp_path, clock=SystemClock(), fsync="never")
    good, bad = make_record(1), msgspec.structs.replace(make_record(2), cost_nanousd=2**70)
    for record in (good, bad):
        journal.append(record)
    journal.close()
    told: list[bytes] = []
    Shipper(tmp_path, database_url, clock=SystemClock(), told=told.extend).drain_once()
    assert told == [msgspec.json.encode(good)]


def test_a_collector_that_is_away_holds_nothing_up_and_the_least_missed_goes_first(
    database_url: str, tmp_path: Path, make_record: MakeRecord
) -> None:
    clock = FakeClock()
    with collecting() as gone:
        nobody = gone.url
    traces = tracing(nobody, clock=clock, most_waiting=10)
    traces.start()
    traces.offer(lines(make_record, 1))
    until(lambda: count(traces, "penstock_traces_waiting") == 0)  # it is being tried
    journal = JournalFile(tmp_path, clock=SystemClock(), fsync="never")
    for number in range(1, 30):
        outcome = "deadline" if number <= 3 else "completed"
        journal.append(msgspec.structs.replace(make_record(number), outcome=outcome))
    journal.close()
    assert Shipper(tmp_path, database_url, clock=SystemClock(), told=traces.offer).drain_once() == 29
    assert (count(traces, "penstock_traces_waiting"), dropped(traces, "no_room")) == (10, 19)
    until(lambda: traces._exporter is not None and traces._exporter._failing_since is not None)  # pyright: ignore[reportPrivateUsage] - nothing else tells the moment
    assert traces.problems() == ()
    clock.advance(61.0)
    assert "taken no traces for 61 s (it cannot be reached" in traces.problems()[0]
    assert "19 were dropped" in traces.problems()[0]
    traces.stop()
    assert (dropped(traces, "stopped"), count(traces, "penstock_traces_exported_total")) == (11, 0)
    traces.offer(lines(make_record, 1))


def test_of_what_waits_errors_stay_and_the_oldest_go() -> None:
    waiting = Waiting(3, most_bytes=1000)
    assert waiting.put([Kept(b"1", "sampled"), Kept(b"2", "error"), Kept(b"3", "sampled"), Kept(b"4", "held")]) == 1
    assert waiting.put([Kept(b"5", "slow")]) == 1
    assert waiting.put([Kept(b"6", "blocked")]) == 1
    assert waiting.put([Kept(b"7" * 998, "error")]) == 1, "by bytes: the first of three went"
    assert [kept.payload[:1] for kept in waiting.take(9, 1)] == [b"5"]
    assert [kept.payload[:1] for kept in waiting.take(9, 10_000)] == [b"6", b"7"]
    waiting.close()
    assert waiting.take(9, 9) == []
    assert waiting.put([Kept(b"8", "error")]) == 1


@pytest.mark.parametrize(("status", "headers"), [(429, {"retry-after": "0"}), (503, {}), (502, {}), (504, {})])
def test_what_is_not_taken_now_is_sent_again(
    make_record: MakeRecord, collector: OtlpCollector, status: int, headers: dict[str, str]
) -> None:
    collector.answers.append(status)
    collector.headers = headers
    traces = tracing(collector.url)
    traces.start()
    traces.offer(lines(make_record, 2))
    until(lambda: bool(collector.taken))
    traces.stop()
    assert collector.bodies[0] == collector.bodies[1]
    assert (len(collector.roots), count(traces, "penstock_traces_exported_total")) == (2, 2)


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500, 302])
def test_what_is_refused_is_not_sent_again_and_the_next_is(
    make_record: MakeRecord, collector: OtlpCollector, status: int
) -> None:
    clock = FakeClock()
    traces = tracing(collector.url, clock=clock)
    traces.start()
    collector.answers.append(status)
    traces.offer(lines(make_record, 2))
    until(lambda: dropped(traces, "refused") == 2)
    clock.advance(100.0)
    assert f"(it answered {status}); 2 were dropped" in traces.problems()[0]
    traces.offer(lines(make_record, 1))
    until(lambda: count(traces, "penstock_traces_exported_total") == 1)
    traces.stop()
    assert len(collector.bodies) == 2


def test_a_collector_that_never_answers_is_given_up_after_its_time_and_what_it_would_not_have_is_counted(
    make_record: MakeRecord, collector: OtlpCollector
) -> None:
    collector.waits = threading.Event()
    traces = tracing(collector.url, timeout_s=0.4)
    traces.start()
    traces.offer(lines(make_record, 1))
    until(lambda: len(collector.bodies) == 2)
    collector.rejects = 2
    collector.waits.set()
    until(lambda: count(traces, "penstock_traces_exported_total") == 1)
    traces.stop()
    assert count(traces, "penstock_trace_spans_lost_total") >= 2


def test_a_line_that_cannot_be_made_spans_of_spoils_no_other(make_record: MakeRecord, collector: OtlpCollector) -> None:
    good, odd = lines(make_record, 2)
    far = odd.replace(b'"started_at":1795000001.125', b'"started_at":-1e30')
    assert far != odd
    traces = tracing(collector.url)
    traces.start()
    traces.offer([b"no JSON", far, b'{"id":"ex_1","duration_s":1,"outcome":"completed"}', good])
    traces.stop()
    assert len(collector.roots) == 1
    assert (dropped(traces, "unreadable"), count(traces, "penstock_traces_exported_total")) == (3, 1)


def test_an_ordinary_exchange_is_sent_by_its_share_and_others_always(
    make_record: MakeRecord, collector: OtlpCollector
) -> None:
    traces = tracing(collector.url, sample=0.0, slow_s=2.0)
    traces.start()
    ordinary, slow = lines(make_record, 1), lines(make_record, 1, id="slow", duration_s=2.0)
    traces.offer([*ordinary, *slow, *lines(make_record, 1, id="held", outcome="held")])
    traces.offer(ordinary)
    traces.stop()
    kept = {str(attributes(span.attributes)["penstock.kept"]) for span in collector.roots}
    assert (len(collector.roots), kept) == (2, {"slow", "held"})


def test_other_settings_are_in_force_at_once_and_without_an_endpoint_nothing_runs(
    make_record: MakeRecord, collector: OtlpCollector
) -> None:
    def running() -> int:
        return sum(thread.name == "penstock-traces" for thread in threading.enumerate())

    before = running()
    traces = Tracing(TraceSettings(), dict, FakeClock())
    traces.start()
    traces.offer(lines(make_record, 1))
    assert (running(), count(traces, "penstock_traces_waiting"), traces.problems()) == (before, 0, ())
    traces.use(TraceSettings(endpoint=Text(collector.url, collector.url), sample=1.0))
    assert running() == before + 1
    traces.offer(lines(make_record, 1))
    traces.use(TraceSettings())
    until(lambda: running() == before)
    assert len(collector.roots) == 1, "what waited was sent"
    traces.stop()


def test_without_an_endpoint_nothing_is_loaded() -> None:
    code = """
import sys
from penstock.config.traces import TraceSettings
from penstock.core.clock import SystemClock
from penstock.watch.traces.tracing import Tracing
traces = Tracing(TraceSettings(), dict, SystemClock())
traces.start()
traces.offer([b"{}"])
print([name for name in sys.modules if name.startswith(("google.protobuf", "opentelemetry.proto"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_certificate_is_checked_by_the_authority_that_is_named(tmp_path: Path, make_record: MakeRecord) -> None:
    authority = tmp_path / "ca.pem"
    context = _own_certificate(tmp_path / "key.pem", authority)
    with collecting(context) as collector:
        for ca_file, is_taken in ((str(authority), True), (None, False)):
            traces = tracing(collector.url, ca_file=ca_file)
            traces.start()
            traces.offer(lines(make_record, 1))
            traces.stop()
            assert (count(traces, "penstock_traces_exported_total") == 1) is is_taken
            assert (dropped(traces, "stopped") == 1) is not is_taken


def test_a_collector_shows_none_of_its_credentials() -> None:
    collector = Collector(
        "http://host/?token=abc", {"authorization": "Bearer abc"}, {}, Way(timeout_s=1.0, allow_private=True)
    )
    assert repr(collector) == "Collector(…)"


def _own_certificate(key_file: Path, certificate_file: Path) -> SSLContext:
    """Signed by itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context
