"""What all variational autoencoders share: likelihood, posterior, bound. A model adds how it prices the code."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from isthmus.errors import DataError
from isthmus.estimator import option
from isthmus.models._reconstructing import Reconstructing
from isthmus.models._trained import sample_rows
from isthmus.nets._net import Net
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise
from isthmus.terms import likelihood as terms
from isthmus.terms.likelihood import squared_error
from isthmus.train.diagnosis import collapse, leans_on_noise, over_complete
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Moment, Phase, Player, Terms

__all__ = ["Variational"]


@dataclass(kw_only=True, eq=False)
class Variational(Reconstructing, ABC):
    """Every picture is a Gaussian in the latent space; the prior is the standard normal, or what a model says it is."""

    has_density: ClassVar[bool] = True
    gaussian_codes = True

    net: str | Net = option("residual-mlp", "kind of network")
    likelihood: str = option("bernoulli", "of a pixel given its code", choices=("bernoulli", "gaussian"))
    binarise: bool = option(False, "draw 0/1 pixels anew every epoch, with the grey value as probability")
    sigma: float | None = option(None, "pixel noise of the gaussian likelihood (default: learnt)", low=0)
    beta: float = option(1.0, "weight of the KL term", low=0)
    kl_warm_up: float = option(0.0, "epochs over which that weight rises from 0", low=0)

    @abstractmethod
    def price(self, posterior: Posterior, z: torch.Tensor) -> Terms:
        """What the code costs, per picture, by name; both come with one row of numbers a picture."""

    @abstractmethod
    def weights(self, moment: Moment) -> dict[str, float]:
        """How those costs are weighted at this moment."""

    @property
    def binary_likelihood(self) -> bool:
        """Whether the model is one of 0/1 pixels: its nats and those of grey values are different quantities."""
        return self.likelihood == "bernoulli" and self.binarise

    def phases(self) -> tuple[Phase, ...]:
        player = Player("vae", (self.net_,), self.loss, self.weights)
        return (Phase("fit", (player,), self.epochs_for(self.pictures_)),)

    def loss(self, batch: Batch) -> Terms:
        x = self.seen(batch.x, batch.noise)
        posterior = self.encode(x)
        z = posterior.sample(batch.noise)
        return {"distortion": -self.log_likelihood(x, z), **self.price(posterior.flat(), z.flatten(1))}

    def seen(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        """The picture that is modelled: itself, or a draw of 0/1 pixels from it."""
        return (noise.uniform("binarise", *x.shape[1:]) < x).float() if self.binarise else x

    def log_likelihood(self, x: torch.Tensor, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        """log p(x|z) in nats, per picture; with `y` that of pictures of these classes, where a model knows any."""
        if self.likelihood == "bernoulli":
            return terms.bernoulli(self.raw(z, y), x)
        return terms.gaussian(self.decode(z, y), x, self.log_sigma())

    def log_sigma(self) -> torch.Tensor:
        """Of the pixel noise; the module that holds it is called for it, as any network is."""
        value: torch.Tensor = self.net_["sigma"]()
        return value

    def warmed(self, moment: Moment) -> float:
        """The share of beta that the KL term has by now."""
        return 1.0 if self.kl_warm_up == 0 else min(1.0, moment.epochs / self.kl_warm_up)

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        x = self.seen(x, noise)
        posterior = self.encode(x)
        return self.log_likelihood(x, posterior.sample(noise)) - posterior.flat().kl().sum(1)

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        posteriors = [self.encode(part).flat() for part in x.split(512)]
        spread = torch.cat([posterior.mean for posterior in posteriors]).var(0, correction=0)
        kl = torch.cat([posterior.kl() for posterior in posteriors]).mean(0)
        maps = self.latent_shape_[0] if len(self.latent_shape_) == 3 else None
        said = [over_complete(spread, x[0].numel()), collapse(kl, spread, maps), self._leaning(x[:512])]
        return [*super()._remarks(x), *said]

    def _leaning(self, x: torch.Tensor) -> str | None:
        """Whatever reads codes reads means; training has seen draws only."""
        posterior = self.encode(x)
        draw = posterior.sample(Noise(torch.arange(len(x), device=x.device), "remark"))
        at_mean, at_draw = (float(squared_error(self.decode(z), x).mean()) for z in (posterior.mean, draw))
        return leans_on_noise(at_mean, at_draw)

    def _build(self) -> nn.ModuleDict:
        net = super()._build()
        if self.likelihood == "gaussian":
            net["sigma"] = _Sigma(self.sigma)
        return net

    def _start_from(self, data: Resident) -> None:
        super()._start_from(data)
        x = data.pictures(sample_rows(len(data)))
        if self.likelihood == "bernoulli" and (x.min() < 0 or x.max() > 1):
            raise DataError(
                f"pixels from {x.min():.3g} to {x.max():.3g} are no probabilities, which a bernoulli likelihood needs",
                "Leave --scale at auto, or use --likelihood gaussian.",
            )


class _Sigma(nn.Module):
    """One standard deviation for all pixels: learnt, or held where the user put it."""

    value: torch.Tensor

    def __init__(self, value: float | None) -> None:
        super().__init__()
        start = torch.tensor(math.log(value if value else 0.1))
        if value is None:
            self.value = nn.Parameter(start)
        else:
            self.register_buffer("value", start)

    def forward(self) -> torch.Tensor:
        return self.value
