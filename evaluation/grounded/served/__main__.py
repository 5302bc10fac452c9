"""`python -m evaluation grounded served`: inventions against a whole installation over real sockets.

`penstock up` with the handbook's pages for tests, taken in by its worker; questions of the retrieval set; a provider
that answers from the sources it is given and invents in `--share` of its answers.  `--write`: into docs/guards.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from training.grounded_made import FITTED, INVENTED, RIGHT

from evaluation.grounded.measure import INVENTED as SHARE
from evaluation.grounded.served.inventor import inventing
from evaluation.grounded.served.site import ACTIONS, HANDBOOK, Site, serving
from evaluation.grounded.served.trial import Told, ask, of_kind
from penstock.core.sources import Passage
from penstock.encoder.files import MODEL, TOKENIZER, default_folder
from penstock.encoder.model import Model
from penstock.guard.grounded.claims import split
from penstock.guard.grounded.judge import load_judge
from penstock.guard.grounded.tracer import Tracer

PAGE = Path(__file__).parents[3] / "docs" / "guards" / "grounded.md"
BEGIN = "<!-- served: written by `make evaluate ARGS='grounded served --write'` -->"
END = "<!-- end of what was served -->"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation grounded served")
    parser.add_argument("--answers", type=int, default=3_000)
    parser.add_argument("--share", type=float, default=SHARE, help="of answers in which the provider invents")
    parser.add_argument("--write", action="store_true", help="also write docs/guards/grounded.md")
    parser.add_argument("--show", action="store_true", help="print every invention that reached the user")
    chosen = parser.parse_args(arguments)
    if not HANDBOOK.exists():
        sys.stderr.write(f"{HANDBOOK} is not there: name the data folder in PENSTOCK_EVALUATION_DATA\n")
        return 2
    with inventing(chosen.share) as inventor, serving(inventor.port) as site:
        begun = time.monotonic()
        told = ask(site, inventor, chosen.answers)
        took_s = time.monotonic() - begun
    text = report(told, site, took_s)
    sys.stdout.write(text)
    if chosen.show:
        for each in told:
            if each.is_reached and each.said is not None:
                sys.stdout.write(f"{each.said.kind}: {each.said.wrong}\n")
    if chosen.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")
    return 0


def report(told: Sequence[Told], site: Site, took_s: float) -> str:
    """The tables."""
    answered = [each for each in told if each.said is not None and each.said.kind and not each.error]
    none = sum(not (each.said and each.said.kind) for each in told)
    lines = [
        f"{site.documents} pages in {site.chunks:,} chunks, taken in by the worker in {site.took_in_s:.0f} s.",
        f"{len(told):,} requests in {took_s:.0f} s; errors: {sum(bool(each.error) for each in told)}.",
        f"Without an answer, for want of sentences to make one of: {none}.",
        "",
        "| kinds | answers | right | of these held back | invented | reached the user | of all answers |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    fitted = [each for each in answered if each.said is not None and each.said.kind in FITTED]
    apart = [each for each in answered if each not in fitted]
    lines += [_row(name, of) for name, of in (("fitted on", fitted), ("not fitted on", apart), ("all", answered))]
    lines += [_row(f"all, `{action}`", [each for each in answered if each.action == action]) for action in ACTIONS]
    slipped = [each for each in answered if each.is_reached]
    caught = _caught_offline(slipped)
    alone = f"the judge alone, given the same answers and sources, holds back {caught}"
    lines += [
        "",
        f"Of the {len(slipped)} inventions that reached the user {alone}.",
        "",
        "| kind | | fitted on | answers | held back |",
        "|---|---|---|--:|--:|",
    ]
    for kind in (*RIGHT, *INVENTED):
        mine = of_kind(answered, kind)
        if mine:
            held = sum(not each.is_whole if kind in RIGHT else not each.is_reached for each in mine)
            sort = "right" if kind in RIGHT else "invented"
            lines.append(f"| `{kind}` | {sort} | {'yes' if kind in FITTED else 'no'} | {len(mine)} | {held} |")
    return "\n".join(lines) + "\n"


def _row(name: str, of: Sequence[Told]) -> str:
    right = [each for each in of if each.said is not None and each.said.is_right]
    held = sum(not each.is_whole for each in right)
    invented = len(of) - len(right)
    reached = sum(each.is_reached for each in of)
    share, all_of = held / max(len(right), 1), reached / max(len(of), 1)
    return f"| {name} | {len(of):,} | {len(right):,} | {held} ({share:.1%}) | {invented} | {reached} | {all_of:.2%} |"


def _caught_offline(slipped: Sequence[Told]) -> int:
    """How many of them the judge holds back outside of an installation: any at all would be a fault of ours."""
    judge, folder = load_judge(), default_folder()
    model = Model(folder / MODEL, folder / TOKENIZER)
    tracer = Tracer(judge, model.encode, encoder_sha256=judge.encoder_sha256)
    caught = 0
    for each in slipped:
        if each.said is None:
            continue
        shown = [
            Passage(label=str(at), document=str(at), version=1, title=title, text=text, start=0, end=len(text))
            for at, (title, text) in enumerate(each.said.sources, 1)
        ]
        traced = tracer.judge(split(each.said.answer), shown)
        caught += any(claim.verdict != "supported" for claim in traced)
    return caught
