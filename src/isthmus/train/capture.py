"""A move on a graphics card, recorded once and played again: a small network waits for the launch of every kernel.

What is recorded is what the device does, at fixed places in memory: forward, backward, clipping and the optimiser. So
whatever changes from move to move lies in tensors that are filled before it is played: the batch, the seeds of its
noise, the weights of the terms, the learning rate. A move that is unlike the recorded one is made as ever, and so is
one in fifty, at which losses are looked at. Whatever cannot be recorded leaves a reason, and training goes on without.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch

from isthmus.keys import stream
from isthmus.rng import Noise
from isthmus.train.objective import LOOKED_AT, Objective
from isthmus.train.players import Batch, Moment, Terms

__all__ = ["Capture", "Graph", "Recorder", "Salted"]

_WARM = 3
"""Moves made as ever on a stream of their own, in which libraries choose their ways and memory is laid out."""

_LARGEST = 20_000_000
"""A network of more numbers keeps the card busy as it is, and recording would hold its memory twice."""

_NO_CARD = "there is no graphics card"

Work = Callable[[], Terms]


class Unrecordable(RuntimeError):
    """Something in a move that would be recorded as it is now, and must not be."""


class Recorder(Protocol):
    """What can record what the device does, and have it done again."""

    def warm(self, work: Work) -> Terms:
        """Do it as ever, but where it can be recorded later."""

    def record(self, work: Work) -> None:
        """Note all that is done; nothing of it is done yet."""

    def play(self) -> Terms:
        """Do what was recorded; what it found lies where it always does."""


class Graph:
    """By torch's CUDA graphs."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.graph, self.stream = device, torch.cuda.CUDAGraph(), torch.cuda.Stream(device)
        self.found: Terms = {}

    def warm(self, work: Work) -> Terms:
        usual = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(usual)
        with torch.cuda.stream(self.stream):
            found = work()
        usual.wait_stream(self.stream)
        return found

    def record(self, work: Work) -> None:
        # Other threads (pictures read ahead, the page) may go on calling CUDA meanwhile.
        with torch.cuda.device(self.device), torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
            self.found = work()

    def play(self) -> Terms:
        with torch.cuda.device(self.device):
            self.graph.replay()
        return self.found


class Capture:
    """The moves of the one player of a phase. `reason` says why they are not recorded, where they are not."""

    def __init__(self, reason: str | None, make: Callable[[torch.device], Recorder] = Graph) -> None:
        self.reason, self.make = reason, make
        self.batches: dict[str, Batch] = {}
        self.weights: dict[str, torch.Tensor] = {}
        self.played, self._warmed = 0, 0
        self._recorder: Recorder | None = None
        self._last: dict[str, float] = {}

    @classmethod
    def of(cls, objectives: dict[str, Any], draws: int, accumulate: int, optimisers: dict[str, Any]) -> "Capture":
        """Whether moves can be recorded is known before the first."""
        reason = None
        numbers = [parameter for one in objectives.values() for parameter in one.parameters()]
        if numbers[0].device.type != "cuda":
            reason = _NO_CARD
        elif not all(isinstance(one, Objective) for one in objectives.values()):
            reason = "many processes make it together"
        elif len(objectives) > 1 or draws > 1:
            reason = "several players move in turn"
        elif accumulate > 1:
            reason = "batches are computed in pieces"
        elif not all(getattr(one, "on_device", False) for one in optimisers.values()):
            reason = "the optimiser keeps numbers on the processor"
        elif sum(parameter.numel() for parameter in numbers) > _LARGEST:
            reason = "the network is large enough to keep the card busy"
        return cls(reason)

    def told(self) -> dict[str, Any]:
        """For the history, where there is a graphics card: how many moves of the phase were played, or why none was."""
        if self.reason == _NO_CARD:
            return {}
        return {"replayed": self.played} if self.reason is None else {"not_replayed": self.reason}

    def move(
        self,
        objective: Objective,
        optimiser: torch.optim.Optimizer,
        batches: dict[str, Batch],
        moment: Moment,
        step: int,
        work: Callable[[dict[str, Batch]], Terms],
    ) -> Terms | None:
        """The means of the terms of a move that was made here; None where it is to be made as ever."""
        if self.reason is not None or step % LOOKED_AT == 0 or not self._fill(objective, batches, moment):
            return None
        before = [group["lr"] for group in optimiser.param_groups]
        try:
            return self._made(objective, optimiser, lambda: work(self.batches))
        except RuntimeError as error:
            if self._warmed != _WARM and not isinstance(error, Unrecordable):
                raise  # a trouble of the move itself, not of recording it
            told = str(error).splitlines() or [type(error).__name__]
            self.reason = f"a move cannot be recorded: {told[0][:200]}"
            self.batches, self._recorder = {}, None
            for group, rate in zip(optimiser.param_groups, before, strict=True):
                group["lr"] = float(rate)
                for parameter in group["params"]:
                    parameter.grad = None
            return None

    def _made(self, objective: Objective, optimiser: torch.optim.Optimizer, work: Work) -> Terms:
        device = optimiser.param_groups[0]["params"][0].device
        recorder = self._recorder = self._recorder or self.make(device)
        for group in optimiser.param_groups:
            if not isinstance(group["lr"], torch.Tensor):
                group["lr"] = torch.full((), group["lr"], dtype=torch.float32, device=device)
        objective.held = self.weights
        try:
            if self._warmed < _WARM:
                found = recorder.warm(work)
                self._warmed += 1
                return found
            if self._warmed == _WARM:
                for batch in self.batches.values():
                    assert isinstance(batch.noise, Salted)
                    batch.noise.salts.closed = True
                recorder.record(work)
                self._warmed += 1
        finally:
            objective.held = None
        self.played += 1
        return recorder.play()

    def _fill(self, objective: Objective, batches: dict[str, Batch], moment: Moment) -> bool:
        """Put what changes where the recorded move will find it; False for a move of another kind."""
        now = objective.player.weights(moment)
        if not self.batches:
            self.batches = {name: _apart(batch) for name, batch in batches.items()}
            device = next(iter(batches.values())).x.device
            self.weights = {name: torch.full((), float(value), device=device) for name, value in now.items()}
            self._last = dict(now)
        if now.keys() != self.weights.keys() or not all(map(_alike, self.batches.values(), batches.values())):
            if self._warmed <= 1:  # the one batch seen so far may have been the short one of an epoch
                self.batches, self._warmed = {}, 0
            return False
        for name, value in now.items():
            if value != self._last[name]:
                self.weights[name].fill_(value)
        self._last = dict(now)
        for name, batch in batches.items():
            held = self.batches[name]
            held.x.copy_(batch.x)
            held.y.copy_(batch.y)
            if held.codes is not None and batch.codes is not None:
                held.codes.copy_(batch.codes)
            assert isinstance(held.noise, Salted)
            held.noise.follow(batch.noise)
        return True


