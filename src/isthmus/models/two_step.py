"""The two-step adversarial VAE (Zemouri 2020): first a latent space is shaped, then a decoder learns to read it.

Step one trains encoder and classifier by KL and cross-entropy, by views where labels are few or none, and if asked by
a sketch: a picture that a single linear map draws from the code, so that the code keeps more than its class. Step two
freezes all that and teaches a decoder.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from isthmus.estimator import option
from isthmus.models._class_shaped import ClassShaped
from isthmus.models._taught_decoder import TaughtDecoder
from isthmus.nets._discriminator import discriminator
from isthmus.nets._net import Net, size_of
from isthmus.terms.likelihood import squared_error
from isthmus.train.diagnosis import collapse
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Feed, Moment, Phase, Player, Terms

__all__ = ["Model", "TwoStep"]

_LABELLED_AT_ONCE, _LOOKS_FOR_LABELS = 64, 1.5
_FEW_DIMENSIONS, _SKETCHED = 10, 20.0
_CARRIES_NOTHING = 0.05


@dataclass(kw_only=True, eq=False)
class TwoStep(ClassShaped, TaughtDecoder):
    """With labels for all and `sketch` and `pixels` at 0 the paper's method."""

    latent: int = option(100, "size of the code", low=1)
    net: str | Net = option("pooled", "kind of network")
    kl: float = option(0.001, "weight of the KL in step one", low=0)
    sketch: float | None = option(
        None, "weight of a linear drawing in step one (default: 0 to ten dimensions, 20 beyond)", low=0
    )

    def phases(self) -> tuple[Phase, ...]:
        mine = ["encoder", "classifier", "projector", "sketcher"]
        unused = {"labels": {"projector"}, "views": {"classifier"}}.get(self.shaping_, set())
        unused = unused if self.sketched else unused | {"sketcher"}
        modules = tuple(self.net_[name] for name in mine if name in self.net_ and name not in unused)
        feeds = {"batch": Feed()}
        if self.shaping_ == "both":
            feeds["labelled"] = Feed("labelled", batch_size=_LABELLED_AT_ONCE)
        shaper = Player("encoder", modules, self.shape, self.price)
        # One look is a view less than where two views are compared: labels take half as many looks again.
        longer = _LOOKS_FOR_LABELS if self.shaping_ == "labels" and self.epochs is None else 1.0
        first = Phase("shape", (shaper,), longer * self.epochs_for(self.pictures_), feeds)
        settled = self.codes_from or self.shaping_ == "labels"
        second = self.drawing(None if settled else self._settle_statistics)
        return (second,) if self.codes_from else (first, second)

    def shape(self, batch: Batch, labelled: Batch | None = None) -> Terms:
        """Step one. Views are compared by their means; classes and sketches are read from draws."""
        alone = self.shaping_ == "labels"
        x = batch.x if alone else self.seen(batch.x, batch.noise)
        posterior = self.encode(x)
        terms = {"kl": posterior.kl().sum(1)[: len(batch.x)]}
        if not alone:
            terms["contrast"] = self.contrasted(posterior.mean)
        z = posterior.first(len(batch.x)).sample(batch.noise)
        if self.sketched:
            drawn = self.net_["sketcher"](z).float().unflatten(1, self.shape_)
            terms["sketch"] = squared_error(drawn, x[: len(batch.x)])
        if labelled is not None:
            seen = self.seen(labelled.x, labelled.noise)[: len(labelled.x)]
            terms["cross_entropy"] = self._missed(self.encode(seen).sample(labelled.noise), labelled.y)
        elif alone:
            terms["cross_entropy"] = self._missed(z, batch.y)
        return terms

    def price(self, moment: Moment) -> dict[str, float]:
        return {"kl": self.kl, "sketch": self.sketched} if self.sketched else {"kl": self.kl}

    @property
    def sketched(self) -> float:
        """Few dimensions are for the eye: there the classes are to have all the room."""
        usual = 0.0 if self.latent <= _FEW_DIMENSIONS else _SKETCHED
        return usual if self.sketch is None else self.sketch

    def _missed(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(self.net_["classifier"](z).float(), y, ignore_index=-1, reduction="none")

    def _build(self) -> nn.ModuleDict:
        net = super()._build()
        net["discriminator"] = discriminator(self.shape_)
        net["sketcher"] = nn.Linear(self.latent, size_of(self.shape_))
        return net

    def _start_from(self, data: Resident) -> None:
        super()._start_from(data)
        if self.codes_from:
            self._take_over()

    def _remarks(self, x: torch.Tensor) -> list[str | None]:
        found = [self.encode(part) for part in x.split(512)]
        kl = torch.cat([posterior.kl() for posterior in found]).mean(0)
        spread = torch.cat([posterior.mean for posterior in found]).var(0, correction=0)
        said = _COLLAPSED if float(kl.sum()) < _CARRIES_NOTHING else collapse(kl, spread)
        return [*super()._remarks(x), said, self._shaping()]


_COLLAPSED = (
    "the posterior has collapsed: the code carries nothing of the picture. KL and cross-entropy together are at least "
    "the entropy of the labels, which a collapsed code reaches: the weight of the KL must be well below 1. Lower --kl."
)

Model = TwoStep
