"""Models as paper 000's recipe looks at them: their codes kept as pictures, and codes drawn instead of meant."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from isthmus.contract import Fitted, evaluate
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise

__all__ = ["Coded", "Drawing", "codes_of"]


def codes_of(model: Fitted, pictures: Any) -> np.ndarray:
    """A row a picture."""
    return evaluate(model, pictures, lambda x: model.encode(x).mean.flatten(1)).numpy()


class Coded:
    """Takes codes for pictures, so that heads which look through a model need not encode them for every draw."""

    depth = 0

    def __init__(self, numbers: int) -> None:
        self.latent_shape_: tuple[int, ...] = (numbers,)

    def tensor(self, X: Any) -> torch.Tensor:
        return torch.from_numpy(X)

    def encode(self, x: torch.Tensor) -> Posterior:
        return Posterior(x)

    def features(self, x: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        return []

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z


class Drawing:
    """A model whose code is one draw from what its encoder says, rather than the mean of it."""

    def __init__(self, model: Any, seed: int) -> None:
        self.model, self.seed, self.depth = model, seed, model.depth
        self.latent_shape_: tuple[int, ...] = model.latent_shape_

    def tensor(self, X: Any) -> torch.Tensor:
        x: torch.Tensor = self.model.tensor(X)
        return x

    def encode(self, x: torch.Tensor) -> Posterior:
        noise = Noise(torch.arange(len(x), device=x.device), "recipe", self.seed)
        return Posterior(self.model.encode(x).sample(noise))

    def features(self, x: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        found: list[torch.Tensor] = self.model.features(x, layers)
        return found

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = self.model.decode(z)
        return x
