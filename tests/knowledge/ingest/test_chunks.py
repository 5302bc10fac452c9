import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.knowledge.ingest.blocks import Block, BlockKind
from penstock.knowledge.ingest.chunks import MOST, text_and_chunks
from penstock.knowledge.ingest.formats.tables import markdown_table
from penstock.knowledge.ingest.sentences import sentences
from penstock.knowledge.ingest.weight import weight

WORDS = st.text("abcde éß中.!?,;:\n-|#", min_size=1, max_size=400).filter(lambda text: bool(text.strip()))
KINDS: st.SearchStrategy[BlockKind] = st.sampled_from(["heading", "text", "list", "code"])


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    found: list[Block] = []
    for kind in draw(st.lists(KINDS, max_size=15)):
        text = draw(WORDS)
        if kind == "heading":
            text = " ".join(text.split())
        found.append(Block(kind=kind, text=text, level=draw(st.integers(1, 4)), page=draw(st.integers(1, 3))))
    rows = draw(st.lists(st.lists(WORDS, min_size=2, max_size=3), max_size=30))
    table = markdown_table(rows)
    return [*found, Block(kind="table", text=table)] if table else found


@given(found=blocks(), are_pages_apart=st.booleans(), most=st.integers(10, 250))
@settings(max_examples=150, deadline=None)
def test_chunks_stand_where_they_say_and_leave_out_nothing(
    found: list[Block], *, are_pages_apart: bool, most: int
) -> None:
    text, chunks = text_and_chunks(found, are_pages_apart=are_pages_apart, most=most)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(one.end <= other.start for one, other in pairwise(chunks))
    assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(text.split())
    for block in found:
        for word in block.text.split():
            assert word.strip("|-") in text


def test_no_chunk_is_heavier_than_the_encoder_reads() -> None:
    text = " ".join(f"Sentence {number} says something about the year {number}." for number in range(300))
    _, chunks = text_and_chunks([Block(kind="text", text=text)])
    assert all(weight(chunk.text) <= MOST for chunk in chunks)
    assert all(chunk.text.startswith("Sentence") and chunk.text.endswith(".") for chunk in chunks)
    assert len(chunks) < weight(text) / (0.85 * MOST)


def test_a_large_table_says_its_header_again() -> None:
    rows = [["Year", "Cars", "Note"], *([str(year), str(year * 7), "some words of note"] for year in range(1900, 2000))]
    text, chunks = text_and_chunks(
        [Block(kind="heading", text="Cars", level=1), Block(kind="table", text=markdown_table(rows))]
    )
    assert len(chunks) > 3
    assert all("| Year | Cars | Note |\n| --- | --- | --- |" in chunk.text for chunk in chunks)
    assert all(chunk.kind == "table" and chunk.heading == ("Cars",) for chunk in chunks)
    assert re.findall(r"^\| (\d{4}) ", text, re.MULTILINE) == [str(year) for year in range(1900, 2000)]


def test_a_heading_goes_with_what_it_stands_over() -> None:
    long = Block(kind="text", text="word " * 200)
    _, chunks = text_and_chunks(
        [long, Block(kind="heading", text="Next", level=2), Block(kind="text", text="Here it is.")]
    )
    assert chunks[-1].text.endswith("## Next\n\nHere it is.")
    assert not chunks[-2].text.endswith("Next")


def test_small_sections_stay_together_under_what_they_share() -> None:
    parts = [Block(kind="heading", text="All", level=1)]
    for name in ("One", "Two"):
        parts += [
            Block(kind="heading", text=name, level=2, anchor=name.lower()),
            Block(kind="text", text=f"{name} is short."),
        ]
    _, chunks = text_and_chunks(parts)
    assert len(chunks) == 1
    assert chunks[0].heading == ("All",)


def test_sentences_end_where_they_do() -> None:
    text = "Dr. Lee paid 3.5 million, e.g. in May. It was late! See No. 5 of p. J. Doe? Yes. So z.B. hier.\nNext line"
    assert [text[start:end] for start, end in sentences(text)] == [
        "Dr. Lee paid 3.5 million, e.g. in May.",
        "It was late!",
        "See No. 5 of p. J. Doe?",
        "Yes.",
        "So z.B. hier.",
        "Next line",
    ]
