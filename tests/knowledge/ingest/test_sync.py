from pathlib import Path

import pytest
from tests.knowledge.ingest import files
from tests.knowledge.ingest.scene import Scene

from penstock.knowledge.ingest.sources.source import SourceUnavailable
from penstock.knowledge.ingest.sync import Stopped


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_is_new_is_read_and_what_is_not_is_left_alone(scene: Scene) -> None:
    scene.write(a_md="# A\n\ntext", x__b_md="# B\n\ntext")
    done = scene.sync()
    assert scene.store.log == [("put", "a.md"), ("put", "x/b.md")]
    assert (done.read, done.chunks, done.failed, done.phase) == (2, 2, 0, "done")
    assert scene.embedded == ["A\n# A\n\ntext", "B\n# B\n\ntext"]
    scene.write(a_md="# A\n\nother")
    done = scene.sync()
    assert scene.store.log == [("put", "a.md")]
    assert scene.reader.read_names == ["a.md"]
    assert (done.unchanged, done.read) == (1, 1)


def test_what_is_gone_goes_and_what_moved_keeps_its_vectors(scene: Scene) -> None:
    scene.write(a_md="# A\n\ntext", b_md="# B\n\ntext")
    scene.sync()
    (scene.root / "a.md").rename(scene.root / "z.md")
    (scene.root / "b.md").unlink()
    done = scene.sync()
    assert scene.store.log == [("move", "a.md > z.md"), ("remove", "b.md")]
    assert scene.embedded == []
    assert (done.moved, done.removed, done.read) == (1, 1, 0)
    assert scene.store.kept.keys() == {"z.md"}


def test_a_document_that_moves_is_whose_it_is_there(scene: Scene) -> None:
    scene.write(open__a_md="# A\n\ntext", b_md="b")
    scene.sync("open/**=public", "group:hr")
    (scene.root / "shut").mkdir()
    (scene.root / "open" / "a.md").rename(scene.root / "shut" / "a.md")
    scene.sync("open/**=public", "group:hr")
    assert scene.store.readers["shut/a.md"] == ("group:hr",)


def test_changed_rights_are_in_force_first_and_nothing_is_read_for_them(scene: Scene) -> None:
    scene.write(a_md="a", b_md="b")
    scene.sync("public")
    scene.write(c_md="c")
    scene.sync("a.*=group:hr", "public")
    assert scene.store.log == [("permit", "a.md"), ("put", "c.md")]
    assert scene.reader.read_names == ["c.md"]
    assert scene.store.readers == {"a.md": ("group:hr",), "b.md": ("public",), "c.md": ("public",)}


def test_what_no_rule_names_is_nobodys_and_goes(scene: Scene) -> None:
    scene.write(a_md="a", b_txt="b")
    scene.sync()
    with pytest.raises(Stopped):
        scene.sync("*.md=public", is_stopped=lambda: True)
    assert scene.store.log == [("remove", "b.txt")]  # before anything else is done
    done = scene.sync("*.md=public")
    assert [(each.key, each.reason) for each in done.failures] == [("b.txt", "nobody")]


def test_rights_come_before_files_that_fail(scene: Scene) -> None:
    scene.write(a_md="a", b_md="b")
    scene.sync("public")
    scene.write(a_md=b"\x01\x02\x00\xff\x03" * 100)
    scene.sync("group:hr")
    assert scene.store.log[:2] == [("permit", "a.md"), ("permit", "b.md")]


def test_a_file_that_fails_fails_alone_and_its_old_text_goes(scene: Scene) -> None:
    scene.write(a_md="a", b_md="b", c_pdf=files.pdf([("x", 12, 72, 700)], encrypted=True))
    done = scene.sync()
    assert [(each.key, each.reason) for each in done.failures] == [("c.pdf", "encrypted")]
    scene.write(a_md=b"\x01\x02\x00\xff\x03" * 100, b_md="b" * 5000)
    done = scene.sync(most_bytes=4000)
    assert {each.key: each.reason for each in done.failures} == {
        "a.md": "unsupported",
        "b.md": "too_large",
        "c.pdf": "encrypted",
    }
    assert scene.store.kept == {}


def test_what_a_mail_carries_is_read_with_it_and_goes_with_it(scene: Scene) -> None:
    scene.write(m_eml=files.mail(), a_md="a")
    done = scene.sync("m.eml=group:legal", "public")
    assert done.failed == 0
    assert scene.store.log[-1] == ("put", "m.eml")
    assert set(scene.store.kept) == {"a.md", "m.eml", "m.eml!/_terms.md", "m.eml!/handbook.docx"}
    assert scene.store.readers["m.eml!/_terms.md"] == ("group:legal",)
    scene.sync("m.eml=group:hr", "public")
    assert scene.store.log == [("permit", "m.eml!/handbook.docx"), ("permit", "m.eml!/_terms.md"), ("permit", "m.eml")]
    assert scene.reader.read_names == []
    (scene.root / "m.eml").unlink()
    scene.sync("public")
    assert set(scene.store.kept) == {"a.md"}


def test_a_source_that_is_suddenly_empty_takes_nothing_with_it(scene: Scene) -> None:
    scene.write(a_md="a")
    scene.sync()
    (scene.root / "a.md").unlink()
    with pytest.raises(SourceUnavailable):
        scene.sync()
    assert set(scene.store.kept) == {"a.md"}


def test_another_encoder_reads_everything_again(scene: Scene) -> None:
    scene.write(a_md="a")
    scene.sync(salt="one")
    assert scene.sync(salt="one").read == 0
    assert scene.sync(salt="two").read == 1


@pytest.mark.parametrize("after", [0, 1, 5, 12, 25])
def test_stopped_half_way_and_taken_up_again_it_ends_equal(tmp_path: Path, after: int) -> None:
    scenes = [Scene(tmp_path / name) for name in ("whole", "parts")]
    mail = files.mail()
    for scene in scenes:
        scene.write(**{f"d{number}_md": f"# {number}\n\ntext {number}" for number in range(10)}, m_eml=mail)
        scene.sync("public")
        (scene.root / "d1.md").rename(scene.root / "e1.md")
        (scene.root / "d2.md").unlink()
        scene.write(d3_md="other", d4_md="other still", f_md="new")
    whole, parts = scenes
    whole.sync("d5*=group:hr", "public")
    asked = iter(range(1000))
    try:
        parts.sync("d5*=group:hr", "public", is_stopped=lambda: next(asked) >= after)
    except Stopped:
        parts.sync("d5*=group:hr", "public")
    assert whole.store.kept.keys() == parts.store.kept.keys()
    for key, (document, _) in whole.store.kept.items():
        other = parts.store.kept[key][0]
        assert (document.text, document.readers, document.digest) == (other.text, other.readers, other.digest)
