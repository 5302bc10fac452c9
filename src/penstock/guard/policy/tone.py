# ruff: noqa: E501 - tables of expressions read best as one line each
"""How an answer must not sound: rude, or more familiar than a customer likes.

Lists in English and German, as patterns for whole texts and streams.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, Literal, get_args

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.policy.wordings import patterns_of

Tone = Literal["rude", "familiar"]
TONES: Final[tuple[Tone, ...]] = get_args(Tone)

_MOST_CHARS: Final = 120

_EXPRESSIONS: Final = MappingProxyType[Tone, tuple[str, ...]](
    {
        "rude": (
            (
                r"\b(?:you(?:'re| are)|don't be|stop being|how can you be)(?: (?:so|such|really|just|clearly|an?|too|utterly|completely)){0,3} "
                r"(?:stupid|dumb|idiotic|idiots?|morons?|moronic|lazy|pathetic|ignorant|clueless|fools?|foolish|annoying|incompetent|useless|imbeciles?|liars?)\b"
            ),
            r"\b(?:shut up|get lost|piss off|screw you|fuck(?:ing)?(?: you| off)?|go to hell|bullshit|dumbass|asshole|bastard|bitch|crap)\b",
            r"\b(?:that|this|what) (?:is|was) an? (?:stupid|dumb|idiotic|silly|ridiculous) (?:question|request|idea|thing to (?:say|ask))\b",
            (
                r"\b(?:as i (?:already|just) (?:said|told you)|how many times (?:do|must) i|are you even (?:reading|listening)|learn to read"
                r"|not my problem|deal with it|i don't care(?: about (?:you|your)\b)?|stop (?:wasting|bothering)(?: my)?)\b"
            ),
            (
                r"\b(?:sie sind|du bist|sei nicht so|seien sie nicht so)(?: (?:so|wirklich|einfach|wohl|ein|eine|zu|echt)){0,3} "
                r"(?:dumm|blöd|doof|bescheuert|idiot|idiotin|faul|unfähig|lächerlich|nervig|peinlich|trottel)\b"
            ),
            (
                r"\b(?:halten sie (?:den mund|die klappe)|halt (?:den mund|die klappe|die fresse)|verpiss dich|leck mich|arschloch|scheiße|scheiss|verdammt(?:er?|e|es)?"
                r"|mist(?:kerl|stück)|vollidiot|depp)\b"
            ),
            r"\b(?:dumme|blöde|alberne|lächerliche|idiotische)[rnsm]? (?:frage|idee|anfrage|bitte)\b",
            r"\b(?:das ist nicht mein problem|lernen sie lesen|wie oft (?:muss|soll) ich|pech gehabt|das ist mir egal)\b",
        ),
        "familiar": (
            (
                r"\b(?:hey|hi|hello|yo|sup|listen|look|thanks|sorry|okay|ok|sure|no worries|come on),? "
                r"(?:babe|baby|honey|sweetie|sweetheart|darling|dear|love|hun|bro|bruh|dude|mate|buddy|pal|girl|man|boss|gorgeous|cutie)\b"
            ),
            r"\b(?:babe|sweetie|sweetheart|honey bun|cutie|hottie|bruh|homie|bestie|my dude|bro)\b",
            r"\b(?:i (?:love|miss|adore) you|love ya|xoxo|kisses|hugs and kisses|you're so (?:cute|hot|sexy|gorgeous))\b",
            r"\b(?:lol|lmao|rofl|omg|wtf|yolo|lmfao)\b",
            r"\b(?:hey|hallo|hi|na|servus|danke|sorry|okay|ok),? (?:süße[rs]?|schatz|schätzchen|liebling|mausi?|alter|digga|kumpel|bro|hübsche[rs]?|schnucki)\b",
            r"\b(?:schätzchen|schnucki|süßer|süße|digga|alter schwede|hab dich lieb|ich liebe dich|bussi|knutsch(?:er)?)\b",
        ),
    }
)


def tone_patterns(tones: Sequence[Tone] = TONES) -> tuple[Pattern, ...]:
    """For the tones that are chosen; the rules are `policy.tone.<tone>`."""
    return patterns_of(_EXPRESSIONS, tones, rule="policy.tone", kind="TONE", most_chars=_MOST_CHARS)
