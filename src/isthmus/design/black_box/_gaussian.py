"""A Gaussian process for few points in many dimensions: Matern 5/2, a length for each dimension, fitted by evidence."""

import math

import torch

__all__ = ["Process"]

_STEPS_AT_FIRST, _STEPS, _RATE = 60, 20, 0.1
_JITTER = 1e-6
_LEAST_NOISE = 1e-4


class Process:
    """`x` in the unit box, any `y`. The lengths expected grow with the root of the dimensions, as distances do."""

    def __init__(self, dimensions: int) -> None:
        self._usual = math.sqrt(2) / 2 + 0.5 * math.log(dimensions)
        self._parameters = torch.full((dimensions + 2,), self._usual - math.log(2), dtype=torch.float64)
        self._parameters[-2], self._parameters[-1] = 0.0, math.log(1e-2)
        self._steps = _STEPS_AT_FIRST

    @property
    def lengths(self) -> torch.Tensor:
        """How far one has to go in each dimension until values differ."""
        return self._parameters[:-2].exp()

    @torch.enable_grad()
    def fit(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """From where the last fit ended."""
        self._x, self._middle = x, y.mean()
        self._scale = y.std(correction=0).clamp_min(1e-12)
        self._y = (y - self._middle) / self._scale
        parameters = self._parameters.clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], _RATE)
        for _ in range(self._steps):
            optimiser.zero_grad()
            self._surprise(parameters).backward()
            optimiser.step()
        self._parameters, self._steps = parameters.detach(), _STEPS
        self._root = self._factor(self._parameters)
        self._weights = torch.cholesky_solve(self._y[:, None], self._root)

    def sample(self, at: torch.Tensor, k: int, generator: torch.Generator) -> torch.Tensor:
        """`k` functions that agree with what is known, at these points, `(k, n)`."""
        cross = self._kernel(self._parameters, at, self._x)
        mean = (cross @ self._weights)[:, 0]
        solved = torch.linalg.solve_triangular(self._root, cross.T, upper=False)
        covariance = self._kernel(self._parameters, at, at) - solved.T @ solved
        noise = torch.randn(k, len(at), generator=generator, dtype=torch.float64)
        return self._middle + self._scale * (mean + noise @ _root_of(covariance).T)

    def _surprise(self, parameters: torch.Tensor) -> torch.Tensor:
        """Minus the log evidence, and what the parameters cost beforehand."""
        root = self._factor(parameters)
        solved = torch.linalg.solve_triangular(root, self._y[:, None], upper=False)
        lengths, scale, noise = parameters[:-2], parameters[-2], parameters[-1]
        prior = ((lengths - self._usual).square() / 6).sum() + scale.square() / 2 + (noise + 6).square() / 8
        return solved.square().sum() / 2 + root.diagonal().log().sum() + prior

    def _factor(self, parameters: torch.Tensor) -> torch.Tensor:
        covariance = self._kernel(parameters, self._x, self._x)
        noise = parameters[-1].exp() + _LEAST_NOISE
        return torch.linalg.cholesky(covariance + noise * torch.eye(len(self._x), dtype=torch.float64))

    @staticmethod
    def _kernel(parameters: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        a, b = a / parameters[:-2].exp(), b / parameters[:-2].exp()
        square = a.square().sum(1)[:, None] + b.square().sum(1)[None] - 2 * a @ b.T
        far = (5 * square.clamp_min(1e-12)).sqrt()
        return parameters[-2].exp() * (1 + far + far.square() / 3) * (-far).exp()


def _root_of(covariance: torch.Tensor) -> torch.Tensor:
    """Of a matrix that rounding may have made a little less than positive."""
    eye, jitter = torch.eye(len(covariance), dtype=covariance.dtype), _JITTER
    root, failed = torch.linalg.cholesky_ex(covariance + jitter * eye)
    while failed:
        jitter *= 10
        root, failed = torch.linalg.cholesky_ex(covariance + jitter * eye)
    return root
