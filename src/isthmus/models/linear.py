"""The linear autoencoder: it finds the plane that PCA finds, by steps."""

from dataclasses import dataclass
from typing import ClassVar

from isthmus.estimator import option
from isthmus.models._least_squares import LeastSquares
from isthmus.nets._net import Habits, Net
from isthmus.nets.mlp import MLP

__all__ = ["Linear", "Model"]


@dataclass(kw_only=True, eq=False)
class Linear(LeastSquares):
    """No activation anywhere: `hidden` layers change how it learns, not what it can."""

    chooses_net: ClassVar[bool] = False
    squashed = False

    hidden: tuple[int, ...] = option((), "widths of hidden linear layers, as paper 002 has them")

    def net_for(self) -> Net:
        return MLP(hidden=self.hidden, activation="identity")

    def habits(self) -> Habits:
        """Muon turns the plane all the way; Adam's rule leaves its last direction degrees off."""
        return Habits("muon", 0.02, 64, "linear", 600_000, spikes=0.0)


Model = Linear
