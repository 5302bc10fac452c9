"""What is only spoken about: "what does 'ignore all previous instructions' mean?" asks for nothing of the kind.

A phrase is spoken about where it stands in quotation marks and its sentence says something of it, or, where a user
writes, where it follows the word for what it is ("the phrase ..."); and nowhere in a text that also says to do it.  It
is covered before rules are run, so that it counts neither way, and what stands outside counts in full.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import re2

from penstock.guard.injection.words import DROP, MODEL, ORDERS, START

_MOST: Final = 64
_MOST_IN_DATA: Final = 100
"""Characters of a quotation in a document: who writes about an attack quotes a phrase of it."""
_BEFORE: Final = 120
_AFTER: Final = 80
_COVER: Final = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz", 26 * b"x")
"""Marks and digits stay: no rule is to reach further over what is covered than over what was there."""

_QUOTED: Final = re2.compile(
    rb"""(?:^|[^a-z0-9])(?:"([^"\n]{3,200})"|`([^`\n]{3,200})`)(?:[^a-z0-9]|$)"""
    rb"""|(?:^|[\s(\[:,;>-])'((?:[^'\n]|'[a-z]){3,200})'(?:[^a-z0-9]|$)"""
)
_SENTENCE_END: Final = re2.compile(rb"[!?\n]|[a-z0-9\"')\]]{2}\.(?:\s|$)|\.\.")
_ASKED_AFTER: Final = re2.compile(rb"\?$")
_ASKED_OF_IT: Final = re2.compile(rb"\b(?:can|could|would|will|kannst|konntest|wurdest) (?:you|u|ya|du)\b|\bwhy not\b")
_MARKS: Final = (b'"', b"'", b"`")

_SAID_BEFORE: Final = re2.compile(
    rb"\b(?:means?|meant|meaning|called|titled|entitled|named|known as|phrases?|sentences?|wording|strings?"
    rb"|expressions?|quotes?|headline|prompts? (?:like|such as)|such as|things like|for example|attacks?"
    rb"|injections?|jailbreaks?|patterns?|regex\w*|filters?|filtered|detect\w*|flag\w*|match\w*|block\w*|contain\w*"
    rb"|classif\w+|translat\w+|paraphrase|pronounce|rephrase|grammar|why|what (?:does|is|do|did)|how (?:does|do|is)"
    rb"|explain\w*|papers?|articles?|slides?|books?|tests?|tweets?|terms?"
    rb"|heisst|bedeute\w*|meint|gemeint|satz|satze\w*|ausdruck|formulierung\w*|spruch|warum|wieso|weshalb"
    rb"|was (?:ist|passiert|macht)|erklar\w*|ubersetz\w*|angriff\w*|zum beispiel|muster|titel"
    rb"|signifie|veut dire|pourquoi|expli\w+|tradui\w+|significa|quiere decir|frase|por que|traduc\w+|traduz\w*|perche"
    rb"|betekent|zin|waarom)\b|\b(?:e\.g|z\.b)\.|\b(?:quiz|exercise|awareness|poster)\b|^\s*(?:is|are|does|ist|sind)\b"
)
_TOLD_BEFORE: Final = re2.compile(
    rb"\b(?:(?:docs?|they|we|i|you|people|guidelines|rules|users|some|who|would|might|to) say|says|said|saying"
    rb"|writes?|wrote|written|types?|typed|typing|sent|posted|entered|asked|tells?|told|reads?"
    rb"|messages?|inputs?|comments?|queries|query|subject|texts?|signs?|wort\w*|nachricht\w*|eingabe\w*|geschrieben"
    rb"|schrieb|schreib(?:en|t)|getippt|tippen|gesagt|sagt|etwa|dit|ecrit|dice|escribe|scrive)\b"
)
"""Of these it takes a question too: somebody may have said so to be obeyed."""
_SAID_AFTER: Final = re2.compile(
    rb"\b(?:means?|mean|works?|stands? for|(?:is|are|was|were) (?:an?|the|one|not|considered|flagged|blocked|detected"
    rb"|filtered|called|known|mentioned|often|still|what|dangerous|harmful|effective|common|supposed)|attacks?"
    rb"|injections?|jailbreaks?|come from"
    rb"|in (?:german|english|french|spanish|italian|dutch|portuguese)|into (?:german|english|french|spanish|italian)"
    rb"|to (?:chat ?bots?|bots?|ais?|llms?|models?|chatgpt)|bedeute\w*|heisst|gemeint|(?:ist|sind|war|waren)"
    rb"|geschrieben|gesagt|geschickt|eingetragen|eingegeben|gepostet|funktionier\w*|ins \w+|auf (?:deutsch|englisch)"
    rb"|signifie|significa)\b"
)
_DISCUSSED: Final = re2.compile(
    rb"\b(?:attackers?|attacks?|injections?|jailbreak\w*|phrases?|strings?|scanners?|filters?|detect\w*|phishing"
    rb"|malicious"
    rb"|adversar\w+|vulnerab\w+|chat ?bots? declined|angreifer|angriff\w*|formulierung\w*|filtert?)\b"
)
"""What a document must say in the same sentence; it is not asked who reads it."""
_OBEY: Final = re2.compile(
    rf"(?:{START}|\b(?:and|then|now|please|just|must|should|shall|will|to|you|und|dann|jetzt|bitte|musst) )"
    r"(?:follow|obey|execute|carry out|carry on|comply|perform|implement|do (?:what|as|exactly|it|that|so|this"
    r"|the same)"
    r"\b|act (?:on|accordingly|like|as)|adhere|apply (?:this|it|that)|stick to|befolg\w*|fuhre\b[^.!?\n]{0,40}\baus"
    r"|gehorche?|halte? dich|mach (?:das|es|genau)|tu (?:das|es|genau|was)|setze? das|suis|execute[sz]?|obeis\w*|sigue"
    r"|obedece|haz lo|segui|esegui|obbedisci)".encode()
    + rb"|\b(?:is|are|as) (?:now )?your\b|\bthat is an order\b|\bist (?:jetzt|nun|ab)\b|\bsind (?:jetzt|nun|ab)\b"
)

