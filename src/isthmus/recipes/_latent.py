"""What paper 001's latent spaces are worth: maps of codes, grids of what they decode to, and what the codes cost."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.contract import evaluate, keys_for
from isthmus.images.opening import open_pictures
from isthmus.images.splits import draw_labels
from isthmus.look.scores import map_scores
from isthmus.look.walks import ends_of, grid_of
from isthmus.nets._posterior import Posterior
from isthmus.recipes._pictures import some
from isthmus.recipes._recipe import Task, within
from isthmus.recipes._two_steps import NARROW, Bench, ends
from isthmus.report.axes import png
from isthmus.report.grid import picture_grid
from isthmus.report.scatter import scatter
from isthmus.rng import Noise
from isthmus.run import Run
from isthmus.stats.intervals import wilson_interval

__all__ = ["encoded", "manifold", "mapped", "orderly", "samples"]

_VOTERS, _SHOWN, _COLUMNS = 10_000, 40, 20


def samples(task: Task, data: str) -> dict[str, Any]:
    """Figure 5: pictures of a set, drawn by key, as many of each class as can be; and how many there are."""
    bench = Bench.of(task, data, NARROW)
    train, test = bench.pictures
    rows = draw_labels(train, min(_SHOWN, len(train)), 0)[:_SHOWN]
    rows = rows[np.argsort(train.labels[rows], kind="stable")]
    title = f"{data}: {len(rows)} of {len(train):,} pictures to learn from, {len(train.classes)} classes"
    pixels = np.asarray(train.pixels[rows], np.float32) / 255
    Run(bench.root).write(f"figure-5-{data}.png", png(picture_grid(pixels, _COLUMNS, title=title)))
    whole = open_pictures(bench.sizes.instead.get(data, data))
    judges = 0 if whole.split is None else int((whole.split == "test").sum())
    return {"pictures": len(whole), "own test": judges, "learnt from": len(train), "judged by": len(test)}


def mapped(task: Task, data: str, price: float | None = None) -> dict[str, Any]:
    """Figure 7: the map of a set's held-out pictures, its scores, and what the classifier makes of them."""
    bench = Bench.of(task, data, NARROW, price)
    train, test = bench.pictures
    model = bench.codes(within(task.told, 0, 0.8))
    task.told(0.8, "looking at the codes")
    found, points, voters = encoded(bench, model), model.transform(test), some(train, _VOTERS)
    scores = map_scores(test.pixels, points, test.labels, model.transform(voters), voters.labels)
    rows = {name: ends(value) for name, value in scores.rows().items()}
    title = f"{data}: the two-dimensional latent space, held-out pictures"
    words = f"{scores.words()} · classifier {found['accuracy']:.3f}"
    image = scatter(points, test.labels, tuple(map(str, test.classes)), title=title, subtitle=words)
    Run(bench.root).write(f"figure-7-{task.case.removeprefix('codes-')}-seed-{task.seed}.png", png(image))
    return found | {"scores": rows}


def encoded(bench: Bench, model: Any) -> dict[str, Any]:
    """KL and cross-entropy of held-out pictures in nats, and the accuracy of the classifier from means and draws."""
    test = bench.pictures[1]
    both = evaluate(model, test, lambda x: _side_by_side(model.encode(x)))
    posterior = Posterior(*both.chunk(2, dim=1))
    noise = Noise(torch.from_numpy(keys_for(test)), "recipe", bench.seed)
    labels = torch.from_numpy(test.labels)
    with torch.no_grad():
        meant, drawn = (
            model.net_["classifier"](z.to(model.device_)).float().cpu()
            for z in (posterior.mean, posterior.sample(noise))
        )
    shares = np.bincount(test.labels, minlength=len(test.classes)) / len(test)
    shares = shares[shares > 0]
    return {
        "test": len(test),
        "classes": len(shares),
        "entropy": float(-(shares * np.log(shares)).sum()),
        "price": bench.kl,
        "KL": float(posterior.kl().sum(1).mean()),
        "cross-entropy": float(F.cross_entropy(drawn, labels)),
        "accuracy": float((meant.argmax(1) == labels).float().mean()),
        "accuracy from draws": float((drawn.argmax(1) == labels).float().mean()),
    }


def manifold(task: Task, data: str) -> dict[str, Any]:
    """Figure 8: what a regular grid over the range of the codes decodes to, and how orderly the oracle finds that."""
    bench, side = Bench.of(task, data, NARROW), task.sizes.side
    beta, gamma = task.sizes.shown
    model = bench.decoder(bench.run_of(beta, gamma), beta, gamma, within(task.told, 0, 0.7))
    oracle = bench.oracle(model, within(task.told, 0.7, 0.95))
    codes = model.transform(some(bench.pictures[0], _VOTERS))
    low, high = ends_of(codes)
    grid = grid_of(low, high, side, side)
    with torch.inference_mode():
        pictures = model.decode(torch.from_numpy(grid).to(model.device_)).float().cpu()
    title = (
        f"{data}: {side} x {side} codes decoded, {low[0]:.1f} to {high[0]:.1f} across and {low[1]:.1f} to "
        f"{high[1]:.1f} up (beta {beta:g}, gamma {gamma:g})"
    )
    sheet = picture_grid(pictures, side, 1, title=title)
    Run(bench.root).write(f"figure-8-{data}-seed-{task.seed}.png", png(sheet))
    found = orderly(oracle.predict(pictures).reshape(side, side))
    return {"classes": len(bench.pictures[0].classes), "side": side, "setting": [beta, gamma]} | found


def orderly(answers: np.ndarray) -> dict[str, Any]:
    """Of the classes seen on a square grid: how many there are, and how often neighbours are of one class."""
    beside = np.concatenate([(answers[1:] == answers[:-1]).ravel(), (answers[:, 1:] == answers[:, :-1]).ravel()])
    shares = np.unique(answers, return_counts=True)[1] / answers.size
    return {"seen": len(shares), "alike": ends(wilson_interval(int(beside.sum()), len(beside)))} | {
        "by chance": float(np.square(shares).sum())
    }


def _side_by_side(posterior: Posterior) -> torch.Tensor:
    assert posterior.log_variance is not None
    return torch.cat([posterior.mean, posterior.log_variance], dim=1)
