"""Principal component analysis behind the same contract: the baseline that everything else is set beside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.errors import UsageError
from isthmus.images.pictures import Pictures
from isthmus.models._base import Model as Contract
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise
from isthmus.run import Run
from isthmus.terms.likelihood import squared_error
from isthmus.train.watchers import Watcher

__all__ = ["PCA", "Model"]


@dataclass(kw_only=True, eq=False)
class PCA(Contract):
    """The plane of least squared error through the mean picture; codes are coordinates in it, largest spread first."""

    def encode(self, x: torch.Tensor) -> Posterior:
        plane = self._plane()
        return Posterior((x.flatten(1) - plane.mean) @ plane.components.T)

    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        plane = self._plane()
        return (z @ plane.components + plane.mean).unflatten(1, self.shape_)

    def sample_codes(self, n: int, seed: int = 0, y: Any = None) -> np.ndarray:
        """As widely spread as the training codes were."""
        return super().sample_codes(n, seed, y) * self._plane().spread.cpu().numpy()

    def _plane(self) -> "_Plane":
        plane = self.net_["plane"]
        assert isinstance(plane, _Plane)
        return plane

    def _layers(self) -> Iterator[nn.Module]:
        yield self.net_["plane"]

    def _build(self) -> nn.ModuleDict:
        pixels = torch.Size(self.shape_).numel()
        return nn.ModuleDict({"plane": _Plane(self.latent, pixels)})

    def _fit(
        self, pictures: Pictures, validation: Pictures | None, run: Run | None, watchers: Sequence[Watcher]
    ) -> None:
        pixels = torch.Size(self.shape_).numel()
        if self.latent > min(len(pictures), pixels):
            raise UsageError(
                f"latent is {self.latent} for {len(pictures)} pictures of {pixels} pixels",
                f"PCA has at most {min(len(pictures), pixels)} components.",
            )
        net = self._build().to(self.device_)
        self._settle(net)
        self._plane().settle(*self._moments(pictures, pixels))

    def _moments(self, pictures: Pictures, pixels: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and covariance in float64, block by block: memory does not grow with the number of pictures."""
        total = torch.zeros(pixels, dtype=torch.float64)
        second = torch.zeros(pixels, pixels, dtype=torch.float64)
        start = self._scaled(pictures.pixels[:1]).flatten(1).double().cpu()
        for first in range(0, len(pictures), 2048):
            x = self._scaled(pictures.pixels[first : first + 2048]).flatten(1).double().cpu() - start
            total += x.sum(0)
            second.addmm_(x.T, x)
        mean = total / len(pictures)
        return mean + start[0], second / len(pictures) - torch.outer(mean, mean)

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return -squared_error(self.decode(self.encode(x).mean), x)


class _Plane(nn.Module):
    """Buffers rather than parameters: nothing here is moved by steps."""

    mean: torch.Tensor
    components: torch.Tensor
    spread: torch.Tensor

    def __init__(self, latent: int, pixels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("components", torch.zeros(latent, pixels))
        self.register_buffer("spread", torch.ones(latent))

    def settle(self, mean: torch.Tensor, covariance: torch.Tensor) -> None:
        values, vectors = torch.linalg.eigh(covariance)
        latent = len(self.components)
        components = vectors.flip(1)[:, :latent].T
        # An eigenvector's sign is arbitrary: its largest entry is made positive, so that fits agree.
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        self.mean.copy_(mean)
        self.components.copy_(components * largest.sign())
        self.spread.copy_(values.flip(0)[:latent].clamp_min(0).sqrt())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.flatten(1) - self.mean) @ self.components.T


Model = PCA
