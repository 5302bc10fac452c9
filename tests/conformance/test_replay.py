"""Every recorded conversation, replayed as the provider: what the client reads equals what the recording says."""

import asyncio
from itertools import product

import pytest
from evaluation.conformance.client_requests import CLIENT_DIALECTS
from evaluation.conformance.in_process import InProcess
from evaluation.conformance.recordings import Recording
from evaluation.conformance.replay import Outcome, cases, expected_of, replay
from evaluation.conformance.rooms import clients, endpoints, providers

from penstock.core.chat import DIALECTS, Dialect


@pytest.fixture(scope="session")
def transport(recordings: list[Recording]) -> InProcess:
    return InProcess(clients(), providers(), endpoints(recordings))


@pytest.mark.parametrize(("provider", "client"), list(product(DIALECTS, CLIENT_DIALECTS)))
def test_what_the_provider_said_reaches_the_client(
    provider: Dialect,
    client: Dialect,
    recordings: list[Recording],
    transport: InProcess,
    outcomes: list[Outcome],
) -> None:
    own = [recording for recording in recordings if recording.dialect == provider]
    assert own, f"no recording of {provider}"
    seen = asyncio.run(_replay_all(own, client, transport))
    outcomes += seen
    failures = [f"{o.case.name}: {'; '.join(o.reasons)}" for o in seen if o.verdict == "failed"]
    assert not failures, f"{len(failures)} of {len(seen)}:\n" + "\n".join(failures[:20])


async def _replay_all(recordings: list[Recording], client: Dialect, transport: InProcess) -> list[Outcome]:
    chosen = [case for case in cases(recordings) if case.client == client]
    return [await replay(case, transport, expected_of(case.recording)) for case in chosen]
