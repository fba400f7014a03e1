"""Ridge regression in a kernel's space: numbers from rows; width and penalty are those that tell left-out rows best."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isthmus.errors import DataError

__all__ = ["KernelRidge", "fit_ridge", "r_squared"]

_WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
_LINES = (0.0, 3.0)
_PENALTIES = 10.0 ** np.arange(1, -6.1, -0.5)
_CAUTIOUS = (0.01, 0.0, 1.0, 1.0)
"""Width, line, penalty and size where nothing can be left out."""
_BETTER = 0.999
_CHOSEN_ON, _CENTRES, _BLOCK = 500, 2000, 4096


@dataclass(frozen=True)
class KernelRidge:
    """A Gaussian kernel of the first `bent` columns, and beside it a straight one of the others, times `line`."""

    centres: np.ndarray
    weights: np.ndarray
    bias: float
    bent: int
    width: float
    line: float
    penalty: float

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The number of each row."""
        parts = [rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK)]
        told = [_alike(part, self.centres, self.bent, self.width, self.line) @ self.weights for part in parts]
        return np.asarray(np.concatenate(told) + self.bias if told else np.empty(0))


def fit_ridge(rows: np.ndarray, values: np.ndarray, bent: int, together: np.ndarray | None = None) -> KernelRidge:
    """Rows of one value in `together` are left out together when the width and the penalty are chosen.

    They are chosen on at most 500 rows, and beyond 2,000 rows the answer is a sum over 2,000 of them, fitted to all.
    """
    values = np.asarray(values, np.float64)
    if len(rows) != len(values) or len(rows) == 0:
        raise DataError(f"{len(rows)} rows with {len(values)} numbers teach no ridge", "Give as many of both.")
    if len(rows) == 1:
        return KernelRidge(rows, np.zeros(1), float(values[0]), bent, *_CAUTIOUS[:3])
    together = np.arange(len(rows)) if together is None else together
    few = _evenly(len(rows), _CHOSEN_ON)
    width, line, penalty, size = _chosen(rows[few], values[few], bent, together[few])
    centres = rows[_evenly(len(rows), _CENTRES)]
    kernel = lambda a: _alike(a, centres, bent, width, line) / size  # noqa: E731
    solve = _exact if len(centres) == len(rows) else _in_part
    weights, bias = solve(kernel, rows, centres, values, penalty)
    return KernelRidge(centres, weights / size, bias, bent, width, line, penalty)


def r_squared(truth: np.ndarray, told: np.ndarray) -> float:
    """The share of the variance that is told: 1 is all, 0 no more than the mean, less is worse than the mean."""
    truth, told = np.asarray(truth, np.float64), np.asarray(told, np.float64)
    spread = np.square(truth - truth.mean()).sum() if truth.size else 0.0
    return float(1 - np.square(truth - told).sum() / spread) if spread > 0 else float("nan")


def _alike(rows: np.ndarray, centres: np.ndarray, bent: int, width: float, line: float) -> np.ndarray:
    a, b = rows[:, :bent], centres[:, :bent]
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T
    found = np.exp(-width * squared.clip(0).astype(np.float64))
    # times the width, so that both parts vanish alike as the kernel flattens
    return np.asarray(found + line * width * (rows[:, bent:] @ centres[:, bent:].T) if line else found)


def _chosen(rows: np.ndarray, values: np.ndarray, bent: int, together: np.ndarray) -> tuple[float, float, float, float]:
    """Width, line, penalty and the kernel's size; where rows do not say, the smoothest and most cautious."""
    units = [np.flatnonzero(together == unit) for unit in np.unique(together)]
    several = [unit for unit in units if len(unit) > 1] if len(units) > 1 else []
    best, found = np.inf, _CAUTIOUS
    for width in _WIDTHS:
        for line in _LINES if rows.shape[1] > bent else _LINES[:1]:
            kernel = _alike(rows, rows, bent, width, line)
            kernel = kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
            size = max(float(np.trace(kernel)) / len(rows), 1e-12)
            roots, axes = np.linalg.eigh(kernel / size)
            along = axes.T @ (values - values.mean())
            for penalty in _PENALTIES:
                error = _left_out(1 / (roots.clip(0) + penalty), axes, along, float(penalty), several)
                if error < _BETTER * best:
                    best, found = error, (width, line, float(penalty), size)
    return found


def _left_out(
    shrunk: np.ndarray, axes: np.ndarray, along: np.ndarray, penalty: float, several: list[np.ndarray]
) -> float:
    """The mean squared error of rows that were left out, in closed form: a block of the inverse says what they did."""
    n = len(along)
    pull = axes @ (shrunk * along)
    errors = pull / (np.square(axes) @ shrunk - 1 / (n * penalty)).clip(1e-12)
    for unit in several:
        block = (axes[unit] * shrunk) @ axes[unit].T - 1 / (n * penalty)
        errors[unit] = np.linalg.lstsq(block, pull[unit], rcond=None)[0]
    return float(np.square(errors).mean())


Kernel = Callable[[np.ndarray], np.ndarray]


def _exact(
    kernel: Kernel, rows: np.ndarray, centres: np.ndarray, values: np.ndarray, penalty: float
) -> tuple[np.ndarray, float]:
    n, middle = len(rows), values.mean()
    matrix = np.ones((n + 1, n + 1))
    matrix[:n, :n] = kernel(rows) + penalty * np.eye(n)
    matrix[n, n] = 0
    solved = np.linalg.solve(matrix, np.append(values - middle, 0))
    return solved[:n], float(solved[n] + middle)


def _in_part(
    kernel: Kernel, rows: np.ndarray, centres: np.ndarray, values: np.ndarray, penalty: float
) -> tuple[np.ndarray, float]:
    """A sum over the centres that is nearest to all the numbers, the penalty being that of the whole."""
    m, middle = len(centres), values.mean()
    matrix, right = np.zeros((m + 1, m + 1)), np.zeros(m + 1)
    between = kernel(centres)
    matrix[:m, :m] = penalty * between + 1e-8 * np.eye(m) * np.trace(between) / m
    for i in range(0, len(rows), _BLOCK):
        block = np.hstack([kernel(rows[i : i + _BLOCK]), np.ones((len(rows[i : i + _BLOCK]), 1))])
        matrix += block.T @ block
        right += block.T @ (values[i : i + _BLOCK] - middle)
    solved = np.linalg.solve(matrix, right)
    return solved[:m], float(solved[m] + middle)


def _evenly(n: int, most: int) -> np.ndarray:
    return np.linspace(0, n - 1, min(n, most)).round().astype(int)
