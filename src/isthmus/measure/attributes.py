"""What can be measured on a picture of strokes without knowing what it shows: area, thickness, slant.

Numbers by formula, the same for anybody's pictures: nothing here was trained, so that a design can be judged by it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isthmus.contract import Tick
from isthmus.errors import UsageError

__all__ = ["ATTRIBUTES", "Attribute", "ink", "measured"]

_FINER = 3
_HALF = 0.5


@dataclass(frozen=True)
class Attribute:
    """`measure` takes the ink of pictures, `(n, h, w)` in [0, 1], and gives `(n,)`; `words` say what in."""

    words: str
    measure: Callable[[np.ndarray], np.ndarray]


def measured(name: str, pictures: np.ndarray, tick: Tick | None = None) -> np.ndarray:
    """The attribute of every picture, `(n, c, h, w)` or `(n, h, w)` in [0, 1]; NaN where there is no ink at all."""
    pictures = np.asarray(pictures)
    if pictures.ndim not in (3, 4):
        raise UsageError(f"{name} is measured on pictures, and these are rows of numbers", "Ask for another attribute.")
    found = []
    for start in range(0, len(pictures), 1024):
        found.append(ATTRIBUTES[name].measure(ink(pictures[start : start + 1024])))
        if tick:
            tick(min(start + 1024, len(pictures)), len(pictures))
    return np.concatenate(found or [np.empty(0)]).astype(np.float32)


def ink(pictures: np.ndarray) -> np.ndarray:
    """What is drawn on the ground, `(n, h, w)`: the channels' mean, turned round where the edges are bright."""
    grey = pictures if pictures.ndim == 3 else pictures.mean(axis=1)
    edges = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    bright = np.median(edges, axis=1) > _HALF
    return np.where(bright[:, None, None], 1 - grey, grey).clip(0, 1)


def _area(drawn: np.ndarray) -> np.ndarray:
    return np.asarray(drawn.sum(axis=(1, 2)))


def _thickness(drawn: np.ndarray) -> np.ndarray:
    """Inside a long stroke the distance to its edge is a quarter of its thickness in the mean; a disc has 2/3 of its
    diameter by this measure. Edges are where ink is half of the picture's most, to a third of a pixel."""
    from scipy.ndimage import distance_transform_edt

    found = np.full(len(drawn), np.nan)
    for row, picture in enumerate(_finer(drawn)):
        inside = picture > _HALF * picture.max()
        if inside.any():
            # Without the half cell that lies between the last cell inside and the edge.
            found[row] = 4 * (distance_transform_edt(inside)[inside].mean() - 0.5) / _FINER
    return found


def _slant(drawn: np.ndarray) -> np.ndarray:
    """By how much the strokes lean to the right for each pixel that they rise, from the ink's second moments."""
    _, high, wide = drawn.shape
    y, x = np.mgrid[:high, :wide].astype(np.float64)
    mass = drawn.sum(axis=(1, 2)).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        across = x - ((drawn * x).sum(axis=(1, 2)) / mass)[:, None, None]
        down = y - ((drawn * y).sum(axis=(1, 2)) / mass)[:, None, None]
        return np.asarray(-(drawn * across * down).sum(axis=(1, 2)) / (drawn * down * down).sum(axis=(1, 2)))


def _finer(drawn: np.ndarray) -> np.ndarray:
    """Three times as many rows and columns, between pixels straight lines."""
    import torch
    import torch.nn.functional as F

    padded = F.pad(torch.from_numpy(np.ascontiguousarray(drawn, np.float32))[:, None], (1, 1, 1, 1))
    return np.asarray(F.interpolate(padded, scale_factor=_FINER, mode="bilinear", align_corners=False)[:, 0].numpy())


ATTRIBUTES: dict[str, Attribute] = {
    "area": Attribute("ink in pixels", _area),
    "thickness": Attribute("of strokes, in pixels", _thickness),
    "slant": Attribute("pixels to the right for each pixel up", _slant),
}
