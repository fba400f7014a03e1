"""Generated pictures judged beside real ones, in the features of the one oracle."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.keys import stream
from isthmus.measure.oracle import Oracle, as_pictures
from isthmus.rng import permutation
from isthmus.stats import (
    Interval,
    frechet_distance,
    frechet_interval,
    gaussian_of,
    mean_interval,
    neighbours,
    prdc,
    wilson_interval,
)
from isthmus.train.watchers import Watcher

__all__ = [
    "MOST",
    "SampleQuality",
    "classification_accuracy_score",
    "fcd_ends",
    "gaussian_pixels",
    "nearest_training",
    "sample_quality",
]

MOST = 10_000
"""Pictures of a kind that are compared: distances of more would not compare with those of others."""

_FAR = 0.02  # of copies: twice what chance gives


@dataclass(frozen=True)
class SampleQuality:
    """Fréchet Classifier Distance (`fcd`, not an FID) of the samples to the test pictures, with what it means:

    Its interval is that of `frechet_interval`: the spread of resampled samples and test pictures around the estimate.
    `fcd_floor` is the distance of as many training pictures, `fcd_ceiling` that of a Gaussian fitted to the pixels, and
    `oracle_accuracy` how good the classifier is in whose features all this is measured. `nearest` is the distance in
    pixels (root of the summed squares) of a sample to the nearest training picture; `nearest_of_test` is the same for
    real pictures never trained on, and `copies` the share of samples nearer to one than 99 % of those: 1 % is chance,
    much more is memorised. Sides beyond 64 are averaged down first.
    """

    fcd: Interval
    fcd_floor: float
    fcd_ceiling: float
    oracle_accuracy: Interval
    precision: Interval
    recall: Interval
    density: Interval
    coverage: Interval
    nearest: Interval
    nearest_of_test: Interval
    copies: Interval
    n: int

    def rows(self) -> dict[str, float | Interval]:
        """Name to number, in the order in which a table shows them."""
        return {name.replace("_", " "): value for name, value in vars(self).items() if name != "n"}

    def verdict(self) -> str:
        """In words."""
        if self.fcd.value >= self.fcd_ceiling:
            words = "no better than a Gaussian fitted to the pixels"
        else:
            way = max(0.0, (self.fcd.value - self.fcd_floor) / max(self.fcd_ceiling - self.fcd_floor, 1e-9))
            words = f"{way:.1%} of the way from real pictures to a Gaussian of pixels (FCD {self.fcd.value:.4g})"
        if self.copies.low > _FAR:
            words += f"; {self.copies.value:.0%} are nearer to a training picture than chance: copied, or blurred"
        return words


def sample_quality(
    samples: Any,
    train: Any,
    test: Any,
    oracle: Oracle,
    test_labels: np.ndarray,
    *,
    k: int = 5,
    seed: int = 0,
    told: Callable[[int, int, str], None] | None = None,
) -> SampleQuality:
    """All pictures scaled to [0, 1] as the model scales them; at most 10,000 of each kind are used, drawn by `seed`."""
    stage = _stages(told, "samples looked at", "compared with chance", "resampled", "neighbours found", "copies sought")
    samples, whole_train, whole_test = as_pictures(samples), as_pictures(train), as_pictures(test)
    n = min(MOST, len(samples), len(whole_train), len(whole_test))
    some, held = _draw(samples, n, seed, "s"), _draw(whole_test, n, seed, "t")
    stage()
    features, reference = oracle.features(some), oracle.features(held)
    stage()
    floor, ceiling = fcd_ends(whole_train, reference, oracle, n, seed)
    stage()
    distance = frechet_interval(features, reference, seed=seed)
    stage()
    found = prdc(reference, features, k)
    stage()
    near, near_test = nearest_training(some, whole_train)[0], nearest_training(held, whole_train)[0]
    stage()
    return SampleQuality(
        fcd=distance,
        fcd_floor=floor,
        fcd_ceiling=ceiling,
        oracle_accuracy=oracle.accuracy(whole_test, np.asarray(test_labels)),
        precision=found.precision,
        recall=found.recall,
        density=found.density,
        coverage=found.coverage,
        nearest=mean_interval(near),
        nearest_of_test=mean_interval(near_test),
        copies=wilson_interval(int((near < np.quantile(near_test, 0.01)).sum()), n),
        n=n,
    )


def fcd_ends(train: Any, reference: np.ndarray, oracle: Oracle, n: int, seed: int = 0) -> tuple[float, float]:
    """How far from these features `n` training pictures are, and `n` draws from a Gaussian of their pixels."""
    train = as_pictures(train)
    ends = (_draw(train, n, seed, "r"), gaussian_pixels(train, n, seed))
    floor, ceiling = (frechet_distance(oracle.features(pictures), reference) for pictures in ends)
    return floor, ceiling


def _stages(told: Callable[[int, int, str], None] | None, *names: str) -> Callable[[], None]:
    """Called before each of these parts of the work, and after the last."""
    left = iter([*enumerate(names), (len(names), names[-1])])

    def stage() -> None:
        number, name = next(left)
        if told:
            told(number, len(names), name)

    return stage


def _draw(x: torch.Tensor, n: int, seed: int, name: str) -> torch.Tensor:
    return x if len(x) == n else x[permutation(len(x), seed, "quality", name)[:n]]


def gaussian_pixels(train: Any, n: int, seed: int = 0) -> torch.Tensor:
    """Pictures drawn from the Gaussian fitted to the training pixels, cut to [0, 1]: what any model should beat."""
    x = as_pictures(train)
    rows, generator = x.flatten(1).double().numpy(), np.random.default_rng(stream(seed, "gaussian pixels"))
    mean, (many, d) = rows.mean(axis=0), rows.shape
    if many > d:
        values, vectors = np.linalg.eigh(gaussian_of(rows)[1])
        drawn = generator.normal(size=(n, d)) * np.sqrt(values.clip(0)) @ vectors.T
    else:  # random combinations of the pictures themselves have the same covariance, which need not be formed
        drawn = generator.normal(size=(n, many)) @ (rows - mean) / np.sqrt(max(1, many - 1))
    return torch.as_tensor((mean + drawn).clip(0, 1), dtype=torch.float32).view(n, *x.shape[1:])


def nearest_training(pictures: Any, train: Any) -> tuple[np.ndarray, np.ndarray]:
    """Distance to, and row of, the training picture nearest to each picture, in pixels."""
    distances, rows = neighbours(as_pictures(pictures).flatten(1), as_pictures(train).flatten(1), 1)
    return distances[:, 0], rows[:, 0]


def classification_accuracy_score(
    samples: Any,
    sample_labels: np.ndarray,
    test: Any,
    test_labels: np.ndarray,
    *,
    seed: int = 0,
    watchers: tuple[Watcher, ...] = (),
) -> Interval:
    """Accuracy on real pictures of an oracle trained on generated, labelled ones (Ravuri and Vinyals 2019).

    Beside it belongs the accuracy of the same recipe trained on as many real pictures.
    """
    missing = set(np.unique(test_labels[np.asarray(test_labels) >= 0])) - set(np.unique(sample_labels))
    if missing:
        raise DataError(f"no samples of classes {sorted(int(c) for c in missing)}", "Generate pictures of every class.")
    return Oracle().fit(samples, sample_labels, seed, watchers).accuracy(test, test_labels)
