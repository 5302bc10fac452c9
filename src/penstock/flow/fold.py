"""Folds events into a whole answer.  A unary answer is a folded stream: there is one code path."""

from collections.abc import Sequence

from penstock.core.answer import Answer, Choice, TextBlock, ToolCallBlock
from penstock.core.errors import InternalError
from penstock.core.events import Citation, Event, Finish, Notice, Start, Text, ToolCall, UsageReport


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
        # By exact type: a `match` tries one isinstance after another, and this runs for every event.  (pyright does not
        # narrow by it, and a `cast` is a call.)
        for event in events:
            kind = type(event)
            if kind is Text:
                self._text(event)  # type: ignore[arg-type] # see above
            elif kind is ToolCall:
                self._tool_call(event)  # type: ignore[arg-type] # same
            elif kind is Finish:
                self._choice(event.choice).finish = event  # type: ignore[union-attr] # same
            elif kind is UsageReport:
                self._answer.usage = event.usage  # type: ignore[union-attr] # same
            elif kind is Start:
                self._answer.start = event  # type: ignore[assignment] # same
            elif kind is Notice or kind is Citation:
                self._choice(event.choice).blocks.append(event)  # type: ignore[union-attr] # same
            else:
                self._answer.vectors.append(event)  # type: ignore[arg-type] # same

    def answer(self) -> Answer:
        """The whole answer, choices and vectors in order of their index."""
        if self._pieces:
            self._join()
        choices = self._choices
        self._answer.choices = [choices[index] for index in (sorted(choices) if len(choices) > 1 else choices)]
        if self._answer.vectors:
            self._answer.vectors.sort(key=lambda vector: vector.index)
        return self._answer

    def _join(self) -> None:
        for choice in self._choices.values():
            for block in choice.blocks:
                pieces = self._pieces.pop(id(block), None)
                if pieces is None:
                    continue
                if isinstance(block, TextBlock):
                    block.text = "".join(pieces)
                elif isinstance(block, ToolCallBlock):
                    block.arguments = "".join(pieces)

    def _more(self, block: TextBlock | ToolCallBlock, known: str, piece: str) -> None:
        """Another piece of what `block` holds; `known` is the first.  Most blocks of a whole answer have no second."""
        pieces = self._pieces.get(id(block))
        if pieces is None:
            self._pieces[id(block)] = [known, piece]
        else:
            pieces.append(piece)

    def _choice(self, index: int) -> Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Choice(index)
        return choice

    def _text(self, event: Text) -> None:
        blocks = self._choice(event.choice).blocks
        block = None
        for other in reversed(blocks):  # a notice may stand between two pieces of one part: the part goes on
            if type(other) is TextBlock and other.channel == event.channel and other.part == event.part:
                block = other
                break
        if block is None:
            block = TextBlock(event.channel, event.part, event.text)
            blocks.append(block)
        else:
            self._more(block, block.text, event.text)
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
            block = self._tools[key] = ToolCallBlock(event.index, event.id, event.name, event.arguments, event.kind)
            self._choice(event.choice).blocks.append(block)
        else:
            self._more(block, block.arguments, event.arguments)
            block.id = block.id or event.id
            block.name = block.name or event.name
        if event.signature is not None:
            block.signature = event.signature
