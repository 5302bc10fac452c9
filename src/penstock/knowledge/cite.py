"""Citations: the marks that a model was asked to write (`[2]`, `[1, 3]`) become citations of the passages they name.

A mark that names no passage is taken out: it would pretend a source.  In code, between backticks, and right behind a
word (`a[0]`) such brackets are left what they are.  What may be the beginning of a mark is held until it is one or
cannot be; all other text passes at once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from penstock.core.events import Citation, Event, Finish, Text
from penstock.core.sources import Passage

_MARK: Final = re.compile(r"[ \t]?(?:\[\^?|【)(\d{1,3}(?:[ ]?[,;][ ]?\^?\d{1,3}){0,15})(?:\]|】)")
_BEGUN: Final = re.compile(r"[ \t]?(?:(?:\[\^?|【)(?:\d{1,3}(?:[ ]?[,;][ ]?\^?\d{0,3}){0,15})?[ ]?)?$")
"""The end of a text that may be the beginning of a mark."""
_SENTENCE_ENDS: Final = re.compile(r"[.!?。！？][\"'”’)\]]*\s+|\n+")  # noqa: RUF001 - where sentences end
_WORD: Final = re.compile(r"\w+")
_MOST_BACK: Final = 1_200
"""How far back the sentence that a mark belongs to may begin, in characters."""
_MOST_QUOTED: Final = 400

Cited = Callable[[int, int], None]
"""Hears how many citations an answer had, and how many of its marks named nothing."""


class Sources:
    """The passages of one exchange, by the labels that the model knows them by."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._by_label = {each.label: each for each in passages}
        documents = dict.fromkeys(each.document for each in passages)
        self._numbers: Mapping[str, int] = {document: at for at, document in enumerate(documents)}
        self._sentences: dict[str, list[tuple[int, int, frozenset[str]]]] = {}

    def __getitem__(self, label: str) -> Passage | None:
        return self._by_label.get(label)

    def cite(self, passage: Passage, said: str, place: tuple[int, int], lane: "_Lane") -> Citation:
        """What of the passage is nearest to `said`, which stands at `place` of the lane's text."""
        begin, end = self._nearest(passage, said)
        return Citation(
            document=passage.document,
            title=passage.title,
            quote=passage.text[begin:end],
            start=place[0],
            end=place[1],
            source_start=passage.start + begin,
            source_end=passage.start + end,
            number=self._numbers[passage.document],
            uri=passage.uri,
            page=passage.page,
            choice=lane.choice,
            part=lane.part,
        )

    def _nearest(self, passage: Passage, said: str) -> tuple[int, int]:
        """The sentence with most words in common; of a passage that has none, as much as can be shown."""
        sentences = self._sentences.get(passage.label)
        if sentences is None:
            sentences = self._sentences[passage.label] = [
                (begin, end, _words(passage.text[begin:end])) for begin, end in sentences_of(passage.text)
            ]
        words = _words(said)
        best = max(sentences, key=lambda each: len(words & each[2]) / (len(each[2]) + 4) ** 0.5, default=None)
        if best is None or not words & best[2]:
            return 0, min(len(passage.text), _MOST_QUOTED)
        return best[0], min(best[1], best[0] + _MOST_QUOTED)


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end, without the blanks between them."""
    places: list[tuple[int, int]] = []
    begin = 0
    for match in _SENTENCE_ENDS.finditer(text):
        places.append((begin, match.end()))
        begin = match.end()
    places.append((begin, len(text)))
    found: list[tuple[int, int]] = []
    for first, last in places:
        piece = text[first:last]
        shown = piece.strip()
        if shown:
            at = first + len(piece) - len(piece.lstrip())
            found.append((at, at + len(shown)))
    return found


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(text))


@dataclass(slots=True)
class _Lane:
    choice: int
    part: int
    held: str = ""
    said: int = 0
    """Characters that have passed."""
    recent: str = ""
    """The last of them."""
    ticks: int = 0
    """How many of them were backticks: with an odd number this is code."""
    last: Text | None = field(default=None)

    def passed(self, text: str) -> None:
        self.said += len(text)
        self.ticks += text.count("`")
        self.recent = (self.recent + text)[-_MOST_BACK:]

    def sentence(self) -> tuple[int, str]:
        """Where what a mark here belongs to begins, and what it says: the sentence before it, if it stands behind."""
        text = self.recent.rstrip()
        begin = 0
        for match in _SENTENCE_ENDS.finditer(text):
            if text[match.end() :].strip():
                begin = match.end()
        return self.said - len(self.recent) + begin, text[begin:]


class Citations:
    """`core.ports.Filter`.  With `keeps_marks` the marks stay in the text, else they are taken out too."""

    __slots__ = ("_cited", "_done", "_keeps_marks", "_lanes", "_sources", "_unknown")

    def __init__(self, passages: Sequence[Passage], *, keeps_marks: bool, done: Cited) -> None:
        self._sources = Sources(passages)
        self._keeps_marks = keeps_marks
        self._done = done
        self._lanes: dict[tuple[int, int], _Lane] = {}
        self._cited = 0
        self._unknown = 0

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """Text with the marks that mean something, each followed by its citations."""
        passed: list[Event] = []
        for event in events:
            if isinstance(event, Text) and event.channel == "answer":
                self._text(event, passed)
            else:
                if isinstance(event, Finish):
                    self._let_go(event.choice, passed)
                passed.append(event)
        return passed

    def finish(self) -> Sequence[Event]:
        """What was held."""
        rest: list[Event] = []
        self._let_go(None, rest)
        self._done(self._cited, self._unknown)
        return rest

    def _text(self, event: Text, passed: list[Event]) -> None:
        key = (event.choice, event.part)
        lane = self._lanes.get(key)
        if lane is None:
            self._let_go(event.choice, passed)  # what an earlier part held ends with it
            lane = self._lanes[key] = _Lane(event.choice, event.part)
        text = lane.held + event.text
        begun = _BEGUN.search(text)
        held_from = begun.start() if begun is not None else len(text)
        is_as_it_came = not lane.held and held_from == len(text)
        lane.held, text = text[held_from:], text[:held_from]
        lane.last = event
        if is_as_it_came and "]" not in text and "】" not in text:
            lane.passed(text)
            passed.append(event)
            return
        self._say(lane, text, passed)

    def _let_go(self, choice: int | None, passed: list[Event]) -> None:
        for lane in self._lanes.values():
            if lane.held and (choice is None or lane.choice == choice):
                text, lane.held = lane.held, ""
                self._say(lane, text, passed)

    def _say(self, lane: _Lane, text: str, passed: list[Event]) -> None:
        """Text that holds no half mark."""
        said: list[str] = []
        at = 0
        for match in _MARK.finditer(text):
            before, at = text[at : match.start()], match.start()
            said.append(before)
            lane.passed(before)
            if lane.ticks % 2:
                continue
            labels = [label.strip(" ^") for label in re.split("[,;]", match.group(1))]
            known = [found for label in labels if (found := self._sources[label]) is not None]
            if not known and match.group()[0] in "[【" and lane.recent[-1:].isalnum():
                continue
            at = match.end()
            self._unknown += len(labels) - len(known)
            if not known:
                continue
            begin, sentence = lane.sentence()
            if self._keeps_marks:
                mark = match.group() if len(known) == len(labels) else _mark(match.group(), known)
                said.append(mark)
                lane.passed(mark)
            self._emit(lane, "".join(said), passed)
            said.clear()
            for passage in known:
                passed.append(self._sources.cite(passage, sentence, (begin, lane.said), lane))
                self._cited += 1
        lane.passed(text[at:])
        said.append(text[at:])
        self._emit(lane, "".join(said), passed)

    @staticmethod
    def _emit(lane: _Lane, text: str, passed: list[Event]) -> None:
        if text and lane.last is not None:
            passed.append(msgspec.structs.replace(lane.last, text=text, logprobs=None, signature=None))


def _mark(written: str, known: Sequence[Passage]) -> str:
    """The same mark with what is known of it alone."""
    blank = written[: len(written) - len(written.lstrip())]
    return f"{blank}[{', '.join(each.label for each in known)}]"
