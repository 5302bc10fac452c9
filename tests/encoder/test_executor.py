"""The encoder off the event loop: one pass for equal texts, a bounded line, a bounded memory, and no caller's harm."""

# pyright: reportPrivateUsage=false
# What is inside is compared with what comes out.

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path

import numpy as np
import pytest
from tests.encoder import foreign

from penstock.encoder.executor import Encoder, EncoderBusy
from penstock.encoder.files import MODEL, TOKENIZER
from penstock.encoder.model import Encoded, Model
from penstock.encoder.session import CannotRun

LONG = "a text that takes a while " * 400


@pytest.fixture(scope="module")
def model(encoder_folder: Path) -> Model:
    return Model(encoder_folder / MODEL, encoder_folder / TOKENIZER)


def run(
    model: Model,
    scene: Callable[[Encoder], Coroutine[None, None, None]],
    *,
    threads: int = 1,
    max_waiting: int = 64,
    memory_bytes: int = 32 << 20,
) -> Encoder:
    encoder = Encoder(model, threads=threads, max_waiting=max_waiting, memory_bytes=memory_bytes)

    async def main() -> None:
        async with asyncio.timeout(60):
            await scene(encoder)

    try:
        asyncio.run(main())
    finally:
        encoder.close()
    return encoder


def test_100_equal_texts_are_one_pass(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        found = await asyncio.gather(*(encoder.encode("Where is my parcel?") for _ in range(100)))
        assert all(each is found[0] for each in found)
        assert np.array_equal(found[0].sentence, model.encode("Where is my parcel?").sentence)
        assert encoder.waiting == 0

    encoder = run(model, scene)
    assert (encoder.counts.read, encoder.counts.refused) == (1, 0)


def test_what_was_read_is_remembered(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        assert encoder.known("hello") is None
        found = await encoder.encode("hello")
        again = await encoder.encode("hello")
        assert encoder.known("hello") is again
        assert (again.spans, again.is_whole) == (found.spans, found.is_whole)
        assert np.array_equal(again.sentence, found.sentence)
        assert np.array_equal(again.tokens, found.tokens)
        assert await encoder.encode("Hello") is not again, "texts are taken as they are"

    encoder = run(model, scene)
    assert (encoder.counts.read, encoder.counts.remembered) == (2, 1)


def test_it_reads_off_the_event_loop(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        reading = asyncio.gather(encoder.encode(LONG))
        turns = 0
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a time
        assert turns > 20

    run(model, scene)


def test_a_cancelled_caller_takes_nothing_from_the_others(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        first, second, third = (asyncio.get_running_loop().create_task(encoder.encode(LONG)) for _ in range(3))
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a time
        first.cancel()
        third.cancel()
        found = await second
        assert first.cancelled()
        assert third.cancelled()
        assert encoder.known(LONG) is not None
        assert found.tokens.any()

    assert run(model, scene).counts.read == 1


def test_what_every_caller_left_is_read_to_its_end_and_remembered(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        only = asyncio.get_running_loop().create_task(encoder.encode(LONG))
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a time
        only.cancel()
        await encoder.encode("the next in line")
        assert encoder.known(LONG) is not None
        assert encoder.waiting == 0

    run(model, scene)


def test_a_full_line_refuses_at_once_and_takes_equal_texts_all_the_same(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        tasks = [asyncio.get_running_loop().create_task(encoder.encode(text)) for text in (LONG, "one", "two")]
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a time
        assert encoder.waiting == 3
        with pytest.raises(EncoderBusy):
            await encoder.encode("three")
        again = asyncio.get_running_loop().create_task(encoder.encode("one"))
        await asyncio.gather(*tasks)
        assert await again is tasks[1].result()
        await encoder.encode("three")

    encoder = run(model, scene, max_waiting=2)
    assert (encoder.counts.read, encoder.counts.refused) == (4, 1)


def test_memory_is_bounded_and_the_least_lately_used_goes_first(model: Model) -> None:
    texts = [f"question number {number}" for number in range(40)]

    async def scene(encoder: Encoder) -> None:
        await encoder.encode("first")
        for text in texts:
            await encoder.encode(text)
            assert encoder.known("first") is not None, "it is asked for all the time"
            assert encoder._known_bytes <= 100_000
        assert encoder.known(texts[0]) is None
        assert encoder.known(texts[-1]) is not None
        held = [encoder._known[text] for text in encoder._known]
        assert 5 < len(held) < 40
        assert sum(each.tokens.nbytes for each in held) < encoder._known_bytes <= 100_000

    run(model, scene, memory_bytes=100_000)


def test_one_long_text_does_not_push_out_all_others(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        await encoder.encode("short")
        await encoder.encode(LONG)
        assert encoder.known(LONG) is None
        assert encoder.known("short") is not None

    run(model, scene, memory_bytes=1 << 20)


def test_closing_lets_what_is_read_end_and_tells_those_that_wait(model: Model) -> None:
    async def scene(encoder: Encoder) -> None:
        began = threading.Event()
        encoder._pool.submit(began.set)
        reading, waiting = (asyncio.get_running_loop().create_task(encoder.encode(text)) for text in (LONG, "waits"))
        await asyncio.to_thread(began.wait)
        await _until(lambda: encoder._pool._work_queue.qsize() == 1)
        encoder.close()
        assert isinstance(await reading, Encoded)
        with pytest.raises(EncoderBusy):
            await waiting
        with pytest.raises(EncoderBusy):
            await encoder.encode("new")
        assert isinstance(await encoder.encode(LONG), Encoded), "it is remembered"

    run(model, scene)


def test_a_text_that_the_model_fails_on_is_told_to_its_caller_and_not_remembered(
    encoder_folder: Path, tmp_path: Path
) -> None:
    few_words = foreign.write(tmp_path / "m.onnx", vectors=foreign.table()[:2_000])
    model = Model(few_words, encoder_folder / TOKENIZER)

    async def scene(encoder: Encoder) -> None:
        with pytest.raises(EncoderBusy) as caught:
            await encoder.encode("rhinoceros")
        assert isinstance(caught.value.__cause__, CannotRun)
        assert encoder.known("rhinoceros") is None
        assert encoder.waiting == 0

    assert run(model, scene).counts.failed == 1


def test_identity_and_width_are_those_of_the_model(model: Model) -> None:
    encoder = Encoder(model)
    encoder.close()
    assert (encoder.identity, encoder.width, encoder.weights_sha256) == (model.identity, 384, model.weights_sha256)


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a time
