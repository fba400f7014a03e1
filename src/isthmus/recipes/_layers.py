"""Paper 002's sizes and networks, trained as it says or as we do, and looked at on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus import models
from isthmus.images.pictures import Pictures
from isthmus.images.scaling import Scaling
from isthmus.measure.oracle import Oracle
from isthmus.nets.conv import Conv
from isthmus.nets.mlp import MLP
from isthmus.recipes._pictures import parts_of, some
from isthmus.recipes._recipe import Task, Told
from isthmus.recipes._working import Progress
from isthmus.train.watchers import Watcher

__all__ = ["GRID", "KINDS", "Bench", "Kind", "Looks", "Sizes"]

GRID = (2, 5, 10, 20, 50, 100)
"""Sizes of the code at which the hypothesis is asked."""

_NARROW, _WIDE = 5, 20


@dataclass(frozen=True)
class Sizes:
    """The paper's: 50,000 `steps` of 100 pictures, looked at after the `marks`. `own` says that these are.

    Figures show the first of every class. Maps are judged on `mapped` held-out pictures and voted on by `voters`;
    interpolation on so many `pairs` of held-out pictures, by an oracle that has learnt from `judged` training pictures.
    Nats are of `dense` pictures with `draws` each. The ball's networks make `kicks` steps.
    """

    data: str = "mnist"
    test: int = 10_000
    hidden: tuple[int, ...] = (500, 500)
    channels: tuple[int, ...] = (32, 64)
    steps: int = 50_000
    marks: tuple[int, ...] = (10_000, 30_000, 50_000)
    batch: int = 100
    precision: str = "float32"
    mapped: int = 10_000
    voters: int = 10_000
    pairs: int = 5000
    judged: int = 60_000
    dense: int = 10_000
    draws: int = 500
    kicks: int = 20_000
    films: int = 6000
    own: bool = False


@dataclass(frozen=True)
class Kind:
    """`how` are fields of the model beside those that all have; `ours` is trained by the habits of the network."""

    said: str
    model: str = "autoencoder"
    activation: str = "elu"
    latent: int = _NARROW
    how: dict[str, Any] = field(default_factory=dict)
    ours: bool = False


KINDS = {
    "linear": Kind("linear", "linear"),
    "linear-sgd": Kind("linear, plain SGD", "linear", how={"optimiser": "sgd", "learning_rate": 0.01}),
    "sigmoid": Kind("sigmoid", activation="sigmoid"),
    "relu": Kind("ReLU", activation="relu"),
    "elu": Kind("ELU"),
    "ours": Kind("SiLU, trained as we do", activation="silu", ours=True),
    "vae": Kind("VAE", "vae"),
    "vae-wide": Kind("VAE, 20 numbers", "vae", latent=_WIDE),
    "conv-vae": Kind("convolutional VAE", "vae", activation="conv"),
    **{f"size-{size}": Kind(f"ELU, {size} numbers", latent=size) for size in GRID if size != _NARROW},
}
"""All but `ours` are trained as the paper says, or would: Adam at 1e-3, or SGD, 100 pictures a step, evenly."""

_AS_PRINTED: dict[str, Any] = {
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warm_up": 0.0,
    "spikes": 0.0,
}


@dataclass(frozen=True)
class Bench:
    """What every case of a seed has in common; the oracle is trained once and kept."""

    sizes: Sizes
    seed: int
    root: Path

    @classmethod
    def of(cls, task: Task) -> "Bench":
        return cls(task.sizes, task.seed, task.folder.parent)

    @cached_property
    def pictures(self) -> tuple[Pictures, Pictures]:
        """To learn from and to judge by."""
        train, _, test = parts_of(self.sizes.data, 0, self.sizes.test)
        return train, test

    @cached_property
    def shown(self) -> np.ndarray:
        """Rows of the first two test pictures of every class."""
        labels = self.pictures[1].labels
        return np.concatenate([np.flatnonzero(labels == c)[:2] for c in np.unique(labels)])

    def tensor(self, pictures: Pictures) -> torch.Tensor:
        """In [0, 1], as every model of the recipe sees them."""
        range_ = pictures.source.get("range")
        return Scaling.learn(pictures.pixels, "auto", range_).forward(torch.from_numpy(pictures.pixels)).float()

    @property
    def judge(self) -> Path:
        """Where the oracle is kept."""
        return self.root / f"oracle-seed-{self.seed}.safetensors"

    def oracle(self, told: Told) -> Oracle:
        learnt = some(self.pictures[0], self.sizes.judged)
        watchers = (Progress(told, "training the oracle"),)
        return Oracle.kept(self.judge, self.tensor(learnt), learnt.labels, self.seed, watchers)

    def epochs(self, steps: int, pictures: int) -> float:
        """So many steps, told as passes over the pictures."""
        batch = min(self.sizes.batch, pictures)
        whole, rest = divmod(pictures, batch)
        return steps / (whole if rest < 2 else whole + 1)

    def made(self, kind: Kind, steps: int, pictures: int, **fields: Any) -> Any:
        sizes = self.sizes
        how: dict[str, Any] = {"latent": kind.latent, "seed": self.seed, "batch_size": sizes.batch}
        how |= {"precision": sizes.precision, "epochs": self.epochs(steps, pictures)}
        how |= {} if kind.ours else _AS_PRINTED
        if kind.model == "linear":
            how["hidden"] = sizes.hidden
        elif kind.activation == "conv":
            how["net"] = Conv(channels=sizes.channels)
        else:
            how["net"] = MLP(hidden=sizes.hidden, activation=kind.activation)
        return models.make(kind.model, **how | kind.how | fields)


class Looks(Watcher):
    """Asks a model about itself when so many steps are behind it; nothing of the training changes."""

    def __init__(self, steps: Sequence[int], look: Callable[[Any], dict[str, Any]]) -> None:
        self.steps, self.look, self.found = set(steps), look, dict[int, dict[str, Any]]()

    def on_model(self, model: Any, pictures: Any, learnt: bool = False) -> None:
        self.model = model

    def on_step(self, done: int) -> None:
        if done in self.steps:
            self.found[done] = self.look(self.model)
