# ruff: noqa: E501 - sentences in one piece
"""`make evaluate ARGS=cache`: what the semantic cache answers and what it gets wrong."""

import argparse
import random
import sys
from itertools import chain
from pathlib import Path

from training.semantic_cache import DEVELOPMENT

from evaluation.cache import answers, sets
from evaluation.cache.chart import draw
from evaluation.cache.memo import Memo
from evaluation.cache.replay import Policy
from evaluation.cache.twins import written
from evaluation.cache.twins.harmless import HARMLESS
from evaluation.cache.twins.twin import Generator
from evaluation.cache.workloads import Asked, Run, run_all
from evaluation.resilience.report import END, Row, Section, lines, markdown
from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.partition import Partition
from penstock.cache.semantic.question import load_weights
from penstock.cache.semantic.verify import decide
from penstock.encoder.files import check, default_folder
from penstock.encoder.model import Model

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = _DOCS / "semantic-cache.md"
_CHART = _DOCS / "images" / "cache" / "wrong-by-avoided.svg"
_NEAR = _DOCS / "data" / "cache" / "near-duplicates.txt"
_SHOWN = 10
_BEGIN = "<!-- measured: written by `make evaluate ARGS='cache --write'` -->"
_NEAR_DUPLICATE = 0.8
_OPEN_QUESTIONS = 3_000
_EACH_GENERATOR = 300
_ONCE = Policy(ceiling=0.025)
_OFTEN = Policy(ceiling=0.0125, check_share=0.01, asks_exactly=True)
_COSINES = (0.8, 0.85, 0.9)
_CEILINGS = (0.005, 0.01, 0.05)

_OF_TWINS = (
    "Twins that were accepted, with the shipped bound. **The share of all is that of kinds that were mended for.** What a new "
    "kind meets is what the first runs let through: of those `mended later` 802 of 2,835 (28.3 %), of those `unseen` 6 of 811 "
    "(0.7 %), of those `mended last` 81 of 888 (9.1 %: 49 of 240 tenses, 16 of 72 exceptions, 11 of 48 "
    "reasons, 4 of 72 ordinals, 1 of 56 rivals), and of those `mended since`, written when those were mended, 204 of 455 "
    "(44.8 %: 93 of 126 phases, 66 of 192 which, 27 of 60 relations, 14 of 35 certainties, 4 of 42 frequencies). Of twins "
    "with another plain noun the first run of `nouns` let through 67 of 677 (9.9 %); the check was mended for them, and the first "
    "run of `other nouns`, of other nouns, adjectives and verbs in other sentences, let through 17 of 796 (2.1 %: 16 of 300 in "
    "real texts, 1 of 496 in sentences written for it), after which units in the place of things were mended. Numbers, names, "
    "units, `not`, roles, the small words of English and other things in the same sentence are told apart in sentences never "
    "seen; opposites among verbs and adjectives only where a table has them or their vectors lie apart. Those `seen` were looked at while the check was written; those `mended` "
    "had their faults mended after their first run; for those `unseen` nothing was mended, but the check was changed "
    "after their first run, for others. Taken out of the generators, since they were no twins: one more zero behind a "
    "point, conditions whose halves are no sentences when exchanged (turns of spoken meetings, halves that are "
    "questions), `how can I` against `how must I`, the month May, `from burma to me`, `june 5th` against `this week "
    "5th`, and `as heavy as` where nothing follows."
)


