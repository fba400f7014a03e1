"""What a regressor sees of a picture: the features of a classifier, and what those forget but numbers may hang on.

Blocks of unit length say nothing of how bright or how varied a picture is, and evened directions hide what is plainly
linear in the pixels. So two columns for the first and the pixels' plain principal components stand beside them.
Left and right are told apart, whatever the model thinks of mirrored pictures: an angle changes its sign.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.classify.baselines import pixels_of
from isthmus.classify.features import Features
from isthmus.contract import Fitted, Tick, some_of

__all__ = ["NumberRows"]

_LOUD = 0.3
_LEARNT_FROM = 10_000


@dataclass(frozen=True)
class NumberRows:
    """`scaling` is two means, two standard deviations, and the usual length of the plain components."""

    features: Features
    scaling: np.ndarray

    @classmethod
    def learn(cls, model: Fitted, X: Any) -> "NumberRows":
        """From some of the pictures, spread evenly over the pile."""
        features = Features.learn(model, X, mirror=False)
        pixels = pixels_of(model, some_of(X, _LEARNT_FROM))
        light, plain = _light(pixels), _plain(features, pixels)
        length = np.sqrt(np.square(plain).sum(axis=1).mean())
        return cls(features, np.array([*light.mean(axis=0), *(light.std(axis=0) + 1e-6), length + 1e-6], np.float32))

    @property
    def bent(self) -> int:
        """Columns for the kernel that bends, before those that are plain."""
        return self.unit + 2

    @property
    def unit(self) -> int:
        """Columns of the blocks of unit length, which come first."""
        return sum(len(components.axes) for components in self.features.blocks.values())

    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        """`(n, d)` in float32."""
        pixels = pixels_of(self.features.model, X)
        middle, spread, length = self.scaling[:2], self.scaling[2:4], self.scaling[4]
        light = _LOUD * (_light(pixels) - middle) / spread
        return np.hstack([self.features.of(X, tick), light, _plain(self.features, pixels) / length], dtype=np.float32)


def _light(pixels: np.ndarray) -> np.ndarray:
    return np.stack([pixels.mean(axis=1), pixels.std(axis=1)], axis=1)


def _plain(features: Features, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(features.blocks["pixels"].encode(torch.from_numpy(pixels)).numpy())
