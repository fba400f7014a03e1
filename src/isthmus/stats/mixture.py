"""A density of points: a few Gaussians, as many as there are points to fit them to."""

import warnings
from dataclasses import dataclass

import numpy as np

from isthmus.errors import DataError

__all__ = ["Mixture", "fit_mixture"]

_MOST, _EACH, _ROUNDS = 20, 200, 100
_SHRUNK = 1e-3
_ROWS = 8192


@dataclass(frozen=True)
class Mixture:
    """`factors` are Cholesky factors of the precisions, `(k, d, d)`; `weights` sum to 1."""

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """In nats, one a point."""
        points = np.asarray(points, np.float64)
        parts = [self._of(points[i : i + _ROWS]) for i in range(0, len(points), _ROWS)]
        return np.concatenate(parts or [np.empty(0)])

    def _of(self, points: np.ndarray) -> np.ndarray:
        from scipy.special import logsumexp

        d = points.shape[1]
        found = np.empty((len(points), len(self.weights)))
        for k, (weight, mean, factor) in enumerate(zip(self.weights, self.means, self.factors, strict=True)):
            squared = np.square((points - mean) @ factor).sum(axis=1)
            volume = np.log(np.diagonal(factor)).sum() - 0.5 * d * np.log(2 * np.pi)
            found[:, k] = np.log(weight) + volume - 0.5 * squared
        return np.asarray(logsumexp(found, axis=1))


def fit_mixture(points: np.ndarray, seed: int = 0, most: int = _MOST) -> Mixture:
    """By expectation and maximisation from k-means++; each Gaussian has at least 200 points, and 4 a dimension.

    Something is added to every variance, the more the fewer points there are for each: a code with few pictures, or
    one that uses some of its dimensions only, has a density all the same.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    points = np.asarray(points, np.float64)
    n, d = points.shape
    if n < 2:
        raise DataError(f"{n} points have no density", "Give at least two.")
    parts = int(np.clip(n // max(_EACH, 4 * d), 1, most))
    added = points.var(axis=0).mean() * (_SHRUNK + _SHRUNK * 10 * parts * d / n) + 1e-12
    made = GaussianMixture(parts, reg_covar=added, max_iter=_ROUNDS, init_params="k-means++", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last rounds change no rank
        made.fit(points)
    kept = made.weights_ > 0
    return Mixture(made.weights_[kept], made.means_[kept], made.precisions_cholesky_[kept])
