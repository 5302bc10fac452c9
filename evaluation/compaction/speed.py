"""What shortening costs, by the length of the prompt."""

import random
from time import process_time
from typing import Final

from evaluation.compaction.methods import MODEL
from penstock.config.routing.compaction import CompactionSettings
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.routing.compaction.compactor import Compactor
from penstock.watch.tokens import Counter

_SYLLABLES: Final = ("ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "va")
_WORDS_A_MESSAGE: Final = 60


def seconds_for(tokens: int) -> float:
    """CPU seconds for a made-up conversation of about so many tokens, by words alone, to two fifths of it."""
    draw = random.Random(7)  # noqa: S311 - made-up words, not a secret
    counter = Counter()
    words = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 3))) for _ in range(5_000)]
    messages: list[Message] = []
    total = 0
    while total < tokens:
        text = " ".join(draw.choices(words, k=_WORDS_A_MESSAGE))
        messages.append(Message("user" if len(messages) % 2 == 0 else "assistant", (TextPart(text),)))
        total += counter.count_text(text, MODEL)
    question = " ".join(draw.choices(words, k=10))
    request = ChatRequest(
        dialect="openai-chat", model=MODEL, messages=(*messages, Message("user", (TextPart(question),)))
    )
    settings = CompactionSettings(keep_share=0.4, after_tokens=1, encoder_tokens=0)
    began_s = process_time()
    Compactor(counter).compact(request, MODEL, settings)
    return process_time() - began_s
