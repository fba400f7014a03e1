"""Tables 6 and 7 of paper 004: the autoencoder fine-tuned as a classifier, and what pre-training has to do with it."""

from typing import Any

import numpy as np

from isthmus.classify.draws import only
from isthmus.classify.heads._head import Pile
from isthmus.classify.heads._network import Network
from isthmus.classify.heads.code import Code
from isthmus.classify.heads.redrawn import Redrawn
from isthmus.classify.heads.tuned import Tuned
from isthmus.contract import Fitted, some_of
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes._claims import gain, more, no_more, number, points, span
from isthmus.recipes._clothes import Sizes, network
from isthmus.recipes._pictures import parts_of
from isthmus.recipes._recipe import Measured, Row, Task, within
from isthmus.recipes._working import (
    Progress,
    cross_entropy,
    flags,
    packed,
    pile_of,
    squared_errors,
    taught,
    unpacked,
)
from isthmus.stats.intervals import Interval, wilson_interval

__all__ = ["TUNING", "fine_tuning", "table_6", "table_7"]

TUNING = "fine-tuning"
_MLP, _CNN = (128, 64), (128,)
_PIXELS, _FROZEN = "MLP on pixels", "frozen encoder + MLP"
_SCRATCH, _TUNED = "encoder + MLP, from scratch", "encoder + MLP"
_PLAIN, _REDRAWN = "CNN", "autoencoder + CNN"
_ACCURACY = {_PIXELS: 86.55, _SCRATCH: None, _TUNED: 88.27, _FROZEN: None, _PLAIN: 90.69, _REDRAWN: 89.19}
_ENTROPY = {_TUNED: (0.33930, 0.42168), _REDRAWN: (0.26041, 0.32577)}
_TIME = {_PIXELS: 0.02, _SCRATCH: 0.08, _TUNED: 0.08, _FROZEN: 0.02, _PLAIN: 0.3, _REDRAWN: 0.3}
"""Shares of the whole, so that the time left is right; the autoencoder takes the rest."""
_ASKED_AGAIN = 10_000


def _heads(model: Fitted, untrained: Fitted) -> dict[str, tuple[Fitted, Network]]:
    return {
        _PIXELS: (model, Redrawn(redraw=False, channels=(), hidden=_MLP)),
        _SCRATCH: (untrained, Tuned(at="code", hidden=_MLP)),
        _TUNED: (model, Tuned(at="code", hidden=_MLP)),
        _FROZEN: (model, Code(hidden=_MLP)),
        _PLAIN: (model, Redrawn(redraw=False, hidden=_CNN)),
        _REDRAWN: (model, Redrawn(hidden=_CNN)),
    }


def fine_tuning(task: Task) -> dict[str, Any]:
    """One autoencoder, and every classifier of the two tables on the same labels."""
    sizes: Sizes = task.sizes
    train, validation, test = parts_of(sizes.data, sizes.validation, sizes.test)
    watcher = Progress(within(task.told, 0, 0.2), "training the autoencoder")
    model = Autoencoder(net=network(), latent=sizes.latent, epochs=sizes.epochs, seed=task.seed)
    untrained = Autoencoder(net=network(), latent=sizes.latent, epochs=0, seed=task.seed).fit(train)
    model.fit(train, watchers=[watcher])
    count = min(sizes.labels or len(train), len(train))
    labels = train.labels if count == len(train) else only(train, count, task.seed)
    known = train.take(labels >= 0)
    looks = max(1, round(0.9 * sizes.passes * count))
    how: dict[str, Any] = {"looks": looks, "patience": sizes.patience, "batch_size": sizes.batch}
    how |= {"optimiser": "adamw", "learning_rate": 1e-3}
    heads, found = _heads(model, untrained), {}
    done = 0.2
    for name, (looks_through, head) in heads.items():
        told = within(task.told, done, done := done + _TIME[name], name)
        head.set_params(**how, seed=task.seed, views="none")
        made_head = taught(head, looks_through, known, known.labels, len(train.classes), told)
        parts = {"train": some_of(known, _ASKED_AGAIN), "validation": validation, "test": test}
        found[name] = {part: _asked(made_head, pile_of(looks_through, of), of.labels) for part, of in parts.items()}
    errors = {"validation": validation, "test": test}
    mse = {part: float(squared_errors(model, pictures).mean()) for part, pictures in errors.items()}
    return {"labels": count, "test": len(test), "autoencoder MSE": mse, "networks": found}


