"""Writes a run as Markdown: conditions first, then figures with ratios, then what could not be measured and why."""

from collections.abc import Callable, Sequence

from bench.figures import AdmissionCost, Measured, Run, spread
from bench.gateways import CONTROLLED, OURS, PLAIN
from bench.settings import RATE
from bench.soak import Soak

_MISSING = "-"

ADDED_P99_MS = 2.0
CONTROLLED_ADDED_P99_MS = 2.5

_TARGETS = (
    ("requests a second", "≥ 5,000"),
    ("CPU a request", "≤ 200 µs"),
    ("times LiteLLM", "≥ 60"),
    ("times Portkey", "≥ 4"),
    (f"added p99 at {RATE:.0f}/s", "≤ 2 ms"),
    ("streams without a stall", "≥ 500"),
    ("CPU a stream event", "≤ 35 µs"),
    ("resident memory, data plane", "≤ 150 MB"),
    ("memory over 200,000 requests", "within 5 %"),
    ("ready on the second start", "≤ 3 s"),
    ("all controls on: requests a second", "≥ 4,000"),
    ("all controls on: CPU a request", "≤ 260 µs"),
    (f"all controls on: added p99 at {RATE:.0f}/s", "≤ 2.5 ms"),
    ("CPU of admission itself", "≤ 30 µs"),
)


_OPENING = (
    "Written by `make bench`; every figure below was measured in one run on one machine. Penstock runs as in "
    "production, with key check, ledger and database on; the others do less and are measured so on purpose. nginx "
    "is no gateway: it shows what one more hop costs by itself."
)
_MEMORY_NOTE = (
    "Resident memory is that of the processes that carry requests; for Penstock `all its processes` adds the "
    "supervisor, the control plane and the embedded PostgreSQL. Two start times are the first and the second."
)


def markdown(run: Run, soak: Soak | None, charts: Sequence[tuple[str, str]], *, images: str) -> str:
    parts = [
        "# Benchmark",
        "",
        _OPENING,
        "",
        *_result_lines(run),
        "",
        *_images(charts, images),
        "## Unary requests",
        "",
        *_unary_table(run),
        "",
        *(_admission_lines(run.admission) if run.admission is not None else []),
        "## Streams",
        "",
        *_stream_table(run),
        "",
        "## Memory and start",
        "",
        *_memory_table(run),
        "",
        *(_soak_lines(soak) if soak is not None else []),
        "## Measured against our aims",
        "",
        *_target_table(run, soak),
        "",
        *_reasons(run),
        *_conditions(run),
    ]
    return "\n".join(parts).rstrip() + "\n"


def ratios(run: Run) -> list[str]:
    """One line for each gateway: how many times its requests a second Penstock's are."""
    ours = run.named(PLAIN)
    if ours is None or ours.requests_per_s is None:
        return ["Penstock itself was not measured."]
    lines: list[str] = []
    for other in run.gateways:
        if other.name not in OURS and other.requests_per_s:
            times = ours.requests_per_s / other.requests_per_s
            words = f"{times:.1f} times as many" if times >= 1 else f"{times:.0%} of the"
            lines.append(f"Penstock answered {words} requests per second as {other.name}.")
    controlled = run.named(CONTROLLED)
    if controlled is not None and controlled.requests_per_s:
        share = controlled.requests_per_s / ours.requests_per_s
        lines.append(f"With all controls on Penstock answered {share:.0%} of the requests per second as without.")
    return lines


def _result_lines(run: Run) -> list[str]:
    return [f"- {line}" for line in ratios(run)]


def _images(charts: Sequence[tuple[str, str]], folder: str) -> list[str]:
    lines: list[str] = []
    for file, title in charts:
        lines += [f"![{title}]({folder}{file})", ""]
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    aligned = ["---"] + ["---:"] * (len(head) - 1)
    return [f"| {' | '.join(line)} |" for line in (head, aligned, *rows)]


