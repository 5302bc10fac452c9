"""The recorded attacks and harmless texts that the injection head is trained and tested on, by source.

Every text says who would have written it: InjecAgent's in a tool's result, BIPIA's attacks inside a document,
jailbreaks and prompts by a user.  Nothing of it is shipped.
"""

import csv
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from training.injection_texts.generate import Text, advice, attacks, harmless

FOLDER = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[2] / "shared" / "data"))
_MOST_CHARS: Final = 1800
_GENERATED_ATTACKS: Final = 5000
_GENERATED_HARMLESS: Final = 3000
_GENERATED_ADVICE: Final = 800

ATTACK_SOURCES: Final = ("injecagent", "bipia_text", "bipia_code", "jailbreaks", "piguard")


@dataclass(frozen=True, slots=True)
class Sample:
    """`begin` and `end` are where the attack stands, None in a harmless text or where nobody knows.

    `kind` parts a source: `dh_base`; `group` is what must not be on both sides of a split.
    """

    text: str
    is_untrusted: bool
    is_attack: bool
    source: str
    kind: str
    group: str
    begin: int | None = None
    end: int | None = None


def _json(name: str) -> Any:
    return msgspec.json.decode((FOLDER / name).read_bytes())


def _lines(name: str) -> list[Any]:
    return [msgspec.json.decode(line) for line in (FOLDER / name).read_bytes().splitlines()]


def injecagent() -> Iterator[Sample]:
    """Attacks as a tool returned them, and the same results with a harmless sentence in the attack's place."""
    templates: set[str] = set()
    for kind in ("dh_base", "dh_enhanced", "ds_base", "ds_enhanced"):
        for case in _json(f"injection/injecagent_test_cases_{kind}.json"):
            text = case["Tool Response"].strip('"')
            template = case["Tool Response Template"].strip('"')
            at = template.index("<Attacker Instruction>")
            end = at + len(text) - len(template) + len("<Attacker Instruction>")
            templates.add(template)
            yield Sample(text, True, True, "injecagent", kind, case["User Tool"], at, end)
    fillers = (
        "",
        "Great, thanks.",
        "It works as described, and I would buy it again.",
        "See you on Monday at ten.",
        "No further information.",
        "Meeting moved to room 4.",
        "The team met on Tuesday and agreed on the next steps.",
        "Updated last week.",
    )
    for template in sorted(templates):
        for filler in fillers:
            yield Sample(
                template.replace("<Attacker Instruction>", filler), True, False, "injecagent", "clean", template
            )


def _bipia_contexts(name: str) -> list[str]:
    found: list[str] = []
    for line in _lines(f"injection/bipia/{name}.jsonl"):
        context = line["context"]
        text = context if isinstance(context, str) else "\n".join(context)
        found.append(text[:_MOST_CHARS])
    return sorted(set(found))


def bipia() -> Iterator[Sample]:
    """Every attack three times: at the begin, in the middle and at the end of one of the set's documents each."""
    chance = random.Random(11)
    documents = _bipia_contexts("email_train") + _bipia_contexts("email_test") + _bipia_contexts("table_test")
    codes = _bipia_contexts("code_train") + _bipia_contexts("code_test")
    for kind, carriers in (("text", [*documents, *codes]), ("code", codes)):
        for part in ("train", "test"):
            for category, wishes in _json(f"injection/bipia/benchmark_{kind}_attack_{part}.json").items():
                for wish in wishes:
                    for place in ("begin", "middle", "end"):
                        body = chance.choice(carriers)
                        breaks = [at + 1 for at, char in enumerate(body) if char == "\n"] or [len(body)]
                        at = {"begin": 0, "middle": chance.choice(breaks), "end": len(body)}[place]
                        glue = "" if at == 0 or body[at - 1] == "\n" else "\n"
                        text = f"{body[:at]}{glue}{wish}\n{body[at:]}"
                        begin = at + len(glue)
                        yield Sample(
                            text, True, True, f"bipia_{kind}", f"{part}/{category}", wish, begin, begin + len(wish)
                        )
    for text in (*documents, *codes):
        yield Sample(text, True, False, "bipia_text", "clean", text)


def jailbreaks() -> Iterator[Sample]:
    for text in _json("injection/inthewild_jailbreaks.json"):
        yield Sample(text[:_MOST_CHARS], False, True, "jailbreaks", "jailbreak", text[:80])


def piguard() -> Iterator[Sample]:
    """Its BIPIA attacks and its documents are judged as documents, all else as what a user wrote."""
    for case in _json("injection/piguard_valid.json"):
        untrusted = case["source"].startswith("BIPIA") or case["source"] == "PINT_documents"
        text = case["prompt"][:_MOST_CHARS]
        yield Sample(text, untrusted, case["label"] == 1, "piguard", case["source"], text[:80])


def asked_harmless() -> Iterator[Sample]:
    """The 500 prompts and the requests about security: never trained on."""
    for case in _lines("injection/benign_arena_hard_v01.jsonl"):
        yield Sample(case["prompt"][:_MOST_CHARS], False, False, "arena", "arena", case["uid"])
    for case in _json("injection/benign_mitre_frr.json"):
        yield Sample(case["mutated_prompt"], False, False, "frr", "en", case["mutated_prompt"][:60])
    for case in _json("injection/benign_frr_multilingual_machine_translated.json"):
        yield Sample(
            case["mutated_prompt"], False, False, "frr", case["speaking_language"], case["original_english_prompt"][:60]
        )


