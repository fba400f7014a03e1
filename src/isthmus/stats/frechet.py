"""The Fréchet distance between the Gaussians fitted to two clouds of points."""

import numpy as np
import torch

from isthmus.errors import DataError

__all__ = ["frechet_distance", "frechet_of_gaussians", "gaussian_of"]


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