def _unary_table(run: Run) -> list[str]:
    head = ["", "requests/s", "least to most", "p50", "p99", "CPU a request", "all its processes"]
    head += [f"added p50 at {RATE:.0f}/s", f"added p99 at {RATE:.0f}/s"]
    rows: list[list[str]] = []
    for each in run.gateways:
        if not each.unary:
            rows.append([each.name, *[_MISSING] * (len(head) - 1)])
            continue
        kept_up = each.keeps_up
        rows.append(
            [
                each.name,
                f"{each.requests_per_s:,.0f}",
                spread([one.requests_per_s for one in each.unary]),
                f"{each.median(lambda one: one.p50_ms):,.1f} ms",
                f"{each.median(lambda one: one.p99_ms):,.1f} ms",
                f"{each.cpu_us:,.0f} µs",
                f"{each.cpu_all_us:,.0f} µs",
                f"{each.added_p50:+.2f} ms" if kept_up and each.added_p50 is not None else "cannot keep up",
                f"{each.added_p99:+.2f} ms" if kept_up and each.added_p99 is not None else "cannot keep up",
            ]
        )
    return _table(head, rows)


def _admission_lines(cost: AdmissionCost) -> list[str]:
    line = (
        "Admission itself (the credential, every stage entered, the limits' headers, all of it settled), in one "
        f"process that does nothing else: {cost.known_us:.1f} µs of CPU an exchange with all controls on and a token "
        f"that was seen before, of which looking the token up is {cost.credential_us:.1f} µs; {cost.without_us:.1f} µs "
        f"without limits and budget; {cost.unseen_us:.0f} µs with a token that was never seen, whose {cost.algorithm} "
        "signature is checked, once."
    )
    return [line, ""]


def _stream_table(run: Run) -> list[str]:
    head = ["", "most without a stall", "measured at", "first event, p50", "delay, p50", "delay, p99", "longest"]
    head += ["CPU an event"]
    rows: list[list[str]] = []
    for each in run.gateways:
        if each.name == CONTROLLED:
            continue  # its streams are the plain one's: admission is over before the first event
        best, first = each.best_streams, each.median_first_ms()
        if best is None or first is None:
            rows.append([each.name, *[_MISSING] * (len(head) - 1)])
            continue
        result = best.result
        rows.append(
            [
                each.name,
                f"{each.most_streams:,}",
                f"{result.streams:,} streams" + ("" if best.is_clean else f", {result.stalls} stalls"),
                f"{first:.1f} ms",
                f"{result.delay_p50_ms:.2f} ms",
                f"{result.delay_p99_ms:.1f} ms",
                f"{result.delay_max_ms:.0f} ms",
                f"{best.cpu_us_per_event:,.0f} µs",
            ]
        )
    return _table(head, rows)


def _memory_table(run: Run) -> list[str]:
    head = ["", "resident, idle", "resident, loaded", "all its processes (PSS)", "processes", "ready after"]
    rows: list[list[str]] = []
    for each in run.gateways:
        idle, loaded = each.idle, each.loaded
        starts = " · ".join(f"{seconds:.1f} s" for seconds in each.ready_s) or _MISSING
        rows.append(
            [
                each.name,
                f"{idle.data_plane_rss_mb:,.0f} MB" if idle else _MISSING,
                f"{loaded.data_plane_rss_mb:,.0f} MB" if loaded else _MISSING,
                f"{loaded.all_pss_mb:,.0f} MB" if loaded else _MISSING,
                str(loaded.processes) if loaded else _MISSING,
                starts,
            ]
        )
    return [
        *_table(head, rows),
        "",
        _MEMORY_NOTE,
    ]


def _soak_lines(soak: Soak) -> list[str]:
    line = (
        f"Over {soak.requests:,} requests ({soak.errors} errors) Penstock's resident memory went from "
        f"{soak.settled_mb:.1f} MB, once warm, to {soak.samples[-1].rss_mb:.1f} MB ({soak.change:+.1%})."
    )
    return [line, ""]


