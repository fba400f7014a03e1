"""CMA-ES: a Gaussian that moves and turns towards where the better half of what it drew was.

After Hansen's tutorial (2016): rank-one and rank-mu updates of the whole covariance, step size by the length of the
path. Codes that may not be chosen rank last, by how far they are from it; those outside the box come to its edge.
"""

import math
from dataclasses import dataclass

import torch

from isthmus.design.black_box._optimiser import AskTell
from isthmus.estimator import option

__all__ = ["Evolution", "Optimiser"]

_LARGEST_STEP = 2.0


@dataclass(kw_only=True, eq=False)
class Evolution(AskTell):
    """A generation is as many codes as were told since the last; too few wait for more."""

    step: float = option(0.5, "deviation of the first draws, in deviations of the code", low=0)
    generation: int | None = option(None, "fewest codes of a generation (default: by the dimensions)", low=4)

    def _prepare(self) -> None:
        d = self.starts_.shape[1]
        self._mean, self._sigma = self.starts_[0], max(self.step, 1e-9)
        self._covariance = torch.eye(d, dtype=torch.float64)
        self._path = self._path_step = torch.zeros(d, dtype=torch.float64)
        self._values, self._axes = torch.ones(d, dtype=torch.float64), torch.eye(d, dtype=torch.float64)
        self._generations, self._from, self._drawn = 0, 0, False

    def _propose(self, k: int, generator: torch.Generator) -> torch.Tensor:
        if not self._drawn:
            self._drawn, self._from = True, len(self.codes_)
            allowed = torch.nonzero(self.allowed()).flatten()
            if len(allowed):
                self._mean = self.codes_[allowed[self.scores_[allowed].argmax()]]
        noise = torch.randn(k, len(self._mean), generator=generator, dtype=torch.float64)
        return self.box_.inside(self._mean + self._sigma * (noise * self._values) @ self._axes.T)

    def _heed(self, codes: torch.Tensor, scores: torch.Tensor, margins: torch.Tensor, before: float) -> None:
        if not self._drawn:
            return
        d = self.starts_.shape[1]
        fewest = self.generation or 4 + int(3 * math.log(d))
        codes, scores, margins = (told[self._from :] for told in (self.codes_, self.scores_, self.margins_))
        scored = scores.isfinite()
        if len(codes) >= fewest and scored.any():
            # In order: scored and allowed by score, then what is refused by its margin, then what failed.
            rank = torch.where(scored & (margins >= 0), 2.0, torch.where(margins < 0, 1.0, 0.0))
            within = torch.where(rank == 2, scores.nan_to_num(), torch.where(rank == 1, margins, torch.zeros(())))
            order = sorted(range(len(codes)), key=lambda row: (-float(rank[row]), -float(within[row])))
            self._learn(codes[order])
            self._from = len(self.codes_)

    def _learn(self, ranked: torch.Tensor) -> None:
        """One generation, best first."""
        n, d = ranked.shape
        weights = (math.log((n + 1) / 2) - torch.arange(1, n // 2 + 1, dtype=torch.float64).log()).clamp_min(0)
        weights = weights / weights.sum()
        good = 1 / float(weights.square().sum())
        y = (ranked[: len(weights)] - self._mean) / self._sigma
        shift = weights @ y
        self._mean = self._mean + self._sigma * shift
        self._generations += 1
        damped = (good + 2) / (d + good + 5)
        whitened = self._axes @ ((self._axes.T @ shift) / self._values)
        self._path_step = (1 - damped) * self._path_step + math.sqrt(damped * (2 - damped) * good) * whitened
        usual = math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d))
        length = float(self._path_step.norm())
        still = length / math.sqrt(1 - (1 - damped) ** (2 * self._generations)) < (1.4 + 2 / (d + 1)) * usual
        self._turn(y, weights, shift, good, still)
        slow = 1 + 2 * max(0.0, math.sqrt((good - 1) / (d + 1)) - 1) + damped
        self._sigma = min(self._sigma * math.exp(damped / slow * (length / usual - 1)), _LARGEST_STEP)

    def _turn(self, y: torch.Tensor, weights: torch.Tensor, shift: torch.Tensor, good: float, still: bool) -> None:
        """The covariance: by the path of the mean, and by the steps of the better half."""
        d = len(shift)
        slow = (4 + good / d) / (d + 4 + 2 * good / d)
        self._path = (1 - slow) * self._path + still * math.sqrt(slow * (2 - slow) * good) * shift
        one = 2 / ((d + 1.3) ** 2 + good)
        many = min(1 - one, 2 * (good - 2 + 1 / good) / ((d + 2) ** 2 + good))
        lost = one * (1 - still) * slow * (2 - slow)
        steps = (y.T * weights) @ y
        self._covariance = (
            (1 - one - many + lost) * self._covariance + one * torch.outer(self._path, self._path) + many * steps
        )
        values, self._axes = torch.linalg.eigh((self._covariance + self._covariance.T) / 2)
        self._values = values.clamp_min(1e-12).sqrt()


Optimiser = Evolution
