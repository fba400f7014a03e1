"""Work spread over processes that live as long as there is some: each is set up once and given one job at a time."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from isthmus.errors import IsthmusError, RunError

__all__ = ["spread"]


def spread(
    start: Callable[..., Callable[[Any], Any]], given: tuple[Any, ...], jobs: Sequence[Any], workers: int
) -> Iterator[tuple[int, Any]]:
    """The number and the result of every job, as they are finished. `start(*given)` makes what does them.

    One worker is this process. A failure ends all of them; so does whoever stops asking for results.
    """
    if workers == 1 or len(jobs) < 2:
        work = start(*given)
        yield from ((number, work(job)) for number, job in enumerate(jobs))
        return
    running: dict[Connection, BaseProcess] = {}
    waiting, doing = list(range(len(jobs))), dict[Connection, int]()
    try:
        for _ in range(min(workers, len(jobs))):
            pipe, process = _started(start, given)
            running[pipe] = process
            _hand_over(pipe, waiting, doing, jobs)
        while doing:
            said = wait(list(doing))
            for pipe in [pipe for pipe in running if pipe in said]:
                number, result = doing.pop(pipe), _heard(pipe)
                _hand_over(pipe, waiting, doing, jobs)
                yield number, result
    finally:
        for pipe, process in running.items():
            pipe.close()
            process.terminate()
            process.join()


def _started(start: Callable[..., Any], given: tuple[Any, ...]) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(start, given, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _hand_over(pipe: Connection, waiting: list[int], doing: dict[Connection, int], jobs: Sequence[Any]) -> None:
    if not waiting:
        return
    doing[pipe] = waiting.pop(0)
    try:
        pipe.send(jobs[doing[pipe]])
    except OSError:  # it died: its silence is heard in its turn
        return


def _heard(pipe: Connection) -> Any:
    try:
        failed, content = pipe.recv()
    except (EOFError, OSError):
        raise RunError(
            "a worker ended without a word, as processes do that need more memory than there is",
            "Use fewer --workers and give the same command again: what is finished is kept.",
        ) from None
    if failed:
        kind, what, remedy = content
        raise kind(what, remedy)
    return content


def _serve(start: Callable[..., Callable[[Any], Any]], given: tuple[Any, ...], pipe: Connection) -> None:
    """What runs in a process of its own, until whoever started it has no more to do or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started it
    try:
        work = None
        while True:
            job = pipe.recv()
            try:
                work = work or start(*given)
                pipe.send((False, work(job)))
            except IsthmusError as error:
                pipe.send((True, (type(error), error.what, error.remedy)))
            except OSError as error:
                where = f"{error.filename}: " if error.filename else ""
                pipe.send((True, (RunError, f"{where}{error.strerror or error}", "Check the path and the free space.")))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # a process that nobody listens to must not outlive whoever asked
        sys.stderr.flush()
        os._exit(0)
