"""Breaks the code that guards money, leases and records, one place at a time, and demands that a test sees it.

Run by people and CI: `python scripts/mutation_check.py [word …]`; words choose mutations by their names.  Each
mutation is made in a copy of the sources outside the working tree, and the tests named beside it must fail there; they
must pass on the copy as it is.  Exits with 1 where a mutation survives, no longer fits the source, or a test is red to
begin with.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mutations import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[1]
SURVIVED, KILLED, STALE = "SURVIVED", "killed", "STALE"


def copy_of(root: Path, place: Path) -> None:
    """The sources and the tests, without what is large and plays no part."""
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", ".hypothesis")
    shutil.copytree(root / "src", place / "src", ignore=ignored)
    shutil.copytree(root / "tests", place / "tests", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, place / name)


def passes(place: Path, tests: str) -> bool:
    """Whether the tests pass on the copy: its own sources come before the installed ones."""
    environ = {**os.environ, "PYTHONPATH": str(place / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "--no-header",
        "-p",
        "no:randomly",
        "--timeout",
        "60",
        *tests.split(),
    ]
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, check=False)
    if done.returncode not in {0, 1}:
        sys.stderr.write(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return done.returncode == 0


def judge(place: Path, mutation: Mutation) -> str:
    path = place / "src" / "penstock" / mutation.file
    original = path.read_text()
    if original.count(mutation.old) != 1:
        return STALE
    path.write_text(original.replace(mutation.old, mutation.new))
    try:
        return SURVIVED if passes(place, mutation.tests) else KILLED
    finally:
        path.write_text(original)


def main(words: list[str]) -> int:
    chosen = [each for each in MUTATIONS if not words or any(word in each.name for word in words)]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="penstock-mutations-") as folder:
        place = Path(folder)
        copy_of(ROOT, place)
        place.chmod(0o755)
        for tests in sorted({each.tests for each in chosen}):
            if not passes(place, tests):
                print(f"{tests} is red without any mutation: nothing can be said")
                return 1
        for each in chosen:
            verdict = judge(place, each)
            failed += verdict != KILLED
            print(f"{verdict:<9} {each.file:<24} {each.name}", flush=True)
    print(f"{len(chosen)} mutations, {len(chosen) - failed} killed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
