"""Paper 001: a two-step adversarial VAE; labels shape its codes, then a decoder learns to read them (Zemouri 2020).

Claim     with growing beta what is redrawn is first blurred, then clear, then of another class; gamma brings the class
          back; 100 numbers redraw better than 2, almost as well on MNIST and Fashion-MNIST, and 2 fail on Omniglot.
Command   isthmus recipe run 001 --scale quick
Cost      see `recipe list`; one core of an AMD EPYC; paper: not run
Expected  the paper prints pictures and no numbers: every picture of its figures is made, and judged by an oracle.
          What this project found is in `expected`, with how far another machine may come from it.

The paper adds its KL, summed over the code, to its cross-entropy. For any network that sum is at least the entropy of
the labels, which a code that says nothing reaches: figure 7 shows it, and all else weighs the KL by .01 (two numbers)
or .001 (a hundred). Study has a quarter of the channels, 20,000 pictures and less than three passes over them, the
whole grid on two sets, two numbers with three seeds and a hundred with one. Quick has 8,000 pictures, a third of the
moves and the grid on one set: too little for clear pictures, enough for the order of things. Paper has the paper's
sizes, with 30 and 50 epochs and five moves of the discriminator where its text is silent.
Omniglot's classes are its 50 alphabets, and its test is drawn by key.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from isthmus.recipes._beta_claims import claims
from isthmus.recipes._claims import HELD, NOT_HELD, number
from isthmus.recipes._grid import spread, table
from isthmus.recipes._latent import manifold, mapped, samples
from isthmus.recipes._recipe import Expected, Measured, Part, Recipe, Row, Scale, Task
from isthmus.recipes._redrawing import pairs, redrawn
from isthmus.recipes._thresholds import drawn, thresholds
from isthmus.recipes._two_steps import NARROW, WIDE, Sizes
from isthmus.stats.intervals import Interval

__all__ = ["RECIPE", "Sizes", "grids"]

_SETS = ("mnist", "omniglot", "caltech101-silhouettes", "fashion-mnist")
_COUNTS = {"mnist": 70_000, "omniglot": 32_415, "caltech101-silhouettes": 8671, "fashion-mnist": 70_000}
"""The paper's, training and test together."""
_DRAWN = ("mnist", "fashion-mnist")
_COLOUR, _AS_PRINTED, _EQUAL = "cifar10", (0.001, 0.0), (1.0, 1.0, 1.0)
_LITERAL, _COLLAPSED = "literal-mnist", 0.05
_WIDE_PRICE = 0.001
_PUBLISHED = {"mnist": ".954 and .961", "fashion-mnist": ".761 and .741"}
"""5-NN accuracy of the maps of UMAP and parametric UMAP, which see no labels."""


def grids(task: Task, data: str, code: int) -> dict[str, Any]:
    """Every setting of a set that has the whole grid, one of another."""
    found: dict[str, Any] = redrawn(task, data, code, task.sizes.settings(data))
    return found


def _plain(task: Task, data: str) -> dict[str, Any]:
    """Two numbers at the price that a hundred pay: a code that differs from the large one in its size alone."""
    compared = data in task.sizes.whole
    found: dict[str, Any] = redrawn(task, data, NARROW, [(0.0, 0.0)], _WIDE_PRICE) if compared else {}
    return found


# -- how the figures are judged ---------------------------------------------------------------------------------------


def figure_5(measured: Measured, sizes: Sizes) -> list[Row]:
    """How many pictures there are, beside the paper's."""
    rows = []
    for case, seeds in measured.items():
        data, one = case.removeprefix("samples-"), next(iter(seeds.values()))
        own = f"{one['own test']:,} of them its own test" if one["own test"] else "no test of its own"
        words = f"{own}; learnt from {one['learnt from']:,} and judged by {one['judged by']:,}, both drawn by key"
        ours = {seed: float(found["pictures"]) for seed, found in seeds.items()}
        rows.append(number(f"{data}: pictures", _COUNTS[data], ours, words=words))
    return rows