_OF_WHAT: Final = rf"\b{DROP}\b[^.!?\n,;:\"']{{0,60}}?\b{ORDERS}\b"
_NAMED: Final = (
    re2.compile(
        r"\b(?:(?:phrase|sentence|words|expression|string|prompt|satz|ausdruck|formulierung|what does|what is meant by"
        r"|was (?:heisst|bedeutet|meint))"
        rf"|(?:attackers|hackers|people|users|kids|students|someone|somebody|angreifer|hacker|leute|nutzer|jemand)"
        r"(?: \w+){0,4}? (?:types?|writes?|says?|enters?|puts?|pastes?|sends?|schreib\w+|tippen))"
        rf" (?:like |such as |der |die |das |wie |the )?({_OF_WHAT})".encode()
    ),
    re2.compile(
        r"\b(?:attackers|hackers|people|users|kids|students|someone|somebody|they|i|we|who|that|which|by|of|from|wenn"
        r"|jemand)(?: \w+){0,4}? (?:tell\w*|ask\w*|trick\w*|get(?:ting|s)?|mak(?:e|es|ing)|convinc\w+|instruct\w*)"
        rf" (?:an?|the|my|our|their|its|any|other)?(?: \w+)? ?(?:it|them|{MODEL}|chatbots?|robots?) (?:to |into )?"
        rf"({_OF_WHAT})".encode()
    ),
    re2.compile(
        rf"\b(?:it|he|she|they|robots?|{MODEL}) (?:is|was|are|were|gets?|got|has been|have been) (?:told|asked|ordered)"
        rf" to ({_OF_WHAT})".encode()
    ),
    re2.compile(
        rf"(?:{START}|\b(?:explain|know|wonder|understand|erklare)\b )(?:what (?:is|are|does|was)|how (?:does|do|can"
        rf"|to|is|are)"
        r"|why|which|who|when|was (?:ist|sind|bedeutet)|wie|warum|is|are|explain|define|describe)\b[^.!?\n]{0,80}?"
        r"\b(jail ?break\w*(?: prompts?| attacks?)?(?: (?:like|such as|called|wie) dan\b)?)".encode()
    ),
)
_PREVENTED: Final = re2.compile(
    rb"\b(?:prevent\w*|protect\w*|stop\w*|avoid\w*|keep\w*|against|from|mak(?:e|es|ing)|get(?:s|ting)?|trick\w*"
    rb"|how (?:do|can)|why (?:do|did|does)|attackers?|users|people|verhinder\w*|schutz\w*|davor)\b[^.!?\n]{0,80}?"
    rb"\b(?:its|their|his|her|my|our|sein\w*|ihr\w*|mein\w*|unser\w*) (?:\w+ )?"
    rb"((?:system[- ]?)?(?:prompts?|instructions?|rules?|guidelines"
    rb"|anweisung\w*|vorgaben))\b"
)
_QUESTION: Final = re2.compile(
    rb"\?|\b(?:how|why|what|explain|make it|improve|proofread|correct|rewrite|shorten|wie|warum|wieso|was|erklar\w*"
    rb"|verbesser\w*|korrigier\w*)\b"
)
_OF_OTHERS: Final = re2.compile(
    rb"\b(?:an?|some|good|better|example|sample|my own|our own|ein(?:en?)?|eigen\w+) (?:\w+ )?"
    rb"(system[ -]?(?:prompts?|instructions?|message)|systemprompts?)\b"
    rb"|\b(system[ -]?(?:prompts?|instructions?)|systemprompts?) (?:field|parameter|role|(?:of|for|von|fur) (?:my"
    rb"|our|an?"
    rb"|their|meine\w?|unsere\w?|eine\w?) (?:own |eigen\w+ )?(?:\w+ )?(?:ai|agent|app|application|assistants?"
    rb"|assistenten|bots?|chat ?bots?|company|llm|product|project|team))\b"
)
"""Of an assistant that somebody builds, not of this one."""


