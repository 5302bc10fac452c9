"""What pieces cost: by the counter, and once."""

from hypothesis import given, settings
from tests.routing.compaction.conversations import assistant, chat, requests, user

from penstock.config.routing.compaction import CompactionSettings
from penstock.core.chat import ChatRequest, Request
from penstock.routing.compaction.compactor import Compactor
from penstock.routing.compaction.costs import Counts
from penstock.watch.tokens import Counter

MODEL = "gpt-4o"
COUNTER = Counter()
SETTINGS = CompactionSettings(keep_share=0.5, after_tokens=1, keep_last=0, encoder_tokens=0)


class _Listening:
    """The real counter, with the texts that it was asked for."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def count_text(self, text: str, model: str) -> int:
        self.heard.append(text)
        return COUNTER.count_text(text, model)

    def count_request(self, request: Request, model: str) -> int:
        return COUNTER.count_request(request, model)


def talk(turns: int) -> ChatRequest:
    said = (each for at in range(turns) for each in (user(f"Question {at}?"), assistant(f"Answer {at}: paid.")))
    return chat(*said, user("What of 3?"))


@settings(max_examples=60, deadline=None)
@given(requests())
def test_a_request_costs_what_the_counter_says_and_a_little_more_for_its_pieces(request: ChatRequest) -> None:
    counted, by_pieces = COUNTER.count_request(request, MODEL), Counts(COUNTER).of_request(request, MODEL)
    assert counted <= by_pieces <= counted * 1.05 + 8


def test_a_conversation_that_has_grown_is_counted_only_where_it_is_new() -> None:
    counter = _Listening()
    compactor = Compactor(counter)
    assert compactor.compact(talk(20), MODEL, SETTINGS) is not None
    assert len(counter.heard) == len(set(counter.heard)) == 41
    counter.heard.clear()
    assert compactor.compact(talk(21), MODEL, SETTINGS) is not None
    assert counter.heard == ["Question 20?", "Answer 20: paid."]


def test_what_was_counted_for_one_model_is_counted_anew_for_another() -> None:
    counts = Counts(COUNTER)
    text = "Die Rechnung über vierzig Euro ist bezahlt."
    for model in ("gpt-4o", "claude-sonnet-4-5", "gpt-4o"):
        assert counts.of_piece(text, model) == COUNTER.count_text(text, model)
    assert counts.of_piece(text, "gpt-4o") != counts.of_piece(text, "claude-sonnet-4-5")
