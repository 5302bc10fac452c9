"""Security: what was masked and stopped, who was refused at the door, and keys that are used as never before."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.console.web.layout.parts.amounts import count
from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.narrowing import Narrowing
from penstock.console.web.layout.parts.period import Period
from penstock.console.web.layout.parts.table import Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.layout.parts.text import box, card, note, tile, tiles
from penstock.console.web.view import View, link

_KINDS: Mapping[str, tuple[str, str]] = {
    "masked": ("Personal data masked", "values that left as tokens"),
    "secret": ("Secrets masked", "keys and passwords that left as tokens"),
    "leak_stopped": ("Leaks stopped", "found in an answer, which was masked, blocked or held"),
    "leak_found": ("Leaks only seen", "found in an answer, and let through by what is set"),
    "injection": ("Injections found", "signs of an attack in a request"),
    "found": ("Otherwise found", "in a request, by other guards"),
    "let_through": ("Let through unjudged", "a guard failed, and is set to let through then"),
    "guard_failed": ("Refused unjudged", "a guard failed, and is set to refuse then"),
}
_TONES: Mapping[str, Tone] = {"leak_found": "bad", "let_through": "bad", "injection": "warn", "guard_failed": "warn"}
_MARKS: Mapping[str, str] = {
    "masked": "masked",
    "secret": "masked",
    "let_through": "let_through",
    "guard_failed": "guard_failed",
}
"""What a name of the kind is searched by among exchanges; all else is `found`."""
_PLACES = {"data": "API (data plane)", "control": "Console and admin API"}
_REASONS = {
    "key": "Unknown or revoked key",
    "missing": "No credential",
    "token_expired": "Token expired",
    "token_not_yet": "Token not valid yet",
    "token_signature": "Token's signature is wrong",
    "token_audience": "Token for somebody else",
    "token_issuer": "Token of an unknown issuer",
    "token_malformed": "Token that is none",
    "token_tenant": "Token of an unknown tenant",
    "token_not_expected": "Token where none is taken",
}
_WHY = {"volume": "three times its busiest hour", "hour": "an hour of the day in which it was never used"}


async def build(view: View) -> None:
    seen: list[tuple[str, str, Callable[[View], Awaitable[None]]]] = [("found", "Found and stopped", _found)]
    if view.who.tenant is None:
        seen.append(("refused", "Refused credentials", _refused))
    if view.who.may("keys.read"):
        seen.append(("access", "Unusual use of keys", _access))
    kept = {name: view.query.get(name, "")[:300] for name in ("range", "zone", "tenant")}
    current = tabs(view, [(name, words) for name, words, _ in seen], **kept)
    await next(draw for name, _, draw in seen if name == current)(view)


async def _found(view: View) -> None:
    await _Stopped(view).open()


async def _refused(view: View) -> None:
    await _Refused(view).open()


async def _access(view: View) -> None:
    await _Access(view).open()


class _Stopped:
    """What guards masked, found and stopped."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Narrowing(view, ("tenant", "assistant", "release"))
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._asked.draw(self._figured.refresh)
        await self._figured.open()

    def _listing(self) -> Listing:
        kinds = [(name, words) for name, (words, _) in _KINDS.items()]
        return Listing(
            caption="Found and stopped",
            columns=(
                Column(
                    "kind", "What", "badge", lambda row: _KINDS[row["kind"]][0], lambda r: _TONES.get(r["kind"], "")
                ),
                Column("name", "Kind of data, or guard and what it did", "mono", href=self._href),
                Column("amount", "How often", "number"),
                Column("mode", "Mode", "badge", tone=lambda row: "warn" if row["mode"] == "shadow" else "ok"),
                Column("means", "What it means", value=lambda row: _KINDS[row["kind"]][1]),
            ),
            read=nothing,
            sort="-amount",
            nothing=(
                "verified_user",
                "Nothing was found in this time",
                "Take a longer time range, or write guards under `guards.default` in penstock.yaml.",
            ),
            filters=(
                Filter("kind", "What", (("", "Anything"), *kinds)),
                Filter("mode", "Mode", (("", "Any mode"), ("enforced", "Enforced"), ("shadow", "In shadow"))),
            ),
        )

    def _href(self, row: Row) -> str:
        """The exchanges that have its mark, for who may see any."""
        if not self._view.who.may("ledger.read"):
            return ""
        return link("/exchanges", mark=row["mark"], **self._asked.exchanges())

    async def _read(self) -> Found:
        whole = await self._view.read("/security", **self._asked.query())
        before = await self._view.read("/security", **self._asked.query(before=1))
        steps = await self._view.read("/security", **self._asked.query(by_step=True))
        found = {"now": whole["totals"], "before": before["totals"], "steps": steps["lines"], "any": whole["lines"]}
        return found, [_row(line) for line in whole["lines"]]

    def _show(self, found: Mapping[str, Any]) -> None:
        if not found["any"]:
            return  # the table says what to do
        with tiles():
            for kind, (words, means) in _KINDS.items():
                was = found["before"][kind]
                tile(words, count(found["now"][kind]), f"{means}; {count(was)} before")
        steps = self._asked.period.steps()
        labels = self._asked.period.labels(steps)
        attacks = ("injection", "leak_stopped", "leak_found", "let_through", "guard_failed")
        with box("div", "two").style("margin-bottom: 20px"):
            with card("Attacks and leaks"):
                series = [Series(_KINDS[kind][0], _along(found["steps"], steps, kind)) for kind in attacks]
                chart("By step", labels, series, kind="bar", is_stacked=True)
            with card("Masked values"):
                series = [Series(_KINDS[kind][0], _along(found["steps"], steps, kind)) for kind in ("masked", "secret")]
                chart("By step", labels, series, kind="bar", is_stacked=True)


