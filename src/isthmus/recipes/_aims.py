"""Paper 003's sizes, its pictures, its guide, and what is asked of pictures: a class each, as near as the threshold."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus.design import Problem, Seen, Verdict
from isthmus.files import write_atomically
from isthmus.images.pictures import Pictures
from isthmus.images.scaling import Scaling
from isthmus.keys import stream
from isthmus.measure.oracle import Oracle
from isthmus.nets.conv import Conv
from isthmus.nets.mlp import MLP
from isthmus.recipes._pictures import parts_of
from isthmus.recipes._recipe import Told
from isthmus.recipes._working import Progress
from isthmus.train.feeding import Resident
from isthmus.train.loop import train
from isthmus.train.players import Batch, Phase, Player
from isthmus.train.stage import Settings

__all__ = ["HOW", "Aimed", "Classifier", "Desk", "Sizes"]

HOW: dict[str, Any] = {
    "batch_size": 50,
    "optimiser": "adam",
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warm_up": 0.0,
}
"""How everything that has sigmoids inside is trained."""

_VAE: dict[str, Any] = {"net": MLP(hidden=(256, 128)), "epochs": 40.0}
_GAN: dict[str, Any] = {"net": Conv(channels=(16, 32)), "epochs": 20.0, "batch_size": 64}
"""Chosen by the distance of what they draw to held-out training pictures; fully connected GANs drew one picture."""


@dataclass(frozen=True)
class Sizes:
    """Everything is trained on the first `few` or `many` training pictures, the oracle on the last `judged` of them;
    between them lie the held-out ones by which anything was chosen. `looks` are pictures seen in a training.

    A search has `starts`, of which `filmed` are looked at step by step, and `attempts`, each of `steps`. `random` codes
    are drawn, and `tries` of them for each wish where the best is taken. `vae` and
    `gan` are fields of the models that draw for themselves.
    """

    data: str = "mnist"
    pool: int = 2
    few: int = 1000
    many: int = 10_000
    judged: int = 30_000
    test: int = 10_000
    narrow: int = 5
    wide: int = 20
    hidden: int = 100
    looks: int = 400_000
    guide_looks: int = 200_000
    threshold: float = 0.01
    starts: int = 1000
    steps: int = 2000
    attempts: int = 5
    filmed: int = 100
    random: int = 5000
    tries: int = 50
    clusters: int = 30
    vae: dict[str, Any] = field(default_factory=lambda: dict(_VAE))
    gan: dict[str, Any] = field(default_factory=lambda: dict(_GAN))


@dataclass(frozen=True)
class Aimed(Problem):
    """Each start has a class of its own: the squared error is that of all outputs from the one-hot, summed."""

    targets: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    threshold: float = 0.01

    def __call__(self, z: torch.Tensor, rows: torch.Tensor) -> Verdict:
        x = self.decode(z, rows)
        seen = self.guide(x)
        assert seen.classes is not None
        outputs = seen.classes[0].exp()
        error = (outputs - F.one_hot(self.targets[rows], outputs.shape[1])).square().sum(1)
        return Verdict(error, error.detach() <= self.threshold, x, seen)


@dataclass(frozen=True)
class Desk:
    """What every case of a seed has in common; guide and oracle are trained once and kept."""

    sizes: Sizes
    seed: int
    root: Path

    @cached_property
    def _parts(self) -> tuple[Pictures, Pictures]:
        train_part, _, test = parts_of(self.sizes.data, 0, self.sizes.test)
        return train_part, test

    def _small(self, pictures: Pictures) -> torch.Tensor:
        """In [0, 1], and the mean of every `pool` by `pool` pixels."""
        range_ = pictures.source.get("range")
        x = Scaling.learn(pictures.pixels, "auto", range_).forward(torch.from_numpy(pictures.pixels))
        return F.avg_pool2d(x.float(), self.sizes.pool)

    def first(self, count: int) -> tuple[torch.Tensor, np.ndarray]:
        """The first training pictures and their labels."""
        some = self._parts[0].take(np.arange(count))
        return self._small(some), some.labels

    @cached_property
    def held_out(self) -> torch.Tensor:
        """Training pictures from which neither the networks nor the oracle learn."""
        whole = self._parts[0]
        stop = min(len(whole) - self.sizes.judged, 2 * self.sizes.many)
        return self._small(whole.take(np.arange(self.sizes.many, stop)))

    @cached_property
    def test(self) -> tuple[torch.Tensor, np.ndarray]:
        return self._small(self._parts[1]), self._parts[1].labels

    @property
    def classes(self) -> int:
        return len(self._parts[0].classes)

    @property
    def targets(self) -> torch.Tensor:
        """One wish for each start, as many of every class."""
        return torch.arange(self.sizes.starts) * self.classes // self.sizes.starts

    def oracle(self, told: Told) -> Oracle:
        whole = self._parts[0]
        some = whole.take(np.arange(len(whole) - self.sizes.judged, len(whole)))
        file = self.root / f"oracle-seed-{self.seed}.safetensors"
        watchers = (Progress(told, "training the oracle"),)
        return Oracle.kept(file, self._small(some), some.labels, self.seed, watchers)

    def guide(self, told: Told) -> "Classifier":
        """The paper's classifier: 64 sigmoids and one for each class, taught by squared error."""
        x, labels = self.first(self.sizes.many)
        net = _network(x[0].numel(), self.classes, self.seed)
        file = self.root / f"guide-seed-{self.seed}.safetensors"
        from safetensors.torch import load_file, save

        if file.is_file():
            net.load_state_dict(load_file(file))
        else:
            _teach(net, x, labels, self.sizes.guide_looks / len(x), self.seed, told)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, save(dict(net.state_dict())))
        return Classifier(net.eval().requires_grad_(False))


@dataclass(frozen=True)
class Classifier:
    """Outputs of sigmoids, each as a logarithm: they are no shares of one."""

    net: nn.Module

    def __call__(self, x: torch.Tensor) -> Seen:
        return Seen(F.logsigmoid(self.net(x))[None])


def _network(pixels: int, classes: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(stream(seed, "guide of 003"))
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 64), nn.Sigmoid(), nn.Linear(64, classes))


def _teach(net: nn.Sequential, x: torch.Tensor, labels: np.ndarray, epochs: float, seed: int, told: Told) -> None:
    def loss(batch: Batch) -> dict[str, torch.Tensor]:
        outputs = net(batch.x).sigmoid()
        return {"error": (outputs - F.one_hot(batch.y, outputs.shape[1])).square().sum(1)}

    pictures = Pictures.from_array(x.numpy(), labels)
    data = Resident.of(pictures.pixels, labels, pictures.keys, Scaling(), torch.device("cpu"))
    phase = Phase("guide", (Player("guide", (net,), loss),), epochs)
    train(net, [phase], data, Settings(seed=seed, **HOW), watchers=(Progress(told, "training the guide"),))
