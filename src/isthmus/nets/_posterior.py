"""What an encoder says about a picture: a point, or a Gaussian around it."""

from dataclasses import dataclass

import torch

from isthmus.rng import Noise

__all__ = ["Posterior"]


@dataclass
class Posterior:
    """`mean` is the code; without a `log_variance` the picture has that one code."""

    mean: torch.Tensor
    log_variance: torch.Tensor | None = None

    def flat(self) -> "Posterior":
        """The same with one row of numbers a picture, whatever the shape of the code."""
        return Posterior(self.mean.flatten(1), None if self.log_variance is None else self.log_variance.flatten(1))

    def first(self, n: int) -> "Posterior":
        """Of the first pictures only."""
        return Posterior(self.mean[:n], None if self.log_variance is None else self.log_variance[:n])

    def sample(self, noise: Noise) -> torch.Tensor:
        if self.log_variance is None:
            return self.mean
        return self.mean + (0.5 * self.log_variance).exp() * noise.normal("latent", *self.mean.shape[1:])

    def kl(self) -> torch.Tensor:
        """Kullback-Leibler divergence to the standard normal, per picture and dimension; zero for a point."""
        if self.log_variance is None:
            return torch.zeros_like(self.mean)
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1.0 - self.log_variance)

    def log_density(self, z: torch.Tensor) -> torch.Tensor:
        """log q(z|x), per picture and dimension."""
        assert self.log_variance is not None, "a point has no density"
        squared = (z - self.mean).square() * (-self.log_variance).exp()
        return -0.5 * (squared + self.log_variance + _LOG_TWO_PI)


_LOG_TWO_PI = 1.8378770664093453
