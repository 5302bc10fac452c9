"""Guards: what each found, stopped, masked and could not judge, in force and in shadow, and forgetting the vault."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.period import Period
from penstock.console.web.layout.parts.region import attempt, toast
from penstock.console.web.layout.parts.table import Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.layout.parts.text import box, button, card, tile, tiles
from penstock.console.web.view import View, link

_PREFIXES = ("guard:", "found:", "masked:", "guard_failed:", "let_through:", "shadow:", "restored", "withheld")
_SECRETS = frozenset({"API_KEY", "PRIVATE_KEY", "PASSWORD"})
_SHADOW = "shadow:"
_DONE = ("mask", "block", "hold")


async def build(view: View) -> None:
    views = [("guards", "Guards"), ("masked", "Personal data")]
    current = tabs(view, views, range=view.query.get("range", ""), zone=view.query.get("zone", ""))
    await _Guards(view, is_masked=current == "masked").open()


class _Guards:
    def __init__(self, view: View, *, is_masked: bool) -> None:
        self._view = view
        self._is_masked = is_masked
        self._period = Period(view)
        self._assistant = view.query.get("assistant", "")[:300]
        if self._assistant:
            view.aside["assistant"] = self._assistant
        self._figured = Figured(view, self._read, self._show, self._kinds if is_masked else self._guards)

    async def open(self) -> None:
        with box("div", "tools"):
            self._period.draw(self._figured.refresh)
            if self._is_masked and self._view.who.may("vault.erase"):
                button("Forget conversations", self._forget, kind="danger small", icon="delete_forever")
        await self._figured.open()

    def _guards(self) -> Listing:
        return Listing(
            caption="Guards",
            columns=(
                Column("guard", "Guard", "mono", href=self._exchanges),
                Column("direction", "Reads"),
                Column("mode", "Mode", "badge", tone=lambda row: "ok" if row["mode"] == "enforce" else "warn"),
                Column("judged", "Judged", "number"),
                Column("block", "Blocked", "number"),
                Column("mask", "Masked", "number"),
                Column("hold", "Held", "number"),
                Column("refused", "Failed, refused", "number"),
                Column("let", "Failed, let through", "number"),
                Column("why", "Why it failed"),
            ),
            read=nothing,
            sort="-judged",
            nothing=(
                "shield",
                "No guard has judged in this time",
                "Take a longer time range, or write guards under `guards.default` in penstock.yaml.",
            ),
            filters=(Filter("mode", "Mode", (("", "Any mode"), ("enforce", "Enforce"), ("shadow", "Shadow"))),),
        )

    def _kinds(self) -> Listing:
        return Listing(
            caption="Masked personal data",
            columns=(
                Column("kind", "Kind", "mono", href=self._exchanges),
                Column("values", "Values", "number"),
                Column("share", "Share", "percent"),
            ),
            read=nothing,
            sort="-values",
            nothing=(
                "visibility_off",
                "Nothing was masked in this time",
                "Take a longer time range, or write `personal_data` under `guards.default` in penstock.yaml.",
            ),
        )

    def _exchanges(self, row: Row) -> str:
        """The exchanges that have its mark, for who may see any."""
        if not row["mark"] or not self._view.who.may("ledger.read"):
            return ""
        return link("/exchanges", mark=row["mark"], range=self._period.name)

    async def _read(self) -> Found:
        asked = {"prefix": list(_PREFIXES), "assistant": self._assistant}
        whole = await self._view.read("/figures/tallies", **asked, **self._period.query())
        steps = await self._view.read("/figures/tallies", **asked, **self._period.query(by_step=True))
        tallies = whole["tallies"]
        rows = _by_kind(tallies) if self._is_masked else _by_guard(tallies)
        return {"whole": tallies, "steps": steps["tallies"]}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        tallies = found["whole"]
        if not tallies:
            return  # the table says what to do
        steps = self._period.steps()
        labels = self._period.labels(steps)
        if self._is_masked:
            _tiles_of_data(tallies)
            series = [Series("Masked values", _along(steps, found["steps"], ("masked:",)))]
        else:
            _tiles_of_guards(tallies)
            series = [
                Series("Blocked", _along(steps, found["steps"], ("found:",), ":block")),
                Series("Masked", _along(steps, found["steps"], ("found:",), ":mask")),
                Series("Held", _along(steps, found["steps"], ("found:",), ":hold")),
                Series("Would have, in shadow", _along(steps, found["steps"], ("shadow:found:",))),
                Series("Failed", _along(steps, found["steps"], ("guard_failed:", "let_through:"))),
            ]
        with card("Masked values" if self._is_masked else "What guards did"):
            chart(f"By {self._period.step}, {self._period.zone.key}", labels, series, kind="bar", is_stacked=True)

    def _forget(self) -> None:
        fields = (
            Field("tenant", "Tenant", value=self._view.who.tenant or "", is_required=True),
            Field("user", "User", hint="All users of the tenant, if left out."),
        )

        async def send(answers: dict[str, Any]) -> None:
            body = without_blanks(answers)

            async def go() -> None:
                async def forget() -> None:
                    done = await self._view.act("DELETE", "/vault", **body)
                    toast(f"{done['conversations']:,} conversations were forgotten.")

                await attempt(self._view, forget, "What their tokens stand for is gone.")

            whose = (
                f"the user {body['user']} of {body['tenant']}" if "user" in body else f"every user of {body['tenant']}"
            )
            text = "Answers that come later show tokens where values were. This cannot be undone."
            confirm(f"Forget the conversations of {whose}?", text, "Forget", go)

        ask(
            self._view,
            "Forget conversations",
            fields,
            send,
            label="Go on",
            text="What the tokens of conversations stand for: names, addresses, numbers.",
        )


def _by_guard(tallies: Sequence[Mapping[str, Any]]) -> list[Row]:
    """One row for each guard, what it reads, and its mode."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for each in tallies:
        name = str(each["name"])
        mode = "shadow" if name.startswith(_SHADOW) else "enforce"
        word, *rest = name.removeprefix(_SHADOW).split(":")
        if word in ("guard", "found") and len(rest) >= 3:
            row = _row(rows, ":".join(rest[:-2]), rest[-2], mode)
            row["judged"] += each["amount"]
            if rest[-1] in _DONE:
                row[rest[-1]] += each["amount"]
                row["mark"] = row["mark"] or name
        elif word in ("guard_failed", "let_through") and len(rest) >= 2:
            row = _row(rows, ":".join(rest[:-1]), "", mode)
            row["refused" if word == "guard_failed" else "let"] += each["amount"]
            reason = rest[-1].replace("_", " ")
            row["why"] = ", ".join(dict.fromkeys([*filter(None, row["why"].split(", ")), reason]))
            row["mark"] = row["mark"] or name
    return _joined(rows)


