import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.patterns.streams import (
    PATTERNS,
    WINDOW,
    cut,
    cut_texts,
    findings_of,
    plain_places,
    streamed,
    text_of,
)

from penstock.core.errors import ConfigError
from penstock.guard.patterns.pattern import Pattern, Validate
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.patterns.window import Found, PatternWindow
from penstock.guard.personal.patterns.catalogue import catalogue

PROSE = (
    "The quick brown fox jumps over the lazy dog while Maria watches from the window. She had planned to visit the"
    " museum, but the tickets were sold out; so she went for a walk along the river instead. In the evening they cooked"
    " pasta with tomatoes, basil and too much garlic: nobody complained. Die Anmeldung ist bis zum Herbst möglich, wenn"
    " Sie das Formular ausfüllen und unterschreiben."
)


SET = PatternSet(PATTERNS)


@settings(max_examples=400, deadline=None)
@given(cut_texts())
def test_however_a_text_is_cut_the_same_is_found_as_in_the_whole(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    out = streamed(WINDOW, pieces)
    found = SET.find(text)
    assert text_of(out) == text
    assert findings_of(out) == sorted(found, key=lambda each: (each.begin, -each.end, each.rule))
    hidden = {place for each in found for place in range(each.begin, each.end)}
    assert not hidden & plain_places(out), "a character of a match went out"


@settings(max_examples=100, deadline=None)
@given(cut_texts())
def test_a_whole_text_gives_what_the_stream_gives(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    assert [each for each in WINDOW.whole(text) if isinstance(each, Found)] == [
        each for each in streamed(WINDOW, pieces) if isinstance(each, Found)
    ]


ATOMS = ("a", "b", "1", " ", "-", "é", "[ab]", "[^a]", "[a-b1]", r"\w", r"\d", ".", "[^ ]", "(?i:A)")
REPEATS = ("?", "{2}", "{1,2}", "{0,3}", "{1,5}", "{0,7}", "{4,6}", "{5}", "??", "{1,5}?")
NODES = st.recursive(
    st.sampled_from((*ATOMS, r"\b", r"\B")),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(REPEATS)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=6,
)
TRIPLES = st.tuples(NODES, NODES, NODES)
EXPRESSIONS = st.one_of(
    NODES,
    TRIPLES.map(lambda parts: f"{parts[0]}({parts[1]}){parts[2]}"),
    TRIPLES.map(lambda parts: f"(?:{parts[0]}|({parts[1]})){{1,3}}{parts[2]}"),
)


def is_even(value: str) -> bool:
    return len(value) % 2 == 0


def has_a(value: str) -> bool:
    return "a" in value


VALIDATORS: "st.SearchStrategy[Validate | None]" = st.sampled_from((None, is_even, has_a))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_this_holds_for_whatever_expression(data: st.DataObject) -> None:
    patterns: list[Pattern] = []
    for at, expression in enumerate(data.draw(st.lists(EXPRESSIONS, min_size=1, max_size=3))):
        pattern = Pattern(f"p.{at}", "KIND", expression, data.draw(VALIDATORS), most_chars=8_192)
        try:
            PatternWindow([pattern])
        except ConfigError:  # it may match nothing at all
            continue
        patterns.append(pattern)
    window = PatternWindow(patterns)
    for _ in range(5):
        text, pieces = data.draw(cut_texts(st.text("ab1 -é", max_size=24)))
        found = PatternSet(patterns).find(text)
        for cuts in (pieces, list(text)):
            out = streamed(window, cuts)
            assert findings_of(out) == sorted(found, key=lambda each: (each.begin, -each.end, each.rule))
            assert not {p for each in found for p in range(each.begin, each.end)} & plain_places(out)
            assert text_of(out) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to john.doe@example.com please", "EMAIL"),
        ("pay to DE89 3704 0044 0532 0130 00 now", "IBAN"),
        ("my card is 4111-1111-1111-1111.", "CARD"),
        ("call +49 30/1234 567 today", "PHONE"),
        ("use sk-A1b2C3d4E5f6G7h8 for it", "KEY"),
        ("Passport no. C01X00T47 is mine", "PASSPORT"),
        ("the password: hunter22 is old", "SECRET"),
        ("bei MÜLLER und Co", "WORD"),
    ],
)
def test_character_by_character_nothing_of_a_match_goes_out(text: str, kind: str) -> None:
    opened = WINDOW.open()
    out = [piece for char in text for piece in opened.feed(char)] + opened.finish()
    (found,) = [each for each in out if isinstance(each, Found)]
    assert [each.kind for each in found.findings] == [kind]
    finding = found.findings[0]
    assert found.text == text[finding.begin : finding.end]
    assert text_of(out) == text


def test_words_before_a_value_go_on_and_are_not_held() -> None:
    opened = WINDOW.open()
    assert text_of(opened.feed("the Passport no. ")) == "the Passport no. "
    assert opened.feed("C01X0") == []


def test_between_the_words_of_a_text_nothing_is_held() -> None:
    opened = WINDOW.open()
    for word in PROSE.split(" "):
        opened.feed(word)
        assert opened.held <= len(word), word
        opened.feed(" ")
        assert opened.held <= 1, word


