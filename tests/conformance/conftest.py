"""Makes the replay harness importable, and prints what was covered after the test session."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from evaluation.conformance.recordings import Recording, Skipped, load, recordings_folder
from evaluation.conformance.replay import Outcome
from evaluation.conformance.summary import coverage_lines

OUTCOMES = pytest.StashKey[list[Outcome]]()
SKIPPED = pytest.StashKey[list[Skipped]]()


@pytest.fixture(scope="session")
def recordings(request: pytest.FixtureRequest) -> list[Recording]:
    found, skipped = load(recordings_folder())
    request.config.stash[SKIPPED] = skipped
    return found


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> list[Outcome]:
    """Where the replaying tests put what they saw, for the summary."""
    return request.config.stash.setdefault(OUTCOMES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    outcomes = config.stash.get(OUTCOMES, list[Outcome]())
    if not outcomes:
        return
    terminalreporter.section("recorded conversations")
    for line in coverage_lines(outcomes, config.stash.get(SKIPPED, list[Skipped]())):
        terminalreporter.write_line(line)
