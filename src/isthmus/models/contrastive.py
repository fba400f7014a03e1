"""A contrastive encoder: two views of a picture have one code, and other pictures have others (SimCLR, Chen 2020).

What it knows of pictures serves classifiers better than what an autoencoder must keep to draw them. A decoder learns to
read the codes afterwards, from the frozen encoder, so that everything which decodes works here too.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus.augment import View, habits_for, looked_at, view
from isthmus.errors import DataError, UsageError
from isthmus.estimator import option
from isthmus.models._reconstructing import Reconstructing
from isthmus.models._trained import sample_rows
from isthmus.nets._net import Net, kaiming
from isthmus.nets._statistics import settle
from isthmus.rng import Noise
from isthmus.terms.contrast import contrast
from isthmus.terms.likelihood import squared_error
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Feed, Phase, Player, Terms

__all__ = ["Contrastive", "Model"]

_SETTLED_ON = 12_000
_PROJECTED = 64
_DECODER_LOOKS = 100_000


@dataclass(kw_only=True, eq=False)
class Contrastive(Reconstructing):
    """Views are chosen by looking at the pictures, unless told; `views_` says how and why."""

    needs_pictures: ClassVar[bool] = True

    latent: int = option(64, "size of the code", low=1)
    net: str | Net = option("pooled", "kind of network")
    temperature: float = option(0.2, "how sharply views are told from other pictures", low=0.01)
    mirror: str = option("auto", "whether a mirrored picture is the same one", choices=("auto", "yes", "no"))
    quarters: str = option("auto", "whether one turned by a quarter is", choices=("auto", "yes", "no"))
    decoder_epochs: float | None = option(
        None, "passes in which the decoder learns to read the codes (default: by the number of pictures)", low=0
    )

    def phases(self) -> tuple[Phase, ...]:
        encoder, projector, decoder = self.net_["encoder"], self.net_["projector"], self.net_["decoder"]
        compare = Player("contrast", (encoder, projector), self.loss)
        read = Player("decoder", (decoder,), self.read)
        codes = Feed(batch_size=64, cache=lambda x: self.encode(x).mean)
        passes = self.decoder_epochs
        if passes is None:
            passes = float(np.clip(round(_DECODER_LOOKS / self.pictures_), 1, 100))
        return (
            Phase("contrast", (compare,), self.epochs_for(self.pictures_)),
            Phase("read", (read,), passes, {"batch": codes}, before=self._settle_statistics),
        )

    def loss(self, batch: Batch) -> Terms:
        """Both views in one pass: batch norm sees them together."""
        views = torch.cat([view(batch.x, batch.noise, self.views_, name) for name in ("one", "two")])
        projected = F.normalize(self.net_["projector"](self.encode(views).mean).float(), dim=1)
        return {"contrast": contrast(projected[: len(batch.x)], projected[len(batch.x) :], self.temperature)}

    def read(self, batch: Batch) -> Terms:
        codes = self.encode(batch.x).mean if batch.codes is None else batch.codes
        return {"error": squared_error(self.decode(codes), batch.x)}

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return -squared_error(self.decode(self.encode(x).mean), x)

    def _build(self) -> nn.ModuleDict:
        net = super()._build()
        if len(self.latent_shape_) > 1:
            raise UsageError("contrastive compares rows of numbers, and this net's code is maps", "Use --net pooled.")
        hidden = max(_PROJECTED, self.latent)
        first, last = kaiming(nn.Linear(self.latent, hidden)), kaiming(nn.Linear(hidden, _PROJECTED), 1.0)
        net["projector"] = nn.Sequential(nn.BatchNorm1d(self.latent), nn.ReLU(), first, nn.ReLU(), last)
        return net

    def _start_from(self, data: Resident) -> None:
        super()._start_from(data)
        x = data.pictures(sample_rows(len(data), looked_at(self.shape_)))
        if x.min() < 0 or x.max() > 1:
            raise DataError(
                f"pixels from {x.min():.3g} to {x.max():.3g} cannot be relit, which views are", "Leave --scale at auto."
            )
        found = habits_for(x, self.mirror, self.quarters)
        self.views_: View = found.view
        self.views_reason_ = found.reason

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        return [*super()._remarks(x), self.views_reason_]

    def _settle_statistics(self, data: Resident) -> None:
        """Batch norm has seen views only; whoever uses the encoder shows it pictures."""
        rows = sample_rows(len(data), _SETTLED_ON)
        parts = rows.tensor_split(-(-len(rows) // 512))  # equal ones, for each counts alike
        settle(self.net_["encoder"], (data.pictures(part) for part in parts))


Model = Contrastive