def test_with_all_of_the_catalogue_the_end_of_prose_is_held_for_a_word_or_two() -> None:
    opened = PatternWindow(catalogue()).open()  # knows "ann at example dot org", and streets by their words
    held: list[int] = []
    for word in PROSE.split(" "):
        opened.feed(f"{word} ")
        held.append(opened.held)
    assert sorted(held)[len(held) // 2] <= 6
    assert max(held) <= 24


def test_a_text_without_matches_passes_piece_by_piece_as_it_came() -> None:
    opened = WINDOW.open()
    pieces = [f" {word}," for word in ("some", "ordinary", "words", "here")]
    assert [opened.feed(each) for each in pieces[:1]] == [[" some,"]]
    assert text_of([out for each in pieces[1:] for out in opened.feed(each)]) == "".join(pieces[1:])


def test_a_match_at_the_end_waits_for_the_character_that_may_undo_it() -> None:
    opened = WINDOW.open()
    assert opened.feed("ask acme") == ["ask "]
    assert text_of(opened.feed("d ")) == "acmed "
    opened = WINDOW.open()
    opened.feed("ask acme")
    (found,) = opened.finish()
    assert isinstance(found, Found)
    assert found.text == "acme"


def test_the_longer_match_is_waited_for() -> None:
    opened = WINDOW.open()
    out = [*opened.feed("at acme"), *opened.feed(" "), *opened.feed("co"), *opened.feed("rp!")]
    assert [each.text for each in out if isinstance(each, Found)] == ["acme corp"]


def test_what_is_held_of_an_endless_word_has_a_bound() -> None:
    opened = WINDOW.open()
    for _ in range(2_000):
        opened.feed("aaaaa")
        assert opened.held <= 345
    assert len(opened._text) < 2_000  # pyright: ignore[reportPrivateUsage]


def test_findings_that_overlap_go_out_as_one() -> None:
    window = PatternWindow([Pattern("a.a", "A", "bcd"), Pattern("b.b", "B", "cdef"), Pattern("c.c", "C", "d")])
    out = streamed(window, list("abcdefg"))
    (found,) = [each for each in out if isinstance(each, Found)]
    assert (found.text, found.begin) == ("bcdef", 1)
    assert [each.rule for each in found.findings] == ["b.b", "a.a", "c.c"]


def test_a_chain_of_findings_without_end_is_not_held_without_end() -> None:
    window = PatternWindow([Pattern("a.a", "A", "ab[ab]{6}"), Pattern("b.b", "B", "ba[ab]{8}")])
    text = "ab" * 10_000
    out = streamed(window, cut(text, range(0, len(text), 7)))
    assert text_of(out) == text
    assert max(len(each.text) for each in out if isinstance(each, Found)) <= 1_024
    assert not [each for each in out[:-1] if isinstance(each, str)]
    assert findings_of(out) == sorted(
        PatternSet(window.patterns).find(text), key=lambda each: (each.begin, -each.end, each.rule)
    )


def test_a_match_that_is_complete_waits_for_one_that_began_before() -> None:
    window = PatternWindow([Pattern("a.a", "A", " b1|b")])
    assert [each.text for each in streamed(window, list("a b1 b")) if isinstance(each, Found)] == [" b1", "b"]


def test_a_boundary_knows_the_character_before_it() -> None:
    window = PatternWindow([Pattern("a.a", "A", r"\bab|babx1")])
    assert [each.begin for each in streamed(window, ["ab", "abx1"]) if isinstance(each, Found)] == [0]


def test_after_a_refused_match_the_search_goes_on_within_it() -> None:
    window = PatternWindow([Pattern("a.a", "A", "[0-9]{4}", lambda value: value == "2345")])
    assert [each.text for each in streamed(window, ["12", "34", "5"]) if isinstance(each, Found)] == ["2345"]


ROWS = (
    Pattern("r.row", "ROW", r"\b[0-9]{1,4}(?: [0-9]{2,4}){1,4}\b", lambda text: len(text) <= 9, is_whole=True),
    Pattern("r.named", "ROW", "no[.] ([0-9]{2}(?: [0-9]{2}){0,3})", lambda text: len(text) <= 5, is_whole=True),
)
ROW_SET, ROW_WINDOW = PatternSet(ROWS), PatternWindow(ROWS)


@settings(max_examples=300, deadline=None)
@given(
    cut_texts(st.lists(st.sampled_from(["1", "23", " ", "4567 ", "no. ", "é", "x", ", "]), max_size=20).map("".join))
)
def test_a_match_that_is_refused_as_a_whole_is_left_whole_however_it_is_cut(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    out = streamed(ROW_WINDOW, pieces)
    assert text_of(out) == text
    assert findings_of(out) == sorted(ROW_SET.find(text), key=lambda each: (each.begin, -each.end, each.rule))


def test_texts_of_many_characters_do_not_fill_the_memory() -> None:
    window = PatternWindow([Pattern("a.a", "A", r"[^ ]{2,9}!")])
    opened = window.open()
    for begin in range(0x4E00, 0x4E00 + 20_000, 100):
        opened.feed("".join(map(chr, range(begin, begin + 100))) + " ")
    assert len(window.machine._known) <= 16_384  # pyright: ignore[reportPrivateUsage]
    assert [each.text for each in [*opened.feed("\u4e00\u4e01!"), *opened.finish()] if isinstance(each, Found)]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("a{1,9}b+", "without an upper bound"),
        ("ab*", "without an upper bound"),
        ("a{3,}", "without an upper bound"),
        ("^abc", "begins or ends"),
        ("abc$", "begins or ends"),
        (r"abc\z", r"`\\z`"),
        (r"\Aabc", r"`\\A`"),
        (r"\Qabc\E", r"`\\Q`"),
        ("(a)(b)", "a second group"),
        ("(?U:a{1,2})", r"`\(\?U`"),
        ("a(b?)c", "may be empty"),
        ("a{0,3}", "may be empty"),
        ("(?:a?|(b)){1,2}", "may be empty"),
        (r"\b", "may be empty"),
        ("a{,3}", "begins no repetition"),
        ("(a", "not taken"),
        ("a{300}", "300 characters, more than most_chars=256"),
        ("(?:[a-z]{100}){10}", "1000 characters, more than"),
        (r"(?=a)b", "not taken"),
        (r"(a)\1", "not taken"),
    ],
)
def test_what_a_stream_cannot_follow_is_refused_when_it_is_loaded(expression: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        PatternWindow([Pattern("custom.one", "X", expression)])
    assert refused.value.message.startswith("custom.one: ")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (r"[]a]{2}", "]a"),
        (r"[^]a]{2}", "xy"),
        (r"[[:digit:]x]{2}-", "1x-"),
        (r"[\]a]{2}", "]a"),
        (r"\p{Greek}{2}", "αβ"),
        (r"\pL\PL", "a1"),
        (r"\x41\x{42}", "AB"),
        (r"(?i)straSSe", "STRAẞE".replace("ẞ", "ss")),
        (r"(?s:a.b)", "a\nb"),
        (r"(?i:a(?-i:b))c", "Abc"),
        (r"(?P<name>a)b", "ab"),
        (r"(?<name>a)b", "ab"),
        (r"a\.b\-c", "a.b-c"),
        (r"k(?i)k", "kK"),
        (r"\{a\}", "{a}"),
    ],
)
def test_the_syntax_of_re2_is_read(expression: str, text: str) -> None:
    window = PatternWindow([Pattern("a.a", "A", expression)])
    spread = f"_ {text} _"
    found = PatternSet(window.patterns).find(spread)
    assert found
    assert findings_of(streamed(window, list(spread))) == found


