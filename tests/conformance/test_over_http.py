"""The excerpts once more, through `penstock up` and real sockets on both sides."""

import asyncio
from pathlib import Path

import pytest
from evaluation.conformance.__main__ import replay_all
from evaluation.conformance.over_http import running
from evaluation.conformance.recordings import EXCERPTS, Recording, load
from evaluation.conformance.replay import Outcome


@pytest.mark.slow
def test_a_running_penstock_passes_on_what_the_provider_said(tmp_path: Path) -> None:
    recordings, _ = load(EXCERPTS)
    outcomes = asyncio.run(_replay(recordings, tmp_path))
    failures = [f"{o.case.name}: {'; '.join(o.reasons)}" for o in outcomes if o.verdict == "failed"]
    assert not failures, f"{len(failures)} of {len(outcomes)}:\n" + "\n".join(failures[:20])
    assert {o.case.recording.dialect for o in outcomes if o.verdict == "passed"} == {r.dialect for r in recordings}


async def _replay(recordings: list[Recording], folder: Path) -> list[Outcome]:
    async with running(recordings, folder) as transport:
        return await replay_all(recordings, transport)
