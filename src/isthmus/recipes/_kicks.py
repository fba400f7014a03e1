"""Section 2 of paper 002, asked: a filmed ball of five numbers, a code of as many, and what of them the code holds."""

from typing import Any

import numpy as np
from PIL import Image

from isthmus import models
from isthmus.contract import some as rows_of
from isthmus.images.opening import open_pictures
from isthmus.images.splits import split
from isthmus.nets.mlp import MLP
from isthmus.recipes._between import ends
from isthmus.recipes._claims import HELD, NOT_HELD, span
from isthmus.recipes._layers import Bench
from isthmus.recipes._pictures import some
from isthmus.recipes._recipe import Measured, Row, Task, within
from isthmus.recipes._sheets import as_text, from_text
from isthmus.recipes._working import Progress, squared_errors
from isthmus.report.grid import comparison_grid
from isthmus.stats.intervals import Interval, bootstrap_interval, mean_interval
from isthmus.stats.intrinsic import intrinsic_dimension
from isthmus.stats.ridge import fit_ridge, r_squared

__all__ = ["BALL", "drawn", "judged", "kicks"]

BALL = "ball"
_JUDGED, _MANY = 0.25, 50
_READ = 1500
"""Films from which the reading of a code is learnt."""
_TOLD, _SHOWN = 0.9, 8
_NONLINEAR, _PCA, _MORE = "autoencoder", "PCA", f"PCA, {_MANY} numbers"


def kicks(task: Task) -> dict[str, Any]:
    """The networks of the other cases, trained as we do, on films that one formula made of five numbers."""
    bench, sizes = Bench.of(task), task.sizes
    films = some(open_pictures(BALL), sizes.films)
    cut = split(films, 0.0, _JUDGED)
    train, test = films.take(cut == "train"), films.take(cut == "test")
    names = list(train.columns)
    net = MLP(hidden=sizes.hidden, activation="silu")
    how: dict[str, Any] = {"epochs": bench.epochs(sizes.kicks, len(train)), "batch_size": sizes.batch}
    how |= {"precision": sizes.precision, "seed": task.seed}
    model = models.make("autoencoder", net=net, latent=len(names), **how)
    model.fit(train, watchers=[Progress(within(task.told, 0, 0.6), "training on the films")])
    found: dict[str, Any] = {"numbers": names, "n": len(test), "films": len(train), "told": {}}
    beside = {_PCA: len(names), _MORE: min(_MANY, len(train) - 1)}
    learnt = some(train, _READ)
    looked = {_NONLINEAR: model} | {k: models.make("pca", latent=n).fit(train) for k, n in beside.items()}
    for number, (name, one) in enumerate(looked.items()):
        task.told(0.6 + 0.1 * number, f"asking the codes: {name}")
        found["told"][name] = _told(one.transform(learnt), one.transform(test), learnt, test)
        found["told"][name]["MSE"] = ends(mean_interval(squared_errors(one, test)))
    task.told(0.9, "counting dimensions")
    found["alone"] = _alone(model.transform(learnt), model.transform(test), learnt, test)
    pixels = model.tensor(films).flatten(1).cpu().numpy()
    found["dimension"] = {"films": ends(intrinsic_dimension(pixels, seed=task.seed))}
    found["dimension"]["codes"] = ends(intrinsic_dimension(model.transform(films), seed=task.seed))
    few = rows_of(test, np.arange(min(_SHOWN, len(test))))
    found["shown"] = {"shape": [len(few), *model.shape_], "films": as_text(model.tensor(few).cpu())}
    for name in (_NONLINEAR, _PCA):
        back = looked[name].decode(looked[name].encode(looked[name].tensor(few)).mean)
        found["shown"][name] = as_text(back.detach().float().clamp(0, 1).cpu())
    return found


def _told(codes: np.ndarray, asked: np.ndarray, train: Any, test: Any) -> dict[str, Any]:
    """The share of the variance of every number that a plane, or a bent one, tells from the code."""
    codes, asked = _even(codes, asked)
    found: dict[str, Any] = {"straight": {}, "bent": {}}
    for name, values in train.columns.items():
        plane = np.linalg.lstsq(_with_one(codes), values, rcond=None)[0]
        bent = fit_ridge(codes, values, codes.shape[1])
        truth = test.columns[name]
        found["straight"][name] = _share(truth, _with_one(asked) @ plane)
        found["bent"][name] = _share(truth, bent.of(asked))
    return found


def _alone(codes: np.ndarray, asked: np.ndarray, train: Any, test: Any) -> dict[str, float]:
    """What the best single number of the code tells of each, by a curve."""
    codes, asked = _even(codes, asked)
    return {
        name: max(
            r_squared(test.columns[name], fit_ridge(codes[:, [k]], values, 1).of(asked[:, [k]]))
            for k in range(codes.shape[1])
        )
        for name, values in train.columns.items()
    }


