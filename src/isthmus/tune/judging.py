"""One setting tried: trained on one part of the pictures, measured on another."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isthmus.contract import evaluate, some, some_of
from isthmus.images.pictures import UNKNOWN, Pictures
from isthmus.images.splits import draw_labels, split
from isthmus.measure.codes import codes
from isthmus.stats import knn_accuracy, mean_interval
from isthmus.tune.space import applied
from isthmus.tune.watching import Watching

__all__ = ["Parts", "errors_of", "measured", "parted", "trained"]

_LABELS_A_CLASS, _NEIGHBOURS, _JUDGED = 20, 5, 2000


@dataclass(frozen=True)
class Parts:
    """Pictures to learn from, to compare trials on, and to judge the answer by; none is of the test."""

    train: Pictures
    validation: Pictures
    held: Pictures
    labelled: np.ndarray
    """Rows of `train` whose labels the probe knows; none where labels are too few."""

    @property
    def probed(self) -> bool:
        return len(self.labelled) > 0


def parted(pictures: Pictures, seed: int = 0) -> Parts:
    """The test that pictures have, or that `fit` would hold out of them, is left alone; of the rest a ninth each.

    All trials are judged on the same pictures, of which 2,000 do: judging must not cost as much as training.
    """
    first = split(pictures, 0.1, 0.1, seed)
    validation = some_of(pictures.take(first == "validation"), _JUDGED)
    rest = pictures.take(first == "train")
    rest.split = None
    second = split(rest, 0.0, 1 / 8, seed + 1)
    train, held = rest.take(second == "train"), some_of(rest.take(second == "test"), 2 * _JUDGED)
    for part in (train, validation, held):
        part.split = None
    return Parts(train, validation, held, _probe(train, validation, seed))


def _probe(train: Pictures, validation: Pictures, seed: int) -> np.ndarray:
    known, told = train.labels[train.labels != UNKNOWN], validation.labels[validation.labels != UNKNOWN]
    classes = len(np.unique(known))
    if classes < 2 or len(told) < 20:
        return np.empty(0, np.int64)
    return draw_labels(train, min(len(known), _LABELS_A_CLASS * classes), seed)


def trained(
    model: Any, values: dict[str, Any], parts: Parts, epochs: float | None, watchers: Sequence[Any], seed: int
) -> tuple[Any, float]:
    """The fitted model, and the seconds it took."""
    made = applied(model, values, parts.train.pixels.shape[1:]).set_params(seed=seed)
    if epochs is not None:
        made.epochs = epochs
    began = time.perf_counter()
    stops_early = made.patience is not None or made.schedule == "plateau"
    made.fit(parts.train, validation=parts.validation if stops_early else None, watchers=watchers)
    return made, time.perf_counter() - began


def errors_of(model: Any, pictures: Pictures) -> np.ndarray:
    """The squared error a pixel of each picture, by the code that is kept of it."""

    def error(x: torch.Tensor) -> torch.Tensor:
        return (model.decode(model.encode(x).mean) - x).square().flatten(1).mean(1)

    return evaluate(model, pictures, error).double().numpy()


def measured(model: Any, parts: Parts, seconds: float, watching: Watching) -> dict[str, float]:
    """By the names of objectives, and what the table says besides."""
    errors = mean_interval(errors_of(model, parts.validation))
    carried = codes(model, parts.validation)
    found = {
        "error": errors.value,
        "standard_error": (errors.high - errors.low) / 4 if errors.n > 1 else 0.0,
        "code": float(np.prod(model.latent_shape_)),
        "active": float(carried.active_units),
        "seconds": seconds,
        "latent": float(model.latent),
    }
    if carried.kl_total is not None:
        found["rate"] = carried.kl_total.value
    if hasattr(model, "beta"):
        found["beta"] = float(model.beta)
    if parts.probed:
        bank = some(parts.train, parts.labelled)
        told = knn_accuracy(
            model.transform(bank), bank.labels, model.transform(parts.validation), parts.validation.labels, _NEIGHBOURS
        )
        found["accuracy"] = told.value
    return found | watching.seen_as()
