"""What an assistant says in place of an answer to a question that is not for it, in the questioner's language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

POLITE: Final = MappingProxyType(
    {
        "en": "I'm sorry, I can't help with that here. Is there anything else I can do for you?",
        "de": "Dabei kann ich hier leider nicht helfen. Kann ich sonst etwas für Sie tun?",
        "fr": "Je suis désolé, je ne peux pas vous aider sur ce sujet. Puis-je faire autre chose pour vous ?",
        "es": "Lo siento, aquí no puedo ayudarle con eso. ¿Puedo hacer algo más por usted?",
        "it": "Mi dispiace, qui non posso aiutarla con questo. Posso fare altro per lei?",
        "nl": "Het spijt me, daar kan ik hier niet mee helpen. Kan ik iets anders voor u doen?",
        "pt": "Lamento, não posso ajudar com isso aqui. Posso fazer mais alguma coisa por si?",
        "pl": "Przykro mi, w tej sprawie nie mogę tutaj pomóc. Czy mogę zrobić coś innego?",
        "sv": "Tyvärr kan jag inte hjälpa till med det här. Kan jag göra något annat för dig?",
        "da": "Det kan jeg desværre ikke hjælpe med her. Kan jeg gøre noget andet for dig?",
        "cs": "Je mi líto, s tím zde nemohu pomoci. Mohu pro vás udělat něco jiného?",
    }
)
"""Said where an assistant has no text of its own."""

_FALLBACK: Final = "en"


def refusal_text(language: str | None, own: Mapping[str, str] | str | None = None) -> str:
    """The assistant's `own` text: one for all languages, or by language, the first of them where that one is missing.

    Without one, the polite text of the language, English where there is none.
    """
    if isinstance(own, str):
        return own
    if own:
        return own.get(language or "") or next(iter(own.values()))
    return POLITE.get(language or "", POLITE[_FALLBACK])
