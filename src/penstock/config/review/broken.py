"""Rules of the review that are well formed and yet cannot work."""

import re
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from penstock.config.alerts import AlertSettings, broken_alerts
from penstock.config.review.settings import HoldConditions, HoursSettings, OverdueSettings, ReviewSettings, Texts

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z|24:00\Z")
_LANGUAGE = re.compile(r"(?:[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)?\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]*\Z")


def broken_review(review: ReviewSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    seen: set[str] = set()
    for index, rule in enumerate(review.rules):
        path = f"review.rules.{index}"
        if not _ID.match(rule.name):
            yield f"{path}.name", "a rule's name has small letters, digits, `_`, `.` and `-` only"
        elif rule.name in seen:
            yield f"{path}.name", f"there are two rules called `{rule.name}`"
        seen.add(rule.name)
        if rule.when == HoldConditions():
            yield f"{path}.when", "without a condition it would hold back every answer: name at least one"
        if rule.when.or_unknown and rule.when.confidence_below is None:
            yield f"{path}.when.or_unknown", "it says something only beside `confidence_below`"
        if rule.when.amount is not None and not _CURRENCY.match(rule.when.amount.currency):
            yield f"{path}.when.amount.currency", "a currency is three capital letters, such as `EUR`"
        if rule.hours is not None and rule.hours not in review.hours:
            yield f"{path}.hours", f"there are no `review.hours.{rule.hours}`"
        yield from _texts(f"{path}.hand_over", rule.hand_over)
        yield from _overdue(f"{path}.overdue", rule.overdue)
    for name, hours in review.hours.items():
        yield from _hours(f"review.hours.{name}", hours)
    yield from _texts("review.rejection", review.rejection)
    for path, message in broken_alerts(AlertSettings(webhooks=review.webhooks)):
        yield path.replace("alerts.", "review.", 1), message


def _overdue(path: str, steps: Sequence[OverdueSettings]) -> Iterator[tuple[str, str]]:
    for index, step in enumerate(steps):
        if step.action == "escalate" and not step.group:
            yield f"{path}.{index}.group", "say to which group"
        if step.action == "reject" and not step.text:
            yield f"{path}.{index}.text", "say what the caller is told"
        if step.action in {"release", "reject"} and index + 1 < len(steps):
            yield f"{path}.{index + 1}", f"nothing comes after `{step.action}`: it ends the hold"
        yield from _texts(f"{path}.{index}.text", step.text)


def _texts(path: str, texts: Texts) -> Iterator[tuple[str, str]]:
    for language in texts:
        if not _LANGUAGE.match(language):
            yield f"{path}.{language}", 'a language is written like `de` or `pt-BR`; `""` is every other'


def _hours(path: str, hours: HoursSettings) -> Iterator[tuple[str, str]]:
    try:
        ZoneInfo(hours.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"{path}.time_zone", f"`{hours.time_zone}` is no time zone, such as `Europe/Berlin`"
    sound = True
    for name in ("opens", "closes"):
        if not _CLOCK.match(getattr(hours, name)):
            sound = False
            yield f"{path}.{name}", "a time of day is written like `17:30`"
    if sound and hours.opens >= hours.closes:
        yield f"{path}.closes", "it must be after `opens`, on the same day"
    if not hours.days:
        yield f"{path}.days", "name at least one day"
