"""What is measured of each of paper 002's models, and of what stands beside them: PCA and the pictures themselves."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from isthmus import models
from isthmus.contract import evaluate
from isthmus.measure.codes import codes
from isthmus.measure.density import importance_weighted_bound
from isthmus.measure.oracle import Oracle
from isthmus.recipes._between import ends, manifold, nearest, pairs_of, voted
from isthmus.recipes._layers import KINDS, Bench, Looks
from isthmus.recipes._pictures import some
from isthmus.recipes._recipe import Task, within
from isthmus.recipes._sheets import as_text
from isthmus.recipes._working import Progress, packed_numbers, squared_errors
from isthmus.stats.intrinsic import intrinsic_dimension
from isthmus.stats.spectrum import Components, principal_angles, principal_components

__all__ = ["beside", "looked_at", "redrawn"]

_CURVE, _POINTS = 2000, 16
"""Test pictures and looks that the curve of a training has."""
_MOST_AXES = 200
_POINTS_DRAWN = (625, 1250, 2500, 5000)
"""Of how many pictures the dimension is told: noise makes it grow with them."""


def redrawn(task: Task) -> dict[str, Any]:
    """A model of the task's kind: its training, what it redraws, what its code is worth, and what a VAE's costs."""
    bench, kind = Bench.of(task), KINDS[task.case]
    sizes, (train, test) = bench.sizes, bench.pictures
    began = 0.02 if bench.judge.exists() else 0.7  # of the first case the oracle takes most
    oracle = bench.oracle(within(task.told, 0, began))
    plane = _plane(bench, kind.latent) if kind.model == "linear" else None
    marks = Looks(sizes.marks, lambda model: looked_at(bench, model, oracle, plane))
    few = some(test, _CURVE)
    curve = Looks(looks_at(sizes.steps), lambda model: {"MSE": float(squared_errors(model, few).mean())})
    model = bench.made(kind, sizes.steps, len(train))
    watched = Progress(within(task.told, began, 0.85), "training")
    cpu = time.process_time()
    model.fit(train, watchers=[watched, marks, curve])
    found: dict[str, Any] = {
        "latent": kind.latent,
        "steps": sizes.steps,
        "training CPU-seconds": time.process_time() - cpu,
    }
    found |= {"remarks": model.remarks_, "precision": model.precision_}
    found["marks"] = {str(step): one for step, one in marks.found.items()}
    found["curve"] = {str(step): one["MSE"] for step, one in curve.found.items()}
    task.told(0.85, "looking at what it redraws")
    found |= looked_at(bench, model, oracle, plane)
    found["errors"] = packed_numbers(squared_errors(model, test))
    task.told(0.9, "looking at its codes")
    found["manifold"] = manifold(bench, model, oracle)
    if model.has_density:
        task.told(0.95, "counting nats")
        found["nats"] = _nats(bench, model)
    return found


def looks_at(steps: int) -> list[int]:
    """Ever farther apart, the last at the end."""
    return sorted({round(step) for step in np.geomspace(max(1, steps / 100), steps, _POINTS)})


def looked_at(bench: Bench, model: Any, oracle: Oracle, plane: Components | None) -> dict[str, Any]:
    """What it redraws by now: error, the shown pictures, how many the oracle still knows, and a linear one's plane."""
    test = bench.pictures[1]
    some_test = some(test, _CURVE)
    back = evaluate(model, some_test, lambda x: model.decode(model.encode(x).mean).clamp(0, 1))
    shown = evaluate(model, test.take(bench.shown), lambda x: model.decode(model.encode(x).mean).clamp(0, 1))
    found = {
        "MSE": float(squared_errors(model, test).mean()),
        "known": float((oracle.predict(back) == some_test.labels).mean()),
        "shown": {"pictures": as_text(shown), "shape": list(shown.shape)},
    }
    if plane is not None:
        found["degrees"] = [float(angle) for angle in principal_angles(_span(model), plane.axes)]
    return found


def _plane(bench: Bench, numbers: int) -> Components:
    return principal_components(bench.tensor(bench.pictures[0]).flatten(1), numbers)


