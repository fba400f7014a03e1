"""Codes that are shaped by classes, where some are known, and by views, where few are: a model that tells classes."""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.images.pictures import Pictures
from isthmus.keys import keys_of
from isthmus.models._class_prior import ClassPrior
from isthmus.models._classes import class_numbers
from isthmus.models._trained import sample_rows
from isthmus.models._viewing import Viewing
from isthmus.nets._classifier import classifier
from isthmus.nets._statistics import settle
from isthmus.rng import Noise
from isthmus.run import Run
from isthmus.train.feeding import Resident
from isthmus.train.watchers import Watcher

__all__ = ["ClassShaped"]

_GROUPS, _CODES_LOOKED_AT, _GROUPED_BY, _FEW_OF_A_CLASS = 20, 20_000, 50, 200


@dataclass(kw_only=True, eq=False)
class ClassShaped(Viewing, ABC):
    """An encoder with a classifier on its codes, or a projector for views, or both."""

    conditional: ClassVar[bool] = True
    gaussian_codes = True

    shaped_by: str = option("auto", "what shapes the codes", choices=("auto", "labels", "views", "both"))

    @property
    def drawn_classes(self) -> tuple[str, ...]:
        """Those that have a place among the codes: some training picture was of them."""
        prior = self.net_["prior"]
        assert isinstance(prior, ClassPrior)
        shaping = self._shaping_classes()
        return tuple(name for name, weight in zip(shaping, prior.weight.tolist(), strict=False) if weight > 0)

    def _shaping_classes(self) -> tuple[str, ...]:
        """Those that labels are to shape; codes of views alone lie in groups without a name."""
        return tuple(self.classes_) if len(self.classes_) > 1 and self.shaped_by != "views" else ()

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of every class by the classifier that was trained with the encoder."""
        self._check_fitted()
        if "classifier" not in self.net_:
            raise UsageError("no labels shaped this model, so it tells no classes", "Use isthmus classify.")
        with torch.no_grad():
            told = [self.net_["classifier"](self.encode(x).mean).float().softmax(1) for x in self._blocks(X)]
        return torch.cat(told).cpu().numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of every picture, by name."""
        told = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_)[told]

    def told(self, codes: torch.Tensor) -> torch.Tensor | None:
        """Logits of the classes, where labels have taught any."""
        return self.net_["classifier"](codes).float() if "classifier" in self.net_ else None

    def sample_codes(self, n: int, seed: int = 0, y: Any = None) -> np.ndarray:
        """From where the codes of the training pictures were, class by class."""
        noise = Noise(torch.from_numpy(keys_of(map(str, range(n)))).to(self.device_), "sample", seed)
        group = class_numbers(self, y, n)
        if group is not None:
            names = {self.classes_[number] for number in group.tolist() if number >= 0}
            for name in sorted(names - set(self.drawn_classes)):
                what = f"no training picture was known to be of class {name!r}"
                raise UsageError(what, "Draw another class, or none in particular.")
            group = group.to(self.device_)
        codes = self.net_["prior"](noise.normal("prior", self.latent), noise.uniform("group", 1)[:, 0], group)
        return codes.cpu().numpy()

    def _build(self) -> nn.ModuleDict:
        net = super()._build()
        net["projector"] = self._projector()
        classes = len(self._shaping_classes())
        if classes:
            net["classifier"] = classifier(self.latent, classes)
        net["prior"] = ClassPrior(classes or _GROUPS, self.latent)
        return net

    def _start_from(self, data: Resident) -> None:
        super()._start_from(data)
        known = data.labels >= 0
        self.labelled_ = float(known.float().mean()) if len(data.labels[known].unique()) > 1 else 0.0
        wanted = self.shaped_by in ("labels", "both") or "classifier" in self.net_
        if wanted and not self.labelled_:
            raise UsageError("fewer than two classes are labelled", "Give labels, or use --shaped-by views.")
        by_looking = "views" if not self.labelled_ else "labels" if self.labelled_ == 1 else "both"
        self.shaping_ = by_looking if self.shaped_by == "auto" else self.shaped_by
        if self.shaping_ != "labels":
            self._choose_views(data)

    def _fit(
        self, pictures: Pictures, validation: Pictures | None, run: Run | None, watchers: Sequence[Watcher]
    ) -> None:
        blind = validation is not None and len(validation) > 0 and not (validation.labels >= 0).any()
        if blind and self._shaping_classes() and (self.patience is not None or self.schedule == "plateau"):
            what = "patience and plateau would judge classes by validation pictures without labels"
            raise UsageError(what, "Give labelled ones: Pictures, or validation=(X, y).")
        super()._fit(pictures, validation, run, watchers)

    def _settle_statistics(self, data: Resident) -> None:
        """The classifier, too, has met codes of views only."""
        super()._settle_statistics(data)
        if self.shaping_ == "both":
            codes = (self.encode(data.pictures(part)).mean for part in self._settled_on(data))
            settle(self.net_["classifier"], codes)

    def _finish(self, data: Resident) -> None:
        """The prior goes to where the codes are: of the labelled as they are labelled, of others as they are told."""
        self.net_.eval()
        rows = self._looked_at(data)
        found = [self.encode(data.pictures(part)) for part in rows.split(512)]
        codes = torch.cat([posterior.mean.float() for posterior in found])
        variance = torch.cat([p.log_variance.float().exp() for p in found if p.log_variance is not None])
        prior, labels, told = self.net_["prior"], data.labels[rows].to(codes.device), self.told(codes)
        assert isinstance(prior, ClassPrior)
        group = _grouped(codes, self.seed) if told is None else torch.where(labels >= 0, labels, told.argmax(1))
        prior.settle(codes.cpu(), variance.cpu(), group.cpu())

    def _looked_at(self, data: Resident) -> torch.Tensor:
        """Rows spread over all, and every picture of a class that has few."""
        rows = [sample_rows(len(data), _CODES_LOOKED_AT)]
        for number in range(len(self._shaping_classes())):
            own = torch.nonzero(data.labels == number).flatten()
            rows += [own] if len(own) < _FEW_OF_A_CLASS else []
        return torch.cat(rows).unique()

    def _shaping(self) -> str:
        """How the codes came to be, for the user."""
        if getattr(self, "codes_from", None):
            return "the codes were taken over from another run"
        if self.shaping_ == "labels":
            return "the codes were shaped by the labels"
        labels = f"the labels of {self.labelled_:.2%} of the pictures and by " if self.shaping_ == "both" else ""
        return f"the codes were shaped by {labels}views; {self.views_reason_}"


def _grouped(codes: torch.Tensor, seed: int) -> torch.Tensor:
    """Groups of near codes where no class says what belongs together."""
    from sklearn.cluster import KMeans

    groups = max(1, min(_GROUPS, len(codes) // _GROUPED_BY))
    found = KMeans(groups, n_init=1, random_state=seed % 2**32).fit_predict(codes.cpu().numpy())
    return torch.as_tensor(found, dtype=torch.long, device=codes.device)
