"""What happened in an exchange, over its time: one line for each call of a provider and for each other fact.

Calls and what says how long it took are bars, all else is a point.  A fact that this version does not know stands where
it says that it belongs, with what it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.console.web.layout.parts.amounts import seconds
from penstock.console.web.layout.parts.table_state import Tone
from penstock.console.web.layout.parts.text import Text, badge, box
from penstock.console.web.pages.exchanges.words import fact_tone, fact_words, fields_of, outcome_tone, outcome_words
from penstock.core.facts import AnyFact
from penstock.watch.traces.calls import Call, calls_of, took_s

_ENDS: Mapping[str, tuple[str, Tone]] = {"answered": ("answered", "ok"), "given_up": ("given up", "")}
_OF_CALLS = frozenset({"attempt_started", "attempt_succeeded", "attempt_failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`first_s` is when a call's answer began; `fields` are names and values in words."""

    name: str
    begun_s: float
    ended_s: float
    tone: Tone = ""
    first_s: float | None = None
    said: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Settled:
    duration_s: float
    outcome: str
    outcome_code: str | None


def lines_of(entry: Mapping[str, Any]) -> list[Line]:
    """Of an exchange as the API shows it, in the order of beginning; the end is last."""
    facts: list[Mapping[str, Any]] = entry["facts"]
    duration_s = float(entry["duration_s"])
    known: list[AnyFact] = []
    lines: list[Line] = []
    for fact in facts:
        at_s = float(fact.get("at_s") or 0.0)
        took = 0.0
        try:
            read: AnyFact = msgspec.convert(fact, AnyFact)
        except msgspec.ValidationError:
            pass  # of a newer version, or not whole: shown as it says itself
        else:
            known.append(read)
            took = took_s(read)
            if fact["fact"] in _OF_CALLS:
                continue
        tag = str(fact.get("fact"))
        lines.append(
            Line(
                name=fact_words(tag),
                begun_s=max(0.0, at_s - took),
                ended_s=at_s,
                tone=fact_tone(fact),
                said=_said(fact),
                fields=tuple(fields_of(fact, "latency_s", "waited_s", "guard", "end")),
            )
        )
    settled = _Settled(duration_s, str(entry["outcome"]), entry["outcome_code"])
    calls = [_call(call, facts) for call in calls_of(settled, known)]
    return sorted([*calls, *lines], key=lambda line: (line.name == fact_words("ended"), line.begun_s))


def _said(fact: Mapping[str, Any]) -> str:
    if fact.get("fact") == "ended":
        return outcome_words(str(fact.get("end")))
    return str(fact.get("guard") or "")


def _call(call: Call, facts: Sequence[Mapping[str, Any]]) -> Line:
    words, tone = _ENDS.get(call.end, ("failed", "bad"))
    failures = (each for each in facts if each.get("fact") == "attempt_failed" and each["attempt"] == call.number)
    failure = next(failures, None)
    fields = [("end", words)]
    if call.first_event_s is not None:
        fields.append(("first event after", seconds(call.first_event_s - call.begun_s)))
    if call.code is not None:
        fields.append(("code", call.code))
    if failure is not None:
        fields += fields_of(failure, "attempt", "target", "code")
    return Line(
        name=f"Call {call.number}",
        begun_s=call.begun_s,
        ended_s=call.ended_s,
        tone=tone,
        first_s=call.first_event_s,
        said=call.target,
        fields=tuple(fields),
    )


def draw(entry: Mapping[str, Any]) -> None:
    """The lines, each with its bar and what it says."""
    whole_s = max(float(entry["duration_s"]), 1e-6)
    with box("div", "fall", role="table", aria_label="What happened, over time"):
        with box("div", "line head", role="row"):
            for words, name in (
                ("At", "at"),
                ("What", "what"),
                (f"0 to {seconds(whole_s)}", "track"),
                ("Took", "took"),
            ):
                Text("span", words, name, role="columnheader")
        whole = Line(
            name="Exchange",
            begun_s=0.0,
            ended_s=whole_s,
            tone=outcome_tone(str(entry["outcome"])),
            first_s=entry["first_event_s"],
            said=str(entry["model"]),
        )
        for line in (whole, *lines_of(entry)):
            _draw_line(line, whole_s)


def _draw_line(line: Line, whole_s: float) -> None:
    took = line.ended_s - line.begun_s
    with box("div", "line", role="row"):
        Text("span", seconds(line.begun_s), "at", role="cell")
        with box("div", "what", role="cell"):
            with box("div", "name"):
                Text("b", line.name)
                if line.said:
                    Text("span", line.said, "mono")
            if line.fields:
                with box("div", "fields"):
                    for name, value in line.fields:
                        with box("span"):
                            Text("i", name)
                            if name in ("code", "action") and line.tone in ("bad", "warn"):
                                badge(value, line.tone)
                            else:
                                Text("span", value)
        with box("div", "track", role="cell", aria_label=f"from {seconds(line.begun_s)} to {seconds(line.ended_s)}"):
            left, right = _place(line.begun_s, whole_s), _place(line.ended_s, whole_s)
            if took <= 0:
                box("i", f"point {line.tone}").style(f"left: {left:.3f}%")
            else:
                box("i", f"span {line.tone}").style(f"left: {left:.3f}%; width: {right - left:.3f}%")
                if line.first_s is not None:
                    first = _place(line.first_s, whole_s)
                    box("i", f"answer {line.tone}").style(f"left: {first:.3f}%; width: {max(right - first, 0):.3f}%")
        Text("span", seconds(took) if took > 0 else "", "took", role="cell")


def _place(at_s: float, whole_s: float) -> float:
    """In percent of the whole, within it: a record's times are a data plane's word."""
    return 100 * min(max(at_s / whole_s, 0.0), 1.0)
