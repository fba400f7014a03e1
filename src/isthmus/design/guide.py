"""Guides: small networks that say of a picture what it shows, trained on one half of the pictures and together.

They are wrong in different places, being of different widths and having seen different views, and what all of them
find is seldom wrong. Whoever judges afterwards has learnt from the other half, as another kind of network.
"""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus.augment.habits import Habits, habits_for, looked_at
from isthmus.augment.views import View, view
from isthmus.contract import evenly
from isthmus.design.wishes import Seen
from isthmus.errors import DataError, RunError
from isthmus.files import write_atomically
from isthmus.images.scaling import Scaling
from isthmus.keys import keys_of, stream
from isthmus.train.feeding import Resident
from isthmus.train.loop import train
from isthmus.train.players import Batch, Feed, Phase, Player
from isthmus.train.stage import Settings
from isthmus.train.watchers import Watcher

__all__ = ["RECIPE", "Guide", "Guides", "Taught", "as_guide"]

RECIPE = "guides-2"
_SETTINGS = Settings(batch_size=128, optimiser="adamw", learning_rate=2e-3, weight_decay=1e-2, schedule="one-cycle")
_EPOCHS, _PICTURES, _AGAIN = 5, 40_000, 2  # at least so many epochs, and on a small set so many pictures seen
_WIDTHS = (16, 20, 12, 24)
_LARGEST = 64


class Guide(Protocol):
    """Anything that says, differentiably, what pictures in [0, 1] show."""

    def __call__(self, x: torch.Tensor) -> Seen: ...


@dataclass(frozen=True)
class Taught:
    """What guides learn from: pictures in [0, 1], labels (-1 unknown), and attributes by name (NaN unknown)."""

    pictures: torch.Tensor
    labels: np.ndarray
    numbers: dict[str, np.ndarray]


