"""A network that somebody else trained, behind the contract that classifiers ask for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.errors import DataError, UsageError
from isthmus.images.arrays import canonical
from isthmus.images.scaling import Scaling
from isthmus.nets._posterior import Posterior

__all__ = ["Trunk"]


class Trunk:
    """`module` takes `(n, c, h, w)` floats in [0, 1], or what `prepare` makes of them, and puts out a row a picture.

    A `Sequential` shows its layers too, so that maps serve beside the row. Classifiers on a trunk live in memory: the
    network is somebody else's file, and a run folder does not hold it.
    """

    def __init__(self, module: nn.Module, prepare: Any = None, scaling: Scaling | None = None) -> None:
        if not isinstance(module, nn.Module):
            raise UsageError(f"{type(module).__name__} is no torch module", "Give the network itself: Trunk(network).")
        self.module, self.prepare, self.scaling = module.eval(), prepare, scaling
        self.net_ = nn.ModuleDict({"encoder": module}) if isinstance(module, nn.Sequential) else nn.ModuleDict()
        first = next(iter([*module.parameters(), *module.buffers()]), None)
        self.device_ = torch.device("cpu") if first is None else first.device
        self.latent_shape_: tuple[int, ...] = ()

    @property
    def depth(self) -> int:
        return len(self.module) if isinstance(self.module, nn.Sequential) else 1

    def tensor(self, X: Any) -> torch.Tensor:
        pixels = X.pixels if hasattr(X, "pixels") else canonical(np.asarray(X), None)[0]
        if self.scaling is None:  # the first pictures seen say what their numbers mean
            self.scaling = Scaling.learn(pixels)
        x = self.scaling.forward(torch.tensor(np.ascontiguousarray(pixels), device=self.device_))
        return x if self.prepare is None else self.prepare(x)

    def encode(self, x: torch.Tensor) -> Posterior:
        row = self.module(x)
        if not isinstance(row, torch.Tensor) or len(row) != len(x):
            raise DataError("the network does not put out a tensor with a row for each picture", "Wrap it so it does.")
        return Posterior(row if row.ndim in (2, 4) else row.flatten(1))

    def features(self, x: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        if not isinstance(self.module, nn.Sequential):
            return [self.encode(x).mean for _ in layers]
        found = []
        for layer in self.module:
            x = layer(x)
            found.append(x)
        return [found[number] for number in layers]

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        raise UsageError("a trunk only looks; it does not draw", "Fit a model of Isthmus to decode.")
