"""The playground: what to ask, of one or of two side by side; anew, or as it was asked in an exchange.

Of an exchange its id stands in the address and nothing else: what was said is read from the API once the page is open,
with the rights of whoever looks, and each look is on record in the audit.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from nicegui import ui

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.draft import draft
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import toast
from penstock.console.web.layout.parts.text import Text, box, button, card, note
from penstock.console.web.pages.playground.asking import Question
from penstock.console.web.pages.playground.credential import Credential
from penstock.console.web.pages.playground.replay import Replay, replay_of
from penstock.console.web.pages.playground.showing import Column, show_replay
from penstock.console.web.view import View

_VALUE = "(e) => emit(e.target.value)"
_MOST_TEXT = 100_000
_numbers = count()


@dataclass(frozen=True, slots=True)
class _Offered:
    """Names that can be asked for, and tenants that can be asked for as."""

    names: Sequence[str]
    tenants: Sequence[str]


async def build(view: View) -> None:
    page = _Playground(view)
    try:
        offered = await page.offered()
    except ApiRefused as refused:
        note(refused.message, "bad")
        return
    page.draw(offered)


class _Playground:
    def __init__(self, view: View) -> None:
        self._view = view
        self._credential = Credential(view)
        query = view.query
        self._said = {name: query.get(name, "")[:300] for name in ("model", "with", "temperature", "max_tokens")}
        self._said["tenant"] = query.get("tenant", "")[:300]
        self._texts = {"system": "", "user": ""}
        self._is_streamed = query.get("stream") != "0"
        self._columns: list[Column] = []
        self._is_left = False
        self._exchange = query.get("exchange", "")[:100]
        self._replay: Replay | None = None
        if self._exchange:
            view.aside["exchange"] = self._exchange

    async def offered(self) -> _Offered:
        models = await self._view.read("/models")
        targets = {target for each in models for target in each["targets"]}
        names = [*(each["name"] for each in models), *sorted(targets)]
        tenants: list[str] = []
        if self._credential.is_made:
            tenants = [each["id"] for each in await all_of(self._view, "/tenants") if not each.get("disabled_at")]
        return _Offered(list(dict.fromkeys(names)), tenants)

    def draw(self, offered: _Offered) -> None:
        client = ui.context.client
        client.on_disconnect(self._leave)  # pyright: ignore[reportUnknownMemberType] - NiceGUI's types have gaps
        client.on_connect(self._come)  # pyright: ignore[reportUnknownMemberType] - same
        self._said["model"] = self._said["model"] or next(iter(offered.names), "")
        if self._said["tenant"] not in offered.tenants:
            self._said["tenant"] = next(iter(offered.tenants), "")
        with card():
            if self._credential.is_made and not offered.tenants:
                note("There is no tenant to ask as: make one first.", "warn")
            self._replayed = box("div", aria_live="polite")
            self._choices = box("div")
            with self._choices:
                self._fields(offered)
            self._areas = {
                "system": self._area("system", "System message", rows=2),
                "user": self._area("user", "Your question", rows=4),
            }
            with box("div", "row"):
                self._run = button("Ask", self._ask, kind="main", icon="send")
                button("Stop", self._stop, icon="stop")
                if self._credential.is_made:
                    text = "Asked with a key that is made for this page, and revoked when you leave it."
                    Text("span", text, "count")
        self._answers = box("div", "two")
        if self._exchange:
            ui.timer(0, lambda: self._load(offered), once=True)

    async def _load(self, offered: _Offered) -> None:
        """The question of the exchange, as far as it is kept and may be seen; nothing is asked yet."""
        self._replayed.clear()
        try:
            replay = replay_of(await self._view.act("GET", path_of("contents", self._exchange)))
        except ApiRefused as refused:
            with self._replayed:
                note(f"The question of {self._exchange} cannot be shown: {refused.message}", "warn")
            return
        if not replay.is_askable:
            with self._replayed:
                note(f"Of the question of {self._exchange} nothing is kept, only its answer.", "warn")
            return
        self._replay = replay
        self._said["model"] = replay.model[:300]
        self._said |= {name: f"{value:g}" for name, value in replay.parameters.items()}
        if replay.tenant in offered.tenants:
            self._said["tenant"] = replay.tenant
        self._choices.clear()
        with self._choices:
            self._fields(offered)
        for name, text in (("system", replay.system), ("user", replay.user)):
            self._texts[name] = text[:_MOST_TEXT]
            self._areas[name].props["given"] = self._texts[name]
        with self._replayed:
            show_replay(replay, self._forget)

    def _forget(self) -> None:
        """Go on with what stands in the fields alone."""
        self._replay = None
        self._view.keep_aside(exchange="")
        self._replayed.clear()  # last: the button that was pressed is in it

    def _fields(self, offered: _Offered) -> None:
        names = f"names-{next(_numbers)}"
        with box("datalist", id=names):
            for each in offered.names:
                Text("option", "", value=each)
        with box("div", "filters"):
            self._field("model", "Assistant or target", listed=names)
            self._field("with", "Compare with", listed=names)
            if offered.tenants:
                with box("label"):
                    Text("span", "As tenant")
                    pick("As tenant", self._said["tenant"], [(each, each) for each in offered.tenants], self._as)
            self._field("temperature", "Temperature", kind="number")
            self._field("max_tokens", "Most tokens", kind="number")
            with box("label"):
                Text("span", "Answer comes")
                pick(
                    "Answer comes", "" if self._is_streamed else "0", [("", "As a stream"), ("0", "At once")], self._how
                )

    def _field(self, name: str, label: str, *, kind: str = "text", listed: str = "") -> None:
        def take(event: Any) -> None:
            self._keep(name, str(event.args))

        with box("label"):
            Text("span", label)
            field = box("input", "field", type=kind, defaultValue=self._said[name], autocomplete="off")
            if listed:
                field.props["list"] = listed
            if kind == "number":
                field.props["step"] = "any"
            field.on("change", take, js_handler=_VALUE)

    def _area(self, name: str, label: str, *, rows: int) -> ui.element:
        def take(text: str) -> None:
            self._texts[name] = text[:_MOST_TEXT]

        with box("div", "area"):
            return draft(label, self._texts[name], take, rows=rows)

    def _keep(self, name: str, value: str) -> None:
        self._said[name] = value.strip()[:300]
        self._remember()

    def _as(self, tenant: str) -> None:
        self._keep("tenant", tenant)

    def _how(self, value: str) -> None:
        self._is_streamed = value != "0"
        self._remember()

    def _remember(self) -> None:
        """What was said and answered does not stand in the address: addresses are kept, and sent around."""
        self._view.used()
        said = {name: value for name, value in self._said.items() if value}
        self._view.remember(said if self._is_streamed else {**said, "stream": "0"})

    async def _ask(self) -> None:
        problem = self._problem()
        if problem is not None:
            toast(problem, "bad")
            return
        self._stop()
        self._view.used()
        try:
            credential = await self._credential.of(self._said["tenant"])
        except ApiRefused as refused:
            toast(refused.message, "bad")
            return
        if self._is_left:  # while the key was being made
            await self._credential.revoke()
            return
        names = [self._said["model"], *([self._said["with"]] if self._said["with"] else [])]
        self._answers.clear()
        with self._answers:
            self._columns = [Column(self._view, self._question(name), credential) for name in names]
        is_fresh = self._credential.is_made
        await asyncio.gather(*(each.run(is_fresh=is_fresh) for each in self._columns))

    def _problem(self) -> str | None:
        if not self._said["model"]:
            return "Say which assistant or target is asked."
        if not self._texts["user"].strip() and not (self._replay and self._replay.earlier):
            return "Write a question first."
        if self._credential.is_made and not self._said["tenant"]:
            return "Say as which tenant it is asked."
        try:
            self._question("")
        except ValueError:
            return "Temperature and most tokens are numbers."
        return None

    def _question(self, name: str) -> Question:
        """Raises `ValueError` for what is no number."""
        temperature, most = self._said["temperature"], self._said["max_tokens"]
        return Question(
            model=name,
            system=self._texts["system"],
            user=self._texts["user"],
            temperature=float(temperature) if temperature else None,
            max_tokens=int(most) if most else None,
            is_streamed=self._is_streamed,
            earlier=() if self._replay is None else self._replay.earlier,
            more={} if self._replay is None else self._replay.more,
        )

    def _stop(self) -> None:
        for each in self._columns:
            each.stop()

    async def _leave(self) -> None:
        """The browser has gone, for good or for a moment: it comes back to an answer that was stopped."""
        self._is_left = True
        for each in self._columns:
            each.leave()
        await self._credential.revoke()

    def _come(self) -> None:
        self._is_left = False
