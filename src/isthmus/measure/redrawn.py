"""Redrawn pictures judged by somebody else than the model: the class, the edges, the features and the pixels they keep.

An oracle alone is fooled: it calls a filled disc a zero. So the error of each class stands beside that of the class's
own mean picture, which knows nothing of the picture at hand and which no model should fall behind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.contract import Tick, batches
from isthmus.errors import DataError
from isthmus.measure.oracle import FEATURES, Oracle, as_pictures
from isthmus.measure.samples import MOST, fcd_ends
from isthmus.rng import permutation
from isthmus.stats import Interval, frechet_interval, mean_interval, wilson_interval

__all__ = ["ClassError", "RedrawnQuality", "check_judgeable", "ratio_of_means", "redrawn_quality"]

_ALARM = 1.1  # times the error of the class's mean picture
_NAMED = 6
_ROWS = ("agreement", "oracle_accuracy", "same_answer", "sharpness", "fcd", "fcd_floor", "fcd_ceiling", "mse")


@dataclass(frozen=True)
class ClassError:
    """The squared error of one class's `n` redrawn pictures, and what the mean of its training pictures would have."""

    name: str
    n: int
    error: float
    mean_picture: float

    @property
    def ratio(self) -> float:
        """Below 1 the pictures are redrawn better than by their class alone; NaN where no training picture had it."""
        return self.error / self.mean_picture if self.mean_picture > 0 else float("nan")


@dataclass(frozen=True)
class RedrawnQuality:
    """`agreement` is the share of redrawn pictures that the oracle gives their true class, `oracle_accuracy` the same
    of the pictures themselves, `same_answer` the share that it gives one answer before and after, right or wrong.

    `sharpness` is the variance of the 3 x 3 Laplacian, of each picture, in the mean: that of redrawn pictures over that
    of the pictures. 1 is as sharp, below is blurred, above is noisier; None for tables. `fcd` is the distance between
    redrawn pictures and the very same ones; its floor and ceiling are as in `SampleQuality`, and what comes back
    unchanged lies below the floor. `mse` is the squared error a pixel. Everything is cut to [0, 1] before it is judged.
    `answers` are the oracle's `(n, 2)`: of the pictures, and of the redrawn ones.
    """

    agreement: Interval
    oracle_accuracy: Interval
    same_answer: Interval
    sharpness: Interval | None
    fcd: Interval
    fcd_floor: float
    fcd_ceiling: float
    mse: Interval
    by_class: tuple[ClassError, ...]
    answers: np.ndarray = field(repr=False)

    def rows(self) -> dict[str, float | Interval]:
        """Name to number, in the order in which a table shows them."""
        found = ((name, getattr(self, name)) for name in _ROWS)
        return {name.replace("_", " "): value for name, value in found if value is not None}

    def alarms(self) -> tuple[ClassError, ...]:
        """Classes redrawn more than 1.1 times worse than by their mean picture, the worst first."""
        found = [one for one in self.by_class if one.ratio > _ALARM]
        return tuple(sorted(found, key=lambda one: -one.ratio))

    def verdict(self) -> str:
        """In words."""
        words = (
            f"the oracle finds the true class in {self.agreement.value:.1%} of redrawn pictures "
            f"and in {self.oracle_accuracy.value:.1%} of the pictures themselves"
        )
        if self.sharpness is not None:
            words += f"; they are {self.sharpness.value:.2g} times as sharp"
        worst = self.alarms()
        if not worst:
            return f"{words}; no class is redrawn worse than by its own mean picture"
        named = ", ".join(f"{one.name} ({one.ratio:.2g} times)" for one in worst[:_NAMED])
        more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
        return f"{words}; the mean picture of the class has less error than what is redrawn of {named}{more}"


