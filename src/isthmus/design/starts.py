"""Where designs start: at pictures' codes moved by what is wished, as they are, or drawn; one function a choice.

A code is what its picture's class and attributes lead one to expect, and a rest: how this very picture was drawn. The
start `moved` keeps the rest and exchanges what was expected for what is wished.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.design.wishes import Class, Mixture, Range
from isthmus.errors import DataError
from isthmus.rng import permutation
from isthmus.stats.knn import neighbours

__all__ = ["STARTS", "drawn", "given", "moved", "pictures"]

_SHRUNK = 1e-3
_TOWARDS, _INWARD = 0.5, 0.5
Start = Callable[[Any, Any], torch.Tensor]


def moved(shop: Any, asked: Any) -> torch.Tensor:
    """Codes of pictures, each with what its own class and attributes made of it exchanged for what is wished.

    The rest is taken half way to the nearest one of a picture of the wished class: so are such pictures drawn.
    """
    names = [wish.name for wish in asked.wishes if isinstance(wish, Range)]
    by_class = any(isinstance(wish, Class | Mixture) for wish in asked.wishes)
    if not names and not by_class:
        return pictures(shop, asked)
    mine, classes = np.flatnonzero(shop.first), len(shop.words.classes) if by_class else 0
    table = _table(shop.training.labels[mine], classes, [shop.numbers(name)[mine] for name in names])
    known = table.isfinite().all(1) & ((table[:, :classes].sum(1) > 0) | (not by_class))
    if int(known.sum()) < 2:
        raise DataError("too few pictures have both a label and the attributes", "Use --start pictures, or label more.")
    table, codes = table[known], shop.codes[torch.from_numpy(mine)[known]].flatten(1)
    line = _Line.through(table, codes, classes)
    rest = codes - line.at(table)
    rows = np.resize(permutation(len(rest), asked.seed, "design", "starts").numpy(), asked.n)
    wished = _wished(asked, classes, table[rows].clone())
    starts = line.at(wished) + _as_such(rest, rest[rows], table[:, :classes], wished[:, :classes])
    return starts.view(len(rows), *shop.codes.shape[1:])


def pictures(shop: Any, asked: Any) -> torch.Tensor:
    """Codes of pictures, whatever they show, half way to the middle of all: nobody's labels are asked for."""
    mine = np.flatnonzero(shop.first)
    rows = np.resize(mine[permutation(len(mine), asked.seed, "design", "starts").numpy()], asked.n)
    return _INWARD * shop.codes[rows]


def drawn(shop: Any, asked: Any) -> torch.Tensor:
    """From the model's prior; of the wished class, where the model draws by class."""
    wished = next((wish.classes for wish in asked.wishes if isinstance(wish, Class)), None)
    y = (
        None
        if wished is None or not shop.model.conditional
        else torch.tensor(wished)[torch.arange(asked.n) % len(wished)]
    )
    return (shop.drawn(asked.n, asked.seed, y) - shop.middle) / shop.spread


def given(shop: Any, asked: Any) -> torch.Tensor:
    """The code of the picture that was given."""
    picture = asked.near if asked.near is not None else asked.given
    with torch.no_grad():
        codes = shop.encode(picture)
    return codes.expand(asked.n, *codes.shape[1:]).clone()


STARTS: dict[str, Start] = {"drawn": drawn, "given": given, "moved": moved, "pictures": pictures}


@dataclass(frozen=True)
class _Line:
    """The linear part of codes in classes and attributes."""

    slopes: torch.Tensor
    middle: torch.Tensor
    scale: torch.Tensor

    @classmethod
    def through(cls, table: torch.Tensor, codes: torch.Tensor, classes: int) -> "_Line":
        middle, scale = table.mean(0), table.std(0).clamp_min(1e-6)
        middle[:classes], scale[:classes] = 0.0, 1.0
        inside = (table - middle) / scale
        square = inside.T @ inside + _SHRUNK * len(inside) * torch.eye(inside.shape[1])
        return cls(torch.linalg.solve(square, inside.T @ codes), middle, scale)

    def at(self, table: torch.Tensor) -> torch.Tensor:
        return ((table - self.middle) / self.scale) @ self.slopes


def _as_such(rest: torch.Tensor, chosen: torch.Tensor, known: torch.Tensor, wished: torch.Tensor) -> torch.Tensor:
    """Half way to the nearest rest of a picture of each start's wished class; of any, if none is wished."""
    found = chosen.clone()
    wanted = wished.argmax(1) if wished.shape[1] else torch.zeros(len(chosen), dtype=torch.long)
    for c in wanted.unique():
        bank = rest[known[:, c] > 0] if wished.shape[1] else rest
        rows = wanted == c
        if len(bank):
            nearest = torch.from_numpy(neighbours(chosen[rows], bank, 1)[1][:, 0])
            found[rows] = (1 - _TOWARDS) * chosen[rows] + _TOWARDS * bank[nearest]
    return found


def _table(labels: np.ndarray, classes: int, numbers: list[np.ndarray]) -> torch.Tensor:
    """One column a class, then the attributes."""
    columns = [(labels == c).astype(np.float32) for c in range(classes)]
    return torch.from_numpy(np.stack([*columns, *(n.astype(np.float32) for n in numbers)], axis=1))


def _wished(asked: Any, classes: int, table: torch.Tensor) -> torch.Tensor:
    """What each start's row is to become; where in a range it is not yet, its place in it is drawn."""
    place, generator = classes, torch.Generator().manual_seed(asked.seed)
    for wish in asked.wishes:
        if isinstance(wish, Class):
            turn = torch.tensor(wish.classes)[torch.arange(len(table)) % len(wish.classes)]
            table[:, :classes] = torch.eye(classes)[turn]
        elif isinstance(wish, Mixture):
            table[:, :classes] = 0
            table[:, [c for c, _ in wish.shares]] = torch.tensor([share for _, share in wish.shares])
        elif isinstance(wish, Range):
            usual = float(table[:, place].median())
            low = wish.low if np.isfinite(wish.low) else min(wish.high - wish.spread, usual)
            high = wish.high if np.isfinite(wish.high) else max(wish.low + wish.spread, usual)
            at = low + (0.2 + 0.6 * torch.rand(len(table), generator=generator)) * (high - low)
            inside = (table[:, place] >= low) & (table[:, place] <= high)
            table[:, place] = torch.where(inside, table[:, place], at)
            place += 1
    return table
