"""Traces of a whole Penstock: a collector gets what was asked of it, and not a word of what was said."""

from pathlib import Path

import msgspec
import pytest
from tests.system.conftest import running
from tests.system.records import until
from tests.system.test_cache import ask, chat
from tests.watch.traces.collector import attributes, collecting

CONFIG = """
models:
  kept:
    targets: [{{provider: sim, model: sim}}]
    cache: {{exact: {{ttl_s: 600}}}}
    guards: {{personal_data: {{fail: closed, names: false}}}}
traces:
  endpoint: {url}
  sample: 1.0
  headers: {{authorization: env:OTLP}}
"""
NAME = "Zebulon Quartermaine"


@pytest.mark.slow
def test_exchanges_arrive_as_traces_and_nothing_that_was_said_does(tmp_path: Path) -> None:
    with collecting() as collector, running(tmp_path / "data", CONFIG.format(url=collector.url), OTLP="Bearer t") as up:
        told = f"I am {NAME}, zebulon@quartermaine.example, +49 30 901820. Say my name."
        ids: dict[str, str] = {}
        for name, more in (("asked", {}), ("again", {}), ("streamed", {"stream": True, "temperature": 0.5})):
            body = chat(told, user="zebulon", metadata={"who": NAME}, **more)
            status, headers, data = ask(up, "/v1/chat/completions", body)
            assert status == 200, data
            ids[name] = headers["x-request-id"]
        until(lambda: len(collector.roots) == 3, "the traces do not arrive")
        roots = {str(attributes(span.attributes)["penstock.exchange"]): span for span in collector.roots}
        assert set(roots) == set(ids.values())
        asked, again = (attributes(roots[ids[name]].attributes) for name in ("asked", "again"))
        assert (asked["penstock.cache"], again["penstock.cache"]) == ("missed", "exact")
        for name, calls in (("asked", 1), ("again", 0), ("streamed", 1)):
            trace = [span for span in collector.spans if span.trace_id.hex() == ids[name].removeprefix("ex_")]
            assert sum("gen_ai.operation.name" in attributes(span.attributes) for span in trace) == calls
        assert collector.heads[0]["authorization"] == "Bearer t"
        sent = b"".join(collector.bodies).lower()
        assert b"penstock.personal_data_masked" in sent
        for word in (b"zebulon", b"quartermaine", b"901820", b"say my name"):
            assert word not in sent
        rows = {str(row["id"]): row for row in up.ledger()}
        for exchange, span in roots.items():
            took_ns = span.end_time_unix_nano - span.start_time_unix_nano
            assert took_ns == round(msgspec.convert(rows[exchange]["duration_s"], float) * 1e9)
