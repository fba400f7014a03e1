"""What guides are taught: their half of the pictures; and, of attributes with a formula, what this model draws.

Guides that know photographs only are led astray where values are rare: a search finds what they take for such a value.
So they learn first from drawn pictures in which rare values are as common as others, then from what they were led to.
"""

from typing import Any

import numpy as np
import torch

from isthmus.contract import Tick
from isthmus.design.asked import Asked
from isthmus.design.guide import Guides, Taught
from isthmus.design.problem import Problem
from isthmus.design.searches.normalised import Normalised
from isthmus.design.starts import moved
from isthmus.design.wishes import Class, Range, Wish
from isthmus.images.pictures import UNKNOWN
from isthmus.keys import stream
from isthmus.measure.attributes import measured

__all__ = ["half_of", "taught_guides"]

_DRAWN, _LED, _TURNS, _ROUNDS = 10_000, 80, 80, 2
_TIMES, _LEAST = 2, 0.1


def taught_guides(shop: Any, guides: Guides, names: tuple[str, ...]) -> Guides:
    """New guides for classes and these attributes, taught in rounds."""
    taught = half_of(shop, names)
    words = f"training {guides.count} guides on {len(taught.pictures):,} pictures"
    formulas = [name for name in names if name not in shop.columns]
    if not formulas or not shop.model.encodes:
        return guides.fit(taught, shop.watching(words))
    # As much as is drawn for a large pile would drown a small one, and take minutes.
    share = min(1.0, max(_LEAST, _TIMES * len(taught.pictures) / _DRAWN))
    taught = _with(taught, formulas, _spread_out(shop, formulas, round(share * _DRAWN)))
    guides.fit(taught, shop.watching(words))
    turns = max(1, round(share * _TURNS))
    for round_ in range(_ROUNDS):
        with shop.counting("designs for the guides to learn from") as tick:
            led = [_led(shop, guides, formulas, turns * round_ + turn, (turn, turns), tick) for turn in range(turns)]
        taught = _with(taught, formulas, torch.cat(led))
        guides.learn_on(taught, shop.watching(f"{words}, and on designs"))
    return guides


def half_of(shop: Any, names: tuple[str, ...]) -> Taught:
    """The guides' half, and what is known of it."""
    rows = np.flatnonzero(shop.first)
    numbers = {name: shop.numbers(name)[rows] for name in names}
    return Taught(shop.pictures[torch.as_tensor(rows)], shop.training.labels[rows], numbers)


def _with(taught: Taught, formulas: list[str], drawn: torch.Tensor) -> Taught:
    """Drawn pictures too, measured; nobody knows their classes."""
    labels = np.append(taught.labels, np.full(len(drawn), UNKNOWN))
    numbers = {}
    for name, values in taught.numbers.items():
        more = measured(name, drawn.numpy()) if name in formulas else np.full(len(drawn), np.nan)
        numbers[name] = np.append(values, more).astype(np.float32)
    return Taught(torch.cat([taught.pictures, drawn]), labels, numbers)


def _ends(shop: Any, name: str) -> tuple[float, float]:
    """From one end of an attribute to the other, and a little on."""
    low, high = (float(end) for end in np.nanquantile(shop.numbers(name), [0.002, 0.998]))
    return low - 0.1 * (high - low), high + 0.1 * (high - low)


def _spread_out(shop: Any, formulas: list[str], n: int) -> torch.Tensor:
    """Pictures drawn from starts for which every attribute was wished evenly from end to end."""
    wishes = tuple(Range(name, 1.0, name, *_ends(shop, name)) for name in formulas)
    starts = moved(shop, Asked(wishes, n=n, seed=shop.seed, evenly=True))
    with torch.no_grad():
        return torch.cat([shop.decode(part) for part in starts.split(500)])


def _led(
    shop: Any, guides: Guides, formulas: list[str], turn: int, done: tuple[int, int], tick: Tick | None
) -> torch.Tensor:
    """Designs for one specification drawn by key: a class, where there are any, and a range of each attribute."""
    drawn = np.random.default_rng(stream(shop.seed, "led", turn))
    wishes = list[Wish]()
    labels = shop.training.labels[shop.first]
    present = np.unique(labels[labels >= 0])
    if len(present) > 1:
        wishes.append(Class("", classes=(int(drawn.choice(present)),)))
    for name in formulas:
        low, high = _ends(shop, name)
        wide = (high - low) / 10
        at = float(drawn.uniform(low, high - wide))
        wishes.append(Range("", 1.0, name, at, at + wide, float(guides.scale[guides.names.index(name)])))
    asked = Asked(tuple(wishes), n=_LED, seed=stream(shop.seed, "led", turn) >> 33)
    problem = Problem(lambda u, rows: shop.decode(u), guides, asked.wishes)
    codes = Normalised().search(problem, moved(shop, asked)).codes
    if tick:
        tick(done[0] + 1, done[1])
    with torch.no_grad():
        found: torch.Tensor = shop.decode(codes)
    return found