def figure_7(measured: Measured, sizes: Sizes) -> list[Row]:
    rows = []
    for case, seeds in measured.items():
        if case == _LITERAL:
            continue
        data = case.removeprefix("codes-")
        for name in next(iter(seeds.values()))["scores"]:
            values = {seed: one["scores"][name] for seed, one in seeds.items()}
            words = (
                f"published for maps that see no labels: {_PUBLISHED[data]}"
                if name[0] == "5" and data in _PUBLISHED
                else ""
            )
            rows.append(_number(f"{data}: {name}", values, words))
        accuracy = {seed: one["accuracy"] for seed, one in seeds.items()}
        first = next(iter(seeds.values()))
        words = (
            f"of {first['classes']} classes; from draws of the code {first['accuracy from draws']:.3f}; KL "
            f"{first['KL']:.2f} and cross-entropy {first['cross-entropy']:.3f} nats, together at least the entropy of "
            f"the labels, {first['entropy']:.3f}"
        )
        rows.append(number(f"{data}: accuracy of the classifier", None, accuracy, words=words))
    return [*rows, literal(measured[_LITERAL])]


def literal(seeds: dict[int, dict[str, Any]]) -> Row:
    """Equation 6 as it is printed."""
    sums = {seed: one["KL"] + one["cross-entropy"] for seed, one in seeds.items()}
    one = next(iter(seeds.values()))
    collapsed = all(found["KL"] < _COLLAPSED for found in seeds.values())
    words = (
        f"KL {one['KL']:.4f} and cross-entropy {one['cross-entropy']:.4f} nats, accuracy {one['accuracy']:.3f}: "
        f"{'collapsed' if collapsed else 'not collapsed'}. For any network their sum is at least the entropy of the "
        f"labels, {one['entropy']:.4f} here (ln {one['classes']} where classes are equal), which a code that says "
        f"nothing reaches, so that no other can be better"
    )
    row = number("KL + cross-entropy as printed, weight 1, nats: collapses", None, sums, words=words)
    return Row(row.what, None, row.ours, row.per_seed, None, HELD if collapsed else NOT_HELD, words)


def figure_8(measured: Measured, sizes: Sizes) -> list[Row]:
    rows = []
    for case, seeds in measured.items():
        data, first = case.removeprefix("manifold-"), next(iter(seeds.values()))
        seen = {seed: float(one["seen"]) for seed, one in seeds.items()}
        words = f"of {first['classes']}, on {first['side']} x {first['side']} codes over their range"
        rows.append(number(f"{data}: classes that the oracle sees on the grid", None, seen, words=words))
        alike = {seed: one["alike"] for seed, one in seeds.items()}
        inside = spread(list(alike.values()))
        orderly = inside.low > first["by chance"]
        words = f"{first['by chance']:.3f} would be by chance: what is alike lies together"
        row = _number(f"{data}: neighbours on the grid are of one class", alike, words)
        rows.append(Row(row.what, None, row.ours, row.per_seed, row.interval, HELD if orderly else NOT_HELD, words))
    return rows


def figure_10(measured: Measured, sizes: Sizes) -> list[Row]:
    (seeds,) = measured.values()
    first, rows = next(iter(seeds.values())), []
    beside = {
        "agreement": f"the oracle names {first['oracle_accuracy'][0]:.1%} of the pictures themselves, the encoder's "
        f"own classifier {first['encoder']['accuracy']:.1%}",
        "mse": f"{first['class mean']:.4f} of each class's mean picture, {first['mean picture']:.4f} of that of all",
        "fcd": f"{first['fcd_floor'][0]:.3g} of as many training pictures, {first['fcd_ceiling'][0]:.3g} of a Gaussian",
    }
    for key, name in (("agreement", "agreement"), ("sharpness", "sharpness"), ("fcd", "FCD"), ("mse", "MSE")):
        if key in first:
            rows.append(
                _number(f"{_COLOUR}: {name}", {seed: one[key] for seed, one in seeds.items()}, beside.get(key, ""))
            )
    mse = spread([one["mse"] for one in seeds.values()])
    verdict = HELD if mse.high < first["class mean"] else NOT_HELD
    words = f"squared error {mse.value:.4f}, and {first['class mean']:.4f} of the mean picture of each class"
    return [*rows, Row("more comes back than the class", None, None, {}, None, verdict, words)]


def _number(what: str, values: dict[int, list[float]], words: str) -> Row:
    inside: Interval = spread(list(values.values()))
    return number(what, None, {seed: value[0] for seed, value in values.items()}, inside, words=words)


# -- the recipe -------------------------------------------------------------------------------------------------------

