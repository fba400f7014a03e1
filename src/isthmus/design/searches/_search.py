"""What every search is: starts in, for each the best code that it came to; and the walk that gradients share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from isthmus.design.problem import Problem
from isthmus.estimator import Estimator, option

__all__ = ["Found", "Memory", "Search", "Told", "Walk"]

Told = Callable[[int, int], None]
"""Called with (done, total): designs that have come to an end, of all."""

Memory = dict[str, torch.Tensor]


@dataclass
class Found:
    """Where each start came to: its code, its loss there, whether all guides find the wishes met, after how many steps.

    `films` holds, for the designs that were filmed, every code on the way.
    """

    codes: torch.Tensor
    loss: torch.Tensor
    met: torch.Tensor
    steps: torch.Tensor
    films: dict[int, list[torch.Tensor]] = field(default_factory=dict)


@dataclass(kw_only=True, eq=False)
class Search(Estimator, ABC):
    """One way to look."""

    @abstractmethod
    def search(
        self, problem: Problem, starts: torch.Tensor, told: Told | None = None, filmed: Sequence[int] = ()
    ) -> Found:
        """One attempt from each start, all in one batch."""


@dataclass(kw_only=True, eq=False)
class Walk(Search):
    """Steps by gradients. A design whose wishes are met walks no further and costs no more."""

    steps: int = option(60, "at most so many from a start", low=0)

    @abstractmethod
    def step(
        self, z: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor, share: float, memory: Memory
    ) -> torch.Tensor:
        """By how much each code moves. `share` of all steps lies behind; what a search must remember of a design has a
        row in a tensor of `memory`."""

    def search(
        self, problem: Problem, starts: torch.Tensor, told: Told | None = None, filmed: Sequence[int] = ()
    ) -> Found:
        n, device = len(starts), starts.device
        found = Found(starts.clone(), torch.full((n,), torch.inf), torch.zeros(n, dtype=torch.bool), torch.zeros(n))
        found.films = {row: [] for row in filmed}
        running, z, memory = torch.arange(n, device=device), starts.clone(), Memory()
        for at in range(self.steps + 1):
            z = z.requires_grad_(at < self.steps)
            verdict = problem(z, running)
            self._note(found, running, z.detach(), verdict.loss.detach(), verdict.met, at)
            if told:
                told(n - len(running) + int(verdict.met.sum()), n)
            left = torch.nonzero(~verdict.met).flatten()
            if at == self.steps or len(left) == 0:
                break
            (gradient,) = torch.autograd.grad(verdict.loss.sum(), z)
            running, z, loss = running[left], z.detach()[left], verdict.loss.detach()[left]
            memory = {name: rows[left] for name, rows in memory.items()}
            z = z + self.step(z, gradient[left], loss, at / max(1, self.steps), memory)
        return found

    def _note(
        self, found: Found, rows: torch.Tensor, z: torch.Tensor, loss: torch.Tensor, met: torch.Tensor, at: int
    ) -> None:
        """A code is kept if it is better than what its design had: one that meets the wishes, else one of less loss."""
        better = met | (loss < found.loss[rows])
        kept = rows[better]
        found.codes[kept], found.loss[kept], found.met[kept] = z[better], loss[better], met[better]
        found.steps[rows] = float(at)
        for place, row in enumerate(rows.tolist()):
            if row in found.films:
                found.films[row].append(z[place])
