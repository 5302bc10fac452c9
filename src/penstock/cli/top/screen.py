"""Draws one look after another: live in a terminal, or once as plain text.

It fits 80 columns and 24 lines, and uses more where there are more.  A thread asks, so that a key is answered at once
while the control plane takes its time.
"""

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from penstock.cli.admin.api import Away
from penstock.cli.top.looking import Look, Values

REFRESH_S: Final = 2.0
_TICK_S: Final = 0.2
_SORTS: Final = {"e": "exchanges", "c": "cost_nanousd", "f": "faults", "p": "duration_p95_s"}
_WORDS: Final = {"exchanges": "exchanges", "cost_nanousd": "cost", "faults": "faults", "duration_p95_s": "p95"}
_ENDS: Final = frozenset({"q", "Q", "\x03", "\x04"})
_LEAST_LINES: Final = 24
_NONE: Final = "-"


@dataclass(slots=True)
class _State:
    """What keys have changed, and what was seen last.  `woken` has the asking thread go on at once."""

    sort: str = "exchanges"
    is_paused: bool = False
    is_over: bool = False
    seen: Look | None = None
    trouble: str | None = None
    woken: threading.Event = field(default_factory=threading.Event)

    def press(self, key: str) -> None:
        if key in _ENDS:
            self.is_over = True
        elif key == " ":
            self.is_paused = not self.is_paused
        elif key in _SORTS:
            self.sort = _SORTS[key]
        self.woken.set()


def plain(seen: Look) -> None:
    """One look as text, without colours, for whatever reads it."""
    console = Console(file=sys.stdout, no_color=True, highlight=False, width=max(80, Console().width))
    console.print(_drawn(seen, _State(), lines=10_000))


def watch(look: Callable[[], Look]) -> None:
    """Until `q`, or Ctrl-C.  Where the control plane goes away this says so, and goes on when it is back."""
    state = _State()
    asking = threading.Thread(target=_ask, args=(look, state), daemon=True, name="top")
    asking.start()
    console = Console(highlight=False)
    with _keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        drawn: object = None
        while not state.is_over:
            shown = (state.seen, state.trouble, state.sort, state.is_paused, console.size)
            if shown != drawn:
                drawn = shown
                live.update(_screen(state, console.height), refresh=True)
            for key in keys(_TICK_S):
                state.press(key)


def _ask(look: Callable[[], Look], state: _State) -> None:
    while not state.is_over:
        if not state.is_paused:
            try:
                state.seen, state.trouble = look(), None
            except Away as away:
                state.trouble = str(away)
        state.woken.wait(REFRESH_S)
        state.woken.clear()


@contextmanager
def _keys() -> "Generator[Callable[[float], str]]":
    """Keys as they are pressed, without Enter; the terminal is as before afterwards."""
    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    tty.setcbreak(file)

    def read(timeout_s: float) -> str:
        ready, _, _ = select.select([file], [], [], timeout_s)
        if not ready:
            return ""
        data = os.read(file, 64)
        return data.decode("utf-8", "replace") if data else "q"  # a terminal that is gone has no more keys

    try:
        yield read
    except KeyboardInterrupt:
        return
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def _screen(state: _State, height: int) -> RenderableType:
    if state.seen is None:
        return Text(state.trouble or "asking the control plane …", style="red" if state.trouble else "dim")
    return _drawn(state.seen, state, lines=max(height, _LEAST_LINES))


