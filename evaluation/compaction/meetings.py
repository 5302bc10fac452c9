"""QMSum's meetings (Zhong et al., 2021; github.com/Yale-LILY/QMSum, MIT): turns, questions, and which turns answer.

`PENSTOCK_DATA_DIR` names the folder that holds `memory/qmsum_val.jsonl`; else the shared development data is used where
it is at hand.  Meetings with an even number (from 0) are for development, the others for reporting.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

SHARED = Path(__file__).parents[3] / "shared" / "data"
FILE = Path("memory") / "qmsum_val.jsonl"


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    answered_by: frozenset[int]


@dataclass(frozen=True, slots=True)
class Meeting:
    """`tokens` are those of each turn."""

    number: int
    turns: tuple[str, ...]
    tokens: tuple[int, ...]
    questions: tuple[Question, ...]
    general: int

    @property
    def is_for_development(self) -> bool:
        return self.number % 2 == 0


def data_folder() -> Path | None:
    """Where the data is; None where it is not."""
    named = os.environ.get("PENSTOCK_DATA_DIR")
    folder = Path(named) if named else SHARED
    return folder if (folder / FILE).is_file() else None


def load(folder: Path, count: Callable[[str], int]) -> list[Meeting]:
    """Every meeting; `count` counts tokens."""
    lines = (folder / FILE).read_bytes().splitlines()
    return [_meeting(number, msgspec.json.decode(line), count) for number, line in enumerate(lines)]


def _meeting(number: int, row: dict[str, Any], count: Callable[[str], int]) -> Meeting:
    turns = tuple(f"{turn['speaker']}: {turn['content']}" for turn in row["meeting_transcripts"])
    questions = tuple(
        Question(asked["query"], _turns_in(asked["relevant_text_span"])) for asked in row["specific_query_list"]
    )
    return Meeting(number, turns, tuple(map(count, turns)), questions, len(row["general_query_list"]))


def _turns_in(spans: Sequence[Sequence[str]]) -> frozenset[int]:
    return frozenset(at for begin, end in spans for at in range(int(begin), int(end) + 1))
