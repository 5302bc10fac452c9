"""What a request's `Cache-Control` says (https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1)."""

from penstock.core.exchange import NO_WISHES, Wishes
from penstock.core.ports import HeaderView


def wishes_of(headers: HeaderView) -> Wishes:
    """The directives that concern a cache of answers; others, and what cannot be read, say nothing."""
    text = headers.get("cache-control")
    if not text:
        return NO_WISHES
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
    )
