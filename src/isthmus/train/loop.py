"""The one loop: it knows phases, players and files, and no algorithm."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from isthmus.errors import TrainingError
from isthmus.ranks import Ranks
from isthmus.train.checkpoint import State, Store, Tensors
from isthmus.train.feeding import Resident
from isthmus.train.keeper import Keeper
from isthmus.train.many import SharedStage, joined, received
from isthmus.train.players import Phase
from isthmus.train.schedules import PLATEAU_FACTOR, PLATEAU_PATIENCE
from isthmus.train.stage import Settings, Stage
from isthmus.train.watchers import Watcher

__all__ = ["train"]


def train(
    net: nn.Module,
    phases: Sequence[Phase],
    data: Resident,
    settings: Settings,
    validation: Resident | None = None,
    store: Store | None = None,
    watchers: Sequence[Watcher] = (),
    wrap: Callable[..., Any] = lambda objective: objective,
    ranks: Ranks | None = None,
) -> None:
    """Train `net` in place through all phases, going on from the store's checkpoint where there is one.

    With `ranks` all of them call this, each with a net of its own: together they make the moves that one would make.
    """
    store = store or Store(None)
    state, tensors = store.load() if ranks is None else received(ranks, store)
    make = Stage if ranks is None else partial(SharedStage, ranks)
    if tensors:
        net.load_state_dict(_under("net/", tensors))
    best = _under("best/", tensors)
    started = time.monotonic() - state.seconds
    with (
        _told(watchers),
        _settled(net),
        _patient_interrupts() as interrupted,
        torch.random.fork_rng(),
        joined(net, ranks),
    ):
        done = 0
        for number, phase in enumerate(phases):
            stage = make(net, phase, number, data, settings, wrap)
            steps_before, done = done, done + stage.steps
            if number < state.phase:
                continue
            stage.prepare()
            stage.unpack(tensors)
            keeper = Keeper(stage, state, tensors)
            tensors = {}
            good = _copy(net)
            for watcher in watchers:
                watcher.on_start(steps_before + stage.steps, steps_before + state.step)
            stopped = state.ended or _out_of_patience(state, settings)
            while state.step < stage.steps and not stopped:
                before = state.step
                saves, stops = stage.agreed(store.due(), interrupted.is_set)
                try:
                    harm = _move(stage, keeper, state, saves)
                    if harm is not None:
                        state.ended = not keeper.go_back(state, harm)
                        # Whatever was best may have been on its way to the harm.
                        best, state.best, state.stale = {}, None, 0
                    state.seconds = time.monotonic() - started
                    ends = state.ended or (state.step > before and _at_end(stage, state.step))
                    if ends:
                        line, best = _close_epoch(stage, state, settings, validation, best)
                        stopped = state.ended or _out_of_patience(state, settings)
                except TrainingError:
                    net.load_state_dict(good)
                    keeper.restore()
                    raise
                for watcher in watchers:
                    watcher.on_step(steps_before + state.step)
                if ends:
                    good = _copy(net)
                    store.log(line)
                    state.lines += 1
                    for watcher in watchers:
                        watcher.on_epoch(line)
                if saves() or stops():
                    kept = {f"best/{k}": v for k, v in best.items()}
                    store.save(state, stage.pack() | kept | keeper.pack())
                    if stops():
                        raise KeyboardInterrupt
            if stage.average:
                stage.swap_average()
            if best:
                net.load_state_dict(best)
            best = {}
            state = State(number + 1, 0, state.lines, seconds=state.seconds)
            store.save(state, {f"net/{name}": value for name, value in net.state_dict().items()})


def _move(stage: Stage, keeper: Keeper, state: State, saves: Callable[[], bool]) -> str | None:
    """One move of everybody; the harm that came of it, where somebody guards against that."""
    try:
        stage.step(state.step, state.lowered)
        state.step += 1
        if saves() or _at_end(stage, state.step) or keeper.due(state.step):
            stage.check(state.step)
        return keeper.watch(state)
    except TrainingError as error:
        if keeper.guard is None:
            raise
        return error.what


def _at_end(stage: Stage, step: int) -> bool:
    """Whether an epoch ends with this move."""
    return step % stage.length == 0 or step == stage.steps


def _close_epoch(
    stage: Stage, state: State, settings: Settings, validation: Resident | None, best: Tensors
) -> tuple[dict[str, Any], Tensors]:
    """The history line of an epoch, and the best weights so far."""
    line: dict[str, Any] = {
        "phase": stage.phase.name,
        "epoch": -(-state.step // stage.length),
        "step": state.step,
        "seconds": round(state.seconds, 3),
        "players": stage.means(),
        **stage.capture.told(),
    }
    if state.looks:
        line["guard"] = state.looks[-1]
    if state.told:
        line["setbacks"], state.told = state.told, []
    if validation is None or len(validation) == 0:
        return line, best
    if stage.average:
        stage.swap_average()
    try:
        line["validation"] = stage.validate(validation, state.step)
    except TrainingError:
        if stage.average:
            stage.swap_average()
        raise
    watched = line["validation"].get("loss")
    if watched is not None:
        if state.best is None or watched < state.best:
            state.best, state.stale = watched, 0
            best = _copy(stage.net) if settings.patience is not None else {}
        else:
            state.stale += 1
            if settings.schedule == "plateau" and state.stale % PLATEAU_PATIENCE == 0:
                state.lowered *= PLATEAU_FACTOR
    if stage.average:
        stage.swap_average()
    return line, best


def _out_of_patience(state: State, settings: Settings) -> bool:
    return settings.patience is not None and state.stale >= settings.patience


def _copy(net: nn.Module) -> Tensors:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


@contextlib.contextmanager
def _settled(net: nn.Module) -> Iterator[None]:
    """However training ends, the net is left ready to be used: no statistics move, and gradients reach every weight."""
    try:
        yield
    finally:
        net.eval()
        for parameter in net.parameters():
            parameter.requires_grad_(True)


@contextlib.contextmanager
def _told(watchers: Sequence[Watcher]) -> Iterator[None]:
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.on_end()


@contextlib.contextmanager
def _patient_interrupts() -> Iterator[threading.Event]:
    """Ctrl-C and a polite kill wait for the move to end, so that what is saved is whole; a second one does not wait."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def ask_to_stop(number: int, frame: object) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {name: signal.signal(name, ask_to_stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
