"""Several recipes at once, a process each, the longest first: small networks use one core and leave the others idle."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from isthmus.errors import IsthmusError
from isthmus.recipes._recipe import Told

__all__ = ["Order", "Outcome", "together"]

_PATIENCE = 60.0
"""Seconds that an interrupted recipe has to keep what it can."""
_UNKNOWN = 600.0


@dataclass(frozen=True)
class Order:
    """A recipe, or parts of it, by the name that `recipe run` takes; `seconds` are what it is expected to take."""

    name: str
    scale: str
    seeds: tuple[int, ...]
    root: Path
    command: str
    seconds: float | None = None


@dataclass
class Outcome:
    """The parts as they are written, or the sentence that says why there are none."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None


@dataclass
class _Running:
    process: BaseProcess
    said: Connection


def together(orders: Sequence[Order], jobs: int, threads: int, told: Told) -> list[Outcome]:
    """One outcome for each order, in their order. One that fails does not stop the others."""
    waiting = sorted(range(len(orders)), key=lambda place: -(orders[place].seconds or _UNKNOWN))
    found = [Outcome(failure="it ended without a word") for _ in orders]
    shares, running = [0.0] * len(orders), dict[int, _Running]()
    weights = [order.seconds or _UNKNOWN for order in orders]
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                place = waiting.pop(0)
                running[place] = _started(orders[place], threads)
            ready = wait([one.said for one in running.values()])
            for place in [place for place, one in running.items() if one.said in ready]:
                what = _heard(running, place, found[place], shares)
                done = sum(w * share for w, share in zip(weights, shares, strict=True)) / sum(weights)
                told(done, what)
    finally:
        _stop(running)
    return found


def _started(order: Order, threads: int) -> _Running:
    ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(order, threads, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Running(process, ours)


def _heard(running: dict[int, _Running], place: int, found: Outcome, shares: list[float]) -> str:
    """Take in what a process said; the end of its words is its end."""
    try:
        kind, content = running[place].said.recv()
    except EOFError:
        running.pop(place).process.join()
        shares[place] = 1.0
        return "finishing"
    if kind == "told":
        shares[place], what = content
        return str(what)
    found.failure = content if kind == "failed" else None
    found.parts = content if kind == "done" else []
    return "finishing"


def _work(order: Order, threads: int, said: Connection) -> None:
    """What runs in a process of its own: everything that it has to say goes through the pipe."""
    import torch

    from isthmus.recipes import chosen

    if sys.platform != "win32":
        os.setpgrp()  # Ctrl-C reaches the parent alone, which passes it on once
    torch.set_num_threads(threads)
    try:
        recipe, parts = chosen(order.name)
        told = lambda share, what: said.send(("told", (share, what)))  # noqa: E731
        made = recipe.run(parts, order.scale, order.seeds, order.root, order.command, told)
        said.send(("done", made))
    except IsthmusError as error:
        said.send(("failed", str(error)))
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
    except OSError as error:
        said.send(("failed", f"{error.filename or 'the disk'}: {error.strerror or error}. Check the free space."))


def _stop(running: dict[int, _Running]) -> None:
    """Whoever still runs when the work is broken off keeps what it can, and ends."""
    for one in running.values():
        if one.process.pid is not None and one.process.is_alive():
            os.kill(one.process.pid, signal.SIGINT)
    for one in running.values():
        one.process.join(_PATIENCE)
        if one.process.is_alive():
            one.process.terminate()
