"""Precision, recall, density and coverage of generated points by balls of k nearest neighbours.

Definitions of Kynkäänniemi et al. 2019 (precision, recall) and Naeem et al. 2020 (density, coverage): a point's ball
reaches to its k-th neighbour in its own cloud, itself not counted, and a ball does not contain its rim.
"""

from dataclasses import dataclass

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.stats.blocks import distance_blocks, points
from isthmus.stats.intervals import Interval, mean_interval, wilson_interval
from isthmus.stats.knn import neighbours

__all__ = ["Prdc", "prdc"]


@dataclass(frozen=True)
class Prdc:
    """Density may exceed 1; the others are shares. Intervals take the balls as given, so they are a little narrow."""

    precision: Interval
    recall: Interval
    density: Interval
    coverage: Interval
    k: int


def prdc(real: np.ndarray | torch.Tensor, fake: np.ndarray | torch.Tensor, k: int = 5) -> Prdc:
    """How far `fake` lies inside `real` (precision, density) and how much of `real` it reaches (recall, coverage)."""
    real, fake = points(real, "the real features"), points(fake, "the generated features")
    if min(len(real), len(fake)) <= k:
        raise DataError(f"{min(len(real), len(fake))} points have no {k}-th neighbour", "Give more, or a smaller k.")
    reach = torch.as_tensor(neighbours(real, real, k, skip_self=True)[0][:, -1]).square().to(real.dtype)
    other = torch.as_tensor(neighbours(fake, fake, k, skip_self=True)[0][:, -1]).square().to(real.dtype)
    balls = torch.zeros(len(fake), dtype=torch.int64)
    recalled, covered = 0, 0
    for start, block in distance_blocks(real, fake):
        inside = block < reach[start : start + len(block), None]
        balls += inside.sum(dim=0)
        covered += int(inside.any(dim=1).sum())
        recalled += int((block < other[None, :]).any(dim=1).sum())
    return Prdc(
        precision=wilson_interval(int((balls > 0).sum()), len(fake)),
        recall=wilson_interval(recalled, len(real)),
        density=mean_interval(balls.double().numpy() / k),
        coverage=wilson_interval(covered, len(real)),
        k=k,
    )