def _drawn(seen: Look, state: _State, *, lines: int) -> RenderableType:
    if seen.refused is not None:
        return Text(f"The figures are not for this credential to see: {_shown(seen.refused)}")
    parts: list[RenderableType] = [_head(seen, state), *_figures(seen)]
    if state.trouble is not None:
        parts.insert(1, Text(_shown(state.trouble), style="red", no_wrap=True, overflow="ellipsis"))
    below = [
        *_reasons(seen),
        *(Text(f"alert  {_shown(each)}", style="yellow", no_wrap=True, overflow="ellipsis") for each in seen.alerts),
    ]
    parts += below[:6]
    left = max(lines - len(parts) - 1 - 4, 6)  # two heads with a line above each, and the keys
    assistants = max(min(len(seen.rows.get("assistant", {})), left - 3), left // 2)
    parts.append(_rows("ASSISTANT", seen, "assistant", state.sort, assistants))
    parts.append(
        _rows("TARGET", seen, "target", state.sort, left - min(assistants, len(seen.rows.get("assistant", {}))))
    )
    parts.append(Text("sort: e exchanges  c cost  f faults  p p95    space pause    q quit", style="dim", no_wrap=True))
    return Group(*parts)


def _head(seen: Look, state: _State) -> Text:
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append("Penstock ", style="bold")
    head.append(f"{seen.at:%H:%M:%S} UTC  ")
    head.append(seen.health, style={"ready": "green", "degraded": "yellow", "not ready": "red"}.get(seen.health, "dim"))
    head.append(f"  last {seen.minutes:.1f} min  by {_WORDS[state.sort]}", style="dim")
    if state.is_paused:
        head.append("  paused", style="yellow")
    return head


def _figures(seen: Look) -> list[Text]:
    total, today = seen.total, seen.today
    minutes = seen.minutes or 1.0
    first = (
        ("rate", f"{(total.get('exchanges') or 0) / minutes / 60:.2f}/s"),
        ("faults", f"{total.get('faults') or 0} ({_share(total.get('fault_rate'))})"),
        ("p50", _seconds(total.get("duration_p50_s"))),
        ("p95", _seconds(total.get("duration_p95_s"))),
        ("cache", _share(total.get("cache_hit_rate"))),
    )
    unknown = today.get("unknown_costs") or 0
    second = (
        ("in flight", _NONE if seen.in_flight is None else str(seen.in_flight)),
        ("cost", f"{_money((total.get('cost_nanousd') or 0) / minutes)}/min"),
        ("today", f"{_money(today.get('cost_nanousd') or 0)} ({today.get('exchanges') or 0} exchanges)"),
        *((("not priced", str(unknown)),) if unknown else ()),
    )
    return [_pairs(first), _pairs(second)]


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for word, value in pairs:
        line.append(f"{word} ", style="dim")
        line.append(f"{value}   ", style="bold")
    return line


def _reasons(seen: Look) -> list[Text]:
    return [Text(f"health {_shown(each)}", style="red", no_wrap=True, overflow="ellipsis") for each in seen.reasons]


def _rows(title: str, seen: Look, by: str, sort: str, most: int) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, padding=(0, 1, 0, 0), title_justify="left")
    table.add_column(title, ratio=1, no_wrap=True, overflow="ellipsis", header_style="bold")
    for word, width in (("RATE/S", 7), ("FAULTS", 6), ("P50", 6), ("P95", 6), ("$/MIN", 9), ("CACHE", 6)):
        table.add_column(word, justify="right", no_wrap=True, header_style="dim", min_width=width)
    found = seen.rows.get(by, {})
    ordered = sorted(found.items(), key=lambda item: (-(item[1].get(sort) or 0), item[0]))
    for name, values in ordered[:most]:
        table.add_row(*_row(_shown(name) or "(none)", values, seen.minutes or 1.0))
    if not ordered:
        table.add_row(Text("nothing was settled", style="dim"))
    return table


def _row(name: str, values: Values, minutes: float) -> "tuple[RenderableType, ...]":
    faults = int(values.get("faults") or 0)
    return (
        Text(name),  # not markup: names are other people's
        f"{(values.get('exchanges') or 0) / minutes / 60:.2f}",
        Text(str(faults), style="red" if faults else ""),
        _seconds(values.get("duration_p50_s")),
        _seconds(values.get("duration_p95_s")),
        _money((values.get("cost_nanousd") or 0) / minutes),
        _share(values.get("cache_hit_rate")),
    )


def _share(of: float | None) -> str:
    return _NONE if of is None else f"{of:.1%}"


def _seconds(of: float | None) -> str:
    return _NONE if of is None else f"{of * 1000:.0f}ms" if of < 1 else f"{of:.1f}s"


def _money(nanousd: float) -> str:
    dollars = nanousd / 1e9
    return f"${dollars:,.2f}" if dollars >= 100 else f"${dollars:.4f}"


def _shown(name: str) -> str:
    """What a terminal would take for a command is shown, not sent."""
    return "".join(each if each.isprintable() else "?" for each in name)
