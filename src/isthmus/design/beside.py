"""What designs are set beside: codes that are drawn and filtered, the mean code, real pictures, and ascent in pixels.

All are shown to the same guides and the same judge. A search that is no better than these has earned nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.design.asked import Asked
from isthmus.design.guide import Guide
from isthmus.design.judge import Judge
from isthmus.design.problem import Problem
from isthmus.design.searches.normalised import Normalised
from isthmus.design.starts import drawn
from isthmus.design.wishes import Class
from isthmus.stats import Interval, wilson_interval

__all__ = ["Rival", "rivals"]

_TRIED, _MOST = 1000, 100
_PIXELS = 0.02


@dataclass(frozen=True)
class Rival:
    """Of `tried` pictures the guides grant `granted`; `right` is the share of those that the judge finds as wished."""

    name: str
    tried: int
    granted: int
    right: Interval | None


def rivals(shop: Any, asked: Asked, guide: Guide, judge: Judge | None) -> list[Rival]:
    """For wishes alone: a picture that is given is its own baseline."""
    with torch.no_grad():
        codes = (drawn(shop, Asked(asked.wishes, n=_TRIED, seed=asked.seed + 1))).split(250)
        made = {"drawn codes": torch.cat([shop.decode(part, shop.drawn_as(asked.wishes, len(part))) for part in codes])}
        mine = np.flatnonzero(shop.first)
        rows = torch.from_numpy(mine[np.linspace(0, len(mine) - 1, min(_TRIED, len(mine))).astype(int)])
        made["training pictures"] = shop.pictures[rows]
        if (mean := _mean_code(shop, asked)) is not None:
            made["mean code of the class"] = shop.decode(mean[None], shop.drawn_as(asked.wishes, 1))
    problem = Problem(lambda z, _: z.clamp(0, 1), guide, asked.wishes)
    starts = shop.pictures[rows[: min(asked.n, _MOST)]]
    made["ascent in pixels"] = Normalised(rate=_PIXELS).search(problem, starts).codes.clamp(0, 1)
    return [_judged(name, x, asked, guide, judge) for name, x in made.items()]


def _judged(name: str, x: torch.Tensor, asked: Asked, guide: Guide, judge: Judge | None) -> Rival:
    with torch.no_grad():
        parts = [(part, guide(part)) for part in x.split(250)]
        granted = torch.cat([torch.stack([w.granted(seen, p) for w in asked.wishes]).all(0) for p, seen in parts])
    accepted = x[granted]
    if judge is None or not len(accepted) or not all(judge.knows(wish) for wish in asked.wishes):
        return Rival(name, len(x), len(accepted), None)
    right = np.asarray(judge.met(asked.wishes, accepted, judge.answers(accepted)).all(axis=0))
    return Rival(name, len(x), len(accepted), wilson_interval(int(right.sum()), len(right)))


def _mean_code(shop: Any, asked: Asked) -> torch.Tensor | None:
    """Of the first class wished; None where none is, or nothing encodes."""
    wished = next((wish.classes[0] for wish in asked.wishes if isinstance(wish, Class)), None)
    if wished is None or not shop.model.encodes:
        return None
    rows = torch.from_numpy(shop.first & (shop.training.labels == wished))
    return shop.codes[rows].mean(0) if rows.any() else None
