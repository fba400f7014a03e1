"""The Fréchet distance between the Gaussians fitted to two clouds of points."""

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.keys import stream
from isthmus.stats.intervals import Interval

__all__ = ["frechet_distance", "frechet_interval", "frechet_of_gaussians", "gaussian_of"]


def gaussian_of(features: np.ndarray | torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance in float64; refused where there are too few points for a covariance of full rank."""
    rows = torch.as_tensor(features).detach().cpu().double().numpy()
    rows = rows.reshape(len(rows), -1)
    n, d = rows.shape
    if n <= d:
        raise DataError(
            f"{n} points in {d} dimensions do not determine a covariance",
            f"Give at least {d + 1}; 10,000 make distances comparable.",
        )
    if not np.isfinite(rows).all():
        raise DataError("some features are NaN or infinite", "Look at the pictures they come from.")
    mean = rows.mean(axis=0)
    rows = rows - mean
    return mean, rows.T @ rows / (n - 1)


def frechet_of_gaussians(
    mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray
) -> float:
    """`|m - m'|^2 + tr(C + C' - 2 (C C')^.5)`, the squared 2-Wasserstein distance, by symmetric eigenvalues alone.

    The eigenvalues of `C C'` are those of the symmetric `C^.5 C' C^.5`, so no root of a non-symmetric matrix, with
    its complex leftovers, is ever taken, and singular covariances are as good as any.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    inner = root @ other_covariance @ root
    cross = np.sqrt(np.linalg.eigvalsh((inner + inner.T) / 2).clip(0)).sum()
    shift = np.square(np.asarray(mean) - np.asarray(other_mean)).sum()
    return max(0.0, float(shift + np.trace(covariance) + np.trace(other_covariance) - 2 * cross))


def frechet_distance(features: np.ndarray | torch.Tensor, others: np.ndarray | torch.Tensor) -> float:
    """The distance between two clouds of features; both need more points than dimensions."""
    return frechet_of_gaussians(*gaussian_of(features), *gaussian_of(others))


def frechet_interval(
    features: np.ndarray | torch.Tensor,
    others: np.ndarray | torch.Tensor,
    *,
    paired: bool = False,
    draws: int = 100,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """The distance, with an interval from resampling the points of both clouds; `paired` rows are drawn together.

    A resample holds some points twice and others never: its Gaussian is rougher than its cloud's, and the distances of
    resamples lie too high. So only their spread is used: the interval is the estimate plus and minus as many of their
    standard deviations as the level asks, and never below 0. That is honest for clouds that differ, and up to twice as
    wide as need be for clouds that do not.
    """
    from scipy.special import ndtri

    value = frechet_distance(features, others)
    clouds = [_centred(features), _centred(others)]
    if paired and len(clouds[0][1]) != len(clouds[1][1]):
        raise DataError(f"{len(clouds[0][1])} and {len(clouds[1][1])} points are not pairs")
    generator = np.random.default_rng(stream(seed, "frechet"))
    found = []
    for _ in range(draws):
        first = _counts(len(clouds[0][1]), generator)
        second = first if paired else _counts(len(clouds[1][1]), generator)
        found.append(frechet_of_gaussians(*_weighted(*clouds[0], first), *_weighted(*clouds[1], second)))
    half = float(ndtri(0.5 + level / 2) * np.std(found, ddof=1))
    return Interval(value, max(0.0, value - half), value + half, len(clouds[0][1]), level)


def _centred(features: np.ndarray | torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    rows = torch.as_tensor(features).detach().cpu().double().numpy()
    rows = rows.reshape(len(rows), -1)
    return rows.mean(axis=0), rows - rows.mean(axis=0)


def _counts(n: int, generator: np.random.Generator) -> np.ndarray:
    """How often each of `n` points is in a resample of `n`."""
    return np.bincount(generator.integers(0, n, n), minlength=n).astype(np.float64)


def _weighted(centre: np.ndarray, rows: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian of points that lie around `centre`, each counted so often."""
    n = counts.sum()
    mean = counts @ rows / n
    return centre + mean, (rows.T @ (rows * counts[:, None]) - n * np.outer(mean, mean)) / (n - 1)
