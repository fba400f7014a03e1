"""What all models that redraw their pictures share: an encoder, a decoder, an output in [0, 1]."""

from abc import ABC
from dataclasses import dataclass

import torch
from torch import nn

from isthmus.models._trained import Trained, last_bias, sample_rows
from isthmus.nets._posterior import Posterior
from isthmus.train.feeding import Resident

__all__ = ["Reconstructing"]

_OFF_THE_EDGE = 0.005


@dataclass(kw_only=True, eq=False)
class Reconstructing(Trained, ABC):
    """Encoder and decoder of one network, read as point or Gaussian by the model."""

    gaussian_codes = False
    squashed = True

    def encode(self, x: torch.Tensor) -> Posterior:
        out = self.net_["encoder"](x)
        if not self.gaussian_codes:
            return Posterior(out)
        mean, log_variance = out.float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(-12.0, 12.0))

    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        raw = self.raw(z)
        return raw.sigmoid() if self.squashed else raw

    def raw(self, z: torch.Tensor) -> torch.Tensor:
        """What the decoder puts out before it is squashed into [0, 1], in float32."""
        return self.net_["decoder"](z).float()

    def _build(self) -> nn.ModuleDict:
        net = self.net_for()
        width = self.latent * (2 if self.gaussian_codes else 1)
        return nn.ModuleDict(
            {"encoder": net.encoder(self.shape_, width), "decoder": net.decoder(self.latent, self.shape_)}
        )

    @torch.no_grad()
    def _start_from(self, data: Resident) -> None:
        """Before anything is learnt the decoder draws the mean picture: its last bias says so."""
        bias = last_bias(self.net_["decoder"])
        if bias is None:
            return
        x = data.pictures(sample_rows(len(data)))
        mean = x.mean(0).flatten() if bias.numel() == x[0].numel() else x.mean((0, 2, 3))
        bias.copy_(mean.clamp(_OFF_THE_EDGE, 1 - _OFF_THE_EDGE).logit() if self.squashed else mean)
