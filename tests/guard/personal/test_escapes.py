r"""What JSON hides: `\n` right before a value, or `\u0040` in it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.json import dumps
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.personal.escapes import value_of, with_escapes
from penstock.guard.personal.patterns.catalogue import catalogue

EMAILS = PatternSet(catalogue(frozenset({"EMAIL_ADDRESS"})))
ADDRESS = "ann@example.com"


def found(text: str) -> list[tuple[str, str]]:
    """What stands there, and what it is read as."""
    return [(text[each.begin : each.end], value_of(each, text)) for each in with_escapes(EMAILS.find, text)]


def test_a_value_behind_an_escape_is_found_where_it_begins() -> None:
    assert found(r'{"text": "first\nann@example.com"}') == [(ADDRESS, ADDRESS)]
    assert (ADDRESS, ADDRESS) in found(r'{"text": "{\\\"to\\\":\\\"\\tann@example.com\\\"}"}')


def test_a_value_with_escapes_in_it_is_found_and_read() -> None:
    hidden = r"ann\u0040example.com"
    assert found(f'{{"to": "{hidden}"}}') == [(hidden, ADDRESS)]
    assert (r"ann\\u0040example.com", ADDRESS) in found(r'x "ann\\u0040example.com"')


def test_a_megabyte_of_slashes_takes_a_moment() -> None:
    assert found("\\" * 1_000_000) == []
    assert len(found("\\n" * 300_000 + ADDRESS)) == 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20), st.integers(1, 3))
def test_however_deep_it_is_found_at_its_place(before: str, levels: int) -> None:
    text = f"{before} \n{ADDRESS}\n"
    for _ in range(levels):
        text = dumps({"t": text}).decode()
    assert any(read == ADDRESS for _, read in found(text))
