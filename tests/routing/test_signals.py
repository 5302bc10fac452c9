"""What is seen of a request, on all kinds of text, and what callers cannot make it cost."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import ChatRequest, ImagePart, Message, ResponseFormat, TextPart, Tool, ToolResultPart
from penstock.routing.complexity import load_complexity
from penstock.routing.language import language_of
from penstock.routing.signals import READ_CHARS, signals_of, signals_of_text
from penstock.routing.wording import NAMES, wording_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the fastest way to get my money back?", "en"),
        ("Wie kann ich meine verlorene Karte sperren?", "de"),
        ("Pourquoi est-ce que ma carte ne fonctionne pas ?", "fr"),
        ("¿Cómo puedo cambiar la contraseña de mi cuenta?", "es"),
        ("Come posso cambiare il mio indirizzo e la password?", "it"),
        ("Como posso mudar a minha senha? Não consigo entrar.", "pt"),
        ("Hoe kan ik mijn wachtwoord veranderen als ik het niet meer weet?", "nl"),
        ("Hur kan jag byta mitt lösenord om jag inte har det?", "sv"),
        ("Jak mogę zmienić hasło do mojego konta?", "pl"),
        ("Bu kart için ne kadar ücret var ve neden?", "tr"),
        ("Как мне заблокировать карту?", "ru"),
        ("カードを無くしました", "ja"),
        ("我的卡丢了怎么办", "zh"),
        ("카드를 잃어버렸어요", "ko"),
        ("كيف يمكنني حظر بطاقتي؟", "ar"),
        ("Hi", None),
        ("x = 3", None),
        ("🙂🙂", None),
        ("", None),
    ],
)
def test_languages_are_told_apart_or_left_open(text: str, language: str | None) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "is_code", "is_maths"),
    [
        ("Why does this fail?\n```\nx\n```", True, False),
        ("def merge(a, b):\n    return a", True, False),
        ("Solve for x: 3x + 4 = 10", False, True),
        ("What is 17 * 23?", False, True),
        ("Show that $x^2 = 4$ has two solutions", False, True),
        ("How do I open an account?", False, False),
        ("I paid $20 and then $30 more, why?", False, False),
    ],
)
def test_code_and_mathematics_are_seen(text: str, is_code: bool, is_maths: bool) -> None:  # noqa: FBT001 - a table
    signals = signals_of_text(text)
    assert (signals.is_code, signals.is_maths) == (is_code, is_maths)


def test_the_question_is_the_last_thing_the_caller_said_and_the_rest_counts_by_its_size() -> None:
    request = ChatRequest(
        dialect="openai-chat",
        model="m",
        messages=(
            Message("system", (TextPart("s" * 400),)),
            Message("user", (TextPart("What is this?"), ImagePart(url="http://x"))),
            Message("assistant", (TextPart("A cat."),)),
            Message("user", (TextPart("And what is it doing there?"),)),
            Message("tool", (ToolResultPart("c", (TextPart("t" * 400),)),)),
        ),
        tools=(Tool("f"),),
        response_format=ResponseFormat("json_object"),
    )
    signals = signals_of(request)
    assert (signals.question, signals.turns, signals.language) == ("And what is it doing there?", 2, "en")
    assert (signals.modalities, signals.has_tools, signals.wants_schema) == ({"image"}, True, True)
    assert signals.tokens == (400 + 13 + 6 + 27 + 400) // 4


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_has_finite_figures_and_an_opinion_or_a_reason(text: str) -> None:
    found = wording_of(text)
    assert found.shape == (len(NAMES),)
    assert not np.isinf(found).any()
    opinion = load_complexity().judge(signals_of_text(text), None)
    assert (opinion.score is None) != (opinion.why is None)
    assert opinion.score is None or np.isfinite(opinion.score)


@pytest.mark.parametrize(
    "piece", ["a", "a ", "$", "$=", "1", "1 +", "{ ", "f(", " ", "\n ", "A. x\n", "\ud800", "字", "|"]
)
def test_no_text_is_expensive_however_long(piece: str) -> None:
    head = load_complexity()
    begin = time.process_time()
    signals = signals_of_text(piece * (400_000 // len(piece)))
    head.judge(signals, None)
    wording_of(signals.question)
    assert time.process_time() - begin < 0.5  # a pattern that goes back over it all takes minutes
    assert len(signals.question) <= READ_CHARS + 1


def test_without_options_their_figures_say_nothing() -> None:
    plain = dict(zip(NAMES, wording_of("What is the capital of France?"), strict=True))
    chosen = dict(zip(NAMES, wording_of("What is it?\nA. Paris\nB. Rome\nC. Oslo\nD. Bern\nAnswer:"), strict=True))
    absent = {name for name, value in plain.items() if np.isnan(value)}
    assert absent == {name for name in NAMES if name.startswith("options_")}
    assert not any(np.isnan(value) for value in chosen.values())


def test_the_shipped_head_is_whole_and_its_dial_never_turns_back() -> None:
    head = load_complexity()
    for scale in ("full", "wording"):
        shares = [head.share_for(quality / 20, scale) for quality in range(21)]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)
        for share in (0.1, 0.5, 0.9):
            assert head.share_above(head.score_at(share, scale), scale) == pytest.approx(share, abs=0.01)