class Guides:
    """Several networks of one recipe; `count` of them, numbered from 0, each different."""

    def __init__(self, count: int = 3, seed: int = 0, classes: int | None = None) -> None:
        self.count, self.seed, self.n_classes = count, seed, classes

    def __call__(self, x: torch.Tensor) -> Seen:
        """Differentiable; the guides themselves stay as they are."""
        found = [member(_small(x)) for member in self.net]
        classes = torch.stack([classes for classes, _ in found]).log_softmax(-1) if self.n_classes else None
        numbers = torch.stack([numbers for _, numbers in found]) * self.scale + self.middle
        return Seen(classes, {name: numbers[..., k] for k, name in enumerate(self.names)})

    def fit(self, taught: Taught, watchers: tuple[Watcher, ...] = ()) -> Self:
        """Train all of them at once, each on its own views of the same pictures."""
        x, names = _small(taught.pictures), tuple(taught.numbers)
        present = len(np.unique(taught.labels[taught.labels >= 0]))
        if present < 2 and not names:
            what = f"the half of the pictures that guides learn from has labels of {present} classes"
            raise DataError(what, "Label more pictures, of two classes or more.")
        if present < 2:
            self.n_classes = 0
        elif self.n_classes is None:
            self.n_classes = int(taught.labels.max()) + 1
        self.names, self.trained_on = names, ""
        numbers = torch.tensor(
            np.stack([taught.numbers[name] for name in names], 1) if names else np.zeros((len(x), 0))
        )
        self.middle = torch.nanmean(numbers, 0).float()
        self.scale = torch.nanmean((numbers - self.middle).square(), 0).sqrt().clamp_min(1e-6).float()
        self.net = _networks(x.shape[1:], self.n_classes or 0, len(names), self.count, self.seed)
        for member in self.net:
            cast(_Network, member).norm.observe(x)
        self._learn(taught, max(_EPOCHS, -(-_PICTURES // len(x))), "first", watchers)
        return self

    def learn_on(self, taught: Taught, watchers: tuple[Watcher, ...] = ()) -> Self:
        """A few more epochs, on more pictures of what they know already."""
        self._learn(taught, _AGAIN, "again", watchers)
        return self

    def _learn(self, taught: Taught, epochs: int, turn: str, watchers: tuple[Watcher, ...]) -> None:
        x = _small(taught.pictures)
        numbers = torch.tensor(np.stack([*taught.numbers.values()], 1) if self.names else np.zeros((len(x), 0)))
        known = np.flatnonzero((taught.labels >= 0) | np.isfinite(numbers.numpy()).any(1))
        rows = torch.as_tensor(known)
        cached = ((numbers.float() - self.middle) / self.scale)[rows]
        keys = keys_of(str(row) for row in known)
        data = Resident.of(x[rows].numpy(), taught.labels[known], keys, Scaling(), torch.device("cpu"))
        phase = Phase("guides", (Player("guides", (self.net,), _Teaching(self.net, _habits(x))),), epochs)
        phase.feeds["batch"] = Feed(cache=cached)
        settings = replace(_SETTINGS, seed=stream(self.seed, RECIPE, turn) >> 32)
        train(self.net, [phase], data, settings, watchers=watchers)
        self.net.eval().requires_grad_(False)

    def told(self, pictures: torch.Tensor) -> Seen:
        """What they say of many pictures, without gradients."""
        with torch.no_grad():
            parts = [self(part) for part in pictures.split(1024)]
        classes = torch.cat([part.classes for part in parts], 1) if self.n_classes else None  # type: ignore[misc]
        return Seen(classes, {name: torch.cat([part.numbers[name] for part in parts], 1) for name in self.names})

    def save(self, path: Path) -> None:
        from safetensors.torch import save

        about = {
            "recipe": RECIPE,
            "seed": self.seed,
            "count": self.count,
            "classes": self.n_classes,
            "names": self.names,
            "shape": self.net[0].shape,
            "trained_on": self.trained_on,
        }
        tensors = dict(self.net.state_dict()) | {"middle": self.middle, "scale": self.scale}
        write_atomically(path, save(tensors, metadata={"isthmus": json.dumps(about)}))

    @classmethod
    def load(cls, path: Path) -> Self:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), "pt") as file:
                about = json.loads((file.metadata() or {}).get("isthmus", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            if about.get("recipe") != RECIPE:
                raise ValueError(f"it holds {about.get('recipe', 'no guides')}")
            guides = cls(about["count"], about["seed"])
            guides.names, guides.n_classes = tuple(about["names"]), about["classes"]
            guides.trained_on = about["trained_on"]
            guides.middle, guides.scale = tensors.pop("middle"), tensors.pop("scale")
            guides.net = _networks(about["shape"], guides.n_classes, len(guides.names), guides.count, guides.seed)
            guides.net.load_state_dict(tensors)
        except (OSError, SafetensorError, ValueError, KeyError, RuntimeError, TypeError) as error:
            raise RunError(
                f"the guides {path} cannot be read ({error})", "Remove that file; they are made again."
            ) from None
        guides.net.eval().requires_grad_(False)
        return guides

    @classmethod
    def kept(cls, path: Path, taught_from: str, new: Self, fit: Callable[[], Self]) -> Self:
        """Those in this file if they learnt the same as `new` are to, `taught_from` by its fingerprint; else those that
        `fit` makes, saved."""
        with contextlib.suppress(RunError):
            found = cls.load(path)
            if (found.count, found.seed, found.trained_on) == (new.count, new.seed, taught_from):
                return found
        guides = fit()
        guides.trained_on = taught_from
        guides.save(path)
        return guides


def as_guide(guide: Any) -> Guide:
    """A guide as it is; a torch function that gives logits `(n, classes)` as one that knows classes only."""
    if isinstance(guide, Guides):
        return guide

    def told(x: torch.Tensor) -> Seen:
        said = guide(x)
        return said if isinstance(said, Seen) else Seen(said.log_softmax(-1)[None])

    return told


class _Teaching:
    """The loss of all guides: classes from pictures and views of them, attributes from pictures as they are."""

    def __init__(self, net: nn.ModuleList, views: View | None) -> None:
        self.net, self.views = net, views

    def __call__(self, batch: Batch) -> dict[str, torch.Tensor]:
        terms = {"classes": torch.zeros(len(batch.x)), "numbers": torch.zeros(len(batch.x))}
        for number, member in enumerate(self.net):
            x, plain = self._seen(batch, number)
            classes, numbers = member(x)
            if classes.shape[1]:
                missed = F.cross_entropy(classes, batch.y, ignore_index=-1, reduction="none")
                terms["classes"] = terms["classes"] + missed
            if numbers.shape[1]:
                assert batch.codes is not None
                known = batch.codes.isfinite() & plain[:, None]
                off = (numbers - batch.codes.nan_to_num()).square() * known
                terms["numbers"] = terms["numbers"] + off.sum(1) / numbers.shape[1]
        return terms

    def _seen(self, batch: Batch, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Half of the labelled pictures as a view each, and which are as they were: only of those are numbers known."""
        plain = (batch.noise.uniform(f"plain {number}") < 0.5) | (batch.y < 0)
        if self.views is None:
            return batch.x, torch.ones_like(plain)
        x, rows = batch.x.clone(), torch.nonzero(~plain).flatten()
        if len(rows):
            x[rows] = view(batch.x[rows], batch.noise.of(rows), self.views, str(number))
        return x, plain


class _Norm(nn.Module):
    """Channel means and deviations of the pictures taught."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("scale", torch.ones(channels, 1, 1))

    def observe(self, x: torch.Tensor) -> None:
        deviation, mean = torch.std_mean(x.double(), dim=(0, 2, 3))
        self.mean, self.scale = mean.float()[:, None, None], (1 / deviation.clamp_min(1e-3)).float()[:, None, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) * self.scale


class _Network(nn.Module):
    """Wide strided convolutions down to 7 pixels or fewer, then 128 features, then classes and numbers."""

    def __init__(self, shape: Sequence[int], classes: int, numbers: int, width: int) -> None:
        super().__init__()
        self.shape, (channels, high, wide) = list(shape), shape
        self.norm, layers, kernel = _Norm(channels), list[nn.Module](), 5
        while max(high, wide) > 7 or not layers:
            stride = 2 if max(high, wide) > 7 else 1
            layers += [nn.Conv2d(channels, width, kernel, stride, kernel // 2), nn.ReLU()]
            channels, high, wide, width, kernel = width, -(-high // stride), -(-wide // stride), 2 * width, 3
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * high * wide, 128), nn.ReLU())
        self.sizes = (classes, numbers)
        self.heads = nn.Linear(128, classes + numbers)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        classes, numbers = self.heads(self.body(self.norm(x))).split(self.sizes, dim=1)
        return classes, numbers


def _networks(shape: Sequence[int], classes: int, numbers: int, count: int, seed: int) -> nn.ModuleList:
    with torch.random.fork_rng():
        torch.manual_seed(stream(seed, RECIPE, "weights"))
        return nn.ModuleList(
            _Network(shape, classes, numbers, _WIDTHS[number % len(_WIDTHS)]) for number in range(count)
        )


def _small(x: torch.Tensor) -> torch.Tensor:
    """`(n, c, h, w)`, no side beyond 64, differentiably; a table's rows are pictures one pixel high."""
    x = x.float() if x.ndim == 4 else x.float()[:, None, None, :]
    size = (min(x.shape[2], _LARGEST), min(x.shape[3], _LARGEST))
    return x if tuple(x.shape[2:]) == size else F.adaptive_avg_pool2d(x, size)


def _habits(x: torch.Tensor) -> View | None:
    """Views as these pictures bear them, but whole: a guide is asked about whole pictures. None for tables."""
    if min(x.shape[2:]) < 8:
        return None
    found: Habits = habits_for(x[torch.as_tensor(evenly(len(x), looked_at(tuple(x.shape[1:]))))])
    return replace(found.view, zoom=(0.9, 1.15), shift=0.1, turn=min(found.view.turn, 0.2), cover=0.0)