def _even(codes: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle, spread = codes.mean(axis=0), codes.std(axis=0).clip(1e-9)
    return (codes - middle) / spread, (asked - middle) / spread


def _with_one(codes: np.ndarray) -> np.ndarray:
    return np.concatenate([codes, np.ones((len(codes), 1))], axis=1)


def _share(truth: np.ndarray, told: np.ndarray) -> list[float]:
    pairs = np.stack([truth, told], axis=1)
    return ends(bootstrap_interval(pairs, lambda rows: r_squared(rows[:, 0], rows[:, 1]), draws=200))


# -- how it is judged -------------------------------------------------------------------------------------------------


def judged(measured: Measured, sizes: Any) -> list[Row]:
    """Whether a code of as many numbers holds the numbers, and whether anybody could tell that there are five."""
    seeds = measured[BALL]
    first = next(iter(seeds.values()))
    rows = [*_recovered(seeds, first), _dimension(seeds, first, "films"), _dimension(seeds, first, "codes")]
    for who in first["told"]:
        rows.append(_row(f"{who}: error a pixel", {s: one["told"][who]["MSE"] for s, one in seeds.items()}, ""))
    for name in first["numbers"]:
        for who in first["told"]:
            told = {s: one["told"][who]["bent"][name] for s, one in seeds.items()}
            straight = np.mean([one["told"][who]["straight"][name][0] for one in seeds.values()])
            words = f"{straight:.3f} by a plane"
            if who == _NONLINEAR:
                alone = np.mean([one["alone"][name] for one in seeds.values()])
                words += f", {alone:.3f} from the one number of the code that tells most"
            rows.append(_row(f"{name}, told by {who}", told, words))
    return rows


def _recovered(seeds: dict[int, Any], first: dict[str, Any]) -> list[Row]:
    def least(who: str, how: str) -> tuple[str, float, float]:
        """The number that is told worst in any training, its share and that share's lower end."""
        found = [(one["told"][who][how][name], name) for one in seeds.values() for name in first["numbers"]]
        (value, low, _), name = min(found)
        return name, value, low

    name, value, low = least(_NONLINEAR, "bent")
    other, linear, _ = least(_PCA, "bent")
    words = (
        f"the worst told is the {name}, {value:.3f} of its variance (at least {low:.3f}); of PCA's as many numbers the "
        f"{other}, {linear:.3f}; held is {_TOLD:g} of each in every training"
    )
    what = "a code of as many numbers holds what was done (a curved reading)"
    rows = [Row(what, None, round(value, 6), {}, None, HELD if low >= _TOLD else NOT_HELD, words)]
    alone = {name: float(np.mean([one["alone"][name] for one in seeds.values()])) for name in first["numbers"]}
    worst = min(alone, key=lambda one: alone[one])
    words = (
        f"the best single number of the code tells {min(alone.values()):.2f} ({worst}) to {max(alone.values()):.2f} of "
        f"the variance: the code is the manifold turned and bent, and nothing in the loss asks for axes"
    )
    verdict = HELD if min(alone.values()) >= _TOLD else NOT_HELD
    what = "each dimension has a direct physical corollary"
    return [*rows, Row(what, None, round(min(alone.values()), 6), {}, None, verdict, words)]


def _dimension(seeds: dict[int, Any], first: dict[str, Any], of: str) -> Row:
    true = len(first["numbers"])
    told = {seed: one["dimension"][of] for seed, one in seeds.items()}
    values = [one[0] for one in told.values()]
    held = all(abs(value - true) < 0.5 for value in values)
    words = f"the films were made of {true}; held is that every estimate rounds to it"
    row = _row(f"how many dimensions the {of} have (TwoNN)", told, words)
    return Row(row.what, None, row.ours, row.per_seed, row.interval, HELD if held else NOT_HELD, words)


def _row(what: str, told: dict[int, list[float]], words: str) -> Row:
    value = float(np.mean([one[0] for one in told.values()]))
    inside = Interval(value, min(one[1] for one in told.values()), max(one[2] for one in told.values()), 0)
    per_seed = {str(seed): round(one[0], 6) for seed, one in told.items()}
    return Row(what, None, round(value, 6), per_seed, span(inside), None, words)


def drawn(measured: Measured, sizes: Any) -> dict[str, Image.Image]:
    """Films of the first seed, one under the other what comes back of each."""
    shown = next(iter(measured[BALL].values()))["shown"]
    rows = {"film": "films", "5 numbers": _NONLINEAR, "PCA, 5 numbers": _PCA}
    pictures = {name: from_text(shown[key], shown["shape"]) for name, key in rows.items()}
    return {"films": comparison_grid(pictures, 4, 2, title="A ball is kicked: films of five frames, and redrawn")}
