"""The blind second look: a part of what was decided is judged again by somebody who is not told how."""

from typing import Any

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.region import attempt, to_sign_in
from penstock.console.web.layout.parts.text import Moment, Text, box, card, empty, note
from penstock.console.web.pages.reviews.judging import (
    Judgement,
    comment_field,
    key_button,
    outcome_buttons,
    reason_boxes,
    show_texts,
    show_verdicts,
    switch,
)
from penstock.console.web.view import View


async def second_looks(view: View) -> None:
    _Seconds(view).open()


class _Seconds:
    def __init__(self, view: View) -> None:
        self._view = view
        self._judgement = Judgement()

    def open(self) -> None:
        with box("div", "row").style("margin-bottom: 16px"):
            key_button("Take one", "n", self._take, kind="main")
            switch()
        self._said = box("div", role="alert")
        self._place = box()
        with self._place, card():
            empty(
                "rule",
                "Say what you would have done",
                "You see what the first reviewer saw, and nothing of what they did. For the caller nothing changes.",
            )

    async def _take(self) -> None:
        self._said.clear()
        try:
            found = await self._view.act("POST", "/review/seconds/next")
        except ApiRefused as refused:
            self._refused(refused)
            return
        self._judgement = Judgement()
        self._place.clear()
        with self._place:
            if found["hold"] is None:
                with card():
                    empty("task_alt", "Nothing waits for a second look", "Come back when more was decided.")
            else:
                self._show(found["hold"])

    def _show(self, hold: dict[str, Any]) -> None:
        with box("div", "judge"):
            with box():
                show_texts(hold)
            with box("div", "sticky"):
                with card("What would you have done?"), box("div", "stack"):
                    with box("div", "row"):
                        Text("span", "Yours until", "count")
                        Moment(hold["until"])
                    outcome_buttons(self._judgement, lambda: None)
                    reason_boxes(self._judgement)
                    comment_field(self._judgement)
                    key_button("Send", "s", lambda: self._send(hold["id"]), kind="main", more="Control+Enter")
                with card("Why it was held"):
                    Text("p", hold["reason"]).style("margin: 0 0 10px")
                    show_verdicts(hold["verdicts"])

    async def _send(self, hold: str) -> None:
        judgement = self._judgement
        order = {
            "outcome": judgement.outcome,
            "reasons": judgement.reasons if judgement.outcome in ("edited", "rejected") else [],
            "comment": judgement.comment,
        }

        async def send() -> None:
            await self._view.act("POST", path_of("review", "seconds", hold), order)

        if await attempt(self._view, send, "Thank you: it is kept."):
            await self._take()

    def _refused(self, refused: ApiRefused) -> None:
        if refused.is_signed_out:
            to_sign_in(self._view)
            return
        with self._said:
            note(refused.message, "bad")
