"""Steps of the second order: a curvature for every design from its last few steps (limited-memory BFGS)."""

from dataclasses import dataclass

import torch

from isthmus.design.searches._search import Memory, Walk
from isthmus.estimator import option

__all__ = ["Lbfgs", "Search"]


@dataclass(kw_only=True, eq=False)
class Lbfgs(Walk):
    """No step is longer than `reach`; pairs of steps that show no curvature upwards count for nothing."""

    reach: float = option(0.3, "longest step, for each dimension, in deviations of the code", low=0)
    remembered: int = option(6, "steps that the curvature is taken from", low=1)

    def step(
        self, z: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor, share: float, memory: Memory
    ) -> torch.Tensor:
        g, n = gradient.flatten(1), len(z)
        if "gradient" in memory:
            self._remember(memory, g)
        direction = self._direction(memory, g) if "steps" in memory else g.clone()
        # Where the curvature is not to be trusted the way down is the gradient's.
        downhill = (direction * g).sum(1, keepdim=True) > 0
        direction = torch.where(downhill, direction, g)
        longest = self.reach * g.shape[1] ** 0.5
        length = direction.norm(dim=1, keepdim=True).clamp_min(1e-12)
        first = "steps" not in memory
        step = -direction * (longest / length if first else (longest / length).clamp_max(1.0))
        memory["gradient"], memory["step"] = g, step
        return step.view(n, *z.shape[1:])

    def _remember(self, memory: Memory, g: torch.Tensor) -> None:
        pairs = {"steps": memory["step"], "turns": g - memory["gradient"]}
        for name, newest in pairs.items():
            old = memory.get(name)
            rows = newest[:, None] if old is None else torch.cat([old, newest[:, None]], 1)
            memory[name] = rows[:, -self.remembered :]

    def _direction(self, memory: Memory, g: torch.Tensor) -> torch.Tensor:
        """The inverse curvature times the gradient, by the two loops of Nocedal (1980), for all designs at once."""
        steps, turns = memory["steps"], memory["turns"]
        curved = (steps * turns).sum(2)
        usable = curved > 1e-10
        weight = torch.where(usable, 1 / curved.clamp_min(1e-10), torch.zeros_like(curved))
        found, along = g.clone(), []
        for k in reversed(range(steps.shape[1])):
            alpha = weight[:, k] * (steps[:, k] * found).sum(1)
            along.append(alpha)
            found = found - alpha[:, None] * turns[:, k]
        scale = curved[:, -1] / turns[:, -1].square().sum(1).clamp_min(1e-12)
        found = found * torch.where(usable[:, -1], scale, torch.ones_like(scale))[:, None]
        for k, alpha in zip(range(steps.shape[1]), reversed(along), strict=True):
            beta = weight[:, k] * (turns[:, k] * found).sum(1)
            found = found + (alpha - beta)[:, None] * steps[:, k]
        return found


Search = Lbfgs
