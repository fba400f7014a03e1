"""Work in several processes: every job once, failures and deaths told."""

import os
from typing import Any

import pytest

from isthmus.errors import DataError, RunError
from isthmus.workers import spread


def _squares(offset: int) -> Any:
    def work(job: int) -> int:
        if job == 13:
            raise DataError("job 13 is bad", "Leave it out.")
        if job == 14:
            os._exit(1)
        return offset + job * job

    return work


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers: int) -> None:
    found = dict(spread(_squares, (5,), range(9), workers))
    assert found == {i: 5 + i * i for i in range(9)}


def test_a_failure_and_a_death_are_told() -> None:
    with pytest.raises(DataError, match=r"job 13 is bad\. Leave it out"):
        list(spread(_squares, (0,), [1, 13, 2], 2))
    with pytest.raises(RunError, match="a worker ended without a word"):
        list(spread(_squares, (0,), [1, 14], 2))
