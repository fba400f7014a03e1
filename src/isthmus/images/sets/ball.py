"""6,000 kicks of a ball, each filmed in five frames of 16 x 16 that lie side by side; made here, no download.

The example of paper 002: a few numbers say everything that a film shows. Of the kick these are the speed and angle at
which the ball leaves, where it lay, how large it is, and the wind; the ball's mass and the impulse are one number, for
only their quotient is seen. The ball flies on a parabola, with the wind pushing evenly, and stays in the picture.
"""

import numpy as np

from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import pile
from isthmus.keys import stream

__all__ = ["RANGES", "Ball", "Set", "filmed"]

RANGES = {
    "speed": (4.0, 9.0),
    "angle": (40.0, 70.0),
    "start": (3.0, 4.5),
    "size": (1.4, 2.4),
    "wind": (-3.0, 3.0),
}
"""Pixels, whole films and degrees; the size is the ball's radius."""

_COUNT, _SIDE, _FRAMES = 6000, 16, 5
_GROUND, _GRAVITY = 3.5, 6.0


class Ball:
    """The columns are the five numbers, drawn evenly and independently."""

    def read(self, options: ReadOptions) -> Pictures:
        rng = np.random.default_rng(stream("ball"))
        kicks = {name: rng.uniform(*ends, _COUNT) for name, ends in RANGES.items()}
        pixels = np.rint(255 * filmed(**kicks)).astype(np.uint8)
        return pile(pixels, "ball", options, columns=kicks, axes="NHW", source={"range": [0, 255]})


def filmed(speed: np.ndarray, angle: np.ndarray, start: np.ndarray, size: np.ndarray, wind: np.ndarray) -> np.ndarray:
    """Films in [0, 1], `(n, 16, 80)`: a bright disc, whose edge is a pixel wide, on black."""
    time = np.linspace(0, 1, _FRAMES)
    turned = np.radians(angle)[:, None]
    along = start[:, None] + speed[:, None] * np.cos(turned) * time + wind[:, None] / 2 * time**2
    up = _GROUND + speed[:, None] * np.sin(turned) * time - _GRAVITY / 2 * time**2
    y, x = np.mgrid[:_SIDE, :_SIDE]
    far = np.hypot(x - along[..., None, None], _SIDE - 1 - y - up[..., None, None])
    frames = np.clip(size[:, None, None, None] + 0.5 - far, 0, 1)
    return frames.transpose(0, 2, 1, 3).reshape(len(speed), _SIDE, _FRAMES * _SIDE)


Set = Ball
