import asyncio

import pytest

from penstock.core.clock import SystemClock
from penstock.demo.client import Client, Outcome, Reply, answer_text
from penstock.demo.weather import Weather
from penstock.demo.workload import Question, read_workload
from penstock.testing.sim import Profile, Simulator
from penstock.testing.sim.profile import read_profile


def ask(model: str, *, stream: bool, retries: int = 0) -> tuple[Outcome, Simulator]:
    async def scenario() -> tuple[Outcome, Simulator]:
        async with Simulator(profile=Profile()) as simulator:
            client = Client("127.0.0.1", simulator.port, "none", model, SystemClock(), retries)
            return await client.ask(Question(0, "Where is my card?", 0.0, 12, stream)), simulator

    return asyncio.run(scenario())


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_is_read_whole(stream: bool) -> None:  # noqa: FBT001 - both ways of asking
    outcome, _ = ask("sim:tokens=12", stream=stream)
    assert outcome.failure == ""
    assert outcome.text.startswith("About Where is my card:")
    assert len(outcome.text.split()) == 12


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("status@503", "503"),
        ("throttle", "429"),
        ("reset@0", "connection"),
        ("cut@0", "connection"),
        ("reset@3", "connection"),
        ("cut@3", "incomplete"),
        ("cut@999", "incomplete"),
        ("bad_sse@3", "incomplete"),
    ],
)
def test_whatever_goes_wrong_is_no_answer(fault: str, failure: str, stream: bool) -> None:  # noqa: FBT001 - both ways
    outcome, _ = ask(f"sim:tokens=99,fault={fault}", stream=stream)
    assert (outcome.failure, outcome.text) == (failure, "")


def test_an_error_inside_a_stream_is_no_answer() -> None:
    frames = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"error":{}}\n\ndata: [DONE]\n\n'
    assert answer_text(Reply(200, {}, frames, is_whole=True), is_streamed=True) == ""


def test_a_client_that_retries_gets_past_a_throttled_call_and_is_counted_twice() -> None:
    outcome, simulator = ask("sim:fault=flaky,retry_after=10ms", stream=False, retries=2)
    assert outcome.failure == ""
    assert simulator.stats()["calls"] == 2


def test_the_workload_is_the_fixture_in_the_order_of_the_trace() -> None:
    questions = read_workload(300)
    assert len({question.text for question in questions}) == 300
    assert [question.at_s for question in questions] == sorted(question.at_s for question in questions)
    assert questions[0].at_s == 0.0
    assert all(question.answer_tokens > 0 for question in questions)
    assert sum(question.is_streamed for question in questions) == 150
    assert read_workload(20) == questions[:20]


def test_the_weather_is_a_profile_that_the_simulator_reads(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("weather") / "profile.yaml"
    path.write_text(Weather(4.0, span_s=84.0, answer_tokens=[12, 60]).profile())
    profile = read_profile(path)
    assert set(profile.models) == {"north-large", "south-large"}
    north, south = profile.models["north-large"], profile.models["south-large"]
    assert north.outage is not None
    assert south.outage is None
    assert not north.outage.is_down(0.59 * 84 / 4)
    assert north.outage.is_down(0.63 * 84 / 4)
    assert not any(north.outage.is_down(at * 84 / 400) for at in range(70, 120))
    assert north.rate == south.rate == 0.06


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_body_that_was_cut_is_no_answer_however_good_it_looks(is_streamed: bool) -> None:  # noqa: FBT001 - both ways
    frames = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'
    body = frames if is_streamed else b'{"choices":[{"message":{"content":"a"}}]}'
    assert answer_text(Reply(200, {}, body, is_whole=True), is_streamed=is_streamed) == "a"
    assert answer_text(Reply(200, {}, body, is_whole=False), is_streamed=is_streamed) == ""
