"""What autoencoders with point codes share: one player, and the squared error of what is drawn from the code."""

from abc import ABC
from dataclasses import dataclass

import torch

from isthmus.models._reconstructing import Reconstructing
from isthmus.rng import Noise
from isthmus.terms.likelihood import squared_error
from isthmus.train.players import Batch, Phase, Player, Terms

__all__ = ["LeastSquares"]


@dataclass(kw_only=True, eq=False)
class LeastSquares(Reconstructing, ABC):
    """Redraws a picture from its code as well as the mean squared error can tell."""

    def phases(self) -> tuple[Phase, ...]:
        player = Player("autoencoder", (self.net_["encoder"], self.net_["decoder"]), self.loss)
        return (Phase("fit", (player,), self.epochs_for(self.pictures_)),)

    def loss(self, batch: Batch) -> Terms:
        return {"error": squared_error(self.decode(self.encode(batch.x).mean), batch.x)}

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return -squared_error(self.decode(self.encode(x).mean), x)
