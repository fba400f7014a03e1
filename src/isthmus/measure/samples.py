"""Generated pictures judged beside real ones, in the features of the one oracle."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.keys import stream
from isthmus.measure.oracle import Oracle, as_pictures
from isthmus.rng import permutation
from isthmus.stats import Interval, frechet_of_gaussians, gaussian_of, mean_interval, neighbours, prdc, wilson_interval

__all__ = ["SampleQuality", "classification_accuracy_score", "gaussian_pixels", "nearest_training", "sample_quality"]

MOST = 10_000


@dataclass(frozen=True)
class SampleQuality:
    """Fréchet Classifier Distance (`fcd`, not an FID) of the samples to the test pictures, with what it means:

    `fcd_floor` is the distance of as many training pictures, `fcd_ceiling` that of a Gaussian fitted to the pixels, and
    `oracle_accuracy` how good the classifier is in whose features all this is measured. `nearest` is the distance in
    pixels (root of the summed squares) of a sample to the nearest training picture; `nearest_of_test` is the same for
    real pictures never trained on, and `copies` the share of samples nearer to one than 99 % of those: 1 % is chance,
    much more is memorised. Sides beyond 64 are averaged down first.
    """

    fcd: float
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


def sample_quality(
    samples: Any, train: Any, test: Any, oracle: Oracle, test_labels: np.ndarray, *, k: int = 5, seed: int = 0
) -> SampleQuality:
    """All pictures scaled to [0, 1] as the model scales them; at most 10,000 of each kind are used, drawn by `seed`."""
    samples, test_labels = as_pictures(samples), np.asarray(test_labels)
    whole_train, whole_test = as_pictures(train), as_pictures(test)
    n = min(MOST, len(samples), len(whole_train), len(whole_test))
    some, real, held = (_draw(x, n, seed, name) for x, name in ((samples, "s"), (whole_train, "r"), (whole_test, "t")))
    features = {name: oracle.features(x) for name, x in (("some", some), ("real", real), ("held", held))}
    reference = gaussian_of(features["held"])
    ceiling = oracle.features(gaussian_pixels(whole_train, n, seed))
    near, near_test = nearest_training(some, whole_train)[0], nearest_training(held, whole_train)[0]
    found = prdc(features["held"], features["some"], k)
    return SampleQuality(
        fcd=frechet_of_gaussians(*gaussian_of(features["some"]), *reference),
        fcd_floor=frechet_of_gaussians(*gaussian_of(features["real"]), *reference),
        fcd_ceiling=frechet_of_gaussians(*gaussian_of(ceiling), *reference),
        oracle_accuracy=oracle.accuracy(whole_test, test_labels),
        precision=found.precision,
        recall=found.recall,
        density=found.density,
        coverage=found.coverage,
        nearest=mean_interval(near),
        nearest_of_test=mean_interval(near_test),
        copies=wilson_interval(int((near < np.quantile(near_test, 0.01)).sum()), n),
        n=n,
    )


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
    samples: Any, sample_labels: np.ndarray, test: Any, test_labels: np.ndarray, *, seed: int = 0
) -> Interval:
    """Accuracy on real pictures of an oracle trained on generated, labelled ones (Ravuri and Vinyals 2019).

    Beside it belongs the accuracy of the same recipe trained on as many real pictures.
    """
    missing = set(np.unique(test_labels[np.asarray(test_labels) >= 0])) - set(np.unique(sample_labels))
    if missing:
        raise DataError(f"no samples of classes {sorted(int(c) for c in missing)}", "Generate pictures of every class.")
    return Oracle().fit(samples, sample_labels, seed).accuracy(test, test_labels)
