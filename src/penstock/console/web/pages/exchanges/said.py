"""What was said in one exchange, at a press of a button and never with the page: each look is on record."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.region import refusal, to_sign_in
from penstock.console.web.layout.parts.text import Moment, Text, attach, badge, box, button, card, empty, note
from penstock.console.web.view import View, link

_ROLES = {
    "user": "Asked",
    "assistant": "Answered before",
    "system": "Instructions",
    "developer": "Instructions",
    "tool": "Result of a tool",
}
_KINDS = {
    "tool_call": "Calls a tool",
    "tool_result": "Result of a tool",
    "reasoning": "Reasoning",
    "refusal": "Refuses",
}


def draw_said(view: View, entry: Mapping[str, Any]) -> None:
    """The card, with nothing in it yet.  `entry` is the exchange as the ledger has it."""
    may = view.who.may("prompts.read")
    with card():
        with box("div", "head"):
            Text("h2", "What was said")
            if may and entry["operation"] == "chat" and view.who.may("models.read"):
                with box("a", "button small", href=link("/playground", exchange=entry["id"])):
                    Text("span", "Ask it again in the playground")
        if not may:
            text = (
                "Reading what was said takes the permission `prompts.read`. Ask whoever administers this installation."
            )
            Text("p", text, "count")
            return
        body = box("div", aria_live="polite")

        async def show() -> None:
            try:
                found = await view.act("GET", path_of("contents", entry["id"]))
            except ApiRefused as refused:
                if refused.is_signed_out:
                    to_sign_in(view)
                    return
                body.clear()
                with body:
                    _show_refusal(refused)
                return
            body.clear()
            with body:
                show_content(found)

        with body, box("div", "row"):
            button("Show what was said", show, icon="visibility")
            Text("span", "As far as it is kept, masked. That you looked is put on record.", "count")


def _show_refusal(refused: ApiRefused) -> None:
    if refused.code == "not_kept":
        empty("visibility_off", "Nothing is kept of it", refused.message)
    else:
        refusal(refused)


def show_content(found: Mapping[str, Any]) -> None:
    """Question and answer, in masked space."""
    with box("p", "row").style("margin: 0 0 12px"):
        for name, value in found["parameters"].items():
            if (name, value) != ("choices", 1):
                badge(f"{name.replace('_', ' ')} {value:g}")
        Text("span", "Masked; kept until", "count")
        Moment(found["expires_at"])
    if found["withheld"]:
        note(f"Nothing of the request is kept: {found['withheld']}.", "warn")
    if found["is_cut"]:
        note("It was longer than may be kept: the answer and the latest turns are here.", "warn")
    for turn in found["turns"]:
        role = str(turn["role"])
        _turn(_ROLES.get(role, role.capitalize()), turn["pieces"])
    several = len(found["choices"]) > 1
    for number, choice in enumerate(found["choices"], 1):
        end = "broke off" if choice["finish"] is None else choice["finish"].replace("_", " ")
        _turn(f"The answer{f' {number}' if several else ''} ({end})", choice["pieces"], "turn answer")
    if not found["choices"]:
        note("There was no answer.")
    if found["tools"] or found["response_format"]:
        with box("details", "more"):
            Text("summary", "Tools and format that it had")
            with box("div", "raw", tabindex="0", role="region", aria_label="Tools and format that it had"):
                for each in filter(None, (*found["tools"], found["response_format"])):
                    Text("code", each)


def _turn(who: str, pieces: Sequence[Mapping[str, Any]], classes: str = "turn") -> None:
    with box("div", classes):
        Text("b", who)
        for piece in pieces:
            kind = str(piece["kind"])
            if kind in _KINDS:
                words = "" if _KINDS[kind] == who else _KINDS[kind]
                Text("span", " ".join(filter(None, (words, piece["name"] or piece["id"]))), "count")
            elif kind != "text" and not piece["text"]:
                Text("p", f"[{kind.replace('_', ' ')}]", "count")
            if piece["text"]:
                attach(Text("p", piece["text"], "mono" if kind in ("tool_call", "tool_result") else ""), dir="auto")
        if not pieces:
            Text("p", "\N{EN DASH}")
