"""What outlives a `kill -9`, and what must not be believed."""

from pathlib import Path

import pytest

from penstock.admission.limits import spent_file
from penstock.admission.limits.spent_file import SpentFile, adopt_orphans


def adopted(folder: Path) -> list[dict[str, int]]:
    found: list[dict[str, int]] = []
    for orphan in adopt_orphans(folder):
        found.append(orphan.spent)
        orphan.bury()
    return found


def test_what_a_dead_process_spent_is_found_once(tmp_path: Path) -> None:
    dead = SpentFile(tmp_path)
    for number in range(3000):
        row = dead.new(f"limit:{number}@60")
        row.numbers[row.index] = number
    dead.leave()
    assert adopted(tmp_path) == [{f"limit:{number}@60": number for number in range(3000)}]
    assert adopted(tmp_path) == []


def test_a_living_process_is_left_alone(tmp_path: Path) -> None:
    alive = SpentFile(tmp_path)
    assert adopted(tmp_path) == []
    alive.close()
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_reported_is_found_again(tmp_path: Path) -> None:
    SpentFile(tmp_path).leave()
    for orphan in adopt_orphans(tmp_path):
        orphan.leave()
    assert len(adopted(tmp_path)) == 1


def test_a_freed_row_says_nothing_and_is_used_again(tmp_path: Path) -> None:
    dead = SpentFile(tmp_path)
    row = dead.new("old@60")
    row.numbers[row.index] = 7
    dead.free(row)
    again = dead.new("new@60")
    assert again == row
    assert again.numbers[again.index] == 0
    dead.leave()
    assert adopted(tmp_path) == [{"new@60": 0}]


def test_after_a_reboot_only_places_are_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = SpentFile(tmp_path)
    for key in ("tokens:1@60", "places:1@-"):
        row = dead.new(key)
        row.numbers[row.index] = 7
    dead.leave()
    other_boot = tmp_path / "boot_id"
    other_boot.write_text("11111111-2222-3333-4444-555555555555")
    monkeypatch.setattr(spent_file, "_BOOT_ID", other_boot)
    assert adopted(tmp_path) == [{"places:1@-": 0}]


def test_garbage_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "x.spent").write_bytes(b"\xff" * 10_000)
    assert adopted(tmp_path) == [{}]


def test_a_key_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = SpentFile(tmp_path)
    with pytest.raises(ValueError, match="at most"):
        file.new("k" * 200)
    file.close()
