"""How even the ground is on which a search walks: slopes, places where nothing moves, and leaps.

Every step asks the error for a tenth. On even ground it gets that; where it gets next to nothing the walk is stuck,
and where half of the error goes at once it has leapt.
"""

from typing import Any

import numpy as np
import torch

from isthmus.design import Problem
from isthmus.design.searches._search import Found
from isthmus.recipes._recipe import Told

__all__ = ["LEAPT", "LONG", "STUCK", "walked"]

STUCK, LEAPT, LONG = 0.01, 0.5, 10
_SHARES = ("stuck", "long", "leapt", "rose")


def walked(problem: Problem, found: Found, spread: float, told: Told) -> dict[str, Any]:
    """Of the filmed walks. Slopes are of the error, by a deviation of the code; every walk counts once."""
    walks = []
    for number, (row, film) in enumerate(found.films.items()):
        told(number / len(found.films), "looking back at the walks")
        if len(film) > 1:
            walks.append(_walk(problem, torch.stack(film), row, spread) | {"met": bool(found.met[row])})
    return {"walks": len(walks), "met": sum(walk["met"] for walk in walks)} | {
        f"{key}, {who}": _mean([walk[key] for walk in walks if walk["met"] == met], key)
        for key in (*_SHARES, "slope", "first slope", "move", "largest move", "longest")
        for who, met in (("met", True), ("failed", False))
    }


def _walk(problem: Problem, codes: torch.Tensor, row: int, spread: float) -> dict[str, Any]:
    codes.requires_grad_(True)
    verdict = problem(codes, torch.full((len(codes),), row))
    (gradient,) = torch.autograd.grad(verdict.loss.sum(), codes)
    error, slope = verdict.loss.detach().double().numpy(), gradient.flatten(1).norm(dim=1).double().numpy() * spread
    x = verdict.pictures.detach().flatten(1)
    moves = (x[1:] - x[:-1]).norm(dim=1).double().numpy()
    left = error[1:] / np.maximum(error[:-1], 1e-12)
    stuck = np.abs(1 - left) < STUCK
    return {
        "stuck": float(stuck.mean()),
        "longest": float(_longest(stuck)),
        "long": float(_longest(stuck) >= LONG),
        "leapt": float((left < LEAPT).any()),
        "rose": float((left > 1 + STUCK).mean()),
        "slope": float(np.median(slope)),
        "first slope": float(slope[0]),
        "move": float(np.median(moves)),
        "largest move": float(moves.max()),
    }


def _longest(flags: np.ndarray) -> int:
    """The most in a row."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return int((ends[1::2] - ends[::2]).max(initial=0))


def _mean(values: list[float], key: str) -> float | None:
    """Of shares the mean; slopes, moves and lengths have a few that are huge: their median."""
    if not values:
        return None
    return float(np.mean(values) if key in _SHARES else np.median(values))
