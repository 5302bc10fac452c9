"""What a request's headers ask of the gateway.

`Cache-Control` (RFC 9111, section 5.2.1), a tier, a purpose, which conversation it is a turn of (by the
caller's own name, or by the id of one that is kept here), and a person's help.
"""

from penstock.core.exchange import NO_WISHES, Wishes
from penstock.core.ports import HeaderView


def wishes_of(headers: HeaderView) -> Wishes:
    """The directives that concern a cache of answers; others, and what cannot be read, say nothing."""
    text = headers.get("cache-control")
    tier = headers.get("x-penstock-tier")
    purpose = headers.get("x-penstock-purpose")
    conversation = headers.get("x-penstock-conversation")
    person = (headers.get("x-penstock-person") or "").strip().lower() in {"1", "true", "yes", "wanted"}
    memory = headers.get("x-penstock-memory") or None
    if not text:
        if not tier and not purpose and not conversation and not person and not memory:
            return NO_WISHES
        return Wishes(
            tier=tier or None,
            purpose=purpose or None,
            conversation=conversation or None,
            person=person,
            memory=memory,
        )
    given: dict[str, str] = {}
    for part in text.lower().split(","):
        name, _, value = part.strip().partition("=")
        given[name.strip()] = value.strip().strip('"')
    age = given.get("max-age", "")
    return Wishes(
        no_cache="no-cache" in given,
        no_store="no-store" in given,
        only_if_cached="only-if-cached" in given,
        max_age_s=float(age) if age.isascii() and age.isdigit() and len(age) <= 10 else None,
        tier=tier or None,
        purpose=purpose or None,
        conversation=conversation or None,
        person=person,
        memory=memory,
    )
