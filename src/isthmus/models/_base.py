"""The fitted contract: what every use of a model may ask of it, in NumPy and in torch, and nothing more."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from isthmus.contract import check_encodes
from isthmus.errors import DataError, UsageError
from isthmus.estimator import Estimator, option
from isthmus.images.arrays import LAYOUTS, canonical, class_codes, in_layout
from isthmus.images.pictures import Pictures
from isthmus.images.scaling import Scaling
from isthmus.keys import keys_of
from isthmus.models._arrays import as_array, filled
from isthmus.models._classes import class_numbers, in_classes, with_labels
from isthmus.models._encoders import of_encoders
from isthmus.models._pretrained import Pretrained
from isthmus.models._saving import begin, kept, save
from isthmus.nets._posterior import Posterior
from isthmus.rng import Noise
from isthmus.run import Run
from isthmus.train.devices import carried, choose_device
from isthmus.train.watchers import Watcher

__all__ = ["Model"]

_BLOCK = 512


@dataclass(kw_only=True, eq=False)
class Model(Pretrained, Estimator, ABC):
    """Pictures to codes and back. `fit` learns what ends in an underscore; the rest is as it was given."""

    encodes: ClassVar[bool] = True
    conditional: ClassVar[bool] = False
    has_density: ClassVar[bool] = False
    needs_pictures: ClassVar[bool] = False

    latent: int = option(16, "size of the code", low=1)
    scale: str = option("auto", "how pixels become numbers in [0, 1]", choices=("auto", "none"))
    axes: str | None = option(None, "what the axes of an array are, where that is ambiguous", choices=LAYOUTS)
    device: str = option("auto", "auto, cpu, cuda, cuda:1, mps")
    seed: int = option(0, "of the splits, the weights, the shuffles and all noise", low=0)

    # -- for NumPy ------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        validation: Any = None,
        run: str | os.PathLike[str] | Run | None = None,
        resume: bool = False,
        watchers: Sequence[Watcher] = (),
    ) -> Self:
        """Learn from pictures: an array, a path, or `Pictures`, whose own split is respected.

        With `run`, everything is kept in that folder as it happens; `resume` continues what is there, exactly.
        """
        self.check_params()
        pictures = self._opened(X, y, reset=True)
        training = pictures if pictures.split is None else pictures.take(pictures.split == "train")
        if len(training) == 0:
            raise DataError("there are 0 pictures to train on", "Give at least one.")
        self._learn_shape(training)
        if validation is not None:
            held: Pictures | None = self._fitting(self._opened(*with_labels(validation), reset=False))
        else:
            held = None if pictures.split is None else pictures.take(pictures.split == "validation")
        with kept(self, run, pictures, resume) as folder:
            self._fit(training, held, folder, watchers)
        return self

    @of_encoders
    def fit_transform(self, X: Any, y: Any = None, **how: Any) -> np.ndarray:
        return self.fit(X, y, **how).transform(X)

    @of_encoders
    def transform(self, X: Any) -> np.ndarray:
        """The codes, flat and deterministic: the posterior's mean."""
        codes = [self.encode(filled(x)).mean[: len(x)].flatten(1).float() for x in self._blocks(X)]
        return torch.cat(codes).cpu().numpy()

    def inverse_transform(self, codes: Any, y: Any = None) -> np.ndarray:
        """Decoded pictures in the layout, units and type of those the model was fitted on.

        `y`, for a conditional model, is the class to draw: a name, a number, or one of either for each code.
        """
        self._check_fitted()
        codes = np.asarray(codes, np.float32)
        if codes.ndim != 2 or codes.shape[1] != int(np.prod(self.latent_shape_)):
            size = int(np.prod(self.latent_shape_))
            raise DataError(f"codes of shape {codes.shape} are not (n, {size})", "Give what transform gave.")
        told, z = class_numbers(self, y, len(codes)), torch.from_numpy(codes)
        parts = [slice(i, i + _BLOCK) for i in range(0, len(codes), _BLOCK)]
        decoded = [self._decoded(z[part], None if told is None else told[part]) for part in parts]
        return in_layout(np.concatenate(decoded or [np.empty((0, *self.shape_), self.scaling_.dtype)]), self.layout_)

    def score_samples(self, X: Any) -> np.ndarray:
        """How well the model accounts for each picture; higher is better. The same picture always scores the same."""
        pixels = self._pictures(X).pixels
        scores = []
        with torch.no_grad():
            for start in range(0, len(pixels), _BLOCK):
                block = np.ascontiguousarray(pixels[start : start + _BLOCK])
                x, keys = self._scaled(block), torch.from_numpy(keys_of(row.tobytes() for row in block))
                noise = Noise(filled(keys).to(x.device), "score")
                scores.append(self._score(filled(x), noise)[: len(x)].float().cpu().numpy())
        return np.concatenate(scores)

    def score(self, X: Any, y: Any = None) -> float:
        return float(self.score_samples(X).mean())

    def sample(self, n: int, seed: int = 0, y: Any = None) -> np.ndarray:
        """New pictures, decoded from codes drawn from the prior; `y` as in `inverse_transform`."""
        self._check_fitted()
        told = class_numbers(self, y, n)
        return self.inverse_transform(self.sample_codes(n, seed, told), told)

    def sample_codes(self, n: int, seed: int = 0, y: Any = None) -> np.ndarray:
        """Codes drawn from the prior: the standard normal, unless a model knows better, or draws them by class."""
        class_numbers(self, y, n)
        noise = Noise(torch.from_numpy(keys_of(map(str, range(n)))), "sample", seed)
        return noise.normal("prior", *self.latent_shape_).flatten(1).numpy()

    # -- for torch ------------------------------------------------------------------------------------------------

    @abstractmethod
    def encode(self, x: torch.Tensor) -> Posterior:
        """From scaled pictures to what the encoder says about them."""

    @abstractmethod
    def decode(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        """From codes to scaled pictures, differentiable."""

    @of_encoders
    def features(self, x: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        """What these layers of the encoder put out, counted from 0."""
        found = list[torch.Tensor]()
        for layer in islice(self._layers(), max(layers) + 1):
            x = layer(x)
            found.append(x)
        if max(layers) >= len(found):
            raise UsageError(f"the encoder has {len(found)} layers, not {max(layers) + 1}", "Count from 0.")
        return [found[number] for number in layers]

    @property
    def depth(self) -> int:
        """How many layers `features` knows."""
        return sum(1 for _ in self._layers())

    def tensor(self, X: Any) -> torch.Tensor:
        """Pictures as the network takes them: scaled floats on its device."""
        return self._scaled(self._pictures(X).pixels)

    # -- the run folder -------------------------------------------------------------------------------------------

    def save(self, run: str | os.PathLike[str] | Run) -> None:
        """The fitted model into a run folder."""
        self._check_fitted()
        save(self, run if isinstance(run, Run) else Run(run))

    def _begin(self, run: Run, pictures: Pictures, resume: bool) -> None:
        begin(self, run, pictures, resume)

    # -- what a model fills in ------------------------------------------------------------------------------------

    @abstractmethod
    def _build(self) -> nn.ModuleDict:
        """Networks for `shape_`, untrained, with everything a saved model restores into; sets `latent_shape_`."""

    @abstractmethod
    def _fit(
        self, pictures: Pictures, validation: Pictures | None, run: Run | None, watchers: Sequence[Watcher]
    ) -> None:
        """Learn the weights."""

    @abstractmethod
    def _score(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        """A score per scaled picture; higher is better."""

    def _settle(self, net: nn.ModuleDict) -> None:
        """From here on the model counts as fitted."""
        self.net_ = net

    def _layers(self) -> Iterator[nn.Module]:
        check_encodes(self)
        yield from self.net_["encoder"].children()

    # -- shapes and arrays ----------------------------------------------------------------------------------------

    def _learn_shape(self, pictures: Pictures) -> None:
        shape = pictures.pixels.shape[1:]
        if len(shape) == 1 and self._wants_pictures():
            side = round(shape[0] ** 0.5)
            if side * side != shape[0]:
                remedy = 'Give (n, h, w) or (n, c, h, w), or use net="mlp", which takes any table.'
                raise UsageError(f"{shape[0]} features a row are no square picture", remedy)
            shape = (1, side, side)
        self.shape_ = tuple(int(length) for length in shape)
        self.scaling_ = Scaling.learn(pictures.pixels, self.scale, pictures.source.get("range"))
        self.classes_ = pictures.classes
        self.device_ = choose_device(self.device)
        self.latent_shape_: tuple[int, ...] = (int(self.latent),)

    def _wants_pictures(self) -> bool:
        return self.needs_pictures

    def _pictures(self, X: Any) -> Pictures:
        """Pictures for the fitted model."""
        self._check_fitted()
        pictures = self._fitting(self._opened(X, None, reset=False))
        if len(pictures) == 0:
            raise DataError("there are 0 pictures", "Give at least one.")
        return pictures

    def _opened(self, X: Any, y: Any, reset: bool) -> Pictures:
        """Whatever was given, as pictures; with `reset` the model is to be fitted on them and notes their layout."""
        if isinstance(X, str | os.PathLike):
            from isthmus.images import opening, splits

            path = X
            X = opening.open_pictures(path, axes=self.axes)
            if X.source.get("kind") != "set":
                X.source["path"] = os.fspath(path)
            if reset:
                X.split = splits.split(X, seed=self.seed)
        if not isinstance(X, Pictures):
            X = self._from_array(X, y, reset)
        elif y is not None:
            labels, classes = class_codes(y, len(X))
            X = replace(X, labels=labels, classes=classes)
        elif reset:
            plain = "NF" if X.pixels.ndim == 2 else "NHW" if X.pixels.shape[1] == 1 else "NHWC"
            self.layout_ = X.source.get("layout") or plain
            self.n_features_in_ = int(np.prod(X.pixels.shape[1:]))
        return X

    def _from_array(self, X: Any, y: Any, reset: bool) -> Pictures:
        X = as_array(self, X, reset)
        if reset or self.layout_ == "NF":
            axes = self.axes
        else:
            axes = self.layout_ if getattr(X, "ndim", 0) == len(self.layout_) else None
        pixels, layout = canonical(X, axes)
        if reset:
            self.layout_, self.n_features_in_ = layout, int(np.prod(pixels.shape[1:]))
        labels, classes = class_codes(y, len(pixels))
        return Pictures.from_array(pixels, labels, classes=classes)

    def _fitting(self, pictures: Pictures) -> Pictures:
        """Refuse pictures of another shape than those the model was fitted on; a table's rows may be flat pictures."""
        shape = pictures.pixels.shape[1:]
        flat = len(shape) == 1 or len(self.shape_) == 1
        if int(np.prod(shape)) != int(np.prod(self.shape_)) or not (flat or shape == self.shape_):
            raise DataError(
                f"pictures of (channels, height, width) {shape} do not fit a model of {self.shape_}",
                f"It was fitted on {self.layout_}; resize them (--size), or fit a model for them.",
            )
        return replace(in_classes(pictures, self.classes_), pixels=self.scaling_.accept(pictures.pixels))

    def _scaled(self, pixels: np.ndarray) -> torch.Tensor:
        pixels = np.ascontiguousarray(pixels).reshape(len(pixels), *self.shape_)
        return self.scaling_.forward(carried(torch.tensor(pixels), self.device_))

    def _decoded(self, codes: torch.Tensor, y: torch.Tensor | None) -> np.ndarray:
        z = filled(codes.to(self.device_)).unflatten(1, self.latent_shape_)
        with torch.no_grad():
            drawn = self.decode(z, None if y is None else filled(y.to(self.device_)))
            return self.scaling_.inverse(drawn[: len(codes)])

    def _blocks(self, X: Any) -> Iterator[torch.Tensor]:
        pixels = self._pictures(X).pixels
        with torch.no_grad():
            for start in range(0, len(pixels), _BLOCK):
                yield self._scaled(pixels[start : start + _BLOCK])

    def _check_fitted(self) -> None:
        if not hasattr(self, "net_"):
            from sklearn.utils.validation import check_is_fitted

            check_is_fitted(self, "net_")