_SAMPLES = {f"samples-{data}": partial(samples, data=data) for data in _SETS}
_CODES = {f"codes-{data}": partial(mapped, data=data) for data in _SETS}
_MANIFOLDS = {f"manifold-{data}": partial(manifold, data=data) for data in _DRAWN}
_GRIDS = {
    f"grid-{data}-{code}": partial(grids, data=data, code=code)
    for data, code in [*((data, code) for code in (NARROW, WIDE) for data in _SETS), (_COLOUR, WIDE)]
}
_FAIR = {f"price-{data}": partial(_plain, data=data) for data in _DRAWN}
_PAIRS = {f"pairs-{_COLOUR}": partial(pairs, data=_COLOUR, code=WIDE, setting=_AS_PRINTED, alpha=_EQUAL)}
_CASES: dict[str, Callable[[Task], dict[str, Any]]] = {
    **_SAMPLES,
    **_CODES,
    _LITERAL: partial(mapped, data="mnist", price=1.0),
    **_MANIFOLDS,
    **_GRIDS,
    **_FAIR,
    **_PAIRS,
}
_THRICE = {name for data in _DRAWN for name in (f"codes-{data}", f"grid-{data}-{NARROW}")}
"""Three seeds; the others have one."""

_QUICK = Sizes(whole=("mnist",), betas=(0.0, 0.05, 0.5), pictures=8000, test=2000, looks=24_000, steps=300)
_PAPER = Sizes(
    whole=_SETS,
    betas=(0.0, 0.001, 0.003, 0.005, 0.01, 0.05, 0.1, 0.5),
    shown=(0.01, 0.1),
    pictures=None,
    test=10_000,
    channels=(32, 64, 128),
    hidden=(512, 256, 128),
    first={"epochs": 30, "batch_size": 128, "optimiser": "adam", "schedule": "constant", "warm_up": 0.0},
    second={
        "decoder_epochs": 50,
        "batch_size": 128,
        "optimiser": "adam-gan",
        "schedule": "constant",
        "warm_up": 0.0,
        "draws": 5,
    },
)

_EXPECTED: Expected = {
    "figure-7": {
        "mnist: accuracy of the classifier": (0.958, 0.048),
        "omniglot: accuracy of the classifier": (0.217, 0.011),
        "caltech101-silhouettes: accuracy of the classifier": (0.516, 0.026),
        "fashion-mnist: accuracy of the classifier": (0.8395, 0.042),
        "KL + cross-entropy as printed, weight 1, nats: collapses": (2.3041, 0.023),
    },
    "claims": {
        "(i) mnist, K_z 2: agreement falls with beta, gamma 0": (75.05, 23),
        "(ii) mnist, K_z 2: gamma raises agreement at beta 0.5": (27.35, 11),
        "(i) mnist, K_z 100: agreement falls with beta, gamma 0": (72.75, 22),
        "(ii) mnist, K_z 100: gamma raises agreement at beta 0.5": (64.8, 26),
    },
}
"""What quick found with one seed, and how far another machine or seed may come from it."""

RECIPE = Recipe(
    "001",
    "A two-step adversarial VAE (MNIST, Omniglot, Caltech 101 silhouettes, Fashion-MNIST, CIFAR-10)",
    {
        "quick": Scale(_QUICK, (0,), 1572, expected=_EXPECTED),
        "study": Scale(Sizes(), (0, 1, 2), 12_092, {case: 1 for case in _CASES if case not in _THRICE}),
        "paper": Scale(_PAPER, (0,), None),
    },
    _CASES,
    (
        Part("figure-5", "the pictures of the four sets", tuple(_SAMPLES), figure_5),
        Part(
            "figure-7", "two numbers that labels have shaped make a map of the classes", (*_CODES, _LITERAL), figure_7
        ),
        Part("figure-8", "what the map decodes to is ordered by likeness", tuple(_MANIFOLDS), figure_8),
        Part("figure-9", "beta, gamma and the size of the code: what comes back", tuple(_GRIDS), table),
        Part("figure-10", "pairs of CIFAR-10 from 100 numbers", tuple(_PAIRS), figure_10),
        Part("thresholds", "blurred below eps1, clear up to eps2, generative beyond", tuple(_GRIDS), thresholds, drawn),
        Part("claims", "agreement falls with beta, gamma raises it; 100 numbers beat 2", (*_GRIDS, *_FAIR), claims),
    ),
)
