"""The tables of docs/guards/grounded.md."""

from collections.abc import Mapping, Sequence
from typing import Final

from evaluation.grounded.agreement import Agreement
from evaluation.grounded.measure import OfKind, Reaching, Score

BEGIN: Final = "<!-- measured: written by `make evaluate ARGS='grounded --write'` -->"
END: Final = "<!-- end of what was measured -->"

_NAMES: Final = {"begin": "BEGIN", "scifact": "SciFact", "mtrag": "mtRAG"}


def set_table(whole: Mapping[str, Score], plain: Mapping[str, Score], parts: Mapping[str, tuple[int, float]]) -> str:
    lines = [
        "| left out | answers | AUROC | balanced | at one half | calibration error | overlap and likeness alone |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, score in whole.items():
        alone = plain[name]
        lines.append(
            f"| {_NAMES[name]} | {score.answers:,} | {score.auroc:.3f} | {score.balanced:.3f} | {score.middle:.3f} "
            f"| {score.error:.3f} | {alone.auroc:.3f} / {alone.balanced:.3f} |"
        )
    count = len(whole)
    lines.append(
        f"| mean | | {sum(each.auroc for each in whole.values()) / count:.3f} "
        f"| {sum(each.balanced for each in whole.values()) / count:.3f} "
        f"| {sum(each.middle for each in whole.values()) / count:.3f} "
        f"| {sum(each.error for each in whole.values()) / count:.3f} "
        f"| {sum(each.auroc for each in plain.values()) / count:.3f} / "
        f"{sum(each.balanced for each in plain.values()) / count:.3f} |"
    )
    lines += ["", "| part of a set that was left out | answers | AUROC |", "|---|---|---|"]
    lines += [f"| {name} | {number:,} | {value:.3f} |" for name, (number, value) in parts.items()]
    return "\n".join(lines) + "\n"


def kind_table(of: Sequence[OfKind], fitted: Reaching, apart: Reaching, every: Reaching) -> str:
    lines = ["| kind | | fitted on | answers | held back |", "|---|---|---|---|---|"]
    lines += [
        f"| `{each.kind}` | {'right' if each.is_right else 'invented'} | {'yes' if each.is_fitted else 'no'} "
        f"| {each.answers} | {each.held / each.answers:.1%} |"
        for each in of
    ]
    lines += [
        "",
        "| kinds | right held back | inventions caught | of all answers, reach the user |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {each.held:.1%} | {each.caught:.1%} | {each.reach:.2%} |"
        for name, each in (("fitted on", fitted), ("not fitted on", apart), ("all", every))
    ]
    return "\n".join(lines) + "\n"


def confidence_table(rows: Sequence[tuple[str, int, float, float, float]]) -> str:
    """Of each: what is known, the answers, AUROC, calibration error, and that of saying the mean each time."""
    lines = ["| known | answers | AUROC | calibration error | Brier score |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {number} | {area:.3f} | {error:.3f} | {brier:.3f} |" for name, number, area, error, brier in rows
    ]
    return "\n".join(lines) + "\n"


def agreement_table(of: Agreement) -> str:
    """What agreement with the answers of others tells, beside confidence and together with it."""
    named = ("other half", "all", "models'")
    heads = [f"{name}: {number} answers, {wrong} wrong" for name, (number, wrong) in zip(named, of.counts, strict=True)]
    lines = [f"| told by | {' | '.join(heads)} |", "|---|---|---|---|"]
    lines += [f"| {each.name} | {each.half:.3f} | {each.every:.3f} | {each.models:.3f} |" for each in of.told]
    gain, low, high = of.gain
    gained = f"{gain:+.3f} in AUROC against confidence alone (95 % interval {low:+.3f} to {high:+.3f})"
    lines += ["", f"Confidence and agreement together, of all answers: {gained}."]
    return "\n".join(lines) + "\n"


def inserted(page: str, text: str) -> str:
    """The page with the text between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"