def _span(model: Any) -> torch.Tensor:
    """The directions in which a linear decoder draws."""
    with torch.inference_mode():
        origin = model.decode(torch.zeros(1, model.latent)).flatten(1)
        return (model.decode(torch.eye(model.latent)).flatten(1) - origin).clone()


def _nats(bench: Bench, model: Any) -> dict[str, Any]:
    """Of grey pixels, whose cross-entropy is the paper's loss and no density: not to be set beside binary ones."""
    test, sizes = bench.pictures[1], bench.sizes
    seen = codes(model, test)
    assert seen.kl_total is not None
    density = importance_weighted_bound(model, some(test, sizes.dense), (1, sizes.draws), seed=bench.seed)
    return {
        "KL": ends(seen.kl_total),
        "active": seen.active_units,
        "K": sizes.draws,
        "n": len(density.elbo),
        "negative ELBO": ends(density.nats(1)),
        "bound": ends(density.nats(sizes.draws)),
    }


def beside(task: Task) -> dict[str, Any]:
    """PCA of every size, what the pictures say themselves, and how many dimensions they seem to have."""
    bench = Bench.of(task)
    train, test = bench.pictures
    task.told(0.0, "fitting PCA")
    model = models.make("pca", latent=KINDS["linear"].latent, seed=task.seed).fit(train)
    oracle = bench.oracle(within(task.told, 0.05, 0.6))
    pixels = bench.tensor(test).flatten(1)
    whole = principal_components(bench.tensor(train).flatten(1), min(_MOST_AXES, pixels.shape[1], len(train) - 1))
    found = looked_at(bench, model, oracle, None)
    found |= {"errors": packed_numbers(squared_errors(model, test)), "PCA": _by_size(whole, pixels)}
    task.told(0.7, "looking at its codes")
    found["manifold"] = manifold(bench, model, oracle)
    shown = bench.tensor(test.take(bench.shown))
    found["originals"] = {"pictures": as_text(shown), "shape": list(shown.shape)}
    found["pixels"] = _pixels(bench, oracle)
    task.told(0.9, "counting dimensions")
    found["dimensions"] = _dimensions(pixels.numpy(), test.labels, task.seed)
    return found


def _by_size(whole: Components, pixels: torch.Tensor) -> list[float]:
    """The error a pixel of held-out pictures from none, one, two ... axes."""
    apart = pixels - whole.mean
    along = whole.encode(pixels).double().square().mean(0)
    total = apart.double().square().sum(1).mean()
    left = torch.cat([total[None], total - along.cumsum(0)]).clamp_min(0)
    return [float(f"{value:.6g}") for value in left / pixels.shape[1]]


def _pixels(bench: Bench, oracle: Oracle) -> dict[str, Any]:
    """The same questions asked of the pictures themselves: of their neighbours, and of the middle of two."""
    train, test = bench.pictures
    x = bench.tensor(test)
    seen, voters = some(test, bench.sizes.mapped), some(train, bench.sizes.voters)
    known, asked = (bench.tensor(part).flatten(1).numpy() for part in (voters, seen))
    pairs, real = pairs_of(len(test), bench.sizes.pairs, bench.seed), oracle.features(x)
    middle = (x[pairs[0]] + x[pairs[1]]) / 2
    right = oracle.predict(x) == test.labels
    return {
        "right": voted(known, voters.labels, asked, seen.labels),
        "far": packed_numbers(nearest(oracle.features(middle), real, pairs)),
        "far, themselves": float(nearest(real[pairs[0]], real, pairs).mean()),
        "sure": float(oracle.predict_proba(middle).max(axis=1).mean()),
        "middles": as_text(middle[:10]),
        "ends": [as_text(x[rows[:10]]) for rows in pairs],
        "shape": list(middle[:10].shape),
        "known": float(right.mean()),
    }


def _dimensions(pixels: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, Any]:
    """Of all classes by how many pictures are asked, and of each class alone."""
    counts: Sequence[int] = [n for n in _POINTS_DRAWN if n < len(pixels)] or [len(pixels)]
    found = {str(n): ends(intrinsic_dimension(pixels, seed=seed, most=n)) for n in counts}
    classes = {
        str(c): ends(intrinsic_dimension(pixels[labels == c], seed=seed))
        for c in np.unique(labels)
        if (labels == c).sum() > 30
    }
    return {"by pictures": found, "by class": classes}
