# ruff: noqa: E501 - tables of expressions read best as one line each
"""What is said outright and does harm, as patterns for whole texts and streams; English and German.

They stand apart from `harm` since they need no encoder.
"""

from types import MappingProxyType
from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.policy.wordings import patterns_of

_GAP: Final = r"[^.!?\n]{0,40}"
_MOST_CHARS: Final = 300

_EXPRESSIONS: Final = MappingProxyType(
    {
        "violence": (
            r"\b(?:i(?:'m| am)? (?:will|going to|gonna)|i'll|we will|we'll) (?:kill|murder|stab|shoot|strangle|rape) (?:you|him|her|them|your family)\b",
            r"\b(?:ich|wir) (?:werde|werden|bringe|bringen|steche|stechen) (?:dich|sie|euch|ihn|deine familie)" + _GAP + r"\b(?:um|töten|umbringen|ermorden|ab|erschießen|abstechen)\b",
        ),
        "self_harm": (
            r"\b(?:go |just |you should |please |why don't you )(?:kill|hang|cut|hurt) yourself\b",
            r"\b(?:kys|the world (?:is|would be) better (?:off )?without you)\b",
            r"\b(?:bring dich|bringen sie sich|häng dich|erschieß dich|ritz dich)(?: doch| einfach)? (?:um|auf|selbst)\b",
            r"\b(?:painless|easiest|quickest|best) (?:way|method)s? (?:to|of) (?:kill(?:ing)? (?:yourself|myself)|commit(?:ting)? suicide|end(?:ing)? (?:my|your) life)\b",
        ),
        "sexual": (
            r"\b(?:child|children|kids?|minors?|underage|preteens?|toddlers?)(?:'?s)? (?:porn(?:ography)?|nudes?|sex(?:ual)? (?:acts?|pictures?|videos?|content))\b",
            r"\b(?:kinderporno(?:s|grafie|graphie)?|sex mit (?:kindern|minderjährigen|einem kind))\b",
        ),
        "hate": (
            r"\b(?:gas|exterminate|eradicate|deport|hang|kill) (?:all |every |the )(?:the )?(?:jews?|muslims?|blacks?|gays?|immigrants?|refugees|arabs?|gypsies|trans people)\b",
            r"\b(?:jews|muslims|blacks|gays|immigrants|refugees|women|arabs|gypsies) (?:are|is) (?:all )?(?:vermin|subhuman|parasites|animals|rats|cockroaches|a disease|inferior)\b",
            r"\b(?:heil hitler|sieg heil|white power|juden raus|ausländer raus|1488)\b",
            r"\b(?:juden|muslime|schwarze|schwule|ausländer|flüchtlinge|frauen|araber|zigeuner) sind (?:alle |nur )?(?:ungeziefer|untermenschen|parasiten|tiere|ratten|abschaum|minderwertig)\b",
        ),
        "weapons_drugs": (
            (r"\b(?:how to|here is how to|steps to|instructions (?:to|for)|you can|recipe for) (?:make|making|build|building|cook|cooking|synthesi[sz]e|synthesi[sz]ing|assemble) "
            r"(?:an? |the |your (?:own )?)?(?:[a-z\-]{1,20} ){0,2}(?:bombs?|explosives?|ied|grenades?|molotov(?: cocktails?)?|napalm|nerve gas|sarin|ricin|meth|methamphetamine|crystal meth|heroin|fentanyl|crack|ghb|silencers?)\b"),
            r"\b(?:wie man|so kann man|anleitung (?:zum|zur|für)|so)" + _GAP + r"\b(?:bombe|rohrbombe|sprengstoff|sprengsatz|molotowcocktail|crystal meth|methamphetamin|heroin|giftgas|rizin|schalldämpfer)s?\b"
            + _GAP + r"\b(?:baut|bauen|herstellt|herstellen|kocht|kochen|bastelt|mischt)\b",
        ),
        "malware": (
            (r"\b(?:how to|here is how to|steps to|code for|script (?:that|to)) (?:write|create|build|make|develop|deploy|spread) "
            r"(?:an? |the |your (?:own )?)?(?:[a-z\-]{1,20} ){0,2}(?:ransomware|keyloggers?|botnets?|rootkits?|trojans?|spyware|computer (?:virus|worm)|malware|phishing (?:page|site|mail)s?)\b"),
        ),
    }
)  # fmt: skip


def harm_patterns() -> tuple[Pattern, ...]:
    """The rules are `policy.harm.<kind>`, as those of the head."""
    return patterns_of(_EXPRESSIONS, _EXPRESSIONS, rule="policy.harm", most_chars=_MOST_CHARS)
