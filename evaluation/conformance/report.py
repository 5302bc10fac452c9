"""Writes what was replayed as Markdown: counts, skips with their reasons, and which differences count as none."""

from collections import Counter
from collections.abc import Sequence

from evaluation.conformance.client_requests import CLIENT_DIALECTS
from evaluation.conformance.reading import FINISH_REASONS, FINISH_WORDS
from evaluation.conformance.recordings import Skipped
from evaluation.conformance.replay import Outcome
from evaluation.conformance.summary import skip_reasons
from penstock.core.chat import DIALECTS

_OPENING = (
    "Recorded conversations with real providers, replayed by a local server as the provider, byte for byte and again "
    "cut into random pieces; streams also for a client that wants their answer in one piece. For each, a client of "
    "every dialect asks through {where}; what it receives is read by a reader of its own (and the official SDKs' "
    "types), and must say what the recording says: text, reasoning, tool calls, the reason for the end, token counts. "
    "In the provider's own dialect the recorded request must arrive whole and the rest of the answer must be there "
    "too. Written by `make evaluate ARGS=--write`."
)

_REQUESTS = (
    "In requests: absent and null; `n: 1`; empty lists of tool calls, content and stop sequences; a string and its one "
    "text part; `max_tokens` and `max_completion_tokens` (each vendor gets the name it knows); `is_error: false`; "
    "OpenAI's first `functions` and the tools that they became; `include_usage`, which is always asked for upstream."
)
_CHAT = (
    "In chat answers: vendors' `reasoning`, and Mistral's thinking parts, are `reasoning_content`; a vendor's own word "
    "for the end (`eos`) becomes the official one; `created` as text becomes a number; a missing `message`, `type` or "
    "`arguments` is filled in; ids of tool calls that a vendor left empty are made."
)
_RESPONSES = "In responses: encrypted content and log probabilities, of which one stream has two versions."
_TOKENS = (
    "Token counts: input counts cached tokens, output counts reasoning, as `core/usage.py` says. Where a vendor's "
    "total is more than its two counts, the rest is reasoning. Cohere: what is billed."
)
_EQUIVALENCES = (_REQUESTS, _CHAT, _RESPONSES, _TOKENS)


def markdown(outcomes: Sequence[Outcome], skipped: Sequence[Skipped], *, is_in_process: bool) -> str:
    where = "Penstock's dialects" if is_in_process else "a running Penstock (`penstock up`)"
    covered = {outcome.case.recording.id for outcome in outcomes if outcome.verdict != "skipped"}
    failed = [outcome for outcome in outcomes if outcome.verdict == "failed"]
    passed = sum(outcome.verdict == "passed" for outcome in outcomes)
    lines = [
        "# Conformance",
        "",
        _OPENING.format(where=where),
        "",
        f"**{len(covered):,} recorded interactions, {passed:,} replays passed, {len(failed)} failed.**",
        "",
        *_counts(outcomes),
        "",
        "## Skipped",
        "",
        "| how many | why |",
        "|---:|---|",
        *(f"| {count} | {reason} |" for reason, count in skip_reasons(outcomes, skipped)),
        "",
        "## What counts as equal",
        "",
        *(f"- {line}" for line in _EQUIVALENCES),
        "",
        "## How an end is told in another dialect",
        "",
        *_finishes(),
        "",
    ]
    if failed:
        lines += ["## Failed", "", *(f"- {o.case.name}: {'; '.join(o.reasons)}" for o in failed), ""]
    lines += ["## Every skipped interaction", "", *(f"- {skip.id}: {skip.reason}" for skip in skipped)]
    return "\n".join(lines) + "\n"


def _counts(outcomes: Sequence[Outcome]) -> list[str]:
    lines = [f"| provider | recordings | {' | '.join(f'to {client}' for client in CLIENT_DIALECTS)} |"]
    lines.append("|---|---:|" + "---:|" * len(CLIENT_DIALECTS))
    for dialect in DIALECTS:
        own = [outcome for outcome in outcomes if outcome.case.recording.dialect == dialect]
        counted = Counter((outcome.case.client, outcome.verdict) for outcome in own)
        cells = [
            f"{counted[client, 'passed']} of {counted[client, 'passed'] + counted[client, 'failed']}"
            for client in CLIENT_DIALECTS
        ]
        recordings = {outcome.case.recording.id for outcome in own}
        lines.append(f"| {dialect} | {len(recordings)} | {' | '.join(cells)} |")
    return lines


def _finishes() -> list[str]:
    lines = [f"| provider's words | {' | '.join(CLIENT_DIALECTS)} |", "|---|" + "---|" * len(CLIENT_DIALECTS)]
    for reason in FINISH_WORDS["openai-chat"]:
        words = [
            f"{dialect}: {', '.join(word for word, meaning in table.items() if meaning == reason)}"
            for dialect, table in FINISH_REASONS.items()
            if reason in table.values()
        ]
        told = [" or ".join(sorted(FINISH_WORDS[client][reason])) for client in CLIENT_DIALECTS]
        lines.append(f"| {'; '.join(words)} | {' | '.join(told)} |")
    return lines
