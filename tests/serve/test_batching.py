"""What waits is computed together, everybody gets their own, and nobody pays for what somebody else sent."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from isthmus.errors import DataError
from isthmus.serve.batching import Batcher, Busy


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def doubled(rows: np.ndarray) -> tuple[np.ndarray, ...]:
    time.sleep(0.01)
    if (rows == 13).any():
        raise DataError("13 is not doubled", "Give something else.")
    return rows * 2, rows.sum(axis=1)


def test_everybody_gets_their_own_and_batches_are_no_larger_than_asked(thread: ThreadPoolExecutor) -> None:
    generator, sizes = np.random.default_rng(0), list[int]()
    questions = [generator.integers(20, 99, (int(n), 3)) for n in generator.integers(1, 5, 200)]

    async def all_at_once() -> list[tuple[np.ndarray, ...]]:
        batcher = Batcher(doubled, thread, most=16, waiting=10_000, seen=sizes.append)
        return await asyncio.gather(*map(batcher.ask, questions))

    for rows, (twice, sums) in zip(questions, asyncio.run(all_at_once()), strict=True):
        np.testing.assert_array_equal(twice, rows * 2)
        np.testing.assert_array_equal(sums, rows.sum(axis=1))
    assert sum(sizes) == sum(map(len, questions))
    assert max(sizes) <= 16 and len(sizes) < len(questions) / 3, "they were hardly computed together"


def test_one_alone_is_computed_at_once_and_one_larger_than_a_batch_too(thread: ThreadPoolExecutor) -> None:
    sizes = list[int]()

    async def one_by_one() -> None:
        batcher = Batcher(doubled, thread, most=4, waiting=5, seen=sizes.append)
        for n in (1, 9, 2):
            await batcher.ask(np.ones((n, 2)))

    asyncio.run(one_by_one())
    assert sizes == [1, 9, 2]


def test_who_sends_nonsense_is_told_so_alone(thread: ThreadPoolExecutor) -> None:
    async def together() -> list[object]:
        batcher = Batcher(doubled, thread, most=100, waiting=1000)
        asked = [batcher.ask(np.full((1, 1), value)) for value in (1, 2, 13, 4, 13, 6)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(together())
    assert [isinstance(one, DataError) for one in found] == [False, False, True, False, True, False]
    assert [int(one[0][0, 0]) for one in found if isinstance(one, tuple)] == [2, 4, 8, 12]


def test_more_than_may_wait_is_refused_and_what_waits_is_answered(thread: ThreadPoolExecutor) -> None:
    async def flooded() -> list[object]:
        batcher = Batcher(doubled, thread, most=2, waiting=10)
        found = await asyncio.gather(*(batcher.ask(np.ones((1, 1))) for _ in range(40)), return_exceptions=True)
        assert batcher.waiting == 0
        return found

    found = asyncio.run(flooded())
    refused = [one for one in found if isinstance(one, Busy)]
    assert len(refused) == 30 and all(isinstance(one, Busy | tuple) for one in found)


def test_for_those_who_left_nothing_is_computed(thread: ThreadPoolExecutor) -> None:
    sizes = list[int]()

    async def impatient() -> None:
        batcher = Batcher(doubled, thread, most=8, waiting=1000, seen=sizes.append)
        first = asyncio.create_task(batcher.ask(np.ones((1, 1))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the first is being computed
        left = [asyncio.create_task(batcher.ask(np.ones((1, 1)))) for _ in range(20)]
        stayed = asyncio.create_task(batcher.ask(np.full((1, 1), 3)))
        await asyncio.sleep(0)
        for task in left:
            task.cancel()
        await first
        assert (await stayed)[0] == 6

    asyncio.run(impatient())
    assert sizes == [1, 1]
