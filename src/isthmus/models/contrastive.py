"""A contrastive encoder: two views of a picture have one code, and other pictures have others (SimCLR, Chen 2020).

What it knows of pictures serves classifiers better than what an autoencoder must keep to draw them. A decoder learns to
read the codes afterwards, from the frozen encoder, so that everything which decodes works here too.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from isthmus.estimator import option
from isthmus.models._viewing import Viewing
from isthmus.nets._net import Net
from isthmus.rng import Noise
from isthmus.terms.likelihood import squared_error
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Feed, Phase, Player, Terms

__all__ = ["Contrastive", "Model"]

_DECODER_LOOKS = 100_000


@dataclass(kw_only=True, eq=False)
class Contrastive(Viewing):
    """First views are compared, then a decoder learns to read the codes."""

    needs_pictures: ClassVar[bool] = True

    latent: int = option(64, "size of the code", low=1)
    net: str | Net = option("pooled", "kind of network")
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
        return {"contrast": self.contrasted(self.encode(self.seen(batch.x, batch.noise)).mean)}

    def read(self, batch: Batch) -> Terms:
        codes = self.encode(batch.x).mean if batch.codes is None else batch.codes
        return {"error": squared_error(self.decode(codes), batch.x)}

    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        return -squared_error(self.decode(self.encode(x).mean), x)

    def _build(self) -> nn.ModuleDict:
        net = super()._build()
        net["projector"] = self._projector()
        return net

    def _start_from(self, data: Resident) -> None:
        super()._start_from(data)
        self._choose_views(data)

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        return [*super()._remarks(x), self.views_reason_]


Model = Contrastive
