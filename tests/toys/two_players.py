"""A toy that asks everything of the loop: two phases, two players, a frozen part, two feeds, several draws, a cache.

First an autoencoder learns to redraw. Then its encoder is frozen, and a mover shifts the codes of unlabelled pictures
to where a critic, who moves three times as often, cannot tell them from those of labelled ones.
"""

from dataclasses import dataclass

import torch
from torch import nn

from isthmus.models._trained import Trained
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise
from isthmus.terms.likelihood import squared_error
from isthmus.train.players import Batch, Feed, Phase, Player, Terms

__all__ = ["Model", "TwoPlayers"]


@dataclass(kw_only=True, eq=False)
class TwoPlayers(Trained):
    """Batch norm and dropout everywhere, so that statistics and noise that move out of turn are noticed."""

    def encode(self, x: torch.Tensor) -> Posterior:
        return Posterior(self.net_["encoder"](x))

    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        return self.net_["decoder"](z).unflatten(1, self.shape_)

    def phases(self) -> tuple[Phase, ...]:
        epochs = self.epochs_for(self.pictures_)
        drawer = Player("drawer", (self.net_["encoder"], self.net_["decoder"]), self.redrawn)
        critic = Player("critic", (self.net_["critic"],), self.told_apart, draws=3, learning_rate=1e-2)
        mover = Player("mover", (self.net_["mover"],), self.unmasked)
        feeds = {
            "free": Feed("unlabelled", cache=lambda x: self.encode(x).mean),
            "known": Feed("labelled", batch_size=8),
        }
        return Phase("draw", (drawer,), epochs), Phase("move", (critic, mover), epochs, feeds)

    def redrawn(self, batch: Batch) -> Terms:
        noise = 0.1 * batch.noise.normal("denoise", *batch.x.shape[1:])
        return {"error": squared_error(self.decode(self.encode(batch.x + noise).mean), batch.x)}

    def told_apart(self, free: Batch, known: Batch) -> Terms:
        guess = self.net_["critic"](self.net_["mover"](free.codes))
        truth = self.net_["critic"](self.encode(known.x).mean)
        return {"free": nn.functional.softplus(guess)[:, 0], "known": nn.functional.softplus(-truth)[:, 0]}

    def unmasked(self, free: Batch, known: Batch) -> Terms:
        return {"shift": nn.functional.softplus(-self.net_["critic"](self.net_["mover"](free.codes)))[:, 0]}

    def _build(self) -> nn.Module:
        pixels = torch.Size(self.shape_).numel()
        return nn.ModuleDict(
            {
                "encoder": nn.Sequential(nn.Flatten(), *_block(pixels, 16), nn.Linear(16, self.latent)),
                "decoder": nn.Sequential(*_block(self.latent, 16), nn.Linear(16, pixels)),
                "mover": nn.Sequential(*_block(self.latent, 8), nn.Linear(8, self.latent)),
                "critic": nn.Sequential(*_block(self.latent, 8), nn.Linear(8, 1)),
            }
        )

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return -squared_error(self.decode(self.encode(x).mean), x)


def _block(before: int, after: int) -> list[nn.Module]:
    return [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ELU(), nn.Dropout(0.1)]


Model = TwoPlayers
