"""Principal components by eigen-decomposition, and the angles between two subspaces."""

from dataclasses import dataclass

import numpy as np
import torch

from isthmus.errors import DataError

__all__ = ["Components", "principal_angles", "principal_components"]

_LARGEST = 4096
_ROWS = 8192


@dataclass(frozen=True)
class Components:
    """`axes` are orthonormal rows, largest variance first; `fitted_on` says how many rows were used."""

    mean: torch.Tensor
    axes: torch.Tensor
    variance: np.ndarray
    total_variance: float
    fitted_on: int

    @property
    def explained(self) -> np.ndarray:
        """The share of all variance along each axis."""
        return self.variance / max(self.total_variance, np.finfo(float).tiny)

    def encode(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows - self.mean) @ self.axes.T

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        return codes @ self.axes + self.mean

    def reconstruct(self, rows: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(rows))


def principal_components(rows: np.ndarray | torch.Tensor, k: int) -> Components:
    """The first `k` axes of `(n, d)`, from whichever of covariance and Gram matrix is smaller.

    Where both would exceed 4,096, the Gram matrix of 4,096 evenly spaced rows is used.
    """
    rows = torch.as_tensor(rows).detach().cpu().flatten(1)
    n, d = rows.shape
    if n < 2 or k < 1:
        raise DataError(
            f"{k} principal components of {n} rows were asked for",
            "Give at least two rows and ask for at least one component.",
        )
    if min(n, d) > _LARGEST:
        rows = rows[torch.linspace(0, n - 1, _LARGEST).long()]
    mean = sum(part.double().sum(dim=0) for part in rows.split(_ROWS)) / len(rows)
    values, axes, total = (_by_covariance if d <= len(rows) else _by_gram)(rows, mean, k)
    axes = axes * _signs(axes)
    degrees = len(rows) - 1
    return Components(mean.float(), axes.float(), (values / degrees).numpy(), total / degrees, len(rows))


def _by_covariance(rows: torch.Tensor, mean: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Eigenvalues, axes and trace of the scatter matrix, a block of rows at a time."""
    matrix = mean.new_zeros(len(mean), len(mean))
    for part in rows.split(_ROWS):
        part = part.double() - mean
        matrix.addmm_(part.T, part)
    values, vectors = torch.linalg.eigh(matrix)
    return values.flip(0)[:k].clamp_min(0), vectors.flip(1)[:, :k].T, float(matrix.trace())


def _by_gram(rows: torch.Tensor, mean: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor, float]:
    """The same for few rows of many columns, a block of columns at a time."""
    matrix = mean.new_zeros(len(rows), len(rows))
    columns = list(zip(rows.split(_ROWS, dim=1), mean.split(_ROWS), strict=True))
    for part, middle in columns:
        part = part.double() - middle
        matrix.addmm_(part, part.T)
    values, vectors = torch.linalg.eigh(matrix)
    left = vectors.flip(1)[:, :k]
    axes = torch.cat([(part.double() - middle).T @ left for part, middle in columns])
    return values.flip(0)[:k].clamp_min(0), torch.linalg.qr(axes).Q.T, float(matrix.trace())


def _signs(axes: torch.Tensor) -> torch.Tensor:
    """An axis has no sign; make its largest entry positive, so that two machines agree."""
    largest = axes.abs().argmax(dim=1, keepdim=True)
    return torch.where(axes.gather(1, largest) < 0, -1.0, 1.0).to(axes.dtype)


def principal_angles(first: np.ndarray | torch.Tensor, second: np.ndarray | torch.Tensor) -> np.ndarray:
    """Angles in degrees, smallest first, between the spans of the rows of two `(k, d)` matrices.

    Sines tell small angles and cosines large ones, so that neither end is lost to rounding (Knyazev, Argentati 2002).
    """
    one = np.linalg.qr(np.asarray(first, np.float64).T)[0]
    two = np.linalg.qr(np.asarray(second, np.float64).T)[0]
    if one.shape[1] < two.shape[1]:
        one, two = two, one
    cosines = np.linalg.svd(one.T @ two, compute_uv=False).clip(0, 1)
    sines = np.linalg.svd(two - one @ (one.T @ two), compute_uv=False)[::-1].clip(0, 1)
    return np.degrees(np.where(cosines**2 < 0.5, np.arccos(cosines), np.arcsin(sines)))
