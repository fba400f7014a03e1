"""How pixels are distributed at nine places of the picture, in pictures and in what the model redraws (paper 000)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.contract import Fitted, Tick, batches
from isthmus.errors import UsageError
from isthmus.rng import permutation
from isthmus.stats import Interval, Steps

__all__ = ["PixelDensity", "pixel_density"]

_PLACES, _SIDE = (7, 15, 23), 32


@dataclass(frozen=True)
class PixelDensity:
    """`truth` and `redrawn` are `(n, channels, 9)`, the places row by row: every one of `rows` with every of `columns`.

    The distances are those between the two distributions at one place and channel: `wasserstein` and
    `kolmogorov_smirnov` in the mean over all, with intervals over pictures, `by_place` each, `(2, channels, 9)`.
    `halves` are the distances of two halves of the pictures from each other, which is what chance alone makes of half
    as many; `mean_picture` those of a predictor that always draws the mean.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    truth: np.ndarray
    redrawn: np.ndarray
    wasserstein: Interval
    kolmogorov_smirnov: Interval
    by_place: np.ndarray
    halves: tuple[float, float]
    mean_picture: tuple[float, float]

    def notes(self) -> list[str]:
        """A line for each place: where it is, and both distances in the mean over channels."""
        places = [f"row {row}, column {column}" for row in self.rows for column in self.columns]
        distances = self.by_place.mean(axis=1).T
        return [f"{where}: W1 {w:.3f}, KS {ks:.2f}" for where, (w, ks) in zip(places, distances, strict=True)]

    def verdict(self) -> str:
        """In words."""
        return (
            f"pixels redrawn lie {self.wasserstein.value:.3f} from where they were, in distribution "
            f"(halves of the pictures: {self.halves[0]:.3f}; the mean picture: {self.mean_picture[0]:.3f})"
        )


def pixel_density(
    model: Fitted, X: Any, *, draws: int = 200, seed: int = 0, batch: int = 512, tick: Tick | None = None
) -> PixelDensity:
    """Pictures beside `decode(encode(x).mean)`, in the model's scaled units; `draws` are resamplings of pictures."""
    truth, redrawn, places = [], [], None
    with torch.inference_mode():
        for _, x in batches(model, X, batch, tick):
            places = places or _places(x)
            decoded = model.decode(model.encode(x).mean).float()
            truth.append(_at(x, places))
            redrawn.append(_at(decoded, places))
    if places is None:
        raise UsageError("there are 0 pictures", "Give at least one.")
    real, drawn = np.concatenate(truth), np.concatenate(redrawn)
    steps = Steps.of(_flat(real), _flat(drawn))
    wasserstein, gap = steps.mean_gaps(draws, seed)
    by_place = np.stack([steps.wasserstein(), steps.kolmogorov_smirnov()]).reshape(2, *real.shape[1:])
    mean = np.broadcast_to(real.mean(axis=0), real.shape)
    order = permutation(len(real), seed, "halves").numpy()
    half = len(real) // 2
    halves = (real[order[:half]], real[order[half:]]) if half else (real, real)
    return PixelDensity(
        *places,
        real,
        drawn,
        wasserstein,
        gap,
        by_place,
        halves=_distances(*halves),
        mean_picture=_distances(real, mean),
    )


def _places(x: torch.Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns 7, 15 and 23 of 32, and what lies as far in where a picture has another size."""
    if x.ndim != 4:
        raise UsageError("a row of features has no places", "Fit the model on pictures.")
    rows, columns = (tuple(int((place + 0.5) * length / _SIDE) for place in _PLACES) for length in x.shape[2:])
    return rows, columns


def _at(x: torch.Tensor, places: tuple[tuple[int, ...], tuple[int, ...]]) -> np.ndarray:
    found: np.ndarray = x[:, :, places[0]][:, :, :, places[1]].flatten(2).float().cpu().numpy()
    return found


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _distances(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    steps = Steps.of(_flat(first), _flat(second))
    return float(steps.wasserstein().mean()), float(steps.kolmogorov_smirnov().mean())