def _row(rows: dict[tuple[str, str, str], dict[str, Any]], guard: str, direction: str, mode: str) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("judged", *_DONE, "refused", "let"), 0)
    made = {"id": f"{guard} {direction} {mode}", "guard": guard, "direction": direction, "mode": mode, "why": ""}
    return rows.setdefault((guard, direction, mode), {**nothing, **made, "mark": ""})


def _joined(rows: Mapping[tuple[str, str, str], dict[str, Any]]) -> list[Row]:
    """A failure does not say which way was read: it goes to the guard's row where that has one."""
    found: list[Row] = []
    for (guard, direction, mode), row in rows.items():
        others = [each for (name, way, how), each in rows.items() if (name, how) == (guard, mode) and way]
        if not direction and len(others) == 1:
            for name in ("refused", "let"):
                others[0][name] += row[name]
            others[0]["why"] = row["why"]
            others[0]["mark"] = others[0]["mark"] or row["mark"]
        else:
            found.append(row)
    return found


def _by_kind(tallies: Sequence[Mapping[str, Any]]) -> list[Row]:
    masked = [each for each in tallies if each["name"].startswith("masked:")]
    whole = sum(each["amount"] for each in masked)
    return [
        {
            "id": each["name"],
            "kind": each["name"].removeprefix("masked:"),
            "values": each["amount"],
            "share": each["amount"] / whole if whole else None,
            "mark": each["name"],
        }
        for each in masked
    ]


def _tiles_of_guards(tallies: Sequence[Mapping[str, Any]]) -> None:
    injections = _count(tallies, ("found:injection:",))
    shadow = _count(tallies, ("shadow:found:injection:",))
    failed, let = _count(tallies, ("guard_failed:",)), _count(tallies, ("let_through:",))
    with tiles():
        tile("Injections found", f"{injections:,}", f"and {shadow:,} in shadow" if shadow else "signs of an attack")
        tile("Blocked", f"{_count(tallies, ('found:',), ':block'):,}", "requests and answers")
        tile("Masked", f"{_count(tallies, ('found:',), ':mask'):,}", "requests and answers")
        tile("Would have acted", f"{_count(tallies, ('shadow:found:',)):,}", "guards in shadow mode")
        tile("Failed to judge", f"{failed + let:,}", f"{let:,} let through, {failed:,} refused")


def _tiles_of_data(tallies: Sequence[Mapping[str, Any]]) -> None:
    secrets = sum(each["amount"] for each in tallies if each["name"].removeprefix("masked:") in _SECRETS)
    with tiles():
        tile("Masked values", f"{_count(tallies, ('masked:',)):,}", "left as tokens")
        tile("Secrets stopped", f"{secrets:,}", "keys and passwords among them")
        tile("Put back", f"{_count(tallies, ('restored',)):,}", "for callers who may see them")
        tile("Not put back", f"{_count(tallies, ('withheld',)):,}", "for others")


def _count(tallies: Sequence[Mapping[str, Any]], prefixes: tuple[str, ...], ending: str = "") -> int:
    return sum(
        each["amount"] for each in tallies if each["name"].startswith(prefixes) and each["name"].endswith(ending)
    )


def _along(
    steps: Sequence[datetime], tallies: Sequence[Mapping[str, Any]], prefixes: tuple[str, ...], ending: str = ""
) -> list[float]:
    found: dict[datetime, int] = {}
    for each in tallies:
        if each["name"].startswith(prefixes) and each["name"].endswith(ending):
            at = datetime.fromisoformat(each["at"])
            found[at] = found.get(at, 0) + each["amount"]
    return [found.get(at, 0) for at in steps]
