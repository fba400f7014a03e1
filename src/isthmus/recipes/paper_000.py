"""Paper 000: a DenseNet VAE with codes of three sizes, its frozen encoder, and a linear layer on few labels.

Claim     the three codes (6,400, 10,000 and 14,400 numbers) are trained to a similar loss, within half of the epochs,
          and redraw pixels whose distribution is close to the pictures'; the middle one classifies best, slightly.
Command   isthmus recipe run 000 --scale quick
Cost      quick: 350 CPU-seconds a seed on one core of an AMD EPYC; paper: not run
Expected  the paper prints no numbers; what is held or not is its order of the three, by paired intervals. Quick, one
          seed: not held; no size classifies better than another, and pixels classify better than all.

Quick is Fashion-MNIST, padded to 32 a side so that the codes have the paper's sizes. At the paper's scale of CIFAR-10,
10,000 training pictures judge where its own test is not at hand whole, and 5,000 others are what the plateau watches
(the paper watched its test). Such a VAE presses most of its maps flat; its decoder then leans on their noise, and what
it decodes from the mean can be far worse than from a draw, which is what it was trained on: both are told.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isthmus import models
from isthmus.classify.baselines import BASELINES, pixels_of
from isthmus.classify.draws import only
from isthmus.classify.heads.code import Code
from isthmus.classify.heads.tuned import Tuned
from isthmus.contract import some_of
from isthmus.images.pictures import Pictures
from isthmus.measure.pixel_density import pixel_density
from isthmus.nets.densenet import DenseNet
from isthmus.recipes._codes import Coded, Drawing, codes_of
from isthmus.recipes._few import chart, claims, curves, densities
from isthmus.recipes._pictures import padded, parts_of, some
from isthmus.recipes._recipe import Expected, Part, Recipe, Scale, Task, Told, within
from isthmus.recipes._working import Progress, pile_of, squared_errors, taught
from isthmus.run import Run

__all__ = ["RECIPE", "Sizes"]

_PADDINGS = {"code-8x8": 3, "code-10x10": 7, "code-12x12": 11}
_BESIDE = "beside"
_CODED = 1000
"""Unlabelled pictures that say how large each number of the code is."""


@dataclass(frozen=True)
class Sizes:
    """`training` are fields of the model; `draws` of the labels are made for each training."""

    data: str = "cifar10"
    pictures: int | None = None
    validation: int = 5000
    test: int = 10_000
    latent: int = 100
    blocks: tuple[int, ...] = (3, 6, 3)
    growth: int = 16
    first: int = 48
    training: dict[str, Any] = field(default_factory=dict)
    counts: tuple[int, ...] = (40, 100, 250, 500, 1000)
    draws: int = 5
    passes: float = 50
    looks: int = 32_000


_AS_PRINTED = {
    "optimiser": "adam",
    "learning_rate": 1e-4,
    "weight_decay": 1e-3,
    "batch_size": 16,
    "schedule": "plateau",
    "warm_up": 0.0,
    "epochs": 100,
}


def _pictures(sizes: Sizes) -> tuple[Pictures, Pictures, Pictures]:
    train, watched, test = (padded(part, 32) for part in parts_of(sizes.data, sizes.validation, sizes.test))
    return some(train, sizes.pictures or len(train)), watched, test


def _model(sizes: Sizes, padding: int, seed: int, **fields: Any) -> Any:
    net = DenseNet(blocks=sizes.blocks, growth=sizes.growth, first=sizes.first, padding=padding)
    return models.make("densenet-vae", net=net, latent=sizes.latent, seed=seed, **fields)


def pre_training(task: Task) -> dict[str, Any]:
    """One code size: its training, what it redraws, and what a linear layer makes of its frozen code."""
    sizes: Sizes = task.sizes
    train, watched, test = _pictures(sizes)
    padding, run = _PADDINGS[task.case], Run(task.folder)
    model = _model(sizes, padding, task.seed, **sizes.training)
    model.fit(
        train,
        validation=watched,
        run=run,
        resume=run.has("run.json"),
        watchers=[Progress(within(task.told, 0, 0.7), "training")],
    )
    task.told(0.7, "redrawing")
    found = {"numbers": math.prod(model.latent_shape_), "curve": curves(run.read_lines("history.jsonl"), test)}
    for name, drawn in (("mean", model), ("draw", Drawing(model, task.seed))):
        density = pixel_density(drawn, test)
        found[name] = {
            "test RMSE": math.sqrt(squared_errors(drawn, test).mean()),
            "W1": [density.wasserstein.value, density.wasserstein.low, density.wasserstein.high],
            "KS": density.kolmogorov_smirnov.value,
            "halves": density.halves[0],
            "mean picture": density.mean_picture[0],
        }
    found["remarks"] = model.remarks_
    untrained = _model(sizes, padding, task.seed, epochs=0).fit(train)
    for name, looked, low in (("accuracy", model, 0.75), ("untrained", untrained, 0.88)):
        found[name] = _linear(looked, sizes, train, test, task.seed, within(task.told, low, low + 0.12))
    return found


def _linear(model: Any, sizes: Sizes, train: Pictures, test: Pictures, seed: int, told: Told) -> dict[str, list[float]]:
    """Accuracies by the number of labels, a draw each; pictures are encoded once for all of them."""
    draws = {count: _draws(train, sizes, seed, count) for count in sizes.counts}
    needed = np.unique(np.concatenate([rows for several in draws.values() for rows in several]))
    rows = np.union1d(needed, np.linspace(0, len(train) - 1, min(_CODED, len(train))).astype(int))
    seen, asked = codes_of(model, train.take(rows)), codes_of(model, test)
    coded, accuracy = Coded(seen.shape[1]), dict[str, list[float]]()
    for number, (count, several) in enumerate(draws.items()):
        accuracy[str(count)] = []
        for chosen in several:
            labels = np.where(np.isin(rows, chosen), train.labels[rows], -1)
            head = Code(looks=round(sizes.passes * count), batch_size=min(64, count), seed=seed)
            head.fit(pile_of(coded, seen), labels, len(train.classes))
            right = head.probabilities(pile_of(coded, asked)).argmax(axis=1) == test.labels
            accuracy[str(count)].append(float(right.mean()))
        told((number + 1) / len(draws), "a linear layer on the code")
    return accuracy


def _draws(train: Pictures, sizes: Sizes, seed: int, count: int) -> list[np.ndarray]:
    """The rows of each draw of labels: other ones for every training."""
    seeds = range(seed * sizes.draws, (seed + 1) * sizes.draws)
    return [np.flatnonzero(only(train, min(count, len(train)), one) >= 0) for one in seeds]


def beside(task: Task) -> dict[str, Any]:
    """What must be beaten, on the same draws: pixels, PCA, and the network from scratch on the labels alone."""
    sizes: Sizes = task.sizes
    train, _, test = _pictures(sizes)
    untrained = _model(sizes, _PADDINGS["code-10x10"], task.seed, epochs=0).fit(some_of(train, 256))
    pixels, wanted = pixels_of(untrained, train), pixels_of(untrained, test)
    found: dict[str, dict[str, list[float]]] = {"from scratch": {}}
    for name in ("pixels-logistic", "pca-svm"):
        rows, asked = BASELINES[name].rows(pixels, wanted)
        found[name] = {}
        for count in sizes.counts:
            found[name][str(count)] = [
                float((_fitted(name, rows, train, chosen).predict(asked) == test.labels).mean())
                for chosen in _draws(train, sizes, task.seed, count)
            ]
    for number, count in enumerate(sizes.counts):
        told = within(task.told, number / len(sizes.counts), (number + 1) / len(sizes.counts), "from scratch")
        found["from scratch"][str(count)] = []
        head = Tuned(at="code", looks=sizes.looks, optimiser="adamw", learning_rate=1e-3, views="none", seed=task.seed)
        for chosen in _draws(train, sizes, task.seed, count):
            known = train.take(chosen)
            made = taught(head, untrained, known, known.labels, len(train.classes), told)
            right = made.probabilities(pile_of(untrained, test)).argmax(axis=1) == test.labels
            found["from scratch"][str(count)].append(float(right.mean()))
    return {"accuracy": found}


def _fitted(name: str, rows: np.ndarray, train: Pictures, chosen: np.ndarray) -> Any:
    return BASELINES[name].classifier().fit(rows[chosen], train.labels[chosen])


_QUICK = Sizes(
    data="fashion-mnist",
    pictures=8000,
    validation=1000,
    test=2000,
    blocks=(2, 2, 2),
    growth=8,
    first=16,
    training={"epochs": 6},
    counts=(40, 100, 250, 1000),
    draws=3,
    looks=2000,
)
_CODES = tuple(_PADDINGS)

_EXPECTED: Expected = {
    "figure-3": {
        "6,400 numbers: watched RMSE after the last epoch": (0.2426, 0.036),
        "10,000 numbers: watched RMSE after the last epoch": (0.2529, 0.038),
        "14,400 numbers: watched RMSE after the last epoch": (0.26398, 0.04),
    },
    "figure-4": {
        "6,400 numbers: W1 of pixels drawn": (0.1973, 0.099),
        "10,000 numbers: W1 of pixels drawn": (0.22341, 0.11),
        "14,400 numbers: W1 of pixels drawn": (0.21805, 0.11),
    },
    "figure-5": {
        "6,400 numbers: accuracy at 40 labels, %": (60.833, 7.3),
        "6,400 numbers: accuracy at 100 labels, %": (66.933, 8),
        "6,400 numbers: accuracy at 250 labels, %": (71.817, 8.6),
        "6,400 numbers: accuracy at 1,000 labels, %": (76.017, 9.1),
        "10,000 numbers: accuracy at 40 labels, %": (61.367, 7.4),
        "10,000 numbers: accuracy at 100 labels, %": (67.633, 8.1),
        "10,000 numbers: accuracy at 250 labels, %": (72.15, 8.7),
        "10,000 numbers: accuracy at 1,000 labels, %": (77.533, 9.3),
    },
}
"""What quick found with one seed, and how far another machine or seed may come from it."""

RECIPE = Recipe(
    "000",
    "A DenseNet VAE with three sizes of code, frozen, on few labels (CIFAR-10)",
    {
        "quick": Scale(_QUICK, (0,), 340, expected=_EXPECTED),
        "paper": Scale(Sizes(training=_AS_PRINTED), (0, 1, 2, 3, 4), None),
    },
    {**dict.fromkeys(_CODES, pre_training), _BESIDE: beside},
    (
        Part("figure-3", "the loss is similar for the three codes and has converged half way", _CODES, chart),
        Part(
            "figure-4", "pixels redrawn are distributed as pixels are; closest from 10,000 numbers", _CODES, densities
        ),
        Part("figure-5", "10,000 numbers classify better than 6,400 and 14,400", (*_CODES, _BESIDE), claims),
    ),
)
