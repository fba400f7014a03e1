"""The one oracle: a small classifier trained by one fixed recipe, which judges pictures that others have made.

Everyone who judges samples or designs uses this one, so that two results are comparable when recipe, seed and training
pictures are. Change nothing here without giving RECIPE a new name: old numbers do not compare with new ones.
"""

import contextlib
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus.errors import DataError, RunError
from isthmus.files import write_atomically
from isthmus.images.scaling import Scaling
from isthmus.keys import keys_of, stream
from isthmus.stats import Interval, wilson_interval
from isthmus.train.feeding import Resident
from isthmus.train.loop import train
from isthmus.train.players import Batch, Phase, Player
from isthmus.train.stage import Settings
from isthmus.train.watchers import Watcher

__all__ = ["FEATURES", "RECIPE", "SETTINGS", "Network", "Oracle", "as_pictures", "epochs_for", "network"]

RECIPE = "oracle-1"
FEATURES = 64
"""Width of the penultimate layer: what samples are compared in. Small, so that 10,000 pictures make a good Gaussian."""

_LARGEST = 64
SETTINGS = Settings(batch_size=128, optimiser="adamw", learning_rate=3e-3, weight_decay=1e-2, schedule="one-cycle")
_EPOCHS, _PICTURES = 5, 40_000  # at least so many epochs, and on a small set at least so many pictures seen


