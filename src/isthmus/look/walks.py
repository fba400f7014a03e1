"""Walks through a latent space: straight, around the mean, through several points, along a direction, over a plane."""

from collections.abc import Mapping

import numpy as np

from isthmus.errors import UsageError

__all__ = ["along", "ends_of", "grid_of", "spherical", "straight", "through", "traversal"]

_OFF = 0.005
"""The share of the codes that lies beyond each end of a manifold's axes."""
_TINY = 1e-6


def straight(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """From `a` to `b` in even steps, both included: `(..., d)` twice gives `(..., steps, d)`."""
    a, b = _ends(a, b, steps)
    shares = _shares(steps)
    return np.asarray((1 - shares) * a[..., None, :] + shares * b[..., None, :])


def spherical(a: np.ndarray, b: np.ndarray, steps: int, middle: np.ndarray | None = None) -> np.ndarray:
    """The same around `middle`, the mean of the codes (default: 0): the angle turns and the length changes evenly.

    In many dimensions codes lie in a shell, and a straight line between two of them leaves it. Where the two point the
    same way or oppose each other, or one is next to the middle, there is no arc to follow: those walks are straight.
    """
    a, b = _ends(a, b, steps)
    centre = np.zeros(a.shape[-1], np.float32) if middle is None else np.asarray(middle, np.float32)
    one, two = (a - centre).astype(np.float64), (b - centre).astype(np.float64)
    lengths = [np.linalg.norm(v, axis=-1, keepdims=True) for v in (one, two)]
    safe = [np.maximum(length, 1e-300) for length in lengths]
    cosine = (one / safe[0] * (two / safe[1])).sum(axis=-1, keepdims=True).clip(-1, 1)
    angle = np.arccos(cosine)
    flat = (np.sin(angle) < _TINY) | (np.minimum(*lengths) < _TINY * np.maximum(*lengths).clip(1e-300))
    sine = np.where(flat, 1.0, np.sin(angle))[..., None, :]
    shares, turn = _shares(steps).astype(np.float64), angle[..., None, :]
    way = np.sin((1 - shares) * turn) / sine * (one / safe[0])[..., None, :]
    way = way + np.sin(shares * turn) / sine * (two / safe[1])[..., None, :]
    length = (1 - shares) * lengths[0][..., None, :] + shares * lengths[1][..., None, :]
    arc = (centre + length * way).astype(np.float32)
    arc[..., 0, :], arc[..., -1, :] = a, b
    return np.where(flat[..., None, :], straight(a, b, steps), arc)


def through(points: np.ndarray, steps: int) -> np.ndarray:
    """Along the line through these points, `(n, d)`, at an even speed: `(steps, d)`, the first and the last there."""
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or len(points) == 0 or steps < 1:
        raise UsageError(f"{steps} steps through points of shape {points.shape} are no walk", "Give (n, d), n > 0.")
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    places = np.linspace(0, walked[-1], steps)
    found = np.stack([np.interp(places, walked, column) for column in points.T], axis=1)
    found[0] = points[0]
    if steps > 1:
        found[-1] = points[-1]
    return found.astype(np.float32)


def along(base: np.ndarray, vector: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The code `base` moved along a unit vector until its projection has each of these values: `(len(values), d)`."""
    base, vector = np.asarray(base, np.float64), np.asarray(vector, np.float64)
    moved = np.asarray(values, np.float64) - base @ vector
    return np.asarray((base + moved[:, None] * vector).astype(np.float32))


def traversal(base: np.ndarray, dimension_values: Mapping[int, np.ndarray]) -> np.ndarray:
    """The code `base` with one dimension after another at these values, as many for each: `(dimensions, steps, d)`."""
    base = np.asarray(base, np.float32)
    lengths = {len(values) for values in dimension_values.values()}
    if len(lengths) != 1:
        raise UsageError(f"rows of {sorted(lengths)} steps make no traversal", "Give each dimension as many values.")
    for dimension in dimension_values:
        if not 0 <= dimension < len(base):
            raise UsageError(
                f"there is no latent dimension {dimension}", f"They are counted from 0 to {len(base) - 1}."
            )
    found = np.tile(base, (len(dimension_values), lengths.pop(), 1))
    for row, (dimension, values) in enumerate(dimension_values.items()):
        found[row, :, dimension] = values
    return found


def ends_of(codes: np.ndarray, off: float = _OFF) -> tuple[np.ndarray, np.ndarray]:
    """The low and the high end of every column, a share of the codes lying beyond each."""
    low, high = np.quantile(codes, [off, 1 - off], axis=0)
    return low, high


def grid_of(lows: np.ndarray, highs: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Points on a regular grid over a plane, row by row from the top: `(rows * columns, 2)`; the second axis points up.

    The ends are those of `ends_of`: a few codes far out would else stretch the grid over places without pictures.
    """
    across = np.linspace(lows[0], highs[0], columns, dtype=np.float32)
    up = np.linspace(lows[1], highs[1], rows, dtype=np.float32)
    return np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2)


def _ends(a: np.ndarray, b: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    if steps < 2 or a.shape != b.shape:
        what = f"{steps} steps from codes of shape {a.shape} to {b.shape} are no walk"
        raise UsageError(what, "Give two ends alike, and two steps or more.")
    return a, b


def _shares(steps: int) -> np.ndarray:
    return np.linspace(0, 1, steps, dtype=np.float32)[:, None]
