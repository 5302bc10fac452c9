import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.patterns.streams import cut

from penstock.core.json import JsonValue
from penstock.guard.arguments import Cut, Unescaped

WORDS = st.text(st.sampled_from('ab"\\/\n\té😀\u2028{}[]:, 1-.tu@'), max_size=8)
VALUES: "st.SearchStrategy[JsonValue]" = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**16) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """JSON as somebody may write it, and what it says with nothing escaped."""
    sent: list[str] = []
    said: list[str] = []

    def write(value: JsonValue) -> None:
        match value:
            case str():
                both('"')
                for char in value:
                    said.append(char)
                    sent.append(escape(char))
                both('"')
            case list():
                both("[")
                for at, each in enumerate(value):
                    both(", " if at else "")
                    write(each)
                both("]")
            case dict():
                both("{ ")
                for at, (name, each) in enumerate(value.items()):
                    both("," if at else "")
                    write(name)
                    both(": ")
                    write(each)
                both("}")
            case _:
                both(msgspec.json.encode(value).decode())

    def both(text: str) -> None:
        sent.append(text)
        said.append(text)

    def escape(char: str) -> str:
        if char not in ESCAPES and draw(st.booleans()):
            return char
        if char in ESCAPES and draw(st.booleans()):
            return ESCAPES[char]
        raw = char.encode("utf-16-be")
        return "".join(f"\\u{raw[at]:02x}{raw[at + 1]:02X}" for at in range(0, len(raw), 2))

    write(draw(VALUES))
    return "".join(sent), "".join(said)


def read(pieces: list[str]) -> tuple[Unescaped, str]:
    unescaped = Unescaped()
    return unescaped, "".join([*map(unescaped.read, pieces), unescaped.rest()])


def applied(sent: str, cuts: list[Cut]) -> str:
    out: list[str] = []
    at = 0
    for count, instead in cuts:
        out.append(sent[at : at + count] if instead is None else instead)
        at += count
    assert at == len(sent)
    return "".join(out)


@settings(max_examples=200, deadline=None)
@given(written(), st.data())
def test_however_arguments_are_escaped_and_cut_they_read_as_what_they_say(
    case: tuple[str, str], data: st.DataObject
) -> None:
    sent, said = case
    unescaped, judged = read(cut(sent, data.draw(st.lists(st.integers(0, len(sent)), max_size=9))))
    # A string that spells an escape is read as what a reader of the JSON within it would see.
    if "\\u" not in said:
        assert judged == said
    cuts: list[Cut] = []
    left = len(judged)
    while left:
        count = data.draw(st.integers(1, left))
        unescaped.cut(count, None, cuts)
        left -= count
    assert applied(sent, cuts) == sent


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('a1"\\u0d83{},: tn'), max_size=30), st.data())
def test_text_that_is_no_json_comes_back_as_it_was(sent: str, data: st.DataObject) -> None:
    unescaped, judged = read(cut(sent, data.draw(st.lists(st.integers(0, len(sent)), max_size=9))))
    cuts: list[Cut] = []
    unescaped.cut(len(judged), None, cuts)
    assert applied(sent, cuts) == sent


@pytest.mark.parametrize(
    ("sent", "judged", "begin", "end", "masked"),
    [
        ('{"to": "a\\u0040b"}', '{"to": "a@b"}', 8, 11, '{"to": "<\\"M\\">"}'),
        ('{"n": 4111}', '{"n": 4111}', 6, 10, '{"n": "<\\"M\\">"}'),
        ('{"n": -4111.5e3 }', '{"n": -4111.5e3 }', 7, 11, '{"n": "<\\"M\\">" }'),
        ('["ab", "cd"]', '["ab", "cd"]', 3, 9, '["a<\\"M\\">", "d"]'),
        ('["\\ud83d\\ude00x"]', '["😀x"]', 2, 3, '["<\\"M\\">x"]'),
        ('"{\\"to\\": \\"a\\\\u0040b\\"}"', '"{"to": "a@b"}"', 9, 12, '"{\\"to\\": \\"<\\"M\\">\\"}"'),
        ("plain a@b text", "plain a@b text", 6, 9, 'plain <\\"M\\"> text'),
    ],
)
def test_what_is_replaced_leaves_json_json(sent: str, judged: str, begin: int, end: int, masked: str) -> None:
    for pieces in ([sent], list(sent)):
        unescaped, read_as = read(pieces)
        assert read_as == judged
        cuts: list[Cut] = []
        unescaped.cut(begin, None, cuts)
        unescaped.cut(end - begin, '<"M">', cuts)
        unescaped.cut(len(judged) - end, None, cuts)
        assert applied(sent, cuts) == masked


def test_nothing_is_kept_once_an_object_is_whole() -> None:
    unescaped = Unescaped()
    unescaped.read('{"a": "b\\u00')
    assert unescaped.is_holding
    unescaped.read('e9", "n": 12')
    assert unescaped.is_holding
    unescaped.read("}")
    assert not unescaped.is_holding
