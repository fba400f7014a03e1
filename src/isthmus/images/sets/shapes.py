"""6,000 squares, ellipses and hearts of limited area, 64 x 64, black or white; made here, no download.

As in the task of Tripp, Daxberger and Hernandez-Lobato (2020), no side is longer than 20 of the 64 pixels, so that a
picture with more ink than any of these is one that nobody has drawn. Theirs are squares only.
"""

import numpy as np

from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile
from isthmus.keys import stream

__all__ = ["Set", "Shapes"]

_COUNT, _SIDE = 6000, 64
_LEAST, _MOST = 4, 20
_CLASSES = ("square", "ellipse", "heart")


class Shapes:
    """A class is a kind of shape; the columns are its ink in pixels, and its middle."""

    def read(self, options: ReadOptions) -> Pictures:
        rng = np.random.default_rng(stream("shapes"))
        kinds = np.arange(_COUNT) % len(_CLASSES)
        high, wide = rng.uniform(_LEAST, _MOST, (2, _COUNT))
        high = np.where(kinds == 1, high, wide)  # only ellipses are longer one way than the other
        # The middle of a pixel is a whole number, and every shape lies inside of the picture.
        top, left = (half + rng.uniform(size=_COUNT) * (_SIDE - 1 - 2 * half) for half in (high / 2, wide / 2))
        y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
        pixels = np.stack(
            [
                _drawn(int(kind), (y - a) / (h / 2), (x - b) / (w / 2))
                for kind, a, b, h, w in zip(kinds, top, left, high, wide, strict=True)
            ]
        )
        columns = {"area": pixels.sum(axis=(1, 2)).astype(np.float64), "row": top, "column": left}
        return pile(
            pixels.astype(np.uint8),
            "shapes",
            options,
            labels=kinds,
            classes=_CLASSES,
            columns=columns,
            axes="NHW",
            source={"range": [0, 1]},
        )


def _drawn(kind: int, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What is inside, where a shape reaches from -1 to 1 each way."""
    if kind == 0:
        return np.asarray((abs(x) <= 1) & (abs(y) <= 1))
    if kind == 1:
        return np.asarray(x * x + y * y <= 1)
    x, y = 1.14 * x, 0.05 - 1.12 * y  # the curve reaches a little beyond 1
    return np.asarray((x * x + y * y - 1) ** 3 <= x * x * y**3)


Set = Shapes
