"""What models share that compare two views of a picture: which views, and what they are compared in."""

from abc import ABC
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from isthmus.augment import RowView, View, habits_for, looked_at, row_view, view
from isthmus.errors import DataError, UsageError
from isthmus.estimator import option
from isthmus.models._reconstructing import Reconstructing
from isthmus.models._trained import sample_rows
from isthmus.nets._net import kaiming
from isthmus.nets._statistics import settle
from isthmus.rng import Noise
from isthmus.terms.contrast import contrast
from isthmus.train.feeding import Resident

__all__ = ["Viewing"]

_SETTLED_ON = 12_000
_PROJECTED = 64


@dataclass(kw_only=True, eq=False)
class Viewing(Reconstructing, ABC):
    """Views are chosen by looking at the pictures, unless told; `views_` says how and `views_reason_` why."""

    temperature: float = option(0.2, "how sharply views are told from other pictures", low=0.01)
    mirror: str = option("auto", "whether a mirrored picture is the same one", choices=("auto", "yes", "no"))
    quarters: str = option("auto", "whether one turned by a quarter is", choices=("auto", "yes", "no"))

    def seen(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        """Two views of every picture, all the first ones first: in one pass, batch norm sees them together."""
        if isinstance(self.views_, RowView):
            return torch.cat([row_view(x, noise, self.views_, name) for name in ("one", "two")])
        return torch.cat([view(x, noise, self.views_, name) for name in ("one", "two")])

    def contrasted(self, codes: torch.Tensor) -> torch.Tensor:
        """How badly views find each other by their codes, per picture."""
        projected = F.normalize(self.net_["projector"](codes).float(), dim=1)
        half = len(codes) // 2
        return contrast(projected[:half], projected[half:], self.temperature)

    def _projector(self) -> nn.Sequential:
        """Where views are compared: what they differ in may be lost there without being lost to the code."""
        if len(self.latent_shape_) > 1:
            raise UsageError(
                "views are compared as rows of numbers, and this net's code is maps", "Use --net pooled, or conv."
            )
        hidden = max(_PROJECTED, self.latent)
        first, last = kaiming(nn.Linear(self.latent, hidden)), kaiming(nn.Linear(hidden, _PROJECTED), 1.0)
        return nn.Sequential(nn.BatchNorm1d(self.latent), nn.ReLU(), first, nn.ReLU(), last)

    def _choose_views(self, data: Resident) -> None:
        x = data.pictures(sample_rows(len(data), looked_at(self.shape_)))
        if len(self.shape_) == 1:
            self.views_: View | RowView = RowView.learn(x)
            self.views_reason_ = "views of a row hide a third of its columns and shake the others"
            return
        if x.min() < 0 or x.max() > 1:
            raise DataError(
                f"pixels from {x.min():.3g} to {x.max():.3g} cannot be relit, which views are", "Leave --scale at auto."
            )
        found = habits_for(x, self.mirror, self.quarters)
        self.views_, self.views_reason_ = found.view, found.reason

    def _settle_statistics(self, data: Resident) -> None:
        """Batch norm has seen views only; whoever uses the encoder shows it pictures."""
        settle(self.net_["encoder"], (data.pictures(part) for part in self._settled_on(data)))

    def _settled_on(self, data: Resident) -> tuple[torch.Tensor, ...]:
        """Rows of some pictures, in equal parts, for each counts alike."""
        rows = sample_rows(len(data), _SETTLED_ON)
        return rows.tensor_split(-(-len(rows) // 512))