def without_mentions(data: bytes, *, by_user: bool) -> bytes | None:
    """The folded text with what is spoken about covered, byte for byte; None where nothing is."""
    spans = [*_quoted(data), *_named(data), *_of_others(data)] if by_user else _discussed(data)
    if not spans:
        return None
    covered = bytearray(data)
    for begin, end in spans:
        covered[begin:end] = data[begin:end].translate(_COVER)
    rest = bytes(covered)
    return None if _OBEY.search(rest) is not None else rest


def _quotations(data: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Where each stands, and what of its sentence stands before and after it."""
    if not any(mark in data for mark in _MARKS):
        return
    for match in islice(_QUOTED.finditer(data), _MOST):
        begin, end = next(match.span(each) for each in (1, 2, 3) if match.span(each)[0] >= 0)
        yield begin, end, data[_last_end(data, begin - 1) : begin - 1], data[end + 1 : _next_end(data, end + 1)]


def _quoted(data: bytes) -> list[tuple[int, int]]:
    is_asked: bool | None = None
    found: list[tuple[int, int]] = []
    for begin, end, before, after in _quotations(data):
        is_question = _ASKED_AFTER.search(after) is not None and _ASKED_OF_IT.search(before) is None
        if not is_question and _SAID_BEFORE.search(before) is None and _SAID_AFTER.search(after) is None:
            if is_asked is None:
                is_asked = _QUESTION.search(data) is not None
            if not is_asked or _TOLD_BEFORE.search(before) is None:
                continue
        found.append((begin, end))
    return found


def _discussed(data: bytes) -> list[tuple[int, int]]:
    if _DISCUSSED.search(data) is None:
        return []
    return [
        (begin, end)
        for begin, end, before, after in _quotations(data)
        if end - begin <= _MOST_IN_DATA and (_DISCUSSED.search(before) or _DISCUSSED.search(after)) is not None
    ]


def _named(data: bytes) -> list[tuple[int, int]]:
    if _QUESTION.search(data) is None:
        return []
    return [match.span(1) for each in (*_NAMED, _PREVENTED) for match in islice(each.finditer(data), _MOST)]


def _of_others(data: bytes) -> list[tuple[int, int]]:
    return [match.span(1 if match.span(1)[0] >= 0 else 2) for match in islice(_OF_OTHERS.finditer(data), _MOST)]


def _last_end(data: bytes, at: int) -> int:
    """Where the sentence that holds this place begins."""
    least = max(0, at - _BEFORE)
    found = least
    for match in _SENTENCE_END.finditer(data, least, at):
        found = match.end()
    return found


def _next_end(data: bytes, at: int) -> int:
    """Where it ends, with its mark."""
    most = min(len(data), at + _AFTER)
    match = _SENTENCE_END.search(data, at, most)
    return most if match is None else match.end()