def redrawn_quality(
    redrawn: Any,
    test: Any,
    test_labels: np.ndarray,
    oracle: Oracle,
    train: Any,
    train_labels: np.ndarray,
    *,
    classes: Sequence[str] = (),
    seed: int = 0,
    batch: int = 512,
    tick: Tick | None = None,
) -> RedrawnQuality:
    """What comes back of `test`, from a fitted model (`decode(encode(x).mean)`) or as pictures redrawn already.

    With a model, `test` and `train` are what it takes; with pictures, arrays in [0, 1] or bytes. Labels below 0 are
    unknown: such pictures count everywhere but in `agreement`, `oracle_accuracy` and the classes' errors. At most
    10,000 of each kind, drawn by `seed`, make the distance.
    """
    labels = np.asarray(test_labels)
    check_judgeable(labels, len(test), len(train))
    model, redrawn = (redrawn, None) if hasattr(redrawn, "encode") else (None, _floats(redrawn))
    if model is None:
        test, train = _floats(test), _floats(train)
        if redrawn.shape != test.shape:
            raise DataError(f"{tuple(redrawn.shape)} redrawn pictures are not of the {tuple(test.shape)} given")
    means, seen_train = _means(model, train, np.asarray(train_labels), batch, _shifted(tick, 0, len(test)))
    pairs = _pairs(model, redrawn, test, batch, _shifted(tick, len(train), 0))
    seen = [_looked_at(x, back, oracle, _of_class(means, labels[start : start + len(x)])) for start, x, back in pairs]
    before, after, numbers = (np.concatenate(part) for part in zip(*seen, strict=True))
    n = min(MOST, len(test), len(train))
    rows = permutation(len(test), seed, "quality", "t")[:n].numpy()
    floor, ceiling = fcd_ends(seen_train, before[rows], oracle, n, seed)
    answers = np.stack([oracle.answers(before), oracle.answers(after)], axis=1)
    known = labels >= 0
    right = (answers == labels[:, None])[known]
    return RedrawnQuality(
        agreement=_share(right[:, 1]),
        oracle_accuracy=_share(right[:, 0]),
        same_answer=_share(answers[:, 0] == answers[:, 1]),
        sharpness=ratio_of_means(numbers[:, 3], numbers[:, 2]),
        fcd=frechet_interval(after[rows], before[rows], paired=True, seed=seed),
        fcd_floor=floor,
        fcd_ceiling=ceiling,
        mse=mean_interval(numbers[:, 0]),
        by_class=_by_class(labels, numbers, classes),
        answers=answers,
    )


def check_judgeable(labels: np.ndarray, test: int, train: int) -> None:
    """Refuse what would be judged on too little, before anybody is trained to judge."""
    if len(labels) != test:
        raise DataError(f"{len(labels)} labels and {test} pictures", "Give one label a picture, -1 where unknown.")
    found = np.unique(labels[labels >= 0])
    if len(found) == 0:
        raise DataError("the pictures to be judged have no labels", "Give a table id,label (--labels).")
    if len(found) < 2:
        raise DataError("all pictures to be judged are of one class", "Give labelled pictures of at least two.")
    if min(test, train) <= FEATURES:
        raise DataError(
            f"{min(test, train)} pictures do not make a distance in {FEATURES} features",
            f"Give more than {FEATURES} pictures to judge by, and more than {FEATURES} training pictures.",
        )


def ratio_of_means(above: np.ndarray, below: np.ndarray, level: float = 0.95) -> Interval | None:
    """Mean over mean of values that are pairs, with the delta method's interval; None where there is no ratio."""
    if not (np.isfinite(above).all() and np.isfinite(below).all()) or below.mean() <= 0:
        return None
    ratio = float(above.mean() / below.mean())
    spread = mean_interval((above - ratio * below) / below.mean(), level)
    return Interval(ratio, max(0.0, ratio + spread.low), ratio + spread.high, len(above), level)


def _share(hits: np.ndarray) -> Interval:
    return wilson_interval(int(hits.sum()), len(hits))