def target_rows(run: Run, soak: Soak | None) -> list[tuple[str, str, str, bool | None]]:
    """Each aim with what was measured, and whether it is met (None where it was not measured)."""
    ours = run.named(PLAIN) or Measured(name=PLAIN)
    controlled = run.named(CONTROLLED) or Measured(name=CONTROLLED)

    def times(name: str) -> float | None:
        other = run.named(name)
        if other is None or not other.requests_per_s or not ours.requests_per_s:
            return None
        return ours.requests_per_s / other.requests_per_s

    best = ours.best_streams
    added = ours.added_p99 if ours.keeps_up else None
    second = ours.ready_s[1] if len(ours.ready_s) > 1 else None
    loaded = ours.loaded.data_plane_rss_mb if ours.loaded else None
    litellm, portkey = times("LiteLLM"), times("Portkey")
    values: tuple[tuple[str, bool | None], ...] = (
        _judged(ours.requests_per_s, "{:,.0f}", lambda v: v >= 5000),
        _judged(ours.cpu_us, "{:,.0f} µs", lambda v: v <= 200),
        _judged(litellm, "{:,.0f}", lambda v: v >= 60),
        _judged(portkey, "{:,.1f}", lambda v: v >= 4),
        _judged_added(run, added, ADDED_P99_MS),
        _judged(float(ours.most_streams) if ours.streams else None, "{:,.0f}", lambda v: v >= 500),
        _judged(best.cpu_us_per_event if best else None, "{:,.0f} µs", lambda v: v <= 35),
        _judged(loaded, "{:,.0f} MB", lambda v: v <= 150),
        _judged(abs(soak.change) * 100 if soak else None, "{:.1f} %", lambda v: v <= 5),
        _judged(second, "{:.1f} s", lambda v: v <= 3),
        _judged(controlled.requests_per_s, "{:,.0f}", lambda v: v >= 4000),
        _judged(controlled.cpu_us, "{:,.0f} µs", lambda v: v <= 260),
        _judged_added(run, controlled.added_p99 if controlled.keeps_up else None, CONTROLLED_ADDED_P99_MS),
        _judged(run.admission.known_us if run.admission else None, "{:.1f} µs", lambda v: v <= 30),
    )
    return [(name, aim, shown, is_met) for (name, aim), (shown, is_met) in zip(_TARGETS, values, strict=True)]


def _judged_added(run: Run, added: float | None, most_ms: float) -> tuple[str, bool | None]:
    """Where upstream itself was slower than the aim, the machine was too busy to tell."""
    shown, is_met = _judged(added, "{:.2f} ms", lambda v: v <= most_ms)
    return (f"{shown}, noisy", None) if run.floor_p99_ms > most_ms else (shown, is_met)


def _judged(value: float | None, form: str, is_met: Callable[[float], bool]) -> tuple[str, bool | None]:
    return (_MISSING, None) if value is None else (form.format(value), is_met(value))


def _target_table(run: Run, soak: Soak | None) -> list[str]:
    words = {True: "met", False: "**missed**", None: "not judged"}
    rows = [[name, aim, shown, words[is_met]] for name, aim, shown, is_met in target_rows(run, soak)]
    return _table(["", "aim", "measured", ""], rows)


def _reasons(run: Run) -> list[str]:
    lines = [f"- {each.name}: {reason}" for each in run.gateways for reason in each.reasons]
    return ["## What failed or was not measured", "", *lines, ""] if lines else []


def _conditions(run: Run) -> list[str]:
    c = run.conditions
    order = ", ".join(each.name for each in run.gateways)
    machine = (
        f"{c.date}, commit {c.commit}. {c.cores} cores ({c.cpu}), {c.memory_gb} GB, {c.system}, Python {c.python}. "
        "The cores are shared by the gateway, the load generator and the upstream."
    )
    unary = (
        f"Unary: {c.wrk}, {c.connections} connections, closed loop, requests of {c.request_bytes:,} bytes, answers of "
        f"{c.answer_bytes:,} bytes from {c.upstream} at once. Open loop: {c.rate:.0f} requests/s at constant spacing, "
        f"timed from when each was due; upstream itself, asked right before each gateway, had a "
        f"p99 of {run.floor_p99_ms:.2f} ms (median)."
    )
    streams = (
        "Streams: 50 events/s each, every event stamped with its time of sending; a stall is a gap of over 100 ms "
        "between two events that upstream did not have. Levels rise until one has a stall twice."
    )
    lines = [
        machine,
        f"Before the start other work used {c.others_cpu_share:.0%} of the CPU (load {c.load_before}).",
        unary,
        streams,
        f"{c.plan[0].upper()}{c.plan[1:]}. Order within each round: {order}.",
    ]
    lines += [f"{each.name} {each.version}: {each.settings}." for each in run.gateways if each.version]
    return ["## Conditions", "", *[f"- {line}" for line in lines], ""]
