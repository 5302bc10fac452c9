"""What the benchmark says of its own figures: a missed aim must read as missed, and noise as noise."""

import msgspec
from bench.figures import AdmissionCost, Conditions, Footprint, Measured, Run
from bench.measure import Streams, Unary
from bench.open_loop import Result as Arrivals
from bench.report import markdown, ratios, target_rows
from bench.soak import Sample, Soak
from bench.stream_client import Result as StreamResult

CONDITIONS = Conditions(
    date="2026-01-02 03:04 UTC",
    cores=2,
    cpu="a processor",
    memory_gb=8.0,
    system="Linux",
    python="3.11",
    wrk="wrk 4.1",
    upstream="nginx",
    plan="two rounds",
    request_bytes=1700,
    answer_bytes=600,
    connections=64,
    rate=200.0,
    load_before=0.1,
    others_cpu_share=0.0,
    commit="abc",
)


def unary(requests_per_s: float, cpu_us: float) -> Unary:
    return Unary(
        requests=1000,
        errors=0,
        requests_per_s=requests_per_s,
        p50_ms=1.0,
        p99_ms=2.0,
        cpu_us=cpu_us,
        cpu_all_us=cpu_us,
    )


def arrivals(*, answered: int = 1000, p50_ms: float = 0.5, p99_ms: float = 1.0) -> Arrivals:
    return Arrivals(
        sent=1000,
        answered=answered,
        failed=1000 - answered,
        unanswered=0,
        p50_ms=p50_ms,
        p90_ms=p99_ms,
        p99_ms=p99_ms,
        max_ms=p99_ms,
    )


def streams(count: int, *, stalls: int = 0, cpu_us: float = 30.0) -> Streams:
    result = StreamResult(
        streams=count,
        completed=count,
        failed=0,
        first_failure="",
        events=1000,
        stalls=stalls,
        stalls_while_client_waited=0,
        first_ms=[1.0],
        delay_p50_ms=0.1,
        delay_p99_ms=0.2,
        delay_max_ms=0.3,
        window_s=1.0,
        events_per_s=1000.0,
    )
    return Streams(result=result, cpu_us_per_event=cpu_us)


def penstock(requests_per_s: float = 6000.0, cpu_us: float = 150.0) -> Measured:
    return Measured(
        name="Penstock",
        ready_s=[4.0, 2.0],
        unary=[unary(requests_per_s, cpu_us)],
        arrivals=[arrivals()],
        added_p50_ms=[0.2],
        added_p99_ms=[1.5],
        streams=[streams(500)],
        loaded=Footprint(data_plane_rss_mb=140.0, all_rss_mb=300.0, all_pss_mb=250.0, processes=4),
    )


def a_run(ours: Measured, *others: Measured, floor_p99_ms: float = 0.5) -> Run:
    return Run(conditions=CONDITIONS, direct=[arrivals(p99_ms=floor_p99_ms)], gateways=[ours, *others])


def a_soak(change: float) -> Soak:
    samples = [Sample(requests=0, rss_mb=100.0, all_pss_mb=200.0)]
    return Soak(samples=samples, settled_mb=100.0, change=change, requests=200_000, errors=0, requests_per_s=5000.0)


def verdicts(run: Run, soak: Soak | None) -> dict[str, bool | None]:
    return {name: is_met for name, _, _, is_met in target_rows(run, soak)}


ADMISSION = AdmissionCost(known_us=28.0, unseen_us=120.0, credential_us=2.0, without_us=12.0, algorithm="ES256")


def controlled(requests_per_s: float = 4500.0, cpu_us: float = 230.0, added_p99_ms: float = 2.2) -> Measured:
    return Measured(
        name="Penstock, all controls on",
        unary=[unary(requests_per_s, cpu_us)],
        arrivals=[arrivals()],
        added_p50_ms=[0.3],
        added_p99_ms=[added_p99_ms],
    )


LITELLM = Measured(name="LiteLLM", unary=[unary(60.0, 18_000.0)])
PORTKEY = Measured(name="Portkey", unary=[unary(1000.0, 1000.0)])


def test_figures_that_reach_every_aim_are_all_met() -> None:
    run = a_run(penstock(), controlled(), LITELLM, PORTKEY)
    run.admission = ADMISSION
    found = verdicts(run, a_soak(-0.03))
    assert set(found.values()) == {True}
    assert len(found) == 14


def test_each_figure_that_misses_its_aim_is_missed() -> None:
    ours = penstock(requests_per_s=3000.0, cpu_us=300.0)
    ours.streams = [streams(200, cpu_us=40.0), streams(400, stalls=1)]
    ours.ready_s = [4.0, 3.4]
    ours.added_p99_ms = [2.5]
    ours.loaded = Footprint(data_plane_rss_mb=151.0, all_rss_mb=300.0, all_pss_mb=250.0, processes=4)
    run = a_run(ours, controlled(3900.0, 261.0, 2.6), LITELLM, PORTKEY)
    run.admission = msgspec.structs.replace(ADMISSION, known_us=30.1)
    found = verdicts(run, a_soak(0.06))
    assert set(found.values()) == {False}


def test_what_was_not_measured_is_never_called_met() -> None:
    found = verdicts(a_run(Measured(name="Penstock")), None)
    assert set(found.values()) == {None}


def test_an_added_latency_under_a_noisy_floor_is_not_judged() -> None:
    found = verdicts(a_run(penstock(), floor_p99_ms=2.5), None)
    assert found["added p99 at 200/s"] is None


def test_a_gateway_that_falls_behind_has_no_added_latency() -> None:
    slow = penstock()
    slow.arrivals = [arrivals(answered=900)]
    assert verdicts(a_run(slow), None)["added p99 at 200/s"] is None
    assert "cannot keep up" in markdown(a_run(slow), None, [], images="")


def test_the_most_streams_are_those_without_a_stall() -> None:
    ours = penstock()
    ours.streams = [streams(100), streams(500, stalls=3)]
    assert ours.most_streams == 100
    assert verdicts(a_run(ours), None)["streams without a stall"] is False


def test_ratios_say_which_way_they_go() -> None:
    faster = Measured(name="nginx", unary=[unary(24_000.0, 20.0)])
    lines = ratios(a_run(penstock(), LITELLM, faster))
    assert lines == [
        "Penstock answered 100.0 times as many requests per second as LiteLLM.",
        "Penstock answered 25% of the requests per second as nginx.",
    ]


def test_the_controlled_penstock_is_set_beside_the_plain_one_and_not_among_the_others() -> None:
    run = a_run(penstock(), controlled(3000.0), LITELLM)
    run.admission = ADMISSION
    assert ratios(run)[-1] == "With all controls on Penstock answered 50% of the requests per second as without."
    assert len(ratios(run)) == 2
    text = markdown(run, None, [], images="")
    assert "120 µs with a token that was never seen" in text
    assert text.count("| Penstock, all controls on |") == 2, "among the requests and the memory, not among the streams"


def test_the_report_names_what_failed_and_under_which_conditions() -> None:
    broken = Measured(name="LiteLLM", reasons=["not measured: it did not start"])
    text = markdown(a_run(penstock(), broken), a_soak(0.01), [("a.svg", "A chart")], images="images/")
    assert "- LiteLLM: not measured: it did not start" in text
    assert "commit abc" in text
    assert "![A chart](images/a.svg)" in text
    assert "+1.0%" in text
