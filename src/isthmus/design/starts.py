"""Where designs start: at pictures' codes moved by what is wished, as they are, or drawn; one function a choice.

A code is what its picture's class and attributes lead one to expect, and a rest: how this very picture was drawn. The
start `moved` keeps the rest and exchanges what was expected for what is wished.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from isthmus.design.asked import Asked
from isthmus.design.wishes import Class, Mixture, Range
from isthmus.errors import DataError
from isthmus.rng import permutation
from isthmus.stats.knn import neighbours

__all__ = ["STARTS", "drawn", "fitting", "given", "moved", "pictures"]

_SHRUNK = 1e-3
_TOWARDS, _TOWARDS_NEAR, _INWARD, _ONE_OF = 0.4, 0.3, 0.5, 20
Start = Callable[[Any, Any], torch.Tensor]


def moved(shop: Any, asked: Asked) -> torch.Tensor:
    """Codes of pictures, each with what its own class and attributes made of it exchanged for what is wished.

    The rest is taken part of the way to the nearest one of a picture of the wished class: so are such pictures drawn.
    Where designs are to stay near a given picture, its own code is moved, and the rest a little less.
    """
    known = _Known.of(shop, asked)
    if known is None:
        return given(shop, asked) if asked.near is not None else pictures(shop, asked)
    if asked.near is None:
        rows = _drawn_by_key(_nearest(known.away, asked.n), asked)
        table, rest, share = known.table[rows], known.rest[rows], _TOWARDS
    else:
        codes = given(shop, asked).flatten(1)
        # What the given picture shows, a picture of nearly the same code tells.
        like = torch.from_numpy(neighbours(codes, known.codes, 1)[1][:, 0])
        table, share = known.table[like], _TOWARDS_NEAR
        rest = codes - known.line.at(table)
    wished = _wished(asked, known.classes, table.clone())
    starts = known.line.at(wished) + _as_such(known, rest, wished[:, : known.classes], share, asked)
    return starts.view(asked.n, *shop.codes.shape[1:])


def fitting(shop: Any, asked: Asked) -> torch.Tensor:
    """Codes of pictures of what is wished that look most like the given one where that is kept."""
    known = _Known.of(shop, asked)
    if asked.given is None or asked.free is None:
        return moved(shop, asked)
    rows = torch.arange(len(shop.codes)) if known is None else known.rows
    if known is not None and known.classes:
        wished = _wished(asked, known.classes, known.table[:1].clone())[0, : known.classes]
        rows = rows[(known.table[:, : known.classes] * wished).sum(1) > 0]
    fixed = (1 - asked.free).expand(shop.pictures.shape[1:]).flatten() > 0
    bank = shop.pictures[rows].flatten(1)[:, fixed]
    if not len(bank):
        return moved(shop, asked)
    near = neighbours(asked.given.flatten(1)[:, fixed], bank, min(len(bank), asked.n))[1]
    chosen = np.resize(near[0], asked.n) if len(near) == 1 else near[:, 0]
    return shop.codes[rows[torch.from_numpy(chosen)]]


def pictures(shop: Any, asked: Any) -> torch.Tensor:
    """Codes of pictures, whatever they show, half way to the middle of all: nobody's labels are asked for."""
    return _INWARD * shop.codes[_drawn_by_key(torch.from_numpy(np.flatnonzero(shop.first)), asked)]


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


STARTS: dict[str, Start] = {
    "drawn": drawn,
    "fitting": fitting,
    "given": given,
    "moved": moved,
    "pictures": pictures,
}


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


