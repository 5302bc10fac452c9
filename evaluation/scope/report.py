# ruff: noqa: E501 - rows of tables read best as one line each
"""The tables of docs/guards/scope.md and docs/guards/output.md."""

from collections.abc import Mapping, Sequence

from evaluation.scope.answers import Harms, Heard
from evaluation.scope.measure import Few, Kept, Speed

BEGIN = "<!-- measured: written by `make evaluate ARGS='scope --write'` -->"
END = "<!-- end of what was measured -->"


def is_met(kept: Sequence[Kept]) -> bool:
    """On one half of val with the scale of the other, nothing told of what is outside."""
    return any(
        each.right >= 0.95 and each.found >= 0.90 and each.refused <= 0.05
        for each in kept
        if each.name.startswith("one half") and each.stated == 0.05
    )


def scope_tables(kept: Sequence[Kept], few: Sequence[Few], speed: Speed) -> str:
    lines = [
        "CLINC150, 150 topics, fitted on its 15,000 training questions; 200 questions out of scope, on which no",
        "head was fitted unless it says so. Means over 20 halvings of val, and the least share found of them.",
        "",
        "| scale made by | stated | refused inside | found outside | least | right topic | let through with it |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.name} | {each.stated:.0%} | {each.refused:.1%} | {each.found:.1%} | "
        f"{f'{each.found_low:.1%}' if each.found_low else ''} | {each.right:.1%} | {each.answered:.1%} |"
        for each in kept
    ]
    lines += [
        "",
        "Asked were 95 % right topics and 90 % found at 5 % refused: " + ("met." if is_met(kept) else "**missed**."),
        "",
        "With fewer examples, at a stated 5 %: means over draws of topics and examples, and the worst draw.",
        "",
        "| set | topics | examples of each | refused inside | worst | found: other topics | found: out of scope | right topic |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.set_name} | {each.topics}{'' if each.is_named else ', unnamed'} | {each.examples} | {each.refused:.1%} | "
        f"{each.most_refused:.1%} | {'' if each.near is None else f'{each.near:.0%}'} | {each.far:.0%} | "
        f"{f'{each.right:.0%}' if each.is_named else ''} |"
        for each in few
    ]
    lines += [
        "",
        f"Fitting 15,000 examples takes {speed.fit_s:.0f} s of CPU, besides reading them; the head is {speed.kept_mb:.1f} MB",
        f"and judges a question in {speed.judge_us:.0f} µs of CPU (median), besides the encoder's pass.",
        "",
    ]
    return "\n".join(lines)


def language_table(heard: Mapping[str, Heard]) -> str:
    lines = [
        "100 machine-translated questions a language, told apart from 12 others.",
        "",
        "| | whole: right | wrong | first five words: right | wrong |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {each.right:.0%} | {each.wrong:.0%} | {each.right_of_five:.0%} | {each.wrong_of_five:.0%} |"
            for name, each in heard.items()
        ),
        "",
    ]
    return "\n".join(lines)


def output_tables(harms: Harms, alarms: Mapping[str, Mapping[str, float]]) -> str:
    lines = [
        "The harm head, trained without the goals and the frames that it is judged on (means of three draws):",
        "",
        "| found of | |",
        "|---|---|",
        *(f"| {kind.replace('_', ' ')} | {share:.0%} |" for kind, share in harms.found.items()),
        f"| *harmless sentences about the same goals* | {harms.about:.0%} |",
        "",
        "| false alarms of the head on | of | |",
        "|---|---|---|",
        *(f"| {name} | {number:,} | {share:.2%} |" for name, (share, number) in harms.alarms.items()),
        "",
        "What the rules find in harmless texts, which is not all wrong (refusals and loud words are there):",
        "",
        "| rule | 500 prompts | 4,507 answers |",
        "|---|---|---|",
        *(
            f"| `{rule}` | {each.get('prompts', 0.0):.2%} | {each.get('answers', 0.0):.2%} |"
            for rule, each in sorted(alarms.items())
        ),
        "",
    ]
    return "\n".join(lines)


def inserted(page: str, text: str) -> str:
    """The page with the text between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"
