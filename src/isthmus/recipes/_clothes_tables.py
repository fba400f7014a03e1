"""Tables 1 to 5 of paper 004: the network, how it is trained, and which size of the code and which rate are best."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes._claims import HELD, NOT_HELD, number
from isthmus.recipes._clothes import BEST, HOW, L2, Bench, Cold, Sizes, ends, fewer, network
from isthmus.recipes._recipe import Measured, Row, Task, within
from isthmus.recipes._sheets import from_text
from isthmus.recipes._working import squared_errors
from isthmus.report.curves import curves
from isthmus.report.grid import comparison_grid
from isthmus.stats.intervals import mean_interval

__all__ = ["architecture", "optimisers", "progress", "stopped", "table_1", "table_2", "table_3", "table_5"]

_RATE = 5e-4
_WAYS: dict[str, dict[str, Any]] = {
    "SGD": {"optimiser": "sgd", "learning_rate": _RATE},
    "SGD, rate .1, momentum .9": {"optimiser": "sgd-momentum", "learning_rate": 0.1},
    "Adamax": {"optimiser": "adamax", "learning_rate": _RATE},
    "Adam + L2": {"optimiser": "adam", "learning_rate": _RATE, "weight_decay": L2},
    "Adam + L2 + batch norm": {"optimiser": "adam", "learning_rate": _RATE, "weight_decay": L2},
}
_BN = "Adam + L2 + batch norm"
_ERRORS = {
    "SGD": (0.13977, 0.13997),
    "Adamax": (0.04662, 0.04378),
    "Adam + L2": (0.037262, 0.03506),
    _BN: (0.03327, 0.03079),
}
_STOPPED = {"train": 0.012631, "validation": 0.01162, "test": 0.00653}
_COUNTS = {"2 numbers, no batch norm": (2, False, 86_531), "126 numbers, batch norm": (126, True, 118_559)}
_STILL, _ALIKE = 0.05, 0.1


# -- table 1 ----------------------------------------------------------------------------------------------------------


def architecture(task: Task) -> dict[str, Any]:
    """How many weights there are, and what shape comes out of what shape."""
    pictures = Bench.of(task).pictures[2]
    found = {}
    for name, (latent, norm, _) in _COUNTS.items():
        model = Autoencoder(net=network(norm), latent=latent, epochs=0).fit(pictures)
        weights = sum(p.numel() for part in ("encoder", "decoder") for p in model.net_[part].parameters())
        back = model.decode(model.encode(model.tensor(pictures.take(np.arange(2)))).mean)
        found[name] = {"weights": weights, "shape": list(back.shape[1:]), "asked": list(pictures.pixels.shape[1:])}
    return found


def table_1(measured: Measured, sizes: Sizes) -> list[Row]:
    rows = []
    for name, (_, _, counted) in _COUNTS.items():
        ours = {seed: one[name] for seed, one in measured["architecture"].items()}
        first = next(iter(ours.values()))
        closes = first["shape"] == first["asked"]
        verdict = HELD if closes and (first["weights"] == counted or not sizes.own) else NOT_HELD
        words = f"pictures of {first['asked']} come back as {first['shape']}; counted from the table as it is printed"
        row = number(f"{name}: weights", counted, {seed: one["weights"] for seed, one in ours.items()}, words=words)
        rows.append(Row(row.what, row.paper, row.ours, row.per_seed, None, verdict, words))
    return rows


# -- tables 2 and 3 ---------------------------------------------------------------------------------------------------


def optimisers(task: Task) -> dict[str, Any]:
    """Each way from the same first weights, two numbers a code; and which of two is ahead, picture by picture."""
    bench, sizes = Bench.of(task), task.sizes
    found, errors = dict[str, Any](), dict[str, np.ndarray]()
    for place, (name, way) in enumerate(_WAYS.items()):
        told = within(task.told, place / len(_WAYS), (place + 1) / len(_WAYS))
        how = HOW | way | {"batch_size": sizes.batch_size, "seed": task.seed, "latent": 2}
        untrained = Cold(net=network(name == _BN), epochs=0, **how).fit(bench.pictures[0])
        model, seen = bench.trained(Cold(net=network(name == _BN), epochs=sizes.optimised, **how), told, name)
        errors[name] = squared_errors(model, bench.pictures[1])
        start = float(squared_errors(untrained, bench.pictures[1]).mean())
        found[name] = bench.errors(model) | {"untrained": start} | seen.found()
    ahead = {
        "Adam + L2 over Adamax": ends(mean_interval(errors["Adamax"] - errors["Adam + L2"])),
        "batch norm over none": ends(mean_interval(errors["Adam + L2"] - errors[_BN])),
    }
    return {"ways": found, "ahead": ahead, "PCA": bench.plane(2)}


def table_2(measured: Measured, sizes: Sizes) -> list[Row]:
    seeds = measured["optimisers"]
    rows = [row for name in _WAYS if name != _BN for row in _errors(seeds, name, sizes)]
    first = next(iter(seeds.values()))
    sgd, start = (np.mean([one["ways"]["SGD"][key] for one in seeds.values()]) for key in ("validation", "untrained"))
    words = (
        f"validation error {start:.4f} before training and {sgd:.4f} after; the paper's .13997 is an untrained network"
    )
    still = HELD if sgd > (1 - _STILL) * start else NOT_HELD
    rows.append(Row(f"SGD at a rate of {_RATE:g} learns next to nothing", None, None, {}, None, still, words))
    words = f"PCA of two numbers {first['PCA']['validation']:.4f} on the same pictures"
    return [*rows, _ahead(seeds, "Adam + L2 over Adamax", 0.04378 - 0.03506, words)]


def table_3(measured: Measured, sizes: Sizes) -> list[Row]:
    seeds = measured["optimisers"]
    rows = [row for name in (_BN, "Adam + L2") for row in _errors(seeds, name, sizes)]
    words = "the same network and first weights but for the normalisation"
    return [*rows, _ahead(seeds, "batch norm over none", 0.03506 - 0.03079, words)]


def _errors(seeds: dict[int, Any], name: str, sizes: Sizes) -> list[Row]:
    paper = _ERRORS.get(name, (None, None))
    rows = []
    for key, printed in zip(("train", "validation"), paper, strict=True):
        ours = {seed: one["ways"][name][key] for seed, one in seeds.items()}
        words = fewer(sizes) if printed else "not in the paper"
        rows.append(number(f"{name}: {key} error", printed, ours, words=words if key == "train" else ""))
    return rows


def _ahead(seeds: dict[int, Any], what: str, paper: float, words: str) -> Row:
    """A difference of squared errors; where several were trained, the least of the intervals counts."""
    found = [one["ahead"][what] for one in seeds.values()]
    value, low = float(np.mean([one[0] for one in found])), min(one[1] for one in found)
    verdict = HELD if low > 0 else NOT_HELD
    inside = (round(low, 6), round(max(one[2] for one in found), 6))
    per_seed = {str(seed): round(one["ahead"][what][0], 6) for seed, one in seeds.items()}
    return Row(f"{what}: less squared error", round(paper, 5), round(value, 6), per_seed, inside, verdict, words)


# -- table 5 ----------------------------------------------------------------------------------------------------------


def stopped(task: Task) -> dict[str, Any]:
    """The paper's best setting until five epochs have not helped, and the same network trained as this project does."""
    bench, sizes = Bench.of(task), task.sizes
    how = HOW | {"optimiser": "adam", "learning_rate": BEST[1], "weight_decay": L2, "patience": 5, "seed": task.seed}
    model = Autoencoder(net=network(), latent=sizes.latent, epochs=sizes.stopped, batch_size=sizes.batch_size, **how)
    model, seen = bench.trained(model, within(task.told, 0, 0.6), "training until it stops")
    model.save(bench.root / f"stopped-{task.seed}")
    ours = Autoencoder(net=network(), latent=sizes.latent, epochs=sizes.epochs, seed=task.seed)
    ours, _ = bench.trained(ours, within(task.told, 0.6, 1), "training as we do")
    found = bench.errors(model) | {"epochs": len(seen.curve["train"])} | seen.found()
    return found | {"ours": bench.errors(ours), "PCA": bench.plane(sizes.latent)}


