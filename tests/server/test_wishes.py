"""What callers ask of the gateway by headers: of the cache, and which tier."""

import pytest

from penstock.core.exchange import NO_WISHES, Wishes
from penstock.server.http.head import Headers
from penstock.server.wishes import wishes_of


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        (None, NO_WISHES),
        ("", NO_WISHES),
        ("no-cache", Wishes(no_cache=True)),
        ("No-Store, max-age=60", Wishes(no_store=True, max_age_s=60.0)),
        ('only-if-cached , max-age="0"', Wishes(only_if_cached=True, max_age_s=0.0)),
        ("max-age=-1", NO_WISHES),
        ("max-age=1e3", NO_WISHES),
        ("max-age=" + "9" * 400, NO_WISHES),
        ("max-age=\u0663", NO_WISHES),
        ("private, =, ,,==;", NO_WISHES),
    ],
)
def test_directives_are_read_and_what_is_none_says_nothing(text: str | None, wishes: Wishes) -> None:
    assert wishes_of(Headers({} if text is None else {"cache-control": text.encode("latin-1", "replace")})) == wishes


def test_a_tier_is_asked_for_by_its_own_header() -> None:
    assert wishes_of(Headers({"x-penstock-tier": b"strong"})) == Wishes(tier="strong")
    both = Headers({"x-penstock-tier": b"strong", "cache-control": b"no-cache"})
    assert wishes_of(both) == Wishes(no_cache=True, tier="strong")
    assert wishes_of(Headers({"x-penstock-tier": b""})) == NO_WISHES


def test_a_purpose_is_named_by_its_own_header() -> None:
    assert wishes_of(Headers({"x-penstock-purpose": b"billing"})) == Wishes(purpose="billing")
    both = Headers({"x-penstock-purpose": b"billing", "cache-control": b"no-cache"})
    assert wishes_of(both) == Wishes(no_cache=True, purpose="billing")
    assert wishes_of(Headers({"x-penstock-purpose": b""})) == NO_WISHES
