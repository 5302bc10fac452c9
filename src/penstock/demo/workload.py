"""What is asked, and when: BANKING77's questions at the pace and with the answer lengths of the Azure trace."""

from dataclasses import dataclass
from importlib.resources import files

import msgspec


@dataclass(frozen=True, slots=True)
class Question:
    """`at_s` is when it is asked, in the trace's own time; `answer_tokens` how long its answer is."""

    number: int
    text: str
    at_s: float
    answer_tokens: int
    is_streamed: bool


class _Row(msgspec.Struct, frozen=True):
    text: str


def read_workload(number: int) -> list[Question]:
    """Return the first `number` questions (all 300 if there are no more); every second one is streamed."""
    here = files("penstock.demo")
    rows = msgspec.json.Decoder(_Row).decode_lines((here / "banking77.jsonl").read_bytes())
    trace = (here / "azure_conv.csv").read_text(encoding="ascii").splitlines()[1:]
    questions: list[Question] = []
    for index, (row, line) in enumerate(zip(rows, trace, strict=True)):
        at_s, _, answer_tokens = line.split(",")
        questions.append(Question(index, row.text, float(at_s), int(answer_tokens), index % 2 == 1))
    return questions[:number]
