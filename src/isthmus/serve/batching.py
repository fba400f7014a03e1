"""Requests that wait are computed together: while one batch is computed the next one gathers, and nobody waits for it.

A request alone is computed at once. What comes in meanwhile goes into the next batch, so that batches grow with the
load and with nothing else; there is no time that somebody had to choose.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from isthmus.errors import IsthmusError

__all__ = ["Batcher", "Busy"]

Work = Callable[[np.ndarray], tuple[np.ndarray, ...]]
"""Rows in, arrays out, each with a row for every row that went in."""


class Busy(IsthmusError):
    """More is waiting than will be computed soon."""


@dataclass
class _Asked:
    rows: np.ndarray
    answer: "asyncio.Future[tuple[np.ndarray, ...]]"


class Batcher:
    """One kind of question. `seen` hears how many rows each batch had; all batchers share the thread of `executor`."""

    def __init__(
        self, work: Work, executor: Executor, most: int, waiting: int, seen: Callable[[int], None] = lambda rows: None
    ) -> None:
        self.work, self.executor, self.most, self.limit, self.seen = work, executor, most, waiting, seen
        self.queue: deque[_Asked] = deque()
        self.task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return sum(len(asked.rows) for asked in self.queue)

    async def ask(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """What `work` says of these rows, whoever else was asked about in the same batch."""
        if self.queue and self.waiting + len(rows) > self.limit:
            raise Busy(f"{self.waiting:,} pictures wait already", "Ask again in a moment.")
        loop = asyncio.get_running_loop()
        asked = _Asked(rows, loop.create_future())
        self.queue.append(asked)
        if self.task is None or self.task.done():
            self.task = loop.create_task(self._run())
        return await asked.answer

    async def _run(self) -> None:
        while self.queue:
            batch = self._next()
            try:
                await self._answer(batch)
            except Exception as error:
                if len(batch) == 1:
                    _fail(batch[0], error)
                    continue
                for asked in batch:  # whose fault it was is found out one by one
                    try:
                        await self._answer([asked])
                    except Exception as own:
                        _fail(asked, own)

    def _next(self) -> list[_Asked]:
        """From the front, as many as fit; at least one. Those whose askers have left are dropped."""
        batch, rows = list[_Asked](), 0
        while self.queue and (not batch or rows + len(self.queue[0].rows) <= self.most):
            asked = self.queue.popleft()
            if not asked.answer.done():
                batch.append(asked)
                rows += len(asked.rows)
        return batch

    async def _answer(self, batch: list[_Asked]) -> None:
        if not batch:
            return
        rows = batch[0].rows if len(batch) == 1 else np.concatenate([asked.rows for asked in batch])
        found = await asyncio.get_running_loop().run_in_executor(self.executor, self.work, rows)
        self.seen(len(rows))
        start = 0
        for asked in batch:
            part = slice(start, start := start + len(asked.rows))
            if not asked.answer.done():
                asked.answer.set_result(tuple(array[part] for array in found))


def _fail(asked: _Asked, error: Exception) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(error)
