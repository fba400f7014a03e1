"""What pushes the points of a t-SNE apart: every pair as it is, or all of them at once on a grid, by Fourier transform.

After Linderman et al. 2019, in another order: the points are spread on an even grid by cubic polynomials as one
density, which is folded with three kernels (1 / (1 + d^2), and d / (1 + d^2)^2 across and up); what the points feel is
read off the folded grids by the same polynomials. The kernels are kept for as long as the grid is of the same size.
"""

import numpy as np

__all__ = ["Repulsion", "exact_repulsion"]

_SPACING, _CELLS, _ROOM = 1 / 3, 64, 16


def exact_repulsion(places: np.ndarray) -> tuple[np.ndarray, float]:
    """The sum over others of d / (1 + d^2)^2 for each point, and the sum of 1 / (1 + d^2) over all pairs."""
    apart = places[:, None] - places[None]
    near = 1 / (1 + np.square(apart).sum(axis=2))
    return np.einsum("ij,ijk->ik", np.square(near), apart), float(near.sum() - len(places))


class Repulsion:
    """The same in a time that grows as the points do; it remembers the kernels of the last grid."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._key: tuple[float, int] | None = None

    def __call__(self, places: np.ndarray) -> tuple[np.ndarray, float]:
        low = places.min(axis=0)
        span = float((places.max(axis=0) - low).max())
        spacing = _spacing(span)
        size = (int(span / spacing) // _ROOM + 1) * _ROOM + 4
        self._prepare(spacing, size)
        cells, weights = _spread((places - low) / spacing, size)
        density = self._density(cells, weights, size)
        felt = np.stack([self._read(kernel, density, cells, weights, size) for kernel in self._kernels], axis=1)
        # each point feels itself too, as 1 in the first kernel and not at all in the others
        return felt[:, 1:].astype(np.float64), float(felt[:, 0].sum(dtype=np.float64)) - len(places)

    def _prepare(self, spacing: float, size: int) -> None:
        from scipy.fft import next_fast_len, rfft2

        if self._key == (spacing, size):
            return
        self._key, wide = (spacing, size), next_fast_len(2 * size - 1, real=True)
        away = np.arange(wide)
        away = np.where(away < size, away, np.where(away > wide - size, away - wide, 0)) * spacing
        near = 1 / (1 + away[:, None] ** 2 + away[None] ** 2)
        shapes = (near, near**2 * away[:, None], near**2 * away[None])
        self._wide = wide
        self._kernels = [rfft2(shape.astype(np.float32), workers=self.workers) for shape in shapes]

    def _density(self, cells: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
        """The transform of all points spread on the grid."""
        from scipy.fft import rfft2

        grid = np.bincount(cells.ravel(), weights.ravel(), size * size).reshape(size, size)
        return np.asarray(rfft2(grid.astype(np.float32), (self._wide, self._wide), workers=self.workers))

    def _read(
        self, kernel: np.ndarray, density: np.ndarray, cells: np.ndarray, weights: np.ndarray, size: int
    ) -> np.ndarray:
        from scipy.fft import irfft2

        folded = irfft2(kernel * density, (self._wide, self._wide), workers=self.workers)[:size, :size]
        return np.einsum("kn,kn->n", np.ascontiguousarray(folded).ravel().take(cells), weights)


def _spacing(span: float) -> float:
    """A third of a unit; halved where the whole map is small, so that there are always some dozens of cells."""
    spacing = _SPACING
    while span < spacing * _CELLS and spacing > 1e-9:
        spacing /= 2
    return spacing


def _spread(at: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The sixteen cells that each point falls on and their weights: Lagrange's cubic polynomials, across and up."""
    first = np.floor(at).astype(np.int32)
    t = (at - first).astype(np.float32)
    down, up, far = t + 1, t - 1, t - 2
    shares = np.stack([-t * up * far / 6, down * up * far / 2, -down * t * far / 2, down * t * up / 6])
    i, j = np.divmod(np.arange(16, dtype=np.int32), 4)
    corner = first[:, 0] * np.int32(size) + first[:, 1]
    return corner + (i * np.int32(size) + j)[:, None], shares[i, :, 0] * shares[j, :, 1]
