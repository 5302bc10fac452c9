"""What is searched for, and how sources stand in a prompt, as the stage asks for both."""

from collections.abc import Sequence

from penstock.core.chat import ChatRequest, TextPart
from penstock.core.exchange import Exchange
from penstock.core.ports import TokenCounter
from penstock.core.sources import Passage
from penstock.knowledge.context import pack
from penstock.knowledge.query import Turn, search_query
from penstock.knowledge.stage import Packed, Query


class Packer:
    """`packed` is a `knowledge.stage.Pack`."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter

    def packed(self, exchange: Exchange, passages: Sequence[Passage], budget_tokens: int) -> Packed:
        """As many of the passages as fit, by the tokens of the model that the request goes to first."""
        if not passages:
            return Packed((), "", 0)
        model = exchange.route.targets[0].model if exchange.route is not None else exchange.request.model

        def count(text: str) -> int:
            return self._counter.count_text(text, model)

        found = pack(passages, budget=budget_tokens, count=count)
        return Packed(found.passages, found.text, count(found.text) if found.passages else 0)


def rewritten(request: ChatRequest, question: str) -> Query:
    """A `knowledge.stage.Rewrite`."""
    turns: list[Turn] = []
    for message in request.messages:
        if message.role not in {"user", "assistant"}:
            continue
        text = "\n".join(part.text for part in message.parts if isinstance(part, TextPart)).strip()
        if text:
            turns.append(Turn("user" if message.role == "user" else "assistant", text))
    query = search_query(turns) or question
    return Query(query, is_rewritten=query != question)