def prompts() -> Iterator[Sample]:
    """What users ask elsewhere: assistants' commands, support questions, instructions, exam questions."""
    chance = random.Random(12)

    def some(texts: Sequence[str], count: int, name: str) -> Iterator[Sample]:
        for text in chance.sample(sorted(set(texts)), count):
            yield Sample(text[:_MOST_CHARS], False, False, name, name, text[:80])

    scope = _json("scope/clinc150_train_val.json")
    yield from some([text for text, _ in scope["train"]], 1200, "clinc")
    with (FOLDER / "cache" / "banking77_train.csv").open(newline="") as file:
        yield from some([row["text"] for row in csv.DictReader(file)], 500, "banking")
    judged = [
        case["input"]
        for kind in ("GPTInst", "GPTOut", "Manual", "Natural", "Neighbor")
        for case in _json(f"judge/llmbar_{kind}.json")
    ]
    yield from some(judged, 330, "llmbar")
    yield from some([case["prompt"] for case in _lines("routing/routellm_mmlu.jsonl")], 300, "mmlu")


def unseen_prompts() -> Iterator[Sample]:
    """What people asked ChatGPT (HaluEval): fitted on by nothing, read by the signs alone."""
    for case in _lines("grounded/halueval_general.jsonl")[:2000]:
        yield Sample(case["user_query"][:_MOST_CHARS], False, False, "halueval", "halueval", case["ID"])


def documents() -> Iterator[Sample]:
    """Real documents of several kinds; `scifact` and `enterprise` are kept for testing."""
    chance = random.Random(13)
    for path in sorted((FOLDER / "rag" / "handbook").rglob("*.md"))[::2]:
        text = path.read_text(errors="replace")
        at = chance.randrange(max(1, len(text) - 900))
        yield Sample(text[at : at + 900], True, False, "handbook", "handbook", path.name)
    for chunk in chance.sample(_json("rag/code_chunks.json"), 40):
        for piece in chunk["chunks"][:3]:
            yield Sample(piece["content"][:1200], True, False, "code", "code", chunk["doc_id"])
    for meeting in _lines("memory/qmsum_val.jsonl"):
        turns = [f"{turn['speaker']}: {turn['content']}" for turn in meeting["meeting_transcripts"]]
        for at in (len(turns) // 4, len(turns) // 2):
            yield Sample("\n".join(turns[at : at + 8])[:900], True, False, "qmsum", "qmsum", turns[0][:60])
    for case in _json("pii/presidio_synth_first_half.json")[:200]:
        # Most of them are what a customer writes, some are documents.
        yield Sample(case["full_text"], False, False, "presidio", "presidio", str(case["template_id"]))
    with (FOLDER / "grounded" / "scifact" / "corpus_train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in chance.sample(rows, 150):
        yield Sample(row["abstract"].strip("[]")[:1500], True, False, "scifact", "scifact", row["title"])
    for path in sorted((FOLDER / "rag" / "enterprise" / "md").rglob("*.md")):
        text = path.read_text(errors="replace")
        for at in range(0, min(len(text), 4500), 1500):
            yield Sample(text[at : at + 1500], True, False, "enterprise", "enterprise", path.name)


def generated() -> Iterator[Sample]:
    """Written for this; half of the attacks stand in real documents of kinds that are trained on."""
    bodies = [each.text[:500] for each in documents() if each.source in {"handbook", "code", "qmsum", "presidio"}]
    for each in (
        *attacks(_GENERATED_ATTACKS, 21, bodies),
        *harmless(_GENERATED_HARMLESS, 22),
        *advice(_GENERATED_ADVICE, 24),
    ):
        yield _sample(each)
    chance = random.Random(23)
    asked = [each.text for each in prompts() if each.source in {"llmbar", "clinc"} and len(each.text) < 300]
    for text in chance.sample(asked, 900):
        body = chance.choice(bodies)
        breaks = [0, len(body), *(at + 1 for at, char in enumerate(body) if char == "\n")]
        at = chance.choice(breaks)
        wish = text[0].upper() + text[1:]
        yield Sample(
            f"{body[:at]}\n{wish}\n{body[at:]}",
            True,
            True,
            "generated",
            "asked/plain",
            "real",
            at + 1,
            at + 1 + len(wish),
        )


def _sample(each: Text) -> Sample:
    return Sample(
        each.text,
        each.is_untrusted,
        each.begin is not None,
        "generated",
        f"{each.goal}/{each.disguise}",
        each.carrier,
        each.begin,
        each.end,
    )


def all_samples() -> list[Sample]:
    """Everything, each text once."""
    found: dict[tuple[str, bool], Sample] = {}
    for read in (injecagent, bipia, jailbreaks, piguard, asked_harmless, prompts, documents, generated):
        for sample in read():
            found.setdefault((sample.text, sample.is_untrusted), sample)
    return list(found.values())
