"""A generative adversarial network: a decoder draws what a discriminator cannot tell from the pictures.

The discriminator's number goes to +1 for pictures and -1 for made ones (least squares, Mao 2017), or it is a critic
whose slope is held near one (Wasserstein, Gulrajani 2017). Nothing encodes: a given picture has no code.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from isthmus.contract import check_encodes
from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.models._trained import Trained, draw_the_mean
from isthmus.nets._discriminator import discriminator
from isthmus.nets._net import Habits, Net
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise
from isthmus.train.diagnosis import always_told, one_picture
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Phase, Player, Terms

__all__ = ["GAN", "Model"]

_CRITIC_DRAWS, _SLOPE_WEIGHT = 5, 10.0
_PACE = 0.1  # of the discriminator: at the decoder's own rate it wins before anything is drawn
_CHANNELS, _HIDDEN = (16, 32, 64), (128,)  # a quarter of the time of the full one
_LOGITS = 5.0  # beyond such a logit a pixel is black or white enough


@dataclass(kw_only=True, eq=False)
class GAN(Trained):
    """Two players in one phase. `score_samples` is what the discriminator says: higher looks more real.

    A decoder with batch norm would be judged by its running statistics and moved by each batch's: better without.
    """

    encodes: ClassVar[bool] = False

    latent: int = option(32, "size of the code", low=1)
    net: str | Net = option("conv", "kind of network")
    objective: str = option("least-squares", "what is played for", choices=("least-squares", "wasserstein"))
    draws: int | None = option(None, "discriminator's moves for one of the decoder (default: 1, wasserstein 5)", low=1)

    def habits(self) -> Habits:
        """The decoder's own network has others where it learns to redraw."""
        return Habits("adam-gan", 1e-3, 32, "linear", 200_000, spikes=0.0, fewest=2.0)

    def phases(self) -> tuple[Phase, ...]:
        squares = self.objective == "least-squares"
        draws, pace = self.draws or (1 if squares else _CRITIC_DRAWS), _PACE if squares else 1.0
        price, parts = {} if squares else {"slope": _SLOPE_WEIGHT}, (self.net_["discriminator"], self.net_["decoder"])
        judge = Player("discriminator", parts[:1], self.told_apart, lambda moment: price, draws, pace=pace)
        drawer = Player("decoder", parts[1:], self.passed_off)
        return (Phase("fit", (judge, drawer), self.epochs_for(self.pictures_)),)

    def told_apart(self, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self.decode(batch.noise.normal("told apart", *self.latent_shape_))
        real_is, made_is = self.opinion(batch.x), self.opinion(made)
        if self.objective == "least-squares":
            return {"real": (real_is - 1).square(), "made": (made_is + 1).square()}
        return {"real": -real_is, "made": made_is, "slope": self.slope_off_one(batch.x, made, batch.noise)}

    def passed_off(self, batch: Batch) -> Terms:
        """Logits that run away leave pixels black for good, for a sigmoid has no slope there: going far is priced."""
        raw = self.raw(batch.noise.normal("passed off", *self.latent_shape_))
        made_is = self.opinion(raw.sigmoid())
        made = (made_is - 1).square() if self.objective == "least-squares" else -made_is
        return {"made": made, "overshoot": (raw.abs() - _LOGITS).relu().square().flatten(1).mean(1)}

    def opinion(self, x: torch.Tensor) -> torch.Tensor:
        """One number a picture; higher looks more real."""
        return self.net_["discriminator"](x)[:, 0].float()

    def slope_off_one(self, real: torch.Tensor, made: torch.Tensor, noise: Noise) -> torch.Tensor:
        """How far the opinion's slope is from one, squared, somewhere between each picture and a made one."""
        share = noise.uniform("between", *[1] * (real.ndim - 1))
        with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
            between = torch.lerp(real.float(), made, share).requires_grad_(True)
            (slope,) = torch.autograd.grad(self.opinion(between).sum(), between, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square()

    def encode(self, x: torch.Tensor) -> Posterior:
        check_encodes(self)
        raise AssertionError("checked above")

    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        return self.raw(z).sigmoid()

    def raw(self, z: torch.Tensor) -> torch.Tensor:
        return self.net_["decoder"](z).float()

    def check_params(self) -> None:
        super().check_params()
        if self.patience is not None or self.schedule == "plateau":
            raise UsageError("a GAN's loss does not tell when its pictures are best", "Leave out patience and plateau.")

    def _build(self) -> nn.ModuleDict:
        net = self.net_for()
        self.latent_shape_ = net.latent_shape(int(self.latent), self.shape_)
        judge = discriminator(self.shape_, _CHANNELS, _HIDDEN)
        return nn.ModuleDict({"discriminator": judge, "decoder": net.decoder(self.latent, self.shape_)})

    def _start_from(self, data: Resident) -> None:
        draw_the_mean(self.net_["decoder"], data, squashed=True)

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        noise = Noise(torch.arange(512, device=x.device), "remark")
        made = self.decode(noise.normal("made", *self.latent_shape_))
        told = self.objective == "least-squares" and always_told(self.opinion(x[:512]), self.opinion(made))
        return [*super()._remarks(x), told or None, one_picture(x, made)]

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return self.opinion(x)


Model = GAN
