"""Paper 004's sizes, network and pictures, and how its autoencoders are trained and looked at on the way."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus.contract import some_of
from isthmus.images.pictures import Pictures
from isthmus.models.autoencoder import Autoencoder
from isthmus.nets.conv import Conv
from isthmus.recipes._claims import span
from isthmus.recipes._pictures import parts_of, some
from isthmus.recipes._recipe import Task, Told
from isthmus.recipes._sheets import as_text
from isthmus.recipes._working import Progress, squared_errors
from isthmus.stats import Interval, principal_components
from isthmus.train.feeding import Resident
from isthmus.train.looking import as_it_is
from isthmus.train.watchers import Watcher

__all__ = ["BEST", "HOW", "L2", "Bench", "Cold", "Sizes", "Sketches", "ends", "fewer", "interval_of", "network"]

HOW: dict[str, Any] = {"schedule": "constant", "warm_up": 0.0, "precision": "float32"}
"""What the paper does not name is left out."""
L2 = 1e-5
BEST = 126, 0.01123
"""The size of the code and the rate that the paper's study found."""
_ASKED_AGAIN, _SHOWN = 10_000, 10


@dataclass(frozen=True)
class Sizes:
    """`own` says that these are the paper's: only then are its numbers a bar.

    `pictures` and `watched` are those that autoencoders learn from and are watched by in tables 2 to 5 and 8;
    `optimised`, `studied`, `stopped` and `drawn` are the epochs of these tables, the third of which may end early;
    `ours` are fields of the VAE that is set beside the paper's. Fine-tuning has `labels`, `epochs` and `passes`.
    """

    data: str = "fashion-mnist"
    validation: int = 12_000
    test: int = 10_000
    pictures: int | None = None
    watched: int | None = None
    latent: int = BEST[0]
    batch_size: int = 256
    optimised: int = 20
    studied: int = 10
    trials: int = 5
    stopped: int = 100
    drawn: int = 15
    mapped: int = 10_000
    random: int = 5000
    ours: dict[str, Any] = field(default_factory=dict)
    labels: int | None = None
    epochs: float | None = None
    passes: float = 20
    patience: int = 5
    batch: int = 128
    own: bool = False


def network(batch_norm: bool = True) -> Conv:
    """The paper's table 1; from table 3 on with batch norm after every convolution."""
    how: dict[str, Any] = {"kernel": 3, "stride": 2, "padding": (1, 1, 0), "hidden": (128,), "activation": "relu"}
    return Conv(channels=(8, 16, 32), batch_norm=batch_norm, **how)


class Cold(Autoencoder):
    """Begins without knowing the mean picture, as the paper's does: what an optimiser learns is then all there is."""

    def _start_from(self, data: Resident) -> None:
        pass


@dataclass(frozen=True)
class Bench:
    """The pictures of one seed."""

    sizes: Sizes
    seed: int
    root: Path

    @classmethod
    def of(cls, task: Task) -> "Bench":
        return cls(task.sizes, task.seed, task.folder.parent)

    @cached_property
    def pictures(self) -> tuple[Pictures, Pictures, Pictures]:
        """To learn from, to watch by, to judge by."""
        train, watched, test = parts_of(self.sizes.data, self.sizes.validation, self.sizes.test)
        return some(train, self.sizes.pictures or len(train)), some(watched, self.sizes.watched or len(watched)), test

    def errors(self, model: Any) -> dict[str, float]:
        """Mean squared errors a pixel; of training pictures at most 10,000 are asked."""
        train, watched, test = self.pictures
        parts = {"train": some_of(train, _ASKED_AGAIN), "validation": watched, "test": test}
        return {name: float(squared_errors(model, pictures).mean()) for name, pictures in parts.items()}

    def plane(self, latent: int) -> dict[str, float]:
        """The same of PCA with as many numbers, laid through the same training pictures."""
        train, watched, test = (self._rows(part) for part in self.pictures)
        found = principal_components(train, latent)
        return {
            name: float((found.decode(found.encode(rows)) - rows).square().mean())
            for name, rows in (("validation", watched), ("test", test))
        }

    def _rows(self, pictures: Pictures) -> torch.Tensor:
        return torch.from_numpy(pictures.pixels.reshape(len(pictures), -1).astype(np.float32) / 255)

    def trained(self, model: Any, told: Told, what: str) -> tuple[Any, "Sketches"]:
        """The model after its epochs, and what was seen on the way."""
        train, watched, _ = self.pictures
        seen = Sketches()
        return model.fit(train, validation=watched, watchers=[seen, Progress(told, what)]), seen


class Sketches(Watcher):
    """The errors of every epoch, and the same few held-out pictures redrawn after every second one."""

    def __init__(self) -> None:
        self.curve: dict[str, list[float]] = {"train": [], "validation": []}
        self.redrawn: dict[int, str] = {}

    def on_model(self, model: Any, pictures: Any, learnt: bool = False) -> None:
        self.model = model
        self.x = pictures.pictures(torch.linspace(0, len(pictures) - 1, min(_SHOWN, len(pictures))).round().long())
        self.shown = as_text(self.x.cpu().clamp(0, 1))

    def on_epoch(self, line: dict[str, Any]) -> None:
        (player,) = line["players"].values()
        self.curve["train"].append(round(player["loss"], 6))
        self.curve["validation"].append(round(line["validation"]["loss"], 6))
        if line["epoch"] % 2:
            with as_it_is(self.model.net_):
                drawn = self.model.decode(self.model.encode(self.x).mean)
            self.redrawn[line["epoch"]] = as_text(drawn.float().cpu().clamp(0, 1))

    def found(self) -> dict[str, Any]:
        return {"curve": self.curve, "shape": list(self.x.shape), "shown": self.shown, "redrawn": self.redrawn}


def ends(found: float | Interval) -> list[float]:
    """Value, low and high; a plain number alone."""
    if not isinstance(found, Interval):
        return [float(found)]
    return [float(found.value), *(span(found) or (float(found.value), float(found.value)))]


def interval_of(found: list[float], n: int) -> Interval | None:
    """What `ends` wrote; None of a plain number."""
    return Interval(found[0], found[1], found[2], n) if len(found) == 3 else None


def fewer(sizes: Sizes) -> str:
    """What a number was learnt from, where that is not what the paper had."""
    return "" if sizes.own else f"from {sizes.pictures or 0:,} pictures; the paper had 48,000"
