"""A VAE whose prior is learnt: a mixture of Gaussians goes to where the codes are, instead of codes coming to it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.estimator import option
from isthmus.keys import keys_of
from isthmus.models._classes import class_numbers
from isthmus.models._reconstructing import Reconstructing
from isthmus.models._variational import Variational
from isthmus.nets._net import size_of
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise
from isthmus.train.players import Moment, Terms

__all__ = ["MixtureVAE", "Model"]

_SPREAD, _LOG_VARIANCE = 0.5, -0.3


@dataclass(kw_only=True, eq=False)
class MixtureVAE(Variational):
    """With one component it is the VAE, but for where and how wide that component is."""

    components: int = option(500, "Gaussians in the prior", low=1)

    def price(self, posterior: Posterior, z: torch.Tensor) -> Terms:
        return {"kl": self._log_ratio(posterior, z)}

    def weights(self, moment: Moment) -> dict[str, float]:
        return {"kl": self.beta * self.warmed(moment)}

    def log_prior(self, z: torch.Tensor) -> torch.Tensor:
        """log p(z) without the constant of 2 pi, which the posterior's undoes."""
        with torch.autocast(z.device.type, enabled=False):
            value: torch.Tensor = self.net_["prior"](z.float().flatten(1))
        return value

    def sample_codes(self, n: int, seed: int = 0, y: Any = None) -> np.ndarray:
        class_numbers(self, y, n)
        noise = Noise(torch.from_numpy(keys_of(map(str, range(n)))).to(self.device_), "sample", seed)
        prior = self.net_["prior"]
        assert isinstance(prior, _Mixture)
        codes = prior.draw(noise.uniform("component", 1)[:, 0], noise.normal("prior", size_of(self.latent_shape_)))
        return codes.detach().cpu().numpy()

    def _log_ratio(self, posterior: Posterior, z: torch.Tensor) -> torch.Tensor:
        """log q(z|x) - log p(z): the KL in the mean over draws; it has no closed form."""
        assert posterior.log_variance is not None
        log_q = posterior.log_density(z.float()).sum(1) + 0.5 * z.shape[1] * math.log(2 * math.pi)
        return log_q - self.log_prior(z)

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        """No word of collapse: how far codes are from the standard normal says nothing here."""
        return Reconstructing._remarks(self, x)

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        x = self.seen(x, noise)
        posterior = self.encode(x)
        z = posterior.sample(noise)
        return self.log_likelihood(x, z) - self._log_ratio(posterior.flat(), z.flatten(1))

    def _build(self) -> nn.ModuleDict:
        net = super()._build()
        net["prior"] = _Mixture(self.components, size_of(self.latent_shape_))
        return net


class _Mixture(nn.Module):
    """Axis-aligned Gaussians with weights of their own, at first scattered about the origin."""

    def __init__(self, components: int, latent: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(_SPREAD * torch.randn(components, latent))
        self.log_variance = nn.Parameter(torch.full((components, latent), _LOG_VARIANCE))
        self.weight = nn.Parameter(torch.zeros(components))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        precision = (-self.log_variance).exp()
        # (z - m)^2 / v, multiplied out: two matrix products instead of a cube of differences.
        squared = z.square() @ precision.T - 2 * z @ (self.mean * precision).T
        squared = squared + (self.mean.square() * precision + self.log_variance).sum(1)
        return (self.weight.log_softmax(0) - 0.5 * squared).logsumexp(1)

    def draw(self, u: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        edges = self.weight.softmax(0).cumsum(0)
        which = torch.searchsorted(edges, u * edges[-1]).clamp_max(len(edges) - 1)
        return self.mean[which] + (0.5 * self.log_variance[which]).exp() * noise


Model = MixtureVAE
