"""How well pictures come back: squared error beside PCA of the same size and beside predictors that know nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.contract import Fitted, Tick, batches, evaluate
from isthmus.stats import Components, Interval, mean_interval, paired_difference, principal_components

__all__ = ["Baselines", "Reconstruction", "fit_baselines", "reconstruction"]


@dataclass(frozen=True)
class Baselines:
    """PCA and the trivial predictors, fitted on the training pictures that the model saw."""

    components: Components
    constant: float
    pixel_mean: torch.Tensor


@dataclass(frozen=True)
class Reconstruction:
    """Mean squared error per pixel, pixels in [0, 1], each mean over the pictures of a whole split.

    `outside` is the share of decoded pixels beyond [0, 1]; where `clipped`, they were cut to it before comparing.
    `against_pca` is the paired difference model - PCA: below 0 the model is better. `per_picture` is the model's.
    """

    mse: Interval
    pca: Interval
    zero: Interval
    constant: Interval
    pixel_mean: Interval
    against_pca: Interval
    latent: int
    pca_fitted_on: int
    clipped: bool
    outside: float
    per_picture: np.ndarray
    pixels: int

    @property
    def over_complete(self) -> bool:
        """Whether the code has no fewer numbers than the picture."""
        return self.latent >= self.pixels

    def rows(self) -> dict[str, Interval]:
        """Name to interval, the model first and the least informed last: what a table or bars show."""
        return {
            "model": self.mse,
            f"PCA ({self.latent})": self.pca,
            "per-pixel mean": self.pixel_mean,
            "best constant": self.constant,
            "all zero": self.zero,
        }

    def verdict(self) -> str:
        """In words, whether the model learnt more than PCA."""
        if self.over_complete:
            return f"not comparable with PCA, which with {self.latent:,} components keeps all {self.pixels:,} pixels"
        difference = self.against_pca
        if difference.high < 0:
            return f"better than PCA at the same latent size ({self.latent})"
        if difference.low > 0:
            return (
                f"worse than PCA at the same latent size ({self.latent}): it has learnt nothing that PCA does not know"
            )
        return f"not told apart from PCA at the same latent size ({self.latent})"


def fit_baselines(model: Fitted, train: Any, tick: Tick | None = None) -> Baselines:
    """The predictors to be better than, from the model's own training pictures in its own scaled units."""
    rows = evaluate(model, train, lambda x: x.flatten(1), tick=tick)
    size = int(np.prod(model.latent_shape_))
    components = _whole(rows) if size >= rows.shape[1] else principal_components(rows, size)
    return Baselines(components, float(components.mean.mean()), components.mean)


def reconstruction(
    model: Fitted,
    test: Any,
    train: Any = None,
    *,
    baselines: Baselines | None = None,
    clip: bool = False,
    batch: int = 512,
    tick: Tick | None = None,
) -> Reconstruction:
    """The error of `decode(encode(x).mean)` on every picture of `test`; give `train`, or baselines fitted before."""
    known = baselines or fit_baselines(model, train)
    errors, outside = [], 0.0
    with torch.inference_mode():
        for _, x in batches(model, test, batch, tick):
            decoded = model.decode(model.encode(x).mean).float()
            outside += float(((decoded < 0) | (decoded > 1)).flatten(1).float().mean(dim=1).sum())
            errors.append(_errors(x, decoded.clamp(0, 1) if clip else decoded, known))
    mse, pca, zero, constant, pixel_mean = torch.cat(errors).double().T.numpy()
    return Reconstruction(
        mse=mean_interval(mse),
        pca=mean_interval(pca),
        zero=mean_interval(zero),
        constant=mean_interval(constant),
        pixel_mean=mean_interval(pixel_mean),
        against_pca=paired_difference(mse, pca),
        latent=int(np.prod(model.latent_shape_)),
        pca_fitted_on=known.components.fitted_on,
        clipped=clip,
        outside=outside / len(test),
        per_picture=mse,
        pixels=len(known.pixel_mean),
    )


def _whole(rows: torch.Tensor) -> Components:
    """PCA with as many components as pixels, which is every picture itself: no axes need to be found."""
    variance = rows.double().var(dim=0).numpy()
    return Components(rows.mean(dim=0), torch.eye(rows.shape[1]), variance, float(variance.sum()), len(rows))


def _errors(x: torch.Tensor, decoded: torch.Tensor, known: Baselines) -> torch.Tensor:
    """One row a picture: model, PCA, all zero, best constant, per-pixel mean."""
    truth = x.flatten(1).float().cpu()
    guesses = [
        decoded.flatten(1).cpu(),
        known.components.reconstruct(truth),
        torch.zeros(()),
        torch.tensor(known.constant),
        known.pixel_mean,
    ]
    return torch.stack([(truth - guess).square().mean(dim=1) for guess in guesses], dim=1)