@dataclass(frozen=True)
class _Known:
    """Pictures of the guides' half of which class and attributes are known, as far as the wishes ask for these.

    `table` has a column for each of `classes` classes, then the attributes; `line` and `rest` add up to the codes, and
    `away` is how far a picture is from all wished ranges.
    """

    rows: torch.Tensor
    table: torch.Tensor
    codes: torch.Tensor
    classes: int
    line: _Line
    rest: torch.Tensor
    away: torch.Tensor

    @classmethod
    def of(cls, shop: Any, asked: Asked) -> "_Known | None":
        """None where neither a class nor an attribute is wished. All but `away` is the same for all wishes of a kind,
        and made once."""
        names = tuple(wish.name for wish in asked.wishes if isinstance(wish, Range))
        by_class = any(isinstance(wish, Class | Mixture) for wish in asked.wishes)
        if not names and not by_class:
            return None
        if (names, by_class) not in shop.known:
            shop.known[names, by_class] = cls._made(shop, names, by_class)
        known: _Known = shop.known[names, by_class]
        return replace(known, away=_away(asked, known.table[:, known.classes :]))

    @classmethod
    def _made(cls, shop: Any, names: tuple[str, ...], by_class: bool) -> "_Known":
        mine, classes = np.flatnonzero(shop.first), len(shop.words.classes) if by_class else 0
        table = _table(shop.training.labels[mine], classes, [shop.numbers(name)[mine] for name in names])
        known = table.isfinite().all(1) & ((table[:, :classes].sum(1) > 0) | (not by_class))
        if int(known.sum()) < 2:
            what = "too few pictures have both a label and the attributes"
            raise DataError(what, "Use --start pictures, or label more.")
        rows, table = torch.from_numpy(mine)[known], table[known]
        codes = shop.codes[rows].flatten(1)
        line = _Line.through(table, codes, classes)
        return cls(rows, table, codes, classes, line, codes - line.at(table), torch.zeros(len(rows)))


def _away(asked: Asked, numbers: torch.Tensor) -> torch.Tensor:
    """How far each picture is from all wished ranges, in deviations: moving far is moving where nothing was seen."""
    found = torch.zeros(len(numbers))
    for place, wish in enumerate(wish for wish in asked.wishes if isinstance(wish, Range)):
        values = numbers[:, place]
        outside = torch.maximum(wish.low - values, values - wish.high).clamp_min(0) / wish.spread
        found = found + outside.square()
    return found.sqrt()


def _nearest(away: torch.Tensor, n: int) -> torch.Tensor:
    """The rows that are nearest: four for each design at least, and 5 % of all; all of them where none is nearer."""
    count = min(len(away), max(4 * n, len(away) // _ONE_OF))
    return torch.nonzero(away <= away.kthvalue(count).values).flatten()


def _drawn_by_key(rows: torch.Tensor, asked: Asked) -> torch.Tensor:
    """As many of these as there are designs; again from the first where they are fewer."""
    shuffled = rows[permutation(len(rows), asked.seed, "design", "starts")]
    return shuffled[torch.arange(asked.n) % len(shuffled)]


def _as_such(known: _Known, rest: torch.Tensor, wished: torch.Tensor, share: float, asked: Asked) -> torch.Tensor:
    """Part of the way to the nearest rest of a picture of each design's wished class; of any, if none is wished.

    Designs that stay near one and the same picture go each to another, the first to the nearest.
    """
    found = rest.clone()
    wanted = wished.argmax(1) if wished.shape[1] else torch.zeros(len(rest), dtype=torch.long)
    together = asked.near is not None and len(asked.near) == 1
    for c in wanted.unique():
        mine = torch.nonzero(known.table[:, c] > 0).flatten() if wished.shape[1] else torch.arange(len(known.rest))
        if not len(mine):
            continue
        rows = torch.nonzero(wanted == c).flatten()
        bank = known.rest[mine[_nearest(known.away[mine], len(rest))]]
        near = torch.from_numpy(neighbours(rest[rows], bank, min(len(bank), len(rows)) if together else 1)[1])
        place = torch.arange(len(rows)) % near.shape[1]
        found[rows] = (1 - share) * rest[rows] + share * bank[near[torch.arange(len(rows)), place]]
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
            margin = 0.0 if asked.evenly else 0.2
            at = low + (margin + (1 - 2 * margin) * torch.rand(len(table), generator=generator)) * (high - low)
            stays = (table[:, place] >= low) & (table[:, place] <= high) & (not asked.evenly)
            table[:, place] = torch.where(stays, table[:, place], at)
            place += 1
    return table
