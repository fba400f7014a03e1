"""Where a picture is odd: how much worse it is redrawn there than normal pictures usually are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.contract import Fitted, batches, some_of

__all__ = ["HeatMaps"]

_LEARNT_FROM = 2000
_BLUR = 1 / 24
"""Of the shorter side: what is odd is seldom one pixel, and one pixel is seldom odd."""
_FLOOR = 0.3
_EXTREME = 0.999


@dataclass(frozen=True)
class HeatMaps:
    """`usual` is the smoothed squared error of each place over normal pictures, its mean over them 1 in the heat.

    The heat is a ratio of errors, not of their squares: 3 is three times as far from the picture as usual there. Up to
    `top` it happens in normal pictures too, once in a thousand places.
    """

    model: Fitted
    usual: np.ndarray
    top: float

    @classmethod
    def learn(cls, model: Fitted, normal: Any) -> "HeatMaps":
        """From some normal pictures, best such that the model was not trained on."""
        errors = torch.cat([error for _, error in _redrawn(model, some_of(normal, _LEARNT_FROM))])
        usual = errors.mean(0).numpy()
        made = cls(model, usual, 1.0)
        return cls(model, usual, float(np.quantile(made._heat(errors.numpy()), _EXTREME)))

    def of(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """What the model makes of the pictures, `(n, c, h, w)`, and the heat, `(n, h, w)`."""
        redrawn, errors = (torch.cat(parts).numpy() for parts in zip(*_redrawn(self.model, X), strict=True))
        return redrawn, self._heat(errors)

    def _heat(self, errors: np.ndarray) -> np.ndarray:
        """Where nothing ever happens a trifle would glow: the floor says how much is no trifle."""
        return np.asarray(np.sqrt(errors / (self.usual + _FLOOR * self.usual.mean() + 1e-12)))


def _redrawn(model: Fitted, X: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    found = []
    with torch.inference_mode():
        for _, x in batches(model, X, 256):
            redrawn = model.decode(model.encode(x).mean).float()
            error = _smoothed((redrawn - x).square().mean(1, keepdim=True))[:, 0]
            found.append((redrawn.cpu(), error.cpu()))
    return found


def _smoothed(x: torch.Tensor) -> torch.Tensor:
    """A Gaussian blur whose sums stay right at the edges."""
    sigma = max(0.7, _BLUR * min(x.shape[2:]))
    reach = int(np.ceil(2.5 * sigma))
    places = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    weights = torch.exp(-0.5 * (places / sigma).square())

    def blurred(values: torch.Tensor) -> torch.Tensor:
        down = F.conv2d(values, weights[None, None, :, None], padding=(reach, 0))
        return F.conv2d(down, weights[None, None, None, :], padding=(0, reach))

    return blurred(x) / blurred(torch.ones_like(x[:1]))
