"""Every value comes back, nothing else does, and no half token is ever shown, however the answer is cut."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.events import Citation, Event, Finish, Start, Text, ToolCall
from penstock.core.json import JsonValue, dumps, loads
from penstock.guard.personal.depth import Depth, escaped
from penstock.guard.personal.restore import Restore, Slots

VALUES = {
    "<PERSON_1>": "Anna Schmidt",
    "<EMAIL_1>": 'o"hara\\x@example.com',
    "<IBAN_12>": "DE89 3704 0044 0532 0130 00",
    "<NOTE_1>": "two\nlines, and <PERSON_1>",
}
FOREIGN = (
    *("<PERSON_2>", "<PERSON_01>", "<EMAIL_>", "<>", "<PERSON_1", "PERSON_1>"),
    *("<person_1>", "< PERSON_1>", "<IBAN_1>", "&lt;X", "\\u003"),
)
plain = st.text(alphabet="ab <>&;_1PERSON\\\"'é\u202e\u0301😀", max_size=12)
words = st.one_of(plain, st.sampled_from([*VALUES, *FOREIGN]))
texts = st.lists(words, max_size=10).map("".join)


def cut(text: str, places: Sequence[int]) -> list[str]:
    at = sorted({place % (len(text) + 1) for place in places})
    return [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]


def whole(text: str) -> str:
    slots = Slots(VALUES, is_json=False)
    return slots.feed(text) + slots.finish()


@settings(max_examples=400, deadline=None)
@given(texts, st.lists(st.integers(0, 500), max_size=20))
def test_the_cut_changes_nothing(text: str, places: list[int]) -> None:
    slots = Slots(VALUES, is_json=False)
    shown = ""
    for piece in cut(text, places):
        shown += slots.feed(piece)
        for token in VALUES:
            # What is shown so far never ends in the first part of a token that goes on.
            assert not any(
                shown.endswith(token[:length]) and text.startswith(token, len_of_raw(text, shown) - length)
                for length in range(1, len(token))
                if len_of_raw(text, shown) - length >= 0
            )
    assert shown + slots.finish() == whole(text)


def len_of_raw(text: str, shown: str) -> int:
    """How much of the raw text stands behind what was shown; -1 where values were put in and it cannot be told."""
    return len(shown) if text.startswith(shown) else -1


@settings(max_examples=200, deadline=None)
@given(texts)
def test_what_nobody_issued_stays(text: str) -> None:
    slots = Slots({}, is_json=False)
    assert slots.feed(text) + slots.finish() == text


def test_every_value_comes_back() -> None:
    assert whole("Dear <PERSON_1>, write to <EMAIL_1>!") == f"Dear Anna Schmidt, write to {VALUES['<EMAIL_1>']}!"
    assert whole("&lt;PERSON_1&gt; \\u003cPERSON_1\\u003e") == "Anna Schmidt Anna Schmidt"
    # What a value says is not read again.
    assert whole("<NOTE_1>") == VALUES["<NOTE_1>"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def nested(value: JsonValue, levels: int) -> JsonValue:
    """JSON within a string within JSON, so many times."""
    for _ in range(levels):
        value = {"inner": dumps(value).decode()}
    return value


def put_in(value: JsonValue) -> JsonValue:
    """What a reader of the JSON must find: each string with its values, in strings of JSON within too."""
    match value:
        case str():
            return whole(value)
        case list():
            return [put_in(each) for each in value]
        case dict():
            return {whole(name): put_in(each) for name, each in value.items()}
        case _:
            return value


@settings(max_examples=300, deadline=None)
@given(json_values, st.lists(st.integers(0, 2000), max_size=20))
def test_arguments_stay_json(value: JsonValue, places: list[int]) -> None:
    raw = dumps({"v": _without_look_alikes(value)}).decode()
    slots = Slots(VALUES, is_json=True)
    shown = "".join(slots.feed(piece) for piece in cut(raw, places)) + slots.finish()
    assert loads(shown) == {"v": put_in(_without_look_alikes(value))}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(VALUES)), st.integers(1, 3), st.lists(st.integers(0, 500), max_size=20))
def test_json_within_json_stays_json(token: str, levels: int, places: list[int]) -> None:
    raw = dumps(nested({"name": f"x {token} y"}, levels)).decode()
    slots = Slots(VALUES, is_json=True)
    shown = loads("".join(slots.feed(piece) for piece in cut(raw, places)) + slots.finish())
    for _ in range(levels):
        assert isinstance(shown, dict)
        inner = shown["inner"]
        assert isinstance(inner, str)
        shown = loads(inner)
    assert shown == {"name": f"x {VALUES[token]} y"}


def _without_look_alikes(value: JsonValue) -> JsonValue:
    r"""`\` and `&lt;` mean other things within JSON, and a string that begins like JSON is read as such."""
    match value:
        case str():
            return value.replace("\\", "").replace("&", "")
        case list():
            return [_without_look_alikes(each) for each in value]
        case dict():
            return {name.replace("\\", "").replace("&", ""): _without_look_alikes(each) for name, each in value.items()}
        case _:
            return value


def test_the_depth_is_that_of_the_reader() -> None:
    depth = Depth()
    depth.feed('{"a": "x')
    assert depth.value == 1
    depth.feed('", "b": "{\\"c\\": \\"')
    assert depth.value == 2
    depth.feed('\\"}"}')
    assert depth.value == 0
    assert loads('"' + escaped('"\\', 1) + '"') == '"\\'


def put_back(pieces: Sequence[Event], *, is_json: bool = False) -> tuple[list[Event], int]:
    counted: list[int] = []
    restore = Restore(VALUES, is_json=is_json, done=counted.append)
    passed = [event for piece in pieces for event in restore.feed([piece])]
    return [*passed, *restore.finish()], counted[0]


def test_lanes_are_kept_apart() -> None:
    events, count = put_back(
        [
            Start("i", "m"),
            Text("<PER", choice=0),
            Text("<PERSON_", choice=1),
            ToolCall(choice=0, index=0, id="c", name="f", arguments='{"to": "<EMA'),
            Text("1>", choice=1),
            ToolCall(choice=0, index=0, arguments='IL_1>"}'),
            Finish("stop", choice=1),
            Finish("tool_calls", choice=0),
        ]
    )
    said = "".join(event.text for event in events if isinstance(event, Text) and event.choice == 1)
    assert said == "Anna Schmidt"
    arguments = "".join(event.arguments for event in events if isinstance(event, ToolCall))
    assert loads(arguments) == {"to": VALUES["<EMAIL_1>"]}
    assert "".join(event.text for event in events if isinstance(event, Text) and event.choice == 0) == "<PER"
    assert count == 2


def test_what_is_held_comes_before_the_finish() -> None:
    events, _ = put_back([Text("a <PERS"), Finish("length")])
    assert [type(event).__name__ for event in events] == ["Text", "Text", "Finish"]
    assert "".join(event.text for event in events if isinstance(event, Text)) == "a <PERS"


def test_an_answer_in_json_stays_json() -> None:
    events, _ = put_back([Text('{"who": "<EMAIL_1>"}'), Finish("stop")], is_json=True)
    said = "".join(event.text for event in events if isinstance(event, Text))
    assert loads(said) == {"who": VALUES["<EMAIL_1>"]}


@settings(max_examples=200, deadline=None)
@given(st.lists(words, max_size=8), st.integers(0, 8), st.lists(st.integers(0, 500), max_size=20))
def test_a_citation_is_where_its_words_are_shown(parts: list[str], at: int, places: list[int]) -> None:
    before, cited = "".join(parts[:at]) + " ", " ".join(["it says", "<PERSON_1>", *parts[at:]])
    text = f"{before}{cited} "
    restore = Restore(VALUES, is_json=False, done=lambda _: None)
    events: list[Event] = []
    for piece in cut(text, places):
        events += restore.feed([Text(piece)])
    events += restore.feed(
        [
            Citation(
                document="d",
                title="<NOTE_1>",
                quote="<PERSON_1> said",
                start=len(before),
                end=len(before) + len(cited),
                source_start=0,
                source_end=9,
            )
        ]
    )
    [citation] = [event for event in events if isinstance(event, Citation)]
    events += restore.finish()
    shown = "".join(event.text for event in events if isinstance(event, Text))
    assert shown[citation.start : citation.end] == whole(cited)
    assert (citation.title, citation.quote) == (VALUES["<NOTE_1>"], "Anna Schmidt said")