def _row(line: Mapping[str, Any]) -> Row:
    shadow = "shadow:" if line["mode"] == "shadow" else ""
    mark = f"{shadow}{_MARKS.get(line['kind'], 'found')}:{line['name']}"
    return {**line, "id": f"{line['kind']} {mark}", "mark": mark}


def _along(lines: Sequence[Mapping[str, Any]], steps: Sequence[datetime], kind: str) -> list[float]:
    """What a shadow would have done is in none of it."""
    found: dict[datetime, int] = {}
    for line in lines:
        if line["kind"] == kind and line["mode"] == "enforced":
            at = datetime.fromisoformat(line["at"])
            found[at] = found.get(at, 0) + line["amount"]
    return [found.get(at, 0) for at in steps]


class _Refused:
    """Credentials that were refused, failed sign-ins among them."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._period = Period(view)
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._period.draw(self._figured.refresh)
        await self._figured.open()

    def _listing(self) -> Listing:
        return Listing(
            caption="Refused credentials",
            columns=(
                Column("place", "Where", value=lambda row: _PLACES.get(row["place"], row["place"])),
                Column("reason", "Why", value=lambda row: _reason(row["reason"])),
                Column("amount", "How often", "number"),
            ),
            read=nothing,
            sort="-amount",
            nothing=("how_to_reg", "No credential was refused in this time", "Take a longer time range."),
            filters=(Filter("place", "Where", (("", "Anywhere"), *_PLACES.items())),),
        )

    async def _read(self) -> Found:
        whole = await self._view.read("/security", **self._period.query())
        steps = await self._view.read("/security", **self._period.query(by_step=True))
        rows = [{**line, "id": f"{line['place']} {line['reason']}"} for line in whole["refused"] or ()]
        return {"whole": whole["refused"] or [], "steps": steps["refused"] or []}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        if not found["whole"]:
            return  # the table says what to do
        steps = self._period.steps()
        with tiles():
            for place, words in _PLACES.items():
                tile(words, count(sum(line["amount"] for line in found["whole"] if line["place"] == place)), "refused")
        with card("Refused credentials over time"):
            series: list[Series] = []
            for place, words in _PLACES.items():
                amounts: dict[datetime, int] = {}
                for line in found["steps"]:
                    if line["place"] == place:
                        at = datetime.fromisoformat(line["at"])
                        amounts[at] = amounts.get(at, 0) + line["amount"]
                series.append(Series(words, [amounts.get(at, 0) for at in steps]))
            chart("By step", self._period.labels(steps), series, kind="bar", is_stacked=True)
        note("Nobody knows whose they were. Failed sign-ins at an issuer are in the control plane's log alone.")


class _Access:
    """Hours of keys that are unlike the 28 days before."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Narrowing(view, ("tenant",))
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._asked.draw(self._figured.refresh)
        await self._figured.open()

    def _listing(self) -> Listing:
        return Listing(
            caption="Unusual use of keys",
            columns=(
                Column("at", "Hour", "time"),
                Column("key", "Key", "mono", href=self._href),
                Column("tenant", "Tenant", "mono"),
                Column("why", "Unusual for it", "tags", lambda row: [_WHY.get(each, each) for each in row["why"]]),
                Column("exchanges", "Exchanges", "number"),
                Column("busiest_before", "Busiest hour before", "number"),
                Column("days_before", "Days it is known", "number"),
            ),
            read=nothing,
            sort="-at",
            nothing=(
                "key",
                "No key was used unusually",
                "Take a longer time range. A key is known after seven days and 200 exchanges; before, nothing is said.",
            ),
        )

    def _href(self, row: Row) -> str:
        if not self._view.who.may("ledger.read"):
            return ""
        return link("/exchanges", tenant=row["tenant"], key=row["key"], **_hour(row["at"]))

    async def _read(self) -> Found:
        asked = self._asked.query()
        found = await self._view.read("/security/access", limit=200, **asked)
        return {}, [{**each, "id": f"{each['tenant']} {each['key']} {each['at']}"} for each in found["items"]]

    def _show(self, _: object) -> None:
        note(
            "Hours in which a key was used unlike the 28 days before. A new time zone and a new customer look the same:"
            " it is a reason to look, and no proof of anything."
        )


def _hour(at: str) -> dict[str, str]:
    begin = datetime.fromisoformat(at)
    return {"range": "custom", "since": begin.isoformat(), "until": begin.replace(minute=59, second=59).isoformat()}


def _reason(reason: str) -> str:
    return _REASONS.get(reason, reason.replace("_", " ").capitalize())
