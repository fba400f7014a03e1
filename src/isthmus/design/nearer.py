"""As little changed of a given picture as can be, with every wish still met: what must change, and nothing else."""

from dataclasses import dataclass

import torch

from isthmus.design.problem import Problem
from isthmus.design.searches._search import Found

__all__ = ["Nearer"]

_HALVED = 7
_RATE, _TURN, _LEAST, _MOST = 0.05, 1.25, 1e-2, 1e4
_FIRST, _SECOND = 0.9, 0.99


@dataclass(frozen=True)
class Nearer:
    """First back along the straight way to the start, then downhill in the change itself. What a wish costs beside that
    rises while a design does not meet it, and falls while it does: so each walks along the edge of what meets."""

    given: torch.Tensor
    steps: int = 60

    def bring(self, problem: Problem, starts: torch.Tensor, found: Found) -> None:
        """Replaces the codes of designs that meet their wishes by nearer ones that do."""
        rows = torch.nonzero(found.met).flatten()
        if len(rows):
            ends = self._back(problem, starts[rows], found.codes[rows], rows)
            found.codes[rows] = self._down(problem, ends, rows)

    def _back(self, problem: Problem, starts: torch.Tensor, ends: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """The nearest place on the way that halving finds."""
        low, high, best = torch.zeros(len(rows)), torch.ones(len(rows)), ends.clone()
        with torch.no_grad():
            for _ in range(_HALVED):
                middle = (low + high) / 2
                z = starts + middle.view(-1, *[1] * (ends.ndim - 1)) * (ends - starts)
                met = problem(z, rows).met
                low, high = torch.where(met, low, middle), torch.where(met, middle, high)
                best[met] = z[met]
        return best

    def _down(self, problem: Problem, z: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        price, least, best = torch.ones(len(z)), torch.full((len(z),), torch.inf), z.clone()
        mean, square = torch.zeros_like(z), torch.zeros_like(z)
        for step in range(1, self.steps + 1):
            z = z.detach().requires_grad_(True)
            verdict = problem(z, rows)
            change = (verdict.pictures - self._given(rows)).flatten(1).square().sum(1)
            nearer = verdict.met & (change.detach() < least)
            least, best[nearer] = torch.where(nearer, change.detach(), least), z.detach()[nearer]
            price = torch.where(verdict.met, price / _TURN, price * _TURN).clamp(_LEAST, _MOST)
            (gradient,) = torch.autograd.grad((change / 10 + price * verdict.loss).sum(), z)
            mean = _FIRST * mean + (1 - _FIRST) * gradient
            square = _SECOND * square + (1 - _SECOND) * gradient.square()
            direction = (mean / (1 - _FIRST**step)) / ((square / (1 - _SECOND**step)).sqrt() + 1e-8)
            z = z - _RATE * (1 - 0.9 * step / self.steps) * direction
        return best

    def _given(self, rows: torch.Tensor) -> torch.Tensor:
        return self.given if len(self.given) == 1 else self.given[rows]
