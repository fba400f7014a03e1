"""A trial is looked at on its way, and given up where a cheaper code already was better at that point."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from isthmus.contract import some_of
from isthmus.images.pictures import Pictures
from isthmus.train.watchers import Watcher
from isthmus.tune.choosing import Row

__all__ = ["SHARES", "GaveUp", "OutOfTime", "Pace", "Watching", "beaten", "redrawn"]

SHARES = (0.25, 0.5, 0.75)
"""Of the steps of a trial, where it is looked at."""

_MARGIN = {"0.25": 1.5, "0.5": 1.25, "0.75": 1.1}
_ASKED = 1000
_SETTLING = 3


class GaveUp(Exception):
    """The trial is not worth its time any more."""


class OutOfTime(Exception):
    """The call's minutes are over."""


def beaten(cost: dict[str, float], share: str, error: float, rows: Sequence[Row]) -> Row | None:
    """A finished trial that had redrawn clearly better at the same share of its steps, with a code no larger and a
    price of it no lower. Other errors are not compared: a small code redraws worse, and is what is being looked for.
    """
    for row in rows:
        then = row.measured.get(f"error at {share}")
        if not row.finished or then is None:
            continue
        cheaper = row.measured["latent"] <= cost["latent"] and row.measured.get("beta", 0.0) >= cost.get("beta", 0.0)
        if cheaper and error > _MARGIN[share] * then:
            return row
    return None


class Watching(Watcher):
    """Measures the error at a quarter, half and three quarters; `look` says whether the trial goes on."""

    def __init__(
        self,
        held: Pictures,
        look: Callable[[str, float], None],
        told: Callable[[float], None],
        breathe: Callable[[float], None],
    ) -> None:
        self.held, self.look, self.told, self.breathe = some_of(held, _ASKED), look, told, breathe
        self.seen: dict[str, float] = {}

    def on_model(self, model: Any, pictures: Any, learnt: bool = False) -> None:
        self.model, self.last = model, -1.0

    def on_start(self, steps: int, done: int) -> None:
        self.steps = steps

    def on_step(self, done: int) -> None:
        share, now = done / max(self.steps, 1), time.monotonic()
        if now - self.last > 1:
            self.last = now
            self.told(share)
        self.breathe(now)
        for due in SHARES:
            if share >= due and str(due) not in self.seen and share < 1:
                self.seen[str(due)] = redrawn(self.model, self.held)
                self.look(str(due), self.seen[str(due)])

    def seen_as(self) -> dict[str, float]:
        """By the names under which a trial's numbers are kept."""
        return {f"error at {share}": value for share, value in self.seen.items()}


class Pace(Watcher):
    """How long a step takes, by a second or two of them."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.per_step, self.began = seconds, 0.0, 0.0

    def on_start(self, steps: int, done: int) -> None:
        self.steps = steps

    def on_step(self, done: int) -> None:
        if done <= _SETTLING:
            self.began = time.perf_counter()
            return
        spent = time.perf_counter() - self.began
        self.per_step = spent / (done - _SETTLING)
        if spent > self.seconds:
            raise GaveUp


def redrawn(model: Any, pictures: Pictures) -> float:
    """The squared error a pixel in the middle of training; whoever was in training mode is so again."""
    before = {module: module.training for module in model.net_.modules()}
    try:
        with torch.no_grad():
            model.net_.eval()
            parts = model.tensor(pictures).split(256)
            errors = [(model.decode(model.encode(x).mean) - x).square().flatten(1).mean(1) for x in parts]
            return float(torch.cat(errors).mean())
    finally:
        for module, training in before.items():
            module.training = training
