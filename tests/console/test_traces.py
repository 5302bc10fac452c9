"""Traces of a whole control plane: what it ships is what it sends, and `/metrics` and `/health` say how that goes."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from tests.console.serving import Api, serving
from tests.records import completed
from tests.watch.traces.collector import attributes, collecting

from penstock.config import read
from penstock.console.tracing import peers_of
from penstock.core.clock import SystemClock
from penstock.core.facts import AttemptStarted, Ended
from penstock.core.record import Settled
from penstock.watch.journal import JournalFile
from penstock.watch.traces.peer import Peer


def settled(number: int) -> Settled:
    return completed(
        id=f"ex_019ab3c4d5e6{number:020x}",
        started_at=1_795_000_000.0,
        first_event_s=None,
        user="jane@doe.example",
        model="mine",
        target="house/large",
        outcome="upstream_failed",
        outcome_code="upstream_timeout",
        input_tokens=0,
        output_tokens=0,
        cost_nanousd=0,
        facts=(AttemptStarted(at_s=0.1, attempt=1, target="house/large"), Ended(at_s=0.5, end="upstream_failed")),
    )


def metrics(api: Api) -> str:
    with urlopen(f"http://127.0.0.1:{api.port}/metrics", timeout=5) as reply:
        return str(reply.read().decode())


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < give_up
        threading.Event().wait(0.02)


def test_what_is_shipped_is_sent_and_a_reload_ends_it(tmp_path: Path, database_url: str) -> None:
    root, file = tmp_path / "data", tmp_path / "penstock.yaml"
    with collecting() as collector:
        house = "providers: {house: {vendor: custom, dialect: openai-chat, base_url: 'http://10.0.0.7:8000/v1'}}\n"
        file.write_text(f"{house}traces: {{endpoint: '{collector.url}', sample: 0}}\n")
        journal = JournalFile(root / "journal", clock=SystemClock(), fsync="never")
        with serving(root, database_url, file=file) as api:
            journal.append(settled(1))
            until(lambda: "penstock_traces_exported_total 1.0" in metrics(api))
            (call,) = [span for span in collector.spans if span.parent_span_id]
            said = attributes(call.attributes)
            assert (said["server.address"], said["server.port"]) == ("10.0.0.7", 8000)
            assert b"jane" not in b"".join(collector.bodies)

            collector.status = 403
            journal.append(settled(2))
            until(lambda: 'penstock_traces_dropped_total{reason="refused"} 1.0' in metrics(api))
            exporter = api.plane.tracing._exporter  # pyright: ignore[reportPrivateUsage] - as if a minute had passed
            assert exporter is not None
            exporter._failing_since = SystemClock().monotonic() - 61.0  # pyright: ignore[reportPrivateUsage]
            health = api.get("/health").json
            assert health["status"] == "degraded"
            assert any("taken no traces for 61 s (it answered 403)" in reason for reason in health["reasons"])

            file.write_text(house)
            taken = api.call("POST", "/admin/v1/config/reload").json["taken"]
            assert set(taken) == {"traces.endpoint", "traces.sample"}
            journal.append(settled(3))
            until(lambda: api.get("/admin/v1/status").json["shipped_records"] == 3)
            assert len(collector.bodies) == 2
        journal.close()


def test_providers_are_called_by_the_conventions_words(tmp_path: Path) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text(
        "providers:\n"
        "  eu: {vendor: openai, api_key: 'env:K', base_url: 'https://eu.example.com:8443/v1'}\n"
        "  claude: {vendor: anthropic, api_key: 'env:K'}\n"
    )
    environ = {"K": "x", "AZURE_OPENAI_ENDPOINT": "https://acme.openai.azure.com"}
    peers = peers_of(read(file, environ), environ)
    assert peers["eu"] == Peer("openai", "eu.example.com", 8443)
    assert peers["claude"] == peers["anthropic"] == Peer("anthropic", "api.anthropic.com", 443)
    assert peers["azure"] == Peer("azure.ai.openai", "acme.openai.azure.com", 443)
    assert peers["bedrock"] == Peer("aws.bedrock")
    assert peers["mistral"].vendor == "mistral_ai"
