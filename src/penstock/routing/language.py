"""Which language a text is in, by its script and its commonest words: enough to route by, and honest where it is not.

Called by `signals`.  Returns None for what is too short or too mixed to say; it is never a guess at a rare language.
"""

import re
import unicodedata
from types import MappingProxyType
from typing import Final

from penstock.config.routing.settings import LANGUAGES

_READ_CHARS: Final = 2_000
_LEAST_WORDS: Final = 2
"""Of a language's commonest words; one alone (`die`, `a`, `no`) belongs to several."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

_COMMON = MappingProxyType(
    {
        "en": "the of and to a in is it you that for on are with as i be at this have from or what how which by not "
        "can do my does when why who if an was your me there about please would should will where we",
        "de": "der die das und ist nicht ich ein eine zu den mit auf für wie was im dem von es sie wir kann mein "
        "meine bitte wo warum wann wer auch werden hat sind wird bei nach aus kannst du mir",
        "fr": "le la les de des et est un une je pas que qui pour dans ce il vous nous au du sur avec comment quel "
        "quelle mon ma mes pourquoi où quand sont ne se plus par en puis s'il plaît",
        "es": "el la los las de que y en un una es por con para no se cómo qué cuál mi mis su del al lo como más "
        "dónde cuándo por está puedo quién hay yo me te",
        "it": "il lo la gli di che e un una per non è con come sono del della nel mi si cosa quale dove quando "
        "perché mio mia posso questo i le ho da al più",
        "pt": "o os as de que e um uma é não para com por do da em no na como meu minha qual onde quando se mais "
        "você eu está posso são ao seu isso",
        "nl": "de het een en van is ik niet dat die in te op voor met zijn hoe wat mijn kan er je aan wie waar "
        "wanneer waarom ook naar maar bij deze heb hebt",
        "sv": "och att det som en ett är jag inte på för med av den till hur vad min mitt kan du har varför när var "
        "vem om från de vi så",
        "pl": "i w na nie się jest do z to że jak co mój moja czy ja dla o po od kiedy dlaczego gdzie kto ten ta "
        "tego są mogę proszę już tak",
        "tr": "ve bir bu için ne nasıl değil mi da de ile ben benim neden nerede kim var yok daha çok gibi "  # noqa: RUF001 - Turkish
        "hangi olan kadar nedir musunuz",
    }
)

_SCRIPTS = MappingProxyType(
    {
        "CYRILLIC": "ru",
        "GREEK": "el",
        "ARABIC": "ar",
        "HEBREW": "he",
        "DEVANAGARI": "hi",
        "THAI": "th",
        "HIRAGANA": "ja",
        "KATAKANA": "ja",
        "HANGUL": "ko",
        "CJK": "zh",
    }
)


def _by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for language, words in _COMMON.items():
        for word in set(words.split()):
            found[word] = (*found.get(word, ()), language)
    return found


_LANGUAGES_OF = MappingProxyType(_by_word())


def language_of(text: str) -> str | None:
    """One of `LANGUAGES`, or None where the text does not say."""
    text = text[:_READ_CHARS]
    if not text.isascii():
        script = _script(text)
        if script is not None:
            return script
    votes = dict.fromkeys(LANGUAGES, 0.0)
    hits = dict.fromkeys(LANGUAGES, 0)
    for word in _WORD.findall(text.lower()):
        owners = _LANGUAGES_OF.get(word, ())
        for owner in owners:
            votes[owner] += 1.0 / len(owners)
            hits[owner] += 1
    best, second = sorted(votes, key=lambda name: -votes[name])[:2]
    if hits[best] < _LEAST_WORDS or votes[best] < 1.2 * votes[second]:
        return None
    return best


def _script(text: str) -> str | None:
    """The language whose script most of the letters are of, where that is not the Latin one."""
    letters = [char for char in text if char.isalpha()]
    counts: dict[str, int] = {}
    for char in letters:
        if char.isascii():
            continue
        language = _SCRIPTS.get(unicodedata.name(char, "").partition(" ")[0])
        if language is not None:
            counts[language] = counts.get(language, 0) + 1
    if not counts or sum(counts.values()) * 2 < len(letters):
        return None
    if counts.get("ja"):  # Japanese is written with Chinese characters too
        return "ja"
    return max(counts, key=lambda name: counts[name])
