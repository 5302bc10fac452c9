"""The sets that the judge of grounded claims is fitted and tested on: answers with their passages, judged by people.

BEGIN (google/BEGIN-dataset, CC BY 4.0; here its Wizard-of-Wikipedia part): answers of four systems to one sentence of
knowledge; supported is "Fully attributable".  SciFact (CC BY 4.0): claims against the abstract that they cite;
supported is SUPPORT, neither CONTRADICT nor a claim for which the abstract has no evidence.  mtRAG
(IBM/mt-rag-benchmark, Apache-2.0): answers of people and of two models over passages; supported where the median of
three people's marks for faithfulness is 3 or more of 4 ("mostly yes").
"""

import csv
import os
import re
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[2] / "shared" / "data"))
_FAITHFUL: Final = 3


@dataclass(frozen=True, slots=True)
class Example:
    """`source` is the system that answered; `verdict` is told where a set tells contradiction from silence."""

    set: str
    source: str
    passages: tuple[tuple[str, str], ...]
    answer: str
    is_supported: bool
    verdict: str | None = None
    question: str = ""
    group: str = ""


def begin() -> list[Example]:
    """Generic answers, of which it cannot be said, are left out; both halves of the set, each answer once."""
    found: dict[tuple[str, str], Example] = {}
    for name in ("begin_dev_wow.tsv", "begin_test_wow.tsv"):
        with (FOLDER / "grounded" / name).open(newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["begin_label"] == "Generic":
                    continue
                found[row["knowledge"], row["response"]] = Example(
                    "begin",
                    row["model_name"],
                    (("", row["knowledge"]),),
                    row["response"],
                    row["begin_label"] == "Fully attributable",
                    question=row["message"],
                    group=row["knowledge"],
                )
    return list(found.values())


def scifact() -> list[Example]:
    """Claims of the training and the validation half, each with every abstract that it cites."""
    abstracts = _abstracts()
    found: dict[tuple[str, str], Example] = {}
    for name in ("claims_train.csv", "claims_validation.csv"):
        with (FOLDER / "grounded" / "scifact" / name).open(newline="") as file:
            for row in csv.DictReader(file):
                documents = (
                    [row["evidence_doc_id"]] if row["evidence_doc_id"] else re.findall(r"\d+", row["cited_doc_ids"])
                )
                for document in documents:
                    title, text = abstracts[document]
                    verdict = {"SUPPORT": "supported", "CONTRADICT": "contradicted"}.get(
                        row["evidence_label"], "not_found"
                    )
                    found[row["claim"], document] = Example(
                        "scifact",
                        "people",
                        ((title, text),),
                        row["claim"],
                        verdict == "supported",
                        verdict,
                        group=document,
                    )
    return list(found.values())


def _abstracts() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    with (FOLDER / "grounded" / "scifact" / "corpus_train.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            quoted = re.findall(r"'((?:[^'\\]|\\.|'(?!\s*(?:\n|\]|'|$)))*)'|\"([^\"]*)\"", row["abstract"])
            found[row["doc_id"]] = row["title"], " ".join(one or other for one, other in quoted)
    return found


def mtrag() -> list[Example]:
    """Answers that state something, of tasks with passages."""
    data: Any = msgspec.json.decode((FOLDER / "grounded" / "mtrag_human_judged.json").read_bytes())
    listed: list[Any] = data["documents"]
    asked: list[Any] = data["tasks"]
    documents: dict[str, tuple[str, str]] = {
        each["document_id"]: (each.get("title") or "", each["text"]) for each in listed
    }
    tasks: dict[str, Any] = {each["task_id"]: each for each in asked}
    evaluations: list[Any] = data["evaluations"]
    found: list[Example] = []
    for each in evaluations:
        task: dict[str, Any] = tasks[each["task_id"]]
        passages = tuple(documents[context["document_id"]] for context in task["contexts"])
        marks = [int(mark["value"]) for mark in each["annotations"]["faithfulness"].values()]
        if not passages or not marks:
            continue
        found.append(
            Example(
                "mtrag",
                each["model_id"],
                passages,
                each["model_response"],
                statistics.median(marks) >= _FAITHFUL,
                question=task["input"][-1]["text"],
                group=each["task_id"].split("<")[0],
            )
        )
    return found