def _asked(head: Any, pile: Pile, labels: np.ndarray) -> dict[str, Any]:
    told = head.probabilities(pile)
    right = flags(told, labels)
    return {"accuracy": float(right.mean()), "cross-entropy": cross_entropy(told, labels), "right": packed(right)}


# -- how the tables are judged ----------------------------------------------------------------------------------------


def table_6(measured: Measured, sizes: Sizes) -> list[Row]:
    """Cross-entropies of the two that the paper fine-tuned."""
    rows, seeds = [], measured[TUNING]
    for name, paper in _ENTROPY.items():
        for part, printed in zip(("train", "validation"), paper, strict=True):
            ours = {seed: one["networks"][name][part]["cross-entropy"] for seed, one in seeds.items()}
            bar = 0.02 if sizes.own else None
            words = "" if sizes.own else _other_sizes(measured)
            rows.append(number(f"{name}: {part} error", printed, ours, tolerance=bar, lower=True, words=words))
    ahead = _ahead(measured, _REDRAWN, _TUNED)
    words = f"on test pictures the autoencoder with the CNN is ahead by {points(ahead)}"
    return [*rows, _claim(f"{_REDRAWN} beats {_TUNED}, accuracy", 0.92, ahead, more(ahead), words)]


def table_7(measured: Measured, sizes: Sizes) -> list[Row]:
    """Test accuracies with Wilson's intervals, and what pre-training has to do with them."""
    rows, seeds = [], measured[TUNING]
    for name, paper in _ACCURACY.items():
        ours = {seed: 100 * one["networks"][name]["test"]["accuracy"] for seed, one in seeds.items()}
        bar = 0.6 if sizes.own else None
        words = "not in the paper" if paper is None else "" if sizes.own else _other_sizes(measured)
        rows.append(number(f"{name}: accuracy, %", paper, ours, _wilson(measured, name), tolerance=bar, words=words))
    return [*rows, _mlp(measured), _cnn(measured)]


def _mlp(measured: Measured) -> Row:
    claimed, fair = _ahead(measured, _TUNED, _PIXELS), _ahead(measured, _TUNED, _SCRATCH)
    words = (
        f"{points(claimed)} over the MLP on pixels, which is the paper's comparison; {points(fair)} over the same "
        f"network from scratch, which is what pre-training alone adds"
    )
    what = "pre-training helps the MLP (86.55 -> 88.27)"
    return _claim(what, 1.72, claimed, more(claimed, fair), words)


def _cnn(measured: Measured) -> Row:
    claimed = _ahead(measured, _REDRAWN, _PLAIN)
    words = f"{points(claimed)} from looking at what the autoencoder redraws instead of at the pictures"
    what = f"{_REDRAWN} does not beat the {_PLAIN} (90.69 -> 89.19)"
    return _claim(what, -1.5, claimed, no_more(claimed), words)


def _right(measured: Measured, name: str) -> np.ndarray:
    """`(trainings, test pictures)`."""
    return np.stack(
        [unpacked(one["networks"][name]["test"]["right"], one["test"]) for one in measured[TUNING].values()]
    )


def _ahead(measured: Measured, first: str, second: str) -> Interval:
    return gain(_right(measured, first), _right(measured, second))


def _wilson(measured: Measured, name: str) -> Interval:
    """Of the mean over trainings, as one of them on the same pictures would have it, in per cent."""
    right = _right(measured, name)
    found = wilson_interval(round(right.mean() * right.shape[1]), right.shape[1])
    return Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n)


def _claim(what: str, paper: float, found: Interval, verdict: str, words: str) -> Row:
    """A difference of shares, in points."""
    inside = Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n)
    return Row(what, paper, round(inside.value, 4), {}, span(inside), verdict, words)


def _other_sizes(measured: Measured) -> str:
    count = next(iter(measured[TUNING].values()))["labels"]
    return f"from {count:,} labels; the paper had 48,000"
