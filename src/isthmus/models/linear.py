"""The linear autoencoder: it finds the plane that PCA finds, by steps."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from isthmus.estimator import option
from isthmus.models._reconstructing import Reconstructing
from isthmus.nets._net import Habits, Net
from isthmus.nets.mlp import MLP
from isthmus.rng import Noise
from isthmus.terms.likelihood import squared_error
from isthmus.train.players import Batch, Phase, Player, Terms

__all__ = ["Linear", "Model"]


@dataclass(kw_only=True, eq=False)
class Linear(Reconstructing):
    """No activation anywhere: `hidden` layers change how it learns, not what it can."""

    chooses_net: ClassVar[bool] = False
    squashed = False

    hidden: tuple[int, ...] = option((), "widths of hidden linear layers, as paper 002 has them")

    def net_for(self) -> Net:
        return MLP(hidden=self.hidden, activation="identity")

    def habits(self) -> Habits:
        """Muon turns the plane all the way; Adam's rule leaves its last direction degrees off."""
        return Habits("muon", 0.02, 64, "linear", 600_000, spikes=0.0)

    def phases(self) -> tuple[Phase, ...]:
        player = Player("autoencoder", (self.net_["encoder"], self.net_["decoder"]), self.loss)
        return (Phase("fit", (player,), self.epochs_for(self.pictures_)),)

    def loss(self, batch: Batch) -> Terms:
        return {"error": squared_error(self.decode(self.encode(batch.x).mean), batch.x)}

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return -squared_error(self.decode(self.encode(x).mean), x)


Model = Linear
