"""Which language a text is in, and when that cannot be said."""

import pytest

from penstock.core.errors import ConfigError
from penstock.guard.scope.language import Languages
from penstock.guard.scope.refusal import POLITE, refusal_text


@pytest.fixture(scope="module")
def languages() -> Languages:
    return Languages()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Where is the parcel that I ordered last week?", "en"),
        ("Wo ist das Paket, das ich letzte Woche bestellt habe?", "de"),
        ("Où est le colis que j'ai commandé la semaine dernière ?", "fr"),
        ("¿Dónde está el paquete que pedí la semana pasada?", "es"),
        ("Dov'è il pacco che ho ordinato la settimana scorsa?", "it"),
        ("Waar is het pakket dat ik vorige week heb besteld?", "nl"),
        ("Gdzie jest paczka, którą zamówiłem w zeszłym tygodniu?", "pl"),
        ("Где посылка, которую я заказал на прошлой неделе?", "ru"),
        ("私の注文はどこですか", "ja"),
        ("我上周订购的包裹在哪里", "zh"),
        ("지난주에 주문한 소포는 어디에 있나요?", "ko"),
        ("Πού είναι το πακέτο που παρήγγειλα;", "el"),
        ("איפה החבילה שהזמנתי בשבוע שעבר?", "he"),
        ("พัสดุที่ฉันสั่งเมื่อสัปดาห์ที่แล้วอยู่ที่ไหน", "th"),
    ],
)
def test_a_sentence_has_its_language(languages: Languages, text: str, code: str) -> None:
    found = languages.of(text)
    assert found.code == code
    assert 0.5 < found.confidence <= 1.0


@pytest.mark.parametrize("text", ["", "OK", "hello", "42 17 99", "😀😀😀", "\ud800\ud801", "https", "x = 1", "Müller"])
def test_what_is_too_short_has_no_language(languages: Languages, text: str) -> None:
    assert languages.of(text) == (None, 0.0)


def test_only_the_chosen_languages_are_said() -> None:
    assert Languages(("en", "de")).of("Waar is het pakket dat ik vorige week heb besteld?").code in {"en", "de", None}


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ConfigError, match="language"):
        Languages(("en", "klingon"))


def test_a_refusal_is_said_in_the_questioners_language() -> None:
    assert refusal_text("de") == POLITE["de"]
    assert refusal_text("sw") == POLITE["en"]
    assert refusal_text(None) == POLITE["en"]


def test_an_assistants_own_refusal_comes_first() -> None:
    assert refusal_text("de", "No.") == "No."
    assert refusal_text("de", {"en": "No.", "de": "Nein."}) == "Nein."
    assert refusal_text("fr", {"de": "Nein.", "en": "No."}) == "Nein."
