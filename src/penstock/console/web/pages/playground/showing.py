"""One answer, while it comes and after: what it says, how fast, for how much, and what Penstock did about it."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.amounts import count, seconds, usd
from penstock.console.web.layout.parts.text import Text, badge, box, button, card, note, tile, tiles
from penstock.console.web.pages.exchanges.words import fact_tone, fact_words, outcome_tone, outcome_words
from penstock.console.web.pages.playground.asking import Answer, Asking, Question
from penstock.console.web.pages.playground.replay import Replay
from penstock.console.web.view import View, link

_DRAWN_EVERY_S = 0.15
_KEY_TAKEN_WITHIN_S = 10.0
_LEDGER_WITHIN_S = 20.0
_ORDINARY = frozenset(
    {"route_chosen", "attempt_started", "attempt_succeeded", "lease_taken", "lease_settled", "ended", "answer_bounded"}
)


class Column:
    """Drawn where it is made; `run` asks and is over when all is shown."""

    def __init__(self, view: View, question: Question, credential: str) -> None:
        self._view = view
        self._question = question
        self._credential = credential
        self._asking: Asking | None = None
        self._is_stopped = False
        self._is_left = False
        with card() as self._card:
            with box("div", "head"):
                Text("h2", question.model)
                self._badges = box("div", "row")
            self._text = Text(
                "div", "", "reply", role="log", aria_live="polite", aria_label=f"Answer of {question.model}"
            )
            self._notes = box()
            self._figures = box()

    def stop(self) -> None:
        self._is_stopped = True
        if self._asking is not None:
            self._asking.stop()

    def leave(self) -> None:
        """Nobody looks any more."""
        self._is_left = True
        self.stop()

    async def run(self, *, is_fresh: bool) -> None:
        """With a key that `is_fresh` it waits until the data plane knows it."""
        give_up_s = self._view.clock.monotonic() + _KEY_TAKEN_WITHIN_S
        while True:
            answer = await self._ask()
            late = self._view.clock.monotonic() > give_up_s
            if answer.status != 401 or not is_fresh or late or self._is_stopped:
                break
            await self._view.clock.sleep(0.3)
        if self._is_left:
            return
        self._draw(answer, None)
        entry = await self._entry(answer)
        if entry is not None and not self._is_left:
            self._draw(answer, entry)

    async def _ask(self) -> Answer:
        self._asking = asking = Asking(self._view.data_plane, self._credential, self._question, self._view.clock)
        if self._is_stopped:
            asking.stop()

        def show() -> None:
            self._text.set_text(asking.answer.text)

        with self._card:
            timer = ui.timer(_DRAWN_EVERY_S, show, immediate=False)
        try:
            await asking.over.wait()
        finally:
            timer.cancel()
            asking.stop()
        if not self._is_left:
            show()
        return asking.answer

    async def _entry(self, answer: Answer) -> dict[str, Any] | None:
        """The exchange as the ledger has it, for whoever may see it; it comes a moment after the answer."""
        if answer.exchange is None or not self._view.who.may("ledger.read") or answer.status == 401:
            return None
        give_up_s = self._view.clock.monotonic() + _LEDGER_WITHIN_S
        while self._view.clock.monotonic() < give_up_s and not self._is_left:
            try:
                return await self._view.read("/ledger" + path_of(answer.exchange))
            except ApiRefused as refused:
                if refused.status != 404:
                    return None  # what is known from the answer itself is shown already
            await self._view.clock.sleep(0.4)
        return None

    def _draw(self, answer: Answer, entry: dict[str, Any] | None) -> None:
        for each in (self._badges, self._notes, self._figures):
            each.clear()
        with self._badges:
            self._draw_badges(answer, entry)
        with self._notes:
            if answer.error is not None:
                note(answer.error, "bad")
            if answer.is_stopped:
                note("You have stopped it.", "info")
            if "x-penstock-hold" in answer.headers:
                note(f"A person is asked first: hold {answer.headers['x-penstock-hold']}.", "info")
            if answer.headers.get("x-penstock-answer") == "canned":
                note("This is the text that is given when nothing else can answer.", "warn")
            if answer.calls:
                note("It calls tools:", "info", tuple(f"{name}({said})" for name, said in answer.calls.values()))
            if answer.citations:
                note("Cited:", "info", tuple(answer.citations))
        with self._figures:
            self._draw_figures(answer, entry)

    def _draw_badges(self, answer: Answer, entry: dict[str, Any] | None) -> None:
        if entry is not None:
            badge(outcome_words(entry["outcome"]), outcome_tone(entry["outcome"]))
        elif answer.status is not None:
            badge(f"HTTP {answer.status}", "ok" if answer.status < 400 and answer.error is None else "bad")
        cache = answer.headers.get("x-penstock-cache")
        if cache is not None:
            badge(f"Cache: {cache}", "ok" if cache in ("hit", "similar", "shared") else "")

    def _draw_figures(self, answer: Answer, entry: dict[str, Any] | None) -> None:
        into, out = answer.usage.get("prompt_tokens"), answer.usage.get("completion_tokens")
        if entry is not None:  # which also knows of one that broke off
            into, out = entry["input_tokens"], entry["output_tokens"]
        with tiles():
            tile("First text after", seconds(answer.first_s))
            tile("Took", seconds(answer.took_s))
            tile("Tokens", f"{count(into)} in", f"{count(out)} out")
            if entry is not None:
                tile("Cost", usd(entry["cost_nanousd"], digits=6))
        target = answer.headers.get("x-penstock-target")
        if target is not None:
            with box("p", "row"):
                Text("span", "Answered by")
                Text("span", target, "mono")
        if entry is not None:
            self._draw_facts(entry)

    def _draw_facts(self, entry: dict[str, Any]) -> None:
        with box("div", "row"):
            for fact in entry["facts"]:
                if fact["fact"] not in _ORDINARY:
                    said = [fact.get(name) for name in ("guard", "direction", "action", "kind", "reason", "code")]
                    words = " ".join(str(each) for each in said if each)
                    badge(
                        f"{fact_words(fact['fact'])}: {words}" if words else fact_words(fact["fact"]), fact_tone(fact)
                    )
        with box("p"):
            Text("a", "Everything that is known of this exchange", href=link("/exchanges" + path_of(entry["id"])))


def show_replay(replay: Replay, forget: Callable[[], None]) -> None:
    """Where the question comes from, and what of the conversation is and is not sent along."""
    with box("div", "note info"):
        with box("div", "row"):
            Text("span", "From the exchange")
            Text("a", replay.exchange, "mono", href=link("/exchanges" + path_of(replay.exchange)))
            button("Go on without it", forget, kind="small")
        Text("div", "As it was kept, masked: what was masked stays so. Nothing is asked before you press Ask.")
        if replay.more:
            Text("div", f"Sent along: {', '.join(name.replace('_', ' ') for name in replay.more)}.")
        if replay.left_out:
            Text("div", f"Not sent: {'; '.join(replay.left_out)}.")
    if replay.earlier:
        with box("details", "more"):
            Text("summary", f"{len(replay.earlier)} earlier messages are sent along")
            for each in replay.earlier:
                with box("div", "turn"):
                    Text("b", str(each["role"]))
                    Text("p", str(each["content"] or ""))
                    for call in each.get("tool_calls", ()):
                        Text("p", f"{call['function']['name']}({call['function']['arguments']})", "mono")
