"""A generative adversarial network: a decoder draws what a discriminator cannot tell from the pictures.

The discriminator's numbers are drawn to +1 for pictures and -1 for made ones (least squares, Mao 2017), or it is a
critic whose slope is held near one (Wasserstein, Gulrajani 2017). Nothing encodes: pictures have no codes.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from isthmus.contract import check_encodes
from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.models._trained import Trained, draw_the_mean, sample_rows
from isthmus.nets._discriminator import discriminator
from isthmus.nets._net import Habits, Net
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Moment, Phase, Player, Terms

__all__ = ["GAN", "Model"]

_CRITIC_DRAWS, _SLOPE_WEIGHT = 5, 10.0


@dataclass(kw_only=True, eq=False)
class GAN(Trained):
    """Two players in one phase. `score_samples` is what the discriminator says: higher looks more real."""

    encodes: ClassVar[bool] = False

    latent: int = option(64, "size of the code", low=1)
    net: str | Net = option("conv", "kind of network")
    objective: str = option("least-squares", "what is played for", choices=("least-squares", "wasserstein"))
    draws: int | None = option(None, "moves of the discriminator for one of the decoder", low=1)

    def habits(self) -> Habits:
        return Habits("adam-gan", 2e-4, 64, "constant", 600_000, spikes=0.0)

    def phases(self) -> tuple[Phase, ...]:
        draws = self.draws or (1 if self.objective == "least-squares" else _CRITIC_DRAWS)
        judge = Player("discriminator", (self.net_["discriminator"],), self.told_apart, self.weights, draws)
        drawer = Player("decoder", (self.net_["decoder"],), self.taken_for_real)
        return (Phase("fit", (judge, drawer), self.epochs_for(self.pictures_)),)

    def told_apart(self, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self.decode(self.drawn(batch.noise, "to be told apart"))
        real_is, made_is = self.opinion(batch.x), self.opinion(made)
        if self.objective == "least-squares":
            return {"real": (real_is - 1).square(), "made": (made_is + 1).square()}
        return {"real": -real_is, "made": made_is, "slope": self.slope_off_one(batch.x, made, batch.noise)}

    def taken_for_real(self, batch: Batch) -> Terms:
        made_is = self.opinion(self.decode(self.drawn(batch.noise, "to be taken for real")))
        return {"made": (made_is - 1).square() if self.objective == "least-squares" else -made_is}

    def weights(self, moment: Moment) -> dict[str, float]:
        return {"slope": _SLOPE_WEIGHT} if self.objective == "wasserstein" else {}

    def opinion(self, x: torch.Tensor) -> torch.Tensor:
        """One number a picture; higher looks more real."""
        value: torch.Tensor = self.net_["discriminator"](x)
        return value[:, 0].float()

    def slope_off_one(self, real: torch.Tensor, made: torch.Tensor, noise: Noise) -> torch.Tensor:
        """How far the opinion's slope is from one, squared, at a point between a picture and a made one."""
        share = noise.uniform("between", *[1] * (real.ndim - 1))
        with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
            between = torch.lerp(real.float(), made.float(), share).requires_grad_(True)
            (slope,) = torch.autograd.grad(self.opinion(between).sum(), between, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square()

    def drawn(self, noise: Noise, purpose: str) -> torch.Tensor:
        """A code from the prior for each picture of a batch."""
        return noise.normal(purpose, *self.latent_shape_)

    def encode(self, x: torch.Tensor) -> Posterior:
        check_encodes(self)
        raise NotImplementedError

    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        raw: torch.Tensor = self.net_["decoder"](z)
        return raw.float().sigmoid()

    def _build(self) -> nn.ModuleDict:
        net = self.net_for()
        self.latent_shape_ = net.latent_shape(int(self.latent), self.shape_)
        decoder = net.decoder(self.latent, self.shape_)
        return nn.ModuleDict({"discriminator": discriminator(self.shape_), "decoder": decoder})

    def _start_from(self, data: Resident) -> None:
        draw_the_mean(self.net_["decoder"], data.pictures(sample_rows(len(data))), True)

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return self.opinion(x)


Model = GAN