def test_nothing_is_found_where_there_are_no_patterns() -> None:
    assert streamed(PatternWindow([]), ["a ", "b"]) == ["a ", "b"]


@pytest.mark.parametrize("is_one", [True, False])
def test_long_lists_of_names_are_followed_by_re2(*, is_one: bool) -> None:
    names = [
        f"{first}{middle}{last} of {last}"
        for first in "ABCDEFGHIJ"
        for middle in "aeiou"
        for last in ("n", "rt", "ll", *"bcdfg")
    ]
    several = [*names, *(f"{each}, {'very ' * 8}much" for each in names)]
    lists = [rf"\b(?i:{'|'.join(names)})\b"] if is_one else [rf"\b(?i:{each})\b" for each in several]
    window = PatternWindow([*(Pattern(f"a.{at}", "A", each) for at, each in enumerate(lists)), *PATTERNS])
    assert len(window.followed) < len(window.patterns) - (0 if is_one else len(PATTERNS))
    for text in ("by Bart and BARt Of RT, JELL OF LL! ", "so Con of n, Con of no, john@example.com"):
        found = sorted(PatternSet(window.patterns).find(text), key=lambda each: (each.begin, -each.end, each.rule))
        assert len(found) == 2
        for pieces in (list(text), [text]):
            out = streamed(window, pieces)
            assert findings_of(out) == found
            assert not {at for each in found for at in range(each.begin, each.end)} & plain_places(out)
    opened = window.open()
    assert text_of(opened.feed("the ordinary words, ")) == "the ordinary words, "


class GaveUp:
    """RE2's automaton out of memory: it says neither that it found nothing nor that it did not look."""

    def Match(self, text: bytes) -> list[int] | None:  # noqa: N802 - the library's name
        return None


def test_an_automaton_that_gives_up_makes_no_pattern_pass_over() -> None:
    window = PatternWindow(PATTERNS)
    for several in (window.asked.near, window.asked.possible, window.asked.open, window.anywhere):
        several._set = GaveUp()  # pyright: ignore[reportPrivateUsage]  # nothing smaller makes it give up
    text = "Passport no. C01X00T47 of john@example.com"
    for out in (streamed(window, list(text)), window.whole(text)):
        assert [each.kind for each in findings_of(out)] == ["PASSPORT", "EMAIL"]
