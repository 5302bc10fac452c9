"""What a reviewer judges and judges with: texts and sources, outcomes and reasons, and buttons with a letter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.console.web.layout.parts.draft import draft
from penstock.console.web.layout.parts.text import Text, attach, badge, box, button, card
from penstock.review.hold import REASONS

OUTCOMES = (
    ("approved", "Approve", "a", "The caller gets the answer as it is."),
    ("edited", "Edit", "e", "The caller gets your text in place of the answer."),
    ("rejected", "Refuse", "r", "The caller is told that there is no answer; the standard text, if you write none."),
    ("taken_over", "Take over", "t", "You go on with the conversation; your text is the first message."),
)
_ROLES = {"user": "Asked", "assistant": "Answered before", "system": "Instructions", "tool": "Result of a tool"}


def key_button(label: str, key: str, on_click: Callable[[], Any], *, kind: str = "", more: str = "") -> Any:
    """A button that a letter presses too, shown on it; `more` are further keys."""
    made = button(label, on_click, kind=kind)
    with made:
        Text("kbd", key.upper(), aria_hidden="true")
    return attach(made, aria_keyshortcuts=f"{key} {more}".strip())


def switch() -> None:
    """Letters as shortcuts can be turned off (WCAG 2.2, 2.1.4); the browser keeps it."""
    made = button("Letters on or off", lambda: None, kind="small", icon="keyboard")
    made.on("click", js_handler="() => window.penstock.letters()")


def show_texts(found: Mapping[str, Any]) -> None:
    """Question, answer and what it was made from."""
    with card("Question and answer"):
        for turn in found["question"]:
            _turn(_ROLES.get(str(turn["role"]), str(turn["role"])), turn["text"])
        _turn("The answer that is held", found["answer"], "turn answer")
    with card(f"Sources ({len(found['sources'])})"):
        if not found["sources"]:
            Text("p", "The answer was made from no documents.", "count")
        for number, source in enumerate(found["sources"], 1):
            _source(number, source)


def _turn(who: str, text: str, classes: str = "turn") -> None:
    with box("div", classes):
        Text("b", who)
        Text("p", text)


def _source(number: int, source: Mapping[str, Any]) -> None:
    with box("div", "source"):
        with box("div", "row"):
            Text("span", f"{source.get('label') or number}", "badge")
            Text("b", str(source.get("title") or source.get("document") or ""))
            if source.get("heading"):
                Text("span", ", ".join(map(str, source["heading"])), "count")
            if source.get("page") is not None:
                Text("span", f"page {source['page']}", "count")
        Text("p", str(source.get("text") or ""))
        if source.get("uri"):
            Text("span", str(source["uri"]), "mono")


def show_verdicts(verdicts: Sequence[Mapping[str, Any]]) -> None:
    for each in verdicts:
        with box("div", "row").style("padding: 4px 0"):
            badge(str(each["action"]), "warn")
            Text("span", str(each["rule"]), "mono")
            if each.get("score") is not None:
                Text("span", f"{each['score']:.2f}", "count")
            if each.get("note"):
                Text("span", str(each["note"]))


@dataclass(slots=True)
class Judgement:
    """What a reviewer is about to say.  It outlives every drawing of the form."""

    outcome: str = "approved"
    texts: dict[str, str] = field(default_factory=dict[str, str])
    reasons: list[str] = field(default_factory=list[str])
    comment: str = ""
    remember: bool = False
    is_case: bool = False

    @property
    def text(self) -> str:
        return self.texts.get(self.outcome, "")


def outcome_buttons(judgement: Judgement, changed: Callable[[], None]) -> None:
    made: dict[str, Any] = {}

    def choose(name: str) -> None:
        judgement.outcome = name
        for each, shown in made.items():
            shown.props["aria-pressed"] = str(each == name).lower()
            shown.classes(add="main" if each == name else "", remove="" if each == name else "main")
        changed()

    with box("div", "row", role="group", aria_label="What becomes of it"):
        for name, words, key, _ in OUTCOMES:
            kind = "main" if name == judgement.outcome else ""
            made[name] = key_button(words, key, lambda name=name: choose(name), kind=kind)
            attach(made[name], aria_pressed=str(name == judgement.outcome).lower())


def reason_boxes(judgement: Judgement) -> None:
    def mark(reason: str, is_marked: bool) -> None:  # noqa: FBT001 - what the box says
        if is_marked and reason not in judgement.reasons:
            judgement.reasons.append(reason)
        elif not is_marked and reason in judgement.reasons:
            judgement.reasons.remove(reason)

    with box("fieldset"):
        Text("legend", "In which way the answer failed")
        for reason in REASONS:
            check(reason.replace("_", " "), reason in judgement.reasons, lambda on, reason=reason: mark(reason, on))


def check(words: str, is_on: bool, on_change: Callable[[bool], None]) -> None:  # noqa: FBT001 - as it stands
    with box("label", "choice"):
        made = box("input", type="checkbox")
        made.props["checked"] = is_on

        def turn(event: Any) -> None:
            made.props["checked"] = bool(event.args)
            on_change(bool(event.args))

        made.on("change", turn, js_handler="(e) => emit(e.target.checked)")
        Text("span", words)


def comment_field(judgement: Judgement) -> None:
    def keep(text: str) -> None:
        judgement.comment = text

    draft("Comment for other reviewers", judgement.comment, keep, hint="The caller never sees it.", rows=2)