class _Salts:
    """The seeds of the streams that are drawn from, by purpose, as numbers on the device."""

    def __init__(self, parts: tuple[object, ...], device: torch.device) -> None:
        self.parts, self.device, self.closed = parts, device, False
        self.halves: dict[str, torch.Tensor] = {}

    def of(self, purpose: str) -> torch.Tensor:
        if purpose not in self.halves:
            if self.closed:
                raise Unrecordable(f"noise for {purpose!r} is not drawn in every move")
            self.halves[purpose] = torch.zeros(2, dtype=torch.int64, device=self.device)
            self._fill(purpose)
        return self.halves[purpose]

    def follow(self, parts: tuple[object, ...]) -> None:
        if parts != self.parts:
            self.parts = parts
            for purpose in self.halves:
                self._fill(purpose)

    def _fill(self, purpose: str) -> None:
        salt = stream(*self.parts, purpose)
        self.halves[purpose][0].fill_(salt & 0xFFFFFFFF)
        self.halves[purpose][1].fill_(salt >> 32)


class Salted(Noise):
    """Noise that a recorded move draws anew whenever it is played: its seeds are no part of what was recorded."""

    def __init__(self, keys: torch.Tensor, salts: _Salts) -> None:
        self.keys, self.salts = keys, salts

    @property
    def parts(self) -> tuple[object, ...]:  # type: ignore[override]
        raise Unrecordable("noise is made of the parts of other noise, rather than with `of`")

    def of(self, rows: torch.Tensor | slice) -> Noise:
        return Salted(self.keys[rows], self.salts)

    def follow(self, noise: Noise) -> None:
        """From here on the numbers are those of this noise."""
        self.keys.copy_(noise.keys)
        self.salts.follow(noise.parts)

    def _salt(self, purpose: str) -> tuple[Any, Any]:
        below, above = self.salts.of(purpose).unbind()
        return below, above


def _apart(batch: Batch) -> Batch:
    """A batch of the same shape at a place of its own."""
    noise = Salted(batch.noise.keys.clone(), _Salts(batch.noise.parts, batch.x.device))
    return Batch(batch.x.clone(), batch.y.clone(), noise, None if batch.codes is None else batch.codes.clone())


def _alike(held: Batch, batch: Batch) -> bool:
    """Whether one can lie where the other does."""
    codes = None if batch.codes is None else batch.codes.shape
    return held.x.shape == batch.x.shape and (None if held.codes is None else held.codes.shape) == codes
