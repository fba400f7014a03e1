"""What all models that redraw their pictures share: an encoder, a decoder, an output in [0, 1]."""

from abc import ABC
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.models._trained import Trained, draw_the_mean, sample_rows
from isthmus.nets._net import size_of
from isthmus.nets._posterior import Posterior
from isthmus.stats import Components, principal_components
from isthmus.train.feeding import Resident

__all__ = ["Reconstructing"]

_CODES_LOOKED_AT = 10_000
_WIDE, _DIRECTIONS, _WIDE_CODES_LOOKED_AT = 1024, 256, 2048


@dataclass(kw_only=True, eq=False)
class Reconstructing(Trained, ABC):
    """Encoder and decoder of one network, read as point or Gaussian by the model."""

    gaussian_codes = False
    squashed = True

    def encode(self, x: torch.Tensor) -> Posterior:
        return self.posterior_of(self.net_["encoder"](x))

    def posterior_of(self, out: torch.Tensor) -> Posterior:
        """What the encoder's last layer put out, as the model reads it."""
        if not self.gaussian_codes:
            return Posterior(out)
        mean, log_variance = out.float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(-12.0, 12.0))

    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        raw = self.raw(z, y)
        return raw.sigmoid() if self.squashed else raw

    def raw(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        """What the decoder puts out before it is squashed into [0, 1], in float32."""
        return self.net_["decoder"](z).float()

    def _build(self) -> nn.ModuleDict:
        net = self.net_for()
        width = self.latent * (2 if self.gaussian_codes else 1)
        self.latent_shape_ = net.latent_shape(int(self.latent), self.shape_)
        parts = {"encoder": net.encoder(self.shape_, width), "decoder": net.decoder(self.latent, self.shape_)}
        return nn.ModuleDict(parts if self.gaussian_codes else parts | {"prior": _Prior(size_of(self.latent_shape_))})

    def sample_codes(self, n: int, seed: int = 0, y: Any = None) -> np.ndarray:
        """From the standard normal; where codes are points, from a Gaussian fitted to the training codes."""
        codes = super().sample_codes(n, seed, y)
        return (
            codes if self.gaussian_codes else self.net_["prior"](torch.from_numpy(codes).to(self.device_)).cpu().numpy()
        )

    def _finish(self, data: Resident) -> None:
        if not self.gaussian_codes:
            self.net_.eval()
            prior = self.net_["prior"]
            assert isinstance(prior, _Prior)
            rows = sample_rows(len(data), prior.looks).split(512)
            prior.settle(torch.cat([self.encode(data.pictures(part)).mean.flatten(1) for part in rows]))

    def _start_from(self, data: Resident) -> None:
        draw_the_mean(self.net_["decoder"], data, self.squashed)


class _Prior(nn.Module):
    """A Gaussian where the codes are: turns standard normal numbers into codes.

    A code of more than 1,024 numbers keeps the 256 directions along which codes vary most, and no others.
    """

    mean: torch.Tensor
    factor: torch.Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.wide = latent > _WIDE
        self.looks = _WIDE_CODES_LOOKED_AT if self.wide else _CODES_LOOKED_AT
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("factor", torch.eye(latent, _DIRECTIONS if self.wide else latent))

    def settle(self, codes: torch.Tensor) -> None:
        """By eigenvalues rather than Cholesky: codes may well lie in a plane."""
        if self.wide and len(codes) > 1:
            self._settle_wide(principal_components(codes, _DIRECTIONS))
            return
        codes = codes.cpu().double()  # not every device has numbers of 64 bits
        self.mean.copy_(codes.mean(0).float())
        if self.wide:
            self.factor.zero_()
            return
        values, vectors = torch.linalg.eigh(torch.cov(codes.T, correction=0).reshape(codes.shape[1], -1))
        self.factor.copy_((vectors * values.clamp_min(0).sqrt()).float())

    def _settle_wide(self, found: Components) -> None:
        self.mean.copy_(found.mean)
        self.factor.zero_()  # fewer codes have fewer directions
        scaled = found.axes.T * torch.from_numpy(found.variance).sqrt()
        self.factor[:, : len(found.axes)] = scaled.float().to(self.factor)

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        return self.mean + noise[:, : self.factor.shape[1]] @ self.factor.T