class Oracle:
    """Judges `(n, c, h, w)`, `(n, h, w)` or square `(n, features)`, in [0, 1]; bytes beyond 1 are divided by 255.

    `trained_on` is the fingerprint of the labelled pictures that it learnt from.
    """

    def fit(self, pictures: Any, labels: np.ndarray, seed: int = 0, watchers: tuple[Watcher, ...] = ()) -> Self:
        """Train on the labelled pictures; sides beyond 64 are averaged down to 64."""
        labels = np.asarray(labels)
        known = np.flatnonzero(labels >= 0)
        classes = np.unique(labels[known])
        if len(classes) < 2:
            raise DataError("the oracle needs pictures of at least two classes", "Give labels.")
        x = as_pictures(pictures)[torch.as_tensor(known)]
        self.seed, self.n_classes = seed, int(classes[-1]) + 1
        self.trained_on = _fingerprint(x, labels[known])
        self.net = network(x.shape[1], self.n_classes, seed)
        self.net.norm.observe(x)
        keys = keys_of(str(row) for row in known)
        data = Resident.of(x.numpy(), labels[known].astype(np.int64), keys, Scaling(), torch.device("cpu"))
        player = Player("oracle", (self.net,), self._loss)
        epochs = epochs_for(len(known))
        settings = replace(SETTINGS, seed=stream(seed, RECIPE) >> 32)
        train(self.net, [Phase("oracle", (player,), epochs)], data, settings, watchers=watchers)
        return self

    def _loss(self, batch: Batch) -> dict[str, torch.Tensor]:
        return {"cross-entropy": F.cross_entropy(self.net(batch.x), batch.y, reduction="none")}

    def features(self, pictures: Any) -> np.ndarray:
        """The penultimate layer, `(n, 64)`."""
        return self._each(pictures, self.net.features)

    def answers(self, features: np.ndarray) -> np.ndarray:
        """The classes of pictures of which `features` are at hand already."""
        with torch.inference_mode():
            return np.asarray(self.net.head(torch.from_numpy(features)).argmax(dim=1).numpy())

    def logits(self, pictures: Any) -> np.ndarray:
        return self._each(pictures, self.net)

    def predict_proba(self, pictures: Any) -> np.ndarray:
        return self._each(pictures, lambda x: self.net(x).softmax(dim=1))

    def predict(self, pictures: Any) -> np.ndarray:
        return self.logits(pictures).argmax(axis=1)

    def accuracy(self, pictures: Any, labels: np.ndarray) -> Interval:
        """The share of labelled pictures named rightly: print it beside whatever the oracle judges."""
        labels = np.asarray(labels)
        known = labels >= 0
        right = self.predict(as_pictures(pictures)[torch.as_tensor(known)]) == labels[known]
        return wilson_interval(int(right.sum()), len(right))

    def _each(self, pictures: Any, function: Any) -> np.ndarray:
        x = as_pictures(pictures)
        channels = self.net.norm.mean.shape[1]
        if x.shape[1] != channels:
            raise DataError(f"the oracle was trained on {channels} channels and is shown {x.shape[1]}")
        self.net.eval()
        with torch.inference_mode():
            parts = [function(part) for part in x.split(512)]
        return torch.cat(parts).numpy() if parts else np.empty((0, self.n_classes), np.float32)

    def save(self, path: str | Path) -> None:
        """One safetensors file."""
        from safetensors.torch import save

        about = {"recipe": RECIPE, "seed": self.seed, "classes": self.n_classes, "trained_on": self.trained_on}
        write_atomically(Path(path), save(dict(self.net.state_dict()), metadata={"isthmus": json.dumps(about)}))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """An oracle saved before, if it is of this recipe."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), "pt") as file:
                about = json.loads((file.metadata() or {}).get("isthmus", "{}"))
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        except (OSError, SafetensorError, ValueError) as error:
            raise RunError(f"the oracle {path} cannot be read ({error})", "Fit it again.") from None
        if about.get("recipe") != RECIPE:
            raise RunError(f"{path} holds {about.get('recipe', 'no oracle')}, not {RECIPE}", "Fit it again.")
        oracle = cls()
        oracle.seed, oracle.n_classes = about["seed"], about["classes"]
        oracle.trained_on = about.get("trained_on", "")
        oracle.net = network(weights["norm.mean"].shape[1], oracle.n_classes, oracle.seed)
        oracle.net.load_state_dict(weights)
        return oracle

    @classmethod
    def kept(
        cls, path: str | Path, pictures: Any, labels: np.ndarray, seed: int = 0, watchers: tuple[Watcher, ...] = ()
    ) -> Self:
        """The one in this file if it is of this recipe, seed and labelled pictures; else a new one, saved there."""
        known = np.flatnonzero(np.asarray(labels) >= 0)
        wanted = _fingerprint(as_pictures(pictures)[torch.as_tensor(known)], np.asarray(labels)[known])
        with contextlib.suppress(RunError):
            found = cls.load(path)
            if (found.seed, found.trained_on) == (seed, wanted):
                return found
        oracle = cls().fit(pictures, labels, seed, watchers)
        oracle.save(path)
        return oracle


def as_pictures(pictures: Any) -> torch.Tensor:
    """`(n, c, h, w)` floats, no side beyond 64; a table that is no square picture becomes one row of pixels."""
    x = torch.as_tensor(pictures).detach().cpu()
    x = x.float() / 255 if x.dtype == torch.uint8 and int(x.amax()) > 1 else x.float()
    if x.ndim == 2:
        side = round(x.shape[1] ** 0.5)
        x = x.view(len(x), 1, side, side) if side * side == x.shape[1] else x[:, None, None, :]
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4:
        raise DataError(f"an array of shape {tuple(x.shape)} holds no pictures", "Give (n, c, h, w) or (n, h, w).")
    size = (min(x.shape[2], _LARGEST), min(x.shape[3], _LARGEST))
    return x if tuple(x.shape[2:]) == size else F.adaptive_avg_pool2d(x, size)


def epochs_for(pictures: int) -> int:
    """Five, and more where there are few pictures."""
    return max(_EPOCHS, -(-_PICTURES // pictures))


def _fingerprint(x: torch.Tensor, labels: np.ndarray) -> str:
    digest = hashlib.blake2b(labels.astype("<i8").tobytes(), digest_size=8)
    digest.update(x.contiguous().numpy().data)
    return f"{'x'.join(map(str, x.shape))}-{digest.hexdigest()}"


class _Norm(nn.Module):
    """Channel means and deviations of the training pictures."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("scale", torch.ones(1, channels, 1, 1))

    def observe(self, x: torch.Tensor) -> None:
        deviation, mean = torch.std_mean(x, dim=(0, 2, 3), keepdim=True)
        self.mean, self.scale = mean, 1 / deviation.clamp_min(1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) * self.scale


class Network(nn.Module):
    """Three convolutions with batch norm, pooled to 4 x 4, then 64 features, then classes."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = _Norm(channels)
        self.body = nn.Sequential(
            *_convolution(channels, 32, 4, 2),
            *_convolution(32, 64, 3, 2),
            *_convolution(64, 128, 3, 1),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(128 * 16, FEATURES),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self.norm(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def _convolution(inward: int, outward: int, kernel: int, stride: int) -> list[nn.Module]:
    # Padded by 2 in the first layer, so that a single row of pixels still has an output.
    convolution = nn.Conv2d(inward, outward, kernel, stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outward), nn.ReLU()]


def network(channels: int, classes: int, seed: int) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(stream(seed, RECIPE, "weights"))
        return Network(channels, classes)
