"""What makes a picture odd: far from the normal ones, redrawn badly, a code that none of them has; and two baselines.

Measured (AUROC of a class of Fashion-MNIST that the encoder never saw, mean over the ten, one epoch, test split): the
blend .738, density .735, features .717, reconstruction .715; in pixels nearest neighbours .726 and PCA .670.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch

from isthmus.classify._arrays import Arrays
from isthmus.classify.baselines import pixels_of
from isthmus.classify.features import Features, small_pixels
from isthmus.contract import Fitted, Tick, check_encodes, evaluate, part_of, some_of
from isthmus.errors import UsageError
from isthmus.stats.knn import neighbours
from isthmus.stats.mixture import Mixture, fit_mixture
from isthmus.stats.spectrum import Components, principal_components

__all__ = ["BASELINES", "WAYS", "Kept", "Way", "decodes"]

_BANK, _NEAR, _ITSELF, _BLOCK = 20_000, 5, 5e-3, 4096
_LEARNT_FROM, _SCALED_ON = 20_000, 2000
_PLANE, _FLOOR = 64, 0.5


class Way(ABC):
    """Learnt from normal pictures; `of` gives one number a picture, higher is odder."""

    title: ClassVar[str]
    decodes: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def learn(cls, model: Fitted, X: Any, tick: Tick | None = None) -> Self:
        """From pictures taken as normal."""

    @abstractmethod
    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        """How odd each picture is."""

    @classmethod
    def check(cls, model: Fitted) -> None:
        """Refuse a model that lacks what this way needs."""
        check_encodes(model)
        if cls.decodes and not decodes(model):
            raise UsageError(f"{type(model).__name__} does not decode", "Choose density or features (--by).")


def decodes(model: Fitted) -> bool:
    """Whether the model redraws pictures; a model may say that it does not."""
    return bool(getattr(model, "decodes", callable(getattr(model, "decode", None))))


class Kept(Way):
    """One that a run folder can hold: `restore` makes it again from what `arrays` gave."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """All that it learnt."""

    @classmethod
    @abstractmethod
    def restore(cls, model: Fitted, arrays: Arrays) -> Self:
        """As it was."""


class _Near(Way):
    """The mean distance to the nearest normal pictures. The picture itself, or a copy of it, is not its neighbour."""

    bank: np.ndarray

    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        bank = self.bank.astype(np.float32)
        itself, found = _ITSELF * float(np.sqrt(np.square(bank[:1000]).sum(axis=1).mean())), []
        for start in range(0, len(X), _BLOCK):
            rows = self._rows(part_of(X, start, start + _BLOCK)).astype(np.float16).astype(np.float32)
            near = neighbours(rows, bank, min(_NEAR + 1, len(bank)))[0]
            others = np.where(near[:, :1] < itself, near[:, 1:], near[:, :-1])
            found.append(others.mean(axis=1))
            if tick:
                tick(start + len(rows), len(X))
        return np.concatenate(found)

    @abstractmethod
    def _rows(self, X: Any) -> np.ndarray:
        """The points that are compared."""


@dataclass(frozen=True)
class _NearFeatures(_Near, Kept):
    """Among the rows that classifiers see."""

    features: Features
    bank: np.ndarray

    title: ClassVar[str] = "nearest neighbours, features"

    @classmethod
    def learn(cls, model: Fitted, X: Any, tick: Tick | None = None) -> Self:
        features = Features.learn(model, X)
        return cls(features, features.of(some_of(X, _BANK), tick).astype(np.float16))

    def arrays(self) -> Arrays:
        return {"bank": self.bank, **self.features.arrays()}

    @classmethod
    def restore(cls, model: Fitted, arrays: Arrays) -> Self:
        return cls(Features.restore(model, arrays), arrays["bank"])

    def _rows(self, X: Any) -> np.ndarray:
        return self.features.of(X)


@dataclass(frozen=True)
class _Redrawn(Kept):
    """The squared error of `decode(encode(x).mean)`, each pixel's beside what is usual there, mean over pixels."""

    model: Fitted
    usual: np.ndarray

    title: ClassVar[str] = "reconstruction"
    decodes: ClassVar[bool] = True

    @classmethod
    def learn(cls, model: Fitted, X: Any, tick: Tick | None = None) -> Self:
        some = some_of(X, _SCALED_ON)
        errors = evaluate(model, some, lambda x: _errors(model, x).sum(0, keepdim=True), tick=tick)
        return cls(model, (errors.double().sum(0) / len(some)).numpy())

    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        even = self.usual + _FLOOR * self.usual.mean() + 1e-12  # where nothing ever happens, a trifle is no wonder
        weights = torch.from_numpy(1 / even / len(even)).float()
        found = evaluate(self.model, X, lambda x: _errors(self.model, x).cpu() @ weights, tick=tick)
        return found.double().numpy()

    def arrays(self) -> Arrays:
        return {"usual": self.usual}

    @classmethod
    def restore(cls, model: Fitted, arrays: Arrays) -> Self:
        return cls(model, arrays["usual"])