def main() -> int:
    """Run all of it; `--write` puts the figures into docs/semantic-cache.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--encoder", type=Path, default=default_folder())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    if not sets.DATA.is_dir():
        sys.stdout.write(f"the development sets are not in {sets.DATA}: set PENSTOCK_EVALUATION_DATA\n")
        return 1
    manifest = check(chosen.encoder)
    model = Model(chosen.encoder / "model.onnx", chosen.encoder / "tokenizer.json")
    memo = Memo(model, load_weights(encoder_sha256=manifest.weights_sha256))
    seeds = range(chosen.seed, chosen.seed + chosen.seeds)
    sections: list[Section] = []
    for make in (_pairs, _twins, _harmless, _answers, _replays):
        sections.append(make(memo, seeds))
        sys.stdout.write("\n".join(lines(sections[-1])) + "\n")
        sys.stdout.flush()
    if chosen.write:
        before, rest = _PAGE.read_text().split(_BEGIN)
        written = markdown(sections, seeds).partition("\n")[2]  # its first line says that all is the worst of all seeds
        said = f"Seeds {', '.join(map(str, seeds))} for the replays over BANKING77, of which the worst and the mean are given; seed {chosen.seed} for all others.\n"
        _PAGE.write_text(f"{before}{_BEGIN}\n\n{said}{written}\n{END}{rest.partition(END)[2]}")
    return 0 if all(row.is_met for section in sections for row in section.rows) else 1


def _pairs(memo: Memo, seeds: range) -> Section:
    del seeds
    found = sets.pairs()
    stored = sets.questions([pair.origin for pair in found], memo)
    asked = sets.questions([pair.similar for pair in found], memo)
    partition = Partition(memo.projected, Bound(0.01), width=len(stored[0].vector) if stored[0] else 0, start="shipped")
    for number, question in enumerate(stored):
        if question is not None:
            partition.add(str(number), question)
    right = 0
    near: list[str] = []
    wrong: list[str] = []
    for number, question in enumerate(asked):
        match = partition.find(question) if question is not None else None
        if match is None or match.entry is None or not match.is_hit:
            continue
        given, own = stored[int(match.entry)], stored[number]
        if given is None or own is None:
            continue
        said = f"“{found[number].similar[:90]}” got the answer of “{given.text[:90]}”"
        if given.text == own.text:
            right += 1
        elif float(given.vector @ own.vector) >= _NEAR_DUPLICATE:
            near.append(said)
        else:
            wrong.append(said)
    _NEAR.parent.mkdir(parents=True, exist_ok=True)
    _NEAR.write_text("\n".join((*near, "")))
    text = (
        "Originals are stored, paraphrases asked, with the shipped bound and no learning. A near-duplicate is a stored "
        f"sentence with a cosine of {_NEAR_DUPLICATE} or more to the right one. These texts were looked at while the check "
        f"was written.\n\n<details><summary>Wrong hits</summary>\n\nOf near-duplicates, the first {_SHOWN} "
        f"([all {len(near)}]({_NEAR.relative_to(_DOCS)})):\n\n"
        + "\n".join(f"* {each}" for each in near[:_SHOWN]) + "\n\nOthers:\n\n" + "\n".join(f"* {each}" for each in wrong) + "\n\n</details>"
    )  # fmt: skip
    rows = (
        Row(what="right", measured=str(right), bound=">= 900", is_met=right >= 900),
        Row(what="wrong, of a stored near-duplicate", measured=str(len(near))),
        Row(what="wrong otherwise", measured=str(len(wrong)), bound="<= 5", is_met=len(wrong) <= 5),
    )
    return Section(title="GPTCache's 999 pairs", text=text, rows=rows)


def _twins(memo: Memo, seeds: range) -> Section:
    chance = random.Random(seeds[0] + 1)  # noqa: S311 - a simulation
    known = [text for text, _ in (*sets.banking(), *sets.clinc())]
    known = chance.sample(known, 2_100)
    strangers = sets.strangers()
    texts = {
        "known": known,
        "strangers": random.Random(1).sample(strangers, len(strangers)),  # noqa: S311 - a simulation
        "banking": sorted({text for text, _ in sets.banking()}),
        "clinc": sorted({text for text, _ in sets.clinc()}),
    }
    rows: list[Row] = []
    total = [0, 0]
    for group in written.SETS:
        part = [0, 0]
        for generator in group.generators:
            let, of = _let_through(generator, texts[group.texts], memo)
            part = [part[0] + let, part[1] + of]
            rows.append(Row(what=f"{generator.__name__} ({group.name})", measured=f"{let} of {of}"))
        rows.append(Row(what=f"all that are {group.name}", measured=f"{part[0]} of {part[1]}: {part[0] / part[1]:.2%}"))
        total = [total[0] + part[0], total[1] + part[1]]
    share = total[0] / total[1]
    rows.append(
        Row(what="all", measured=f"{total[0]} of {total[1]}: {share:.2%}", bound="<= 1 %", is_met=share <= 0.01)
    )
    return Section(title="Adversarial twins", text=_OF_TWINS, rows=tuple(rows))


def _let_through(generator: Generator, base: list[str], memo: Memo) -> tuple[int, int]:
    chance = random.Random(2)  # noqa: S311 - a simulation
    twins = sorted({(twin.question, twin.twin) for twin in generator(base, chance) if twin.question != twin.twin})
    twins = chance.sample(twins, min(len(twins), _EACH_GENERATOR))
    return _same(twins, memo), len(twins)


def _same(pairs: list[tuple[str, str]], memo: Memo) -> int:
    texts = list(dict.fromkeys(chain.from_iterable(pairs)))
    read = dict(zip(texts, sets.questions(texts, memo), strict=True))
    let = 0
    for text, twin in pairs:
        one, other = read[text], read[twin]
        let += one is not None and other is not None and decide(one, other, memo.projected).is_same
    return let


def _harmless(memo: Memo, seeds: range) -> Section:
    chance = random.Random(seeds[0] + 4)  # noqa: S311 - a simulation
    base = [text for text, _ in sets.clinc()]
    rows: list[Row] = []
    for change in HARMLESS:
        pairs = [(text, changed) for text in base if (changed := change(text, chance)) != text]
        pairs = chance.sample(pairs, min(len(pairs), _EACH_GENERATOR))
        let = _same(pairs, memo)
        rows.append(Row(what=change.__name__, measured=f"{let} of {len(pairs)}: {let / len(pairs):.1%}"))
    text = "CLINC150's questions with a change that leaves their meaning: how many are still taken for the same."
    return Section(title="Harmless changes", text=text, rows=tuple(rows))


def _answers(memo: Memo, seeds: range) -> Section:
    rows: list[Row] = []
    for kind, given in answers.cases(memo, half=1, seed=seeds[0]).items():
        agree = answers.agreeing(given, memo)
        rows.append(Row(what=f"{kind}: taken to agree", measured=f"{agree} of {len(given)}: {agree / len(given):.1%}"))
    text = (
        "How the check of a hit judges that two answers say the same, on the half of GPTCache's texts that its threshold was "
        "not chosen on. The most similar other text often does say the same."
    )
    return Section(title="Whether two answers agree", text=text, rows=tuple(rows))


def _replays(memo: Memo, seeds: range) -> Section:
    asked = _asked(memo, seeds[0])
    first = seeds[0]
    once = [Run(asked="banking", order="once", policy=_ONCE, seed=seed) for seed in seeds]
    often = [Run(asked="banking", order="zipf", policy=_OFTEN, seed=seed) for seed in seeds]
    others = {
        "BANKING77, the 39 other intents, each once": Run(asked="other half", order="once", policy=_ONCE, seed=first),
        "the same intents, 50,000 draws": Run(asked="other half", order="zipf", policy=_OFTEN, seed=first),
        "CLINC150, 50,000 draws": Run(asked="clinc", order="zipf", policy=_OFTEN, seed=first),
        "CLINC150 with its questions out of scope, ceiling 1 %": Run(asked="clinc", order="once", policy=Policy(), seed=first),
        "MMLU's questions, ceiling 1 %": Run(asked="mmlu", order="once", policy=Policy(), seed=first),
        "HaluEval's short open questions, ceiling 1 %": Run(asked="open", order="once", policy=Policy(), seed=first),
    }  # fmt: skip
    ceilings = [Run(asked="banking", order="once", policy=Policy(ceiling=ceiling), seed=first) for ceiling in _CEILINGS]
    cosines = [Run(asked="banking", order="once", policy=_ONCE, seed=first, cosine=cosine) for cosine in _COSINES]
    told = run_all([*often, *once, *others.values(), *ceilings, *cosines], asked, memo.projected)
    avoided, wrong = [told[run].avoided for run in once], [told[run].wrong_of_hits for run in once]
    saved, off = [told[run].avoided for run in often], [told[run].wrong_of_all for run in often]
    count = len(seeds)
    rows = [
        Row(what="each once: calls avoided, worst (mean)", measured=f"{min(avoided):.1%} ({sum(avoided) / count:.1%})", bound=">= 60 %", is_met=min(avoided) >= 0.6),
        Row(what="each once: wrong among hits, worst (mean)", measured=f"{max(wrong):.2%} ({sum(wrong) / count:.2%})", bound="<= 2.5 %", is_met=max(wrong) <= 0.025),
        Row(what="50,000 draws: calls avoided, worst (mean)", measured=f"{min(saved):.1%} ({sum(saved) / count:.1%})", bound=">= 90 %", is_met=min(saved) >= 0.9),
        Row(what="50,000 draws: wrong of all, worst (mean)", measured=f"{max(off):.2%} ({sum(off) / count:.2%})", bound="<= 0.5 %", is_met=max(off) <= 0.005),
    ]  # fmt: skip
    rows += [
        Row(what=f"seed {run.seed}, {run.order}", measured=f"{tally.avoided:.1%} avoided; wrong {tally.wrong_of_hits:.2%} of hits, {tally.wrong_of_all:.2%} of all; {tally.checked / tally.asked:.1%} made again to check")
        for run in (*once, *often) for tally in (told[run],)
    ]  # fmt: skip
    for what, run in others.items():
        tally = told[run]
        most = run.policy.ceiling
        is_bounded = run.asked in {"mmlu", "open"}
        rows.append(
            Row(what=what, measured=f"{tally.avoided:.1%} avoided; wrong {tally.wrong} of {tally.hits} hits, {tally.wrong_of_all:.2%} of all",
                bound=f"<= {most:.0%} of all" if is_bounded else "", is_met=not is_bounded or tally.wrong_of_all <= most)
        )  # fmt: skip
    curve = [(told[run].avoided, told[run].wrong_of_hits, f"{run.policy.ceiling:.1%}") for run in (*ceilings[:2], once[0], *ceilings[2:])]  # fmt: skip
    plain = [(told[run].avoided, told[run].wrong_of_hits, f"{run.cosine}") for run in cosines]
    draw(_CHART, {"Penstock, by ceiling": curve, "plain cosine, by threshold": plain}, bound=(0.6, 0.025))
    text = (
        "Each run starts with an empty cache and no bound; checks count as calls. An answer is right if it is of the same "
        "intent; about 2 % of BANKING77's labels are noise. Each once: ceiling 2.5 %, checked share 5 %. Draws with Zipf "
        "exponent 0.6, exact repeats answered by the exact cache: ceiling 1.25 %, checked share 1 %. MMLU's and HaluEval's "
        "questions have each an answer of their own, so that every hit but of the same text is wrong.\n\n"
        f"![wrong among hits by calls avoided](images/cache/{_CHART.name})"
    )
    return Section(title="Questions as they come", text=text, rows=tuple(rows))


def _asked(memo: Memo, seed: int) -> dict[str, Asked]:
    def read(texts: list[tuple[str, str]]) -> Asked:
        found = sets.questions([text for text, _ in texts], memo)
        return [(question, intent) for question, (_, intent) in zip(found, texts, strict=True) if question is not None]

    chance = random.Random(seed + 3)  # noqa: S311 - a simulation
    banking = sets.banking()
    intents = sorted({intent for _, intent in banking})
    other = {intent for number, intent in enumerate(intents) if number not in DEVELOPMENT}
    asked = read(banking)
    stems, open_questions = chance.sample(sets.stems(), _OPEN_QUESTIONS), sets.open_questions()
    open_questions = [text for text in open_questions if len(text) <= sets.SHORT_CHARS][:_OPEN_QUESTIONS]
    clinc = [*sets.clinc(), *((text, f"out of scope: {text}") for text in sets.out_of_scope())]
    return {
        "banking": asked,
        "other half": [each for each in asked if each[1] in other],
        "clinc": read(clinc),
        "mmlu": read([(text, text) for text in stems]),
        "open": read([(text, text) for text in open_questions]),
    }


if __name__ == "__main__":
    raise SystemExit(main())
