"""Private files: made once, by whoever comes first, readable by their owner alone."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from penstock.config.datadir import read_or_create


def test_a_private_file_is_made_once_and_read_ever_after(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "secret"
    assert read_or_create(path, lambda: "first") == "first"
    assert read_or_create(path, lambda: "second") == "first"
    assert path.stat().st_mode & 0o777 == 0o600


def test_all_who_make_it_at_the_same_time_get_the_same_text(tmp_path: Path) -> None:
    numbers = count()
    with ThreadPoolExecutor(8) as pool:
        for attempt in range(20):
            path = tmp_path / f"secret-{attempt}"
            racing = [pool.submit(read_or_create, path, lambda: str(next(numbers))) for _ in range(8)]
            assert len({each.result() for each in racing}) == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
