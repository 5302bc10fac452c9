"""Folds events into a whole answer.  A unary answer is a folded stream: there is one code path."""

from collections.abc import Sequence

from penstock.core.answer import Answer, Choice, TextBlock, ToolCallBlock
from penstock.core.errors import InternalError
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport, Vector


class Fold:
    """Collects the events of one answer.  `answer` may be read once all are in.

    Linear in the size of the answer: pieces are joined once, at the end.
    """

    __slots__ = ("_answer", "_choices", "_pieces", "_tools")

    def __init__(self) -> None:
        self._answer = Answer()
        self._choices: dict[int, Choice] = {}
        self._tools: dict[tuple[int, int], ToolCallBlock] = {}
        self._pieces: dict[int, list[str]] = {}

    def feed(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Text():
                    self._text(event)
                case ToolCall():
                    self._tool_call(event)
                case Notice():
                    self._choice(event.choice).blocks.append(event)
                case Finish():
                    self._choice(event.choice).finish = event
                case Start():
                    self._answer.start = event
                case UsageReport():
                    self._answer.usage = event.usage
                case Vector():
                    self._answer.vectors.append(event)

    def answer(self) -> Answer:
        """The whole answer, choices and vectors in order of their index."""
        for choice in self._choices.values():
            for block in choice.blocks:
                pieces = self._pieces.pop(id(block), None)
                if pieces is None:
                    continue
                if isinstance(block, TextBlock):
                    block.text = "".join(pieces)
                elif isinstance(block, ToolCallBlock):
                    block.arguments = "".join(pieces)
        self._answer.choices = sorted(self._choices.values(), key=lambda choice: choice.index)
        self._answer.vectors.sort(key=lambda vector: vector.index)
        return self._answer

    def _choice(self, index: int) -> Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Choice(index)
        return choice

    def _text(self, event: Text) -> None:
        blocks = self._choice(event.choice).blocks
        block = blocks[-1] if blocks else None
        if not (isinstance(block, TextBlock) and block.channel == event.channel and block.part == event.part):
            # A notice may stand between two pieces of one part: the part goes on.
            block = next(
                (b for b in reversed(blocks) if isinstance(b, TextBlock) and _is_same_part(b, event)),
                None,
            )
        if block is None:
            block = TextBlock(event.channel, event.part, "")
            blocks.append(block)
            self._pieces[id(block)] = []
        self._pieces[id(block)].append(event.text)
        if event.signature is not None:
            block.signature = event.signature
        if event.logprobs is not None:
            if not isinstance(event.logprobs, list):
                raise InternalError("logprobs of a text event are a list")
            if block.logprobs is None:
                block.logprobs = []
            block.logprobs.extend(event.logprobs)

    def _tool_call(self, event: ToolCall) -> None:
        key = (event.choice, event.index)
        block = self._tools.get(key)
        if block is None:
            block = self._tools[key] = ToolCallBlock(event.index, event.id, event.name, "", event.kind)
            self._choice(event.choice).blocks.append(block)
            self._pieces[id(block)] = []
        else:
            block.id = block.id or event.id
            block.name = block.name or event.name
        if event.signature is not None:
            block.signature = event.signature
        self._pieces[id(block)].append(event.arguments)


def _is_same_part(block: TextBlock, event: Text) -> bool:
    return block.channel == event.channel and block.part == event.part
