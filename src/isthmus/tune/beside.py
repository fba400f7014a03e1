"""What stands beside the trials: PCA of every size, the mean picture, and how many dimensions the pictures have."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.contract import some_of
from isthmus.errors import DataError
from isthmus.images.pictures import Pictures
from isthmus.images.scaling import Scaling
from isthmus.stats import Interval, principal_components
from isthmus.stats.intrinsic import intrinsic_dimension

__all__ = ["Beside", "beside"]

_NUMBERS = 1 << 26
_JUDGED = 2000
_WIDEST = 512


@dataclass(frozen=True)
class Beside:
    """`pca[k]` is the error of PCA with k numbers; that with none is the error of the mean picture."""

    pca: np.ndarray
    dimension: Interval | None

    def pca_at(self, size: float) -> float:
        return float(self.pca[min(int(size), len(self.pca) - 1)])

    def to_json(self) -> dict[str, Any]:
        found = self.dimension
        told = None if found is None else {"value": found.value, "interval": [found.low, found.high], "n": found.n}
        return {"pca": [float(value) for value in self.pca], "intrinsic dimension": told}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Beside":
        told = kept["intrinsic dimension"]
        pca = np.asarray(kept["pca"], np.float64)
        if told is None:
            return cls(pca, None)
        low, high = told["interval"]
        return cls(pca, Interval(float(told["value"]), float(low), float(high), int(told["n"])))


def beside(train: Pictures, validation: Pictures, rule: str = "auto", seed: int = 0) -> Beside:
    """PCA learns from as many training pictures as 256 MB hold, and is judged on at most 2,000 others."""
    pixels = int(np.prod(train.pixels.shape[1:]))
    scaling = Scaling.learn(train.pixels, rule, train.source.get("range"))
    rows, asked = (
        scaling.forward(torch.tensor(np.ascontiguousarray(some_of(part, most).pixels))).flatten(1)
        for part, most in ((train, max(2, _NUMBERS // pixels)), (validation, _JUDGED))
    )
    found = principal_components(rows, min(_WIDEST, pixels, len(rows)))
    apart = asked - found.mean
    taken = (apart @ found.axes.T).square().double().cumsum(1)
    left = apart.square().double().sum(1, keepdim=True)
    errors = torch.cat([left, (left - taken).clamp_min(0)], dim=1).mean(0) / pixels
    try:
        dimension = intrinsic_dimension(rows.numpy(), seed=seed)
    except DataError:  # too few pictures, or all on a grid
        dimension = None
    return Beside(errors.numpy(), dimension)
