"""A VAE whose decoder is told the class (Kingma 2014, Sohn 2015): the code holds what the class does not say.

The class may be unknown, of any number of pictures; so that codes alone can be decoded too, it is kept from the decoder
now and then. Densities and scores are those of a picture whose class nobody tells.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from isthmus.errors import UsageError
from isthmus.models._variational import Variational
from isthmus.nets._posterior import Posterior
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Moment, Terms

__all__ = ["ConditionalVAE", "Model"]

_KEPT_BACK = 0.1
_LOUD = 10.0  # at the loudness of a code it is heard late, when the code holds it; far louder, codes fall silent


@dataclass(kw_only=True, eq=False)
class ConditionalVAE(Variational):
    """Without labels it is the VAE. An unknown class, -1, is told as all zeros, and so is that of `decode(z)`."""

    conditional: ClassVar[bool] = True

    def price(self, posterior: Posterior, z: torch.Tensor) -> Terms:
        return {"kl": posterior.kl().sum(1)}

    def weights(self, moment: Moment) -> dict[str, float]:
        return {"kl": self.beta * self.warmed(moment)}

    def loss(self, batch: Batch) -> Terms:
        """From where a known class is kept back only the decoder learns: the encoder would put the class in the code,
        and the decoder would find it there and not listen."""
        x = self.seen(batch.x, batch.noise)
        posterior = self.encode(x)
        z = posterior.sample(batch.noise)
        kept_back = (batch.noise.uniform("class", 1)[:, 0] < _KEPT_BACK) & (batch.y >= 0)
        given, told = torch.where(kept_back[:, None], z.detach(), z), torch.where(kept_back, -1, batch.y)
        return {"distortion": -self.log_likelihood(x, given, told), **self.price(posterior, z)}

    def raw(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if not self.classes_:
            return super().raw(z)
        numbers = torch.arange(len(self.classes_), device=z.device)
        known = z.new_zeros(len(z), len(numbers)) if y is None else (y.to(z.device)[:, None] == numbers).to(z.dtype)
        return super().raw(torch.cat([z, _LOUD * known], dim=1))

    def _build(self) -> nn.ModuleDict:
        net = super()._build()
        if len(self.latent_shape_) > 1:
            what = "conditional-vae tells the class beside a row of numbers, and this net's code is maps"
            raise UsageError(what, "Use --net conv or residual-mlp.")
        if self.classes_:
            net["decoder"] = self.net_for().decoder(self.latent + len(self.classes_), self.shape_)
        return net

    def _start_from(self, data: Resident) -> None:
        super()._start_from(data)
        self.labelled_ = float((data.labels >= 0).float().mean())

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        unlabelled = "no picture has a label: this is the plain VAE, and draws no class that one chooses."
        return [*super()._remarks(x), None if self.labelled_ else unlabelled]


Model = ConditionalVAE
