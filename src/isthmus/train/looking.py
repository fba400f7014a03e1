"""Looks at a model now and then while it is trained: the same few pictures redrawn, and what its code carries.

What is seen is kept as plain arrays, `watch/000012.safetensors` after twelve epochs. Nothing of the training changes:
no weight, no statistic, no random number, and whoever was in training mode is so again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from isthmus.errors import IsthmusError
from isthmus.run import Run
from isthmus.train.checkpoint import save_tensors
from isthmus.train.watchers import Watcher

__all__ = ["FOLDER", "Looking", "as_it_is"]

FOLDER = "watch"
_SHOWN, _ASKED, _SIDE = 12, 256, 64
_MOST = 60
_SHARE, _FREE = 0.01, 0.5
"""Of the time of training, and the seconds that are spent in any case: a short training is looked at all the same."""
_WIDEST = 4096


class Looking(Watcher):
    """Into this run's folder, after each epoch at first; ever more seldom, so that at most 60 looks are kept."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.model: Any = None

    def on_model(self, model: Any, pictures: Any, learnt: bool = False) -> None:
        """A model without codes, or of rows that are no pictures, is not looked at."""
        self.learnt = learnt
        self.lines, self.every, self.spent, self.begun = 0, 1, 0.0, False
        able = getattr(model, "encodes", False) and len(model.shape_) == 3 and len(pictures) > 0
        self.model = model if able else None
        if able:
            rows = torch.linspace(0, len(pictures) - 1, min(_ASKED, len(pictures))).round().long()
            self.x = pictures.pictures(rows)
            self.shown = torch.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).round().long()

    def on_start(self, steps: int, done: int) -> None:
        if self.begun:
            return
        self.begun = True
        self.lines = len(self.run.read_lines("history.jsonl"))
        for number, path in self._kept().items():
            if number > self.lines:  # of another training, or of one that was gone back on
                path.unlink(missing_ok=True)
        self.every = 1
        while len(self._kept()) > _MOST:
            self._thin()
        # without a history what is there is of a training that was killed, maybe on other pictures
        if self.model is not None and not (self.lines and self.run.has(f"{FOLDER}/pictures.safetensors")):
            pictures, about = {"pictures": _bytes(self.x[self.shown])}, {"learnt": self.learnt}
            save_tensors(self.run, f"{FOLDER}/pictures.safetensors", pictures, about)

    def on_epoch(self, line: dict[str, Any]) -> None:
        self.lines += 1
        if self.model is None or self.lines % self.every:
            return
        if self.spent > max(_FREE, _SHARE * line["seconds"]):
            return
        began = time.perf_counter()
        about = {"line": self.lines, "phase": line["phase"], "epoch": line["epoch"]}
        try:
            save_tensors(self.run, f"{FOLDER}/{self.lines:06d}.safetensors", self._seen(), about)
        except (IsthmusError, AttributeError, KeyError, NotImplementedError):
            self.model = None  # one that cannot yet be asked, or a full disk: training goes on without being looked at
        if len(self._kept()) > _MOST:
            self._thin()
        self.spent += time.perf_counter() - began

    def _seen(self) -> dict[str, torch.Tensor]:
        with as_it_is(self.model.net_):
            posteriors = [self.model.encode(part) for part in self.x.split(128)]
            means = torch.cat([one.mean for one in posteriors])
            redrawn = _bytes(self.model.decode(means[self.shown].contiguous()).float())
            found = {"redrawn": redrawn, "spread": means.flatten(1).float().var(0, correction=0)}
            if posteriors[0].log_variance is not None:
                found["kl"] = torch.cat([one.flat().kl() for one in posteriors]).float().mean(0)
        return {name: values if name == "redrawn" else values[:_WIDEST] for name, values in found.items()}

    def _kept(self) -> dict[int, Any]:
        found = (self.run.path / FOLDER).glob("*.safetensors")
        return {int(path.stem): path for path in sorted(found) if path.stem.isdecimal()}

    def _thin(self) -> None:
        """Every second one goes, and from now on as many are left out; the first stays, for it is where all began."""
        self.every *= 2
        for number, path in list(self._kept().items())[1:]:
            if number % self.every:
                path.unlink(missing_ok=True)


@contextmanager
def as_it_is(net: nn.Module) -> Iterator[None]:
    """Nets as they are used; whoever was in training mode is so again afterwards."""
    before = {module: module.training for module in net.modules()}
    try:
        with torch.no_grad():
            net.eval()
            yield
    finally:
        for module, training in before.items():
            module.training = training


def _bytes(x: torch.Tensor) -> torch.Tensor:
    """Pictures in [0, 1] as bytes, no side beyond 64: they are to be glanced at."""
    largest = max(x.shape[2:])
    if largest > _SIDE:
        high, wide = (max(1, round(side * _SIDE / largest)) for side in x.shape[2:])
        x = F.adaptive_avg_pool2d(x.cpu(), (high, wide))  # where sides that do not divide can be pooled
    return (x.float().clamp(0, 1).nan_to_num() * 255).round().to(torch.uint8).cpu()