def _floats(pictures: Any) -> torch.Tensor:
    """The array as floats on the CPU; bytes beyond 1 are divided by 255."""
    x = torch.as_tensor(pictures).detach().cpu()
    return x.float() / 255 if x.dtype == torch.uint8 and int(x.amax()) > 1 else x.float()


def _parts(model: Any, X: Any, batch: int, tick: Tick | None) -> Iterator[tuple[int, torch.Tensor]]:
    """`(first row, pictures in [0, 1])`."""
    if model is not None:
        yield from batches(model, X, batch, tick)
        return
    for start in range(0, len(X), batch):
        yield start, X[start : start + batch]


def _means(
    model: Any, train: Any, labels: np.ndarray, batch: int, tick: Tick | None
) -> tuple[dict[int, torch.Tensor], torch.Tensor]:
    """The mean picture of every class that training pictures have, and all of them as the oracle sees them."""
    sums: dict[int, torch.Tensor] = {}
    seen = []
    for start, part in _parts(model, train, batch, tick):
        x, given = part.cpu(), labels[start : start + len(part)]
        for c in np.unique(given[given >= 0]):
            added = x[torch.as_tensor(given == c)].double().sum(dim=0)
            sums[int(c)] = sums[int(c)] + added if int(c) in sums else added
        seen.append(as_pictures(x))
    return {c: (total / int((labels == c).sum())).float() for c, total in sums.items()}, torch.cat(seen)


def _of_class(means: dict[int, torch.Tensor], labels: np.ndarray) -> torch.Tensor | None:
    """The mean picture of each picture's class; NaN where that is unknown."""
    if not means:
        return None
    unknown = torch.full_like(next(iter(means.values())), torch.nan)
    return torch.stack([means.get(int(c), unknown) for c in labels])


def _pairs(
    model: Any, redrawn: Any, test: Any, batch: int, tick: Tick | None
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """`(first row, pictures, what comes back of them)`."""
    for start, x in _parts(model, test, batch, tick):
        with torch.inference_mode():
            back = redrawn[start : start + len(x)] if model is None else model.decode(model.encode(x).mean)
        yield start, x.float().cpu(), back.float().cpu().view(x.shape)


def _shifted(tick: Tick | None, before: int, after: int) -> Tick | None:
    """One bar over two passes."""
    return (lambda done, total: tick(before + done, before + total + after)) if tick else None


def _looked_at(
    x: torch.Tensor, back: torch.Tensor, oracle: Oracle, means: torch.Tensor | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features before and after; squared error, that of the class's mean, and the Laplacian's variance of both."""
    x, back = x.clamp(0, 1), back.clamp(0, 1)
    unknown = torch.full((len(x),), torch.nan)
    errors = [_error(x, back), unknown if means is None else _error(x, means)]
    numbers = torch.stack([*errors, *(unknown if x.ndim == 2 else _edges(y) for y in (x, back))], dim=1)
    return oracle.features(as_pictures(x)), oracle.features(as_pictures(back)), numbers.double().numpy()


def _error(x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (x - other).square().flatten(1).mean(dim=1)


def _edges(x: torch.Tensor) -> torch.Tensor:
    """The variance of each picture's Laplacian, in the mean over channels; NaN where no pixel has four neighbours."""
    x = x[:, None] if x.ndim == 3 else x
    if min(x.shape[2:]) < 3:
        return torch.full((len(x),), torch.nan)
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    laplacian = F.conv2d(x.flatten(0, 1)[:, None], kernel)
    return laplacian.flatten(1).var(dim=1, correction=0).view(x.shape[:2]).mean(dim=1)


def _by_class(labels: np.ndarray, numbers: np.ndarray, classes: Sequence[str]) -> tuple[ClassError, ...]:
    found = []
    for c in np.unique(labels[labels >= 0]):
        of = numbers[labels == c]
        name = str(classes[c]) if c < len(classes) else str(c)
        found.append(ClassError(name, len(of), float(of[:, 0].mean()), float(of[:, 1].mean())))
    return tuple(found)