def table_5(measured: Measured, sizes: Sizes) -> list[Row]:
    seeds = measured["stopped"]
    first, rows = next(iter(seeds.values())), []
    for part, paper in _STOPPED.items():
        ours = {seed: one[part] for seed, one in seeds.items()}
        words = f"PCA of {sizes.latent} numbers {first['PCA'][part]:.5f}" if part != "train" else ""
        words = words or f"stopped after {first['epochs']} epochs. {fewer(sizes)}".strip()
        rows.append(number(f"{part} error", paper, ours, words=words))
    for part, bar in (("validation", 0.01162), ("test", 0.0100)):
        ours = {seed: one["ours"][part] for seed, one in seeds.items()}
        tolerance = 0.0 if sizes.own else None
        words = "the paper's network, trained as this project trains it"
        rows.append(number(f"ours: {part} error", bar, ours, tolerance=tolerance, lower=True, words=words))
    return [*rows, _credible(seeds)]


def _credible(seeds: dict[int, Any]) -> Row:
    """Two splits of one set: a model's errors on them are alike."""
    ratio = float(np.mean([one["test"] / one["validation"] for one in seeds.values()]))
    printed = _STOPPED["test"] / _STOPPED["validation"]
    verdict = HELD if abs(math.log(ratio / printed)) < _ALIKE else NOT_HELD
    words = f"ours differ by {abs(1 - ratio):.1%}; its test error is {1 - printed:.0%} below the other"
    what = "test error over validation error"
    return Row(what, round(printed, 4), round(ratio, 4), {}, None, verdict, words)


# -- pictures ---------------------------------------------------------------------------------------------------------


def progress(measured: Measured, sizes: Sizes, names: Sequence[str] = ()) -> dict[str, Image.Image]:
    """Curves, and the same pictures redrawn after every second epoch."""
    found = {}
    for case, seeds in measured.items():
        one = next(iter(seeds.values()))
        for name, seen in one["ways"].items() if case == "optimisers" else ((case, one),):
            if names and name not in names:
                continue
            rows = {"pictures": from_text(seen["shown"], seen["shape"])}
            rows |= {f"epoch {e}": from_text(text, seen["shape"]) for e, text in list(seen["redrawn"].items())[:10]}
            plain = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
            title = f"{name}: loss of training and validation pictures"
            found[f"{plain}-curve"] = curves(seen["curve"], title=title, y_label="squared error")
            found[f"{plain}-redrawn"] = comparison_grid(rows, title=f"{name}: redrawn on the way")
    return found
