"""Replaces what was found by tokens, in every place of a request at once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from penstock.core.chat import Request
from penstock.guard.personal.escapes import value_of
from penstock.guard.personal.tokens import Tokens
from penstock.guard.texts import segments_of, visited
from penstock.guard.verdict import Finding, Segment

_LEAST_REPEATED: Final = 4
"""A shorter value is too often another word."""

Found = tuple[Segment, Finding]


def masked(
    request: Request, found: Iterable[Found], tokens: Tokens, segments: Sequence[Segment] | None = None
) -> tuple[Request, Mapping[str, int]]:
    """The request with tokens in place of what was found, and how many values of each kind went.

    `segments` are those of the request, where they are known already.
    Tokens are issued in the order in which values stand in the request.  A value that was found in one place is
    replaced in all: a name that stands alone is harder to tell than one in a sentence.
    """
    by_text: dict[str, list[Finding]] = defaultdict(list)
    for segment, finding in found:
        if not _is_token(segment.text, finding, tokens):
            by_text[segment.text].append(finding)
    if not by_text:
        return request, {}
    segments = segments_of(request) if segments is None else segments
    for segment in segments:
        # What a model said may be a token that we gave it; nobody else writes any.  Of a conversation those are known.
        if segment.trust != "model" or tokens.is_of_conversation:
            tokens.avoid(segment.text)
    texts = tuple(dict.fromkeys(segment.text for segment in segments))
    chosen = {text: apart(by_text[text]) for text in texts if text in by_text}
    known: dict[str, str] = {}
    for text, findings in chosen.items():
        for each in findings:
            value = value_of(each, text)
            tokens.token(each.kind, value)
            known[value] = each.kind
    counts: Counter[str] = Counter()
    sent: dict[str, str] = {}
    for text in texts:
        own = chosen.get(text, [])
        findings = [*own, *_repeated(text, known, {(each.begin, each.end, value_of(each, text)): each for each in own})]
        if findings:
            sent[text] = _replaced(text, apart(findings), tokens, counts)
    return visited(request, lambda segment: sent.get(segment.text, segment.text)), counts


def replaced(text: str, findings: Sequence[Finding], tokens: Tokens) -> str:
    """One text by itself, with findings that do not touch each other."""
    return _replaced(text, findings, tokens, Counter())


def _is_token(text: str, finding: Finding, tokens: Tokens) -> bool:
    """Whether it is a token of the conversation, or a part of one, that was taken for a value."""
    return any(begin <= finding.begin and finding.end <= end for begin, end in tokens.spans(text))


def _replaced(text: str, findings: Sequence[Finding], tokens: Tokens, counts: Counter[str]) -> str:
    said: list[str] = []
    at = 0
    for each in findings:
        said += text[at : each.begin], tokens.token(each.kind, value_of(each, text))
        counts[each.kind] += 1
        at = each.end
    said.append(text[at:])
    return "".join(said)


def _repeated(text: str, known: Mapping[str, str], found: Mapping[tuple[int, int, str], Finding]) -> Iterator[Finding]:
    """Where values that are known stand in the text, as words of their own, and were not found as what they are."""
    for value, kind in known.items():
        if len(value) < _LEAST_REPEATED:
            continue
        at = text.find(value)
        while at >= 0:
            end = at + len(value)
            same = found.get((at, end, value))
            if (same is None or same.kind != kind) and _is_word(text, at, end):
                yield Finding("personal.repeated", kind, at, end)
            at = text.find(value, end)


def _is_word(text: str, begin: int, end: int) -> bool:
    is_within_before = text[begin - 1 : begin].isalnum() and text[begin].isalnum()
    return not is_within_before and not (text[end : end + 1].isalnum() and text[end - 1].isalnum())


def apart(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in order, none of which touches another: of those that overlap the longest, and what stands out of it.

    What only a shorter one covers is covered still: it becomes a finding of its own kind, cut to what is left.
    """
    ordered = sorted((each for each in findings if each.begin < each.end), key=_begin)
    chosen: list[Finding] = []
    at = 0
    while at < len(ordered):
        widest, first = ordered[at], at
        begin, end = widest.begin, widest.end
        at += 1
        while at < len(ordered) and ordered[at].begin < end:
            each = ordered[at]
            if each.end >= end:
                if each.begin == begin and (each.end > end or each.score > widest.score):
                    widest = each
                end = each.end
            at += 1
        if widest.end == end:  # it holds all that it overlaps
            chosen.append(widest)
        else:
            chosen += _untangled(ordered[first:at], end)
    return chosen


def _untangled(findings: Sequence[Finding], end: int) -> list[Finding]:
    """Of findings that overlap, the first of which begins first and the last of which ends at `end`."""
    origin = findings[0].begin
    covered = bytearray(end - origin)
    chosen: list[Finding] = []
    for each in sorted(findings, key=_rank):
        last = each.end - origin
        begin = covered.find(0, each.begin - origin, last)
        while begin >= 0:
            until = covered.find(1, begin, last)
            until = last if until < 0 else until
            covered[begin:until] = b"\1" * (until - begin)
            is_whole = (begin + origin, until) == (each.begin, last)
            chosen.append(
                each if is_whole else Finding(each.rule, each.kind, begin + origin, until + origin, each.score)
            )
            begin = covered.find(0, until, last)
    return sorted(chosen, key=_begin)


def _begin(finding: Finding) -> int:
    return finding.begin


def _rank(finding: Finding) -> tuple[int, float, int]:
    return finding.begin - finding.end, -finding.score, finding.begin
