"""One hold: what was asked and answered, why it is held, and the decision, which is made once.

What a reviewer has written stays on the page whoever else claims or decides the hold meanwhile; the API says which of
them may.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.draft import draft
from penstock.console.web.layout.parts.fields import Field, ask
from penstock.console.web.layout.parts.region import LIVE_S, Region, to_sign_in, toast
from penstock.console.web.layout.parts.text import Moment, Text, badge, box, button, card, facts, note
from penstock.console.web.pages.reviews.judging import (
    OUTCOMES,
    Judgement,
    check,
    comment_field,
    key_button,
    outcome_buttons,
    reason_boxes,
    show_texts,
    show_verdicts,
    switch,
)
from penstock.console.web.pages.reviews.queue import STATES, take_next
from penstock.console.web.view import View, link

_KINDS = {"given_back": "given back", "taken_over": "taken over", "second": "judged a second time"}


async def one(view: View) -> None:
    await _Hold(view).open()


class _Hold:
    def __init__(self, view: View) -> None:
        self._view = view
        self._path = path_of("review", "holds", view.parts["hold"])
        self._judgement = Judgement()
        self._found: dict[str, Any] = {}
        self._phase = ""
        self._message = ""

    async def open(self) -> None:
        with box("div", "row crumb"):
            Text("a", "All reviews", href=link("/reviews"))
            if self._view.who.may("review.write"):
                key_button("Take the next", "n", lambda: take_next(self._view), kind="small")
                switch()
        with box("div", "judge"):
            self._left = box()
            with box("div", "sticky"):
                self._form = box()
                self._facts = box()
        with self._left:
            self._region = Region(self._view, self._read, self._show, every_s=LIVE_S)
            await self._region.open()

    async def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._view.read(self._path)
        found["phase"] = self._phase_of(found["hold"])
        return found

    def _phase_of(self, hold: Mapping[str, Any]) -> str:
        if hold["ended_at"] is not None:
            is_mine = hold["state"] == "taken_over" and hold["ended_by"] == self._view.who.id
            return "talking" if is_mine else "over"
        until = hold["claimed_until"]
        if until is None or datetime.fromisoformat(until).timestamp() <= self._view.clock.now():
            return "free"
        return "mine" if hold["claimed_by"] == self._view.who.id else "others"

    def _show(self, found: dict[str, Any]) -> None:
        self._found = found
        show_texts(found)
        self._facts.clear()
        with self._facts:
            self._show_facts(found)
        if found["phase"] != self._phase:
            self._phase = found["phase"]
            self._draw_form()

    def _draw_form(self) -> None:
        """Only where what can be done is another thing: what was written stays."""
        self._form.clear()
        with self._form, card():
            match self._phase:
                case "mine":
                    self._draw_decision()
                case "free":
                    self._draw_claim()
                case "others":
                    note(f"{self._found['hold']['claimed_by']} is at it: nobody else can decide it now.", "info")
                    self._draw_kept()
                case "talking":
                    self._draw_message()
                case _:
                    self._draw_over()
            self._said = box("div", role="alert")

    def _draw_claim(self) -> None:
        Text("h2", "Nobody is at it")
        self._draw_kept()
        if self._view.who.may("review.write"):
            with box("div", "row").style("margin-top: 12px"):
                key_button("Claim", "c", self._claim, kind="main")
        else:
            Text("p", "You may look at it; reviewers decide.", "count")

    def _draw_kept(self) -> None:
        written = [text for text in self._judgement.texts.values() if text] + [self._judgement.comment]
        if any(written):
            with box("div", "turn"):
                Text("b", "What you wrote; it stays while this page is open")
                for text in filter(None, written):
                    Text("p", text)

    def _draw_decision(self) -> None:
        hold = self._found["hold"]
        with box("div", "row"):
            Text("h2", "Your decision")
            Text("span", "yours until", "count")
            Moment(hold["claimed_until"])
        with box("div", "stack"):
            outcome_buttons(self._judgement, self._draw_outcome)
            self._outcome = box("div", "stack")
            self._draw_outcome()
            comment_field(self._judgement)
            check("Make it a case of an evaluation", self._judgement.is_case, self._set_case)
            with box("div", "row"):
                key_button("Send", "s", self._decide, kind="main", more="Control+Enter")
                key_button("Give it back", "g", self._give_back)
                key_button("Keep it longer", "k", self._claim, kind="")

    def _draw_outcome(self) -> None:
        judgement = self._judgement
        name, _, _, words = next(each for each in OUTCOMES if each[0] == judgement.outcome)
        self._outcome.clear()
        with self._outcome:
            Text("p", words, "count").style("margin: 10px 0 0")
            if name != "approved":
                given = judgement.texts.setdefault(name, self._found["answer"] if name == "edited" else "")
                label = {"edited": "The answer", "rejected": "What the caller is told"}.get(name, "First message")
                draft(label, given, lambda text: judgement.texts.update({name: text}))
            if name in ("edited", "rejected"):
                reason_boxes(judgement)
            if name in ("approved", "edited"):
                check("Let the cache give it again, as verified", judgement.remember, self._set_remember)

    def _set_remember(self, is_on: bool) -> None:  # noqa: FBT001 - what the box says
        self._judgement.remember = is_on

    def _set_case(self, is_on: bool) -> None:  # noqa: FBT001 - what the box says
        self._judgement.is_case = is_on

    def _draw_message(self) -> None:
        Text("h2", "You have taken this conversation over")
        with box("div", "stack"):
            self._draft = draft("Next message", self._message, self._keep_message)
            key_button("Send", "s", self._write, kind="main", more="Control+Enter")

    def _keep_message(self, text: str) -> None:
        self._message = text

    def _draw_over(self) -> None:
        found, hold = self._found, self._found["hold"]
        Text("h2", STATES[hold["state"]])
        if hold["ended_at"]:
            with box("div", "row"):
                Text("span", f"by {hold['ended_by']}", "count")
                Moment(hold["ended_at"])
        if found["released"]:
            with box("div", "turn answer").style("margin-top: 12px"):
                Text("b", "What the caller gets")
                Text("p", found["released"])
        self._draw_kept()
        if self._view.who.may("review.write"):
            with box("div", "row").style("margin-top: 12px"):
                key_button("Make it a case", "c", self._make_case)

    def _show_facts(self, found: Mapping[str, Any]) -> None:
        hold = found["hold"]
        with card("Why it is held"):
            Text("p", hold["reason"]).style("margin: 0 0 10px")
            show_verdicts(found["verdicts"])
            confidence = "" if hold["confidence"] is None else f"{hold['confidence']:.0%}"
            with box("div", "row").style("padding: 6px 0"):
                Text("span", "Due")
                Moment(hold["due_at"])
                badge(STATES[hold["state"]])
                badge(f"priority {hold['priority']}")
            facts(
                ("Rule", hold["rule"]),
                ("Group", hold["group"] or "any reviewer"),
                ("Assistant", hold["model"]),
                ("Tenant", hold["tenant"]),
                ("User", hold["user"] or ""),
                ("Confidence", confidence),
                ("The caller was told", found["hand_over"]),
            )
            if self._view.who.may("ledger.read"):
                Text("a", "The exchange", href=link(path_of("exchanges", hold["exchange"])))
        if found["messages"]:
            with card("Messages"):
                for each in found["messages"]:
                    with box("div", "turn"):
                        Text("b", each["author"])
                        Text("p", each["text"])
        with card("What happened"):
            if self._view.who.may("review.write"):
                with box("div", "row").style("margin-bottom: 8px"):
                    button("Note something", self._comment, kind="small", icon="edit_note")
            for each in reversed(found["history"]):
                kind = str(each["kind"])
                with box("div", "row").style("padding: 3px 0"):
                    Moment(each["at"])
                    Text("b", _KINDS.get(kind, kind.replace("_", " ")))
                    Text("span", each["actor"], "mono")
                    if each["after"].get("comment"):
                        Text("span", str(each["after"]["comment"]))
            if not found["history"]:
                Text("p", "Nothing yet.", "count")

    async def _claim(self) -> None:
        await self._do("/claim", None, "It is yours.")

    async def _give_back(self) -> None:
        await self._do("/release", None, "Others may have it.")

    async def _decide(self) -> None:
        judgement = self._judgement
        order: dict[str, Any] = {
            "outcome": judgement.outcome,
            "version": self._found["hold"]["version"],
            "text": judgement.text if judgement.outcome != "approved" else "",
            "reasons": judgement.reasons if judgement.outcome in ("edited", "rejected") else [],
            "comment": judgement.comment,
            "remember": judgement.remember and judgement.outcome in ("approved", "edited"),
        }
        if judgement.is_case:
            order["case"] = {"why": judgement.comment}
        if await self._do("/decision", order, "It is decided."):
            judgement.texts.clear()
            judgement.comment = ""
            self._draw_form()

    async def _write(self) -> None:
        if not self._message.strip():
            toast("Write something first.", "bad")
        elif await self._do("/messages", {"text": self._message}, "It is sent."):
            self._draft.props["given"] = self._message  # so that the empty one is another
            self._message = ""
            self._draw_form()

    async def _make_case(self) -> None:
        await self._do("/case", {"why": self._judgement.comment}, "It is a case.")

    def _comment(self) -> None:
        async def send(answers: dict[str, Any]) -> None:
            await self._view.act("POST", f"{self._path}/comments", {"text": answers["text"]})
            await self._region.refresh()

        fields = (Field("text", "Note", is_required=True, hint="It stays in the history; the caller never sees it."),)
        ask(self._view, "Note something", fields, send, label="Keep")

    async def _do(self, path: str, body: object, done: str) -> bool:
        """What the API refuses is said beside what was written, and the page shows how the hold is now."""
        self._said.clear()
        try:
            await self._view.act("POST", f"{self._path}{path}", body)
        except ApiRefused as refused:
            if refused.is_signed_out:
                to_sign_in(self._view)
                return False
            await self._region.refresh()
            with self._said:
                note(refused.message, "bad")
            return False
        toast(done)
        await self._region.refresh()
        return True