@dataclass(frozen=True)
class _Density(Kept):
    """How unlikely the code is among the codes of normal pictures: a mixture of Gaussians.

    What the encoder does not look at has no part in it: for PCA, noise may have a likely code.
    """

    model: Fitted
    mixture: Mixture

    title: ClassVar[str] = "density of codes"

    @classmethod
    def learn(cls, model: Fitted, X: Any, tick: Tick | None = None) -> Self:
        return cls(model, fit_mixture(_codes(model, some_of(X, _LEARNT_FROM), tick)))

    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        return -self.mixture.log_density(_codes(self.model, X, tick))

    def arrays(self) -> Arrays:
        return dict(vars(self.mixture))

    @classmethod
    def restore(cls, model: Fitted, arrays: Arrays) -> Self:
        return cls(model, Mixture(arrays["weights"], arrays["means"], arrays["factors"]))


@dataclass(frozen=True)
class _Blend(Kept):
    """Reconstruction and density, each in its own spread over normal pictures: what one is blind to the other sees."""

    redrawn: _Redrawn
    density: _Density
    scales: np.ndarray

    title: ClassVar[str] = "reconstruction and density"
    decodes: ClassVar[bool] = True

    @classmethod
    def learn(cls, model: Fitted, X: Any, tick: Tick | None = None) -> Self:
        redrawn, density = _Redrawn.learn(model, X, tick), _Density.learn(model, X, tick)
        parts = cls._both(redrawn, density, some_of(X, _SCALED_ON), None)
        return cls(redrawn, density, np.stack([parts.mean(axis=1), parts.std(axis=1) + 1e-12]))

    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        parts = self._both(self.redrawn, self.density, X, tick)
        return np.asarray(((parts - self.scales[0][:, None]) / self.scales[1][:, None]).mean(axis=0))

    def arrays(self) -> Arrays:
        return {**self.redrawn.arrays(), **self.density.arrays(), "scales": self.scales}

    @classmethod
    def restore(cls, model: Fitted, arrays: Arrays) -> Self:
        return cls(_Redrawn.restore(model, arrays), _Density.restore(model, arrays), arrays["scales"])

    @staticmethod
    def _both(redrawn: _Redrawn, density: _Density, X: Any, tick: Tick | None) -> np.ndarray:
        """The error as a logarithm, as the density is: its long tail would drown the other."""
        return np.stack([np.log(redrawn.of(X, tick) + 1e-12), density.of(X, tick)])


@dataclass(frozen=True)
class _Plane(Way):
    """The error that PCA leaves in the pixels."""

    model: Fitted
    plane: Components

    title: ClassVar[str] = "PCA-64, pixels"

    @classmethod
    def learn(cls, model: Fitted, X: Any, tick: Tick | None = None) -> Self:
        rows = pixels_of(model, some_of(X, _LEARNT_FROM))
        return cls(model, principal_components(rows, min(_PLANE, *rows.shape)))

    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        return evaluate(self.model, X, self._error, 2048, tick).double().numpy()

    def _error(self, x: torch.Tensor) -> torch.Tensor:
        rows = small_pixels(x).float().cpu()
        return (self.plane.reconstruct(rows) - rows).square().mean(dim=1)


@dataclass(frozen=True)
class _NearPixels(_Near):
    """Among the pixels."""

    model: Fitted
    bank: np.ndarray

    title: ClassVar[str] = "nearest neighbours, pixels"

    @classmethod
    def learn(cls, model: Fitted, X: Any, tick: Tick | None = None) -> Self:
        return cls(model, pixels_of(model, some_of(X, _BANK)).astype(np.float16))

    def _rows(self, X: Any) -> np.ndarray:
        return pixels_of(self.model, X)


def _errors(model: Fitted, x: torch.Tensor) -> torch.Tensor:
    return (model.decode(model.encode(x).mean).float() - x).square().flatten(1)


def _codes(model: Fitted, X: Any, tick: Tick | None) -> np.ndarray:
    return evaluate(model, X, lambda x: model.encode(x).mean.flatten(1), tick=tick).numpy()


WAYS: dict[str, type[Kept]] = {
    "blend": _Blend,
    "density": _Density,
    "features": _NearFeatures,
    "reconstruction": _Redrawn,
}
BASELINES: dict[str, type[Way]] = {"pca": _Plane, "neighbours": _NearPixels}
