"""Figures 8 to 12 and table 8 of paper 004: views of its codes, pictures of random codes, and its VAE."""

from typing import Any

import numpy as np
import torch
from PIL import Image

from isthmus import load
from isthmus.contract import decoded, evaluate
from isthmus.look.projections.pca import Pca
from isthmus.look.projections.tsne import Tsne
from isthmus.look.scores import map_scores
from isthmus.measure.oracle import Oracle, as_pictures
from isthmus.measure.samples import fcd_ends
from isthmus.models.vae import VAE
from isthmus.nets.conv import Conv
from isthmus.recipes._claims import HELD, NOT_HELD, number
from isthmus.recipes._clothes import HOW, Bench, Sizes, ends, fewer, interval_of
from isthmus.recipes._pictures import some
from isthmus.recipes._recipe import Measured, Row, Task, within
from isthmus.recipes._sheets import as_text, from_text
from isthmus.recipes._working import Progress
from isthmus.report.axes import png
from isthmus.report.curves import curves
from isthmus.report.grid import comparison_grid
from isthmus.report.scatter import scatter
from isthmus.run import Run
from isthmus.stats import frechet_interval
from isthmus.stats.intervals import mean_interval, wilson_interval

__all__ = ["chance_judged", "drawn_by_vae", "table_8", "unasked", "unasked_sheet", "vae", "views", "views_judged"]

_APART = 0.9
_SURE, _SHOWN = 0.9, 3
_MIXED = 10
_NATS, _BATCH = 62302.76 / 256, 256
_LAST_BATCH = 49888.98 / 256
_VIEWS = {"PCA": Pca, "t-SNE": Tsne}


# -- figures 8 and 9 --------------------------------------------------------------------------------------------------


def views(task: Task) -> dict[str, Any]:
    """The codes of validation pictures on a plane, by PCA and by t-SNE; no label is seen."""
    bench, found = Bench.of(task), {}
    watched = some(bench.pictures[1], task.sizes.mapped)
    codes = _stopped(bench).transform(watched)
    for place, (name, projection) in enumerate(_VIEWS.items()):
        task.told(place / len(_VIEWS), name)
        points = projection(seed=task.seed).place(codes)
        scores = map_scores(watched.pixels, points, watched.labels)
        rows = {key: ends(value) for key, value in scores.rows().items()}
        title = f"{name} of {codes.shape[1]} numbers, validation pictures"
        image = scatter(points, watched.labels, tuple(map(str, watched.classes)), title=title, subtitle=scores.words())
        Run(bench.root).write(f"figure-{8 + place}-seed-{task.seed}.png", png(image))
        found[name] = {"scores": rows, "n": scores.n}
    return found


def views_judged(measured: Measured, sizes: Sizes) -> list[Row]:
    rows, seeds = [], measured["views"]
    for name in _VIEWS:
        for score in next(iter(seeds.values()))[name]["scores"]:
            ours = {seed: one[name]["scores"][score] for seed, one in seeds.items()}
            first = next(iter(ours.values()))
            inside = interval_of(first, 1) if len(ours) == 1 else None
            rows.append(number(f"{name}: {score}", None, {seed: one[0] for seed, one in ours.items()}, inside))
        votes = [one[name]["scores"]["5-NN accuracy"] for one in seeds.values()]
        best = max(one[-1] for one in votes)
        words = (
            f"five neighbours name {np.mean([one[0] for one in votes]):.1%} of the pictures; well apart is {_APART:.0%}"
        )
        verdict = HELD if best >= _APART else NOT_HELD
        rows.append(Row(f"{name}: the ten classes are well separated", None, None, {}, None, verdict, words))
    return rows


def _stopped(bench: Bench) -> Any:
    """Table 5's autoencoder, as it was kept."""
    return load(bench.root / f"stopped-{bench.seed}")


# -- figures 10 to 12 -------------------------------------------------------------------------------------------------


def unasked(task: Task) -> dict[str, Any]:
    """What random codes decode to, where nothing pressed codes towards the normal distribution they are drawn from."""
    from sklearn.mixture import GaussianMixture

    bench, sizes = Bench.of(task), task.sizes
    model, (train, _, test) = _stopped(bench), bench.pictures
    watcher = Progress(within(task.told, 0, 0.6), "training the oracle")
    file = bench.root / f"oracle-{task.seed}.safetensors"
    oracle = Oracle.kept(file, evaluate(model, train, as_pictures), train.labels, watchers=(watcher,))
    n, codes = min(sizes.random, len(test)), model.transform(train)
    noise = np.random.default_rng(task.seed).standard_normal((n, codes.shape[1])).astype(np.float32)
    mixture = GaussianMixture(_MIXED, random_state=task.seed, reg_covar=1e-4).fit(codes)
    ways = {
        "a random tensor": noise,
        "a Gaussian of the codes": model.sample_codes(n, task.seed),
        f"{_MIXED} Gaussians of the codes": mixture.sample(n)[0].astype(np.float32)[_shuffled(n, task.seed)],
    }
    real = evaluate(model, some(test, n), as_pictures)
    reference = oracle.features(real)
    found: dict[str, Any] = {"test": _judged(oracle, real), "n": n, "ways": {}}
    found["floor"], found["ceiling"] = fcd_ends(evaluate(model, train, as_pictures), reference, oracle, n, task.seed)
    for place, (name, drawn) in enumerate(ways.items()):
        task.told(0.7 + 0.1 * place, name)
        pictures = torch.from_numpy(decoded(model, drawn))
        distance = frechet_interval(oracle.features(pictures), reference, seed=task.seed)
        shown = {"shown": as_text(pictures[:_SHOWN]), "shape": list(pictures[:_SHOWN].shape)}
        found["ways"][name] = {"FCD": ends(distance), "sure": _judged(oracle, pictures)} | shown
    return found


def _shuffled(n: int, seed: int) -> np.ndarray:
    """A mixture's draws come Gaussian by Gaussian."""
    return np.random.default_rng(seed).permutation(n)


def _judged(oracle: Oracle, pictures: torch.Tensor) -> list[float]:
    """The share of pictures that the oracle is sure of."""
    sure = oracle.predict_proba(pictures).max(axis=1) >= _SURE
    return ends(wilson_interval(int(sure.sum()), len(sure)))


def chance_judged(measured: Measured, sizes: Sizes) -> list[Row]:
    seeds, rows = measured["random"], []
    first = next(iter(seeds.values()))
    for name, one in first["ways"].items():
        ours = {seed: found["ways"][name]["FCD"][0] for seed, found in seeds.items()}
        inside = interval_of(one["FCD"], first["n"]) if len(seeds) == 1 else None
        sure = np.mean([found["ways"][name]["sure"][0] for found in seeds.values()])
        words = f"the oracle is sure of {sure:.1%}, of test pictures {first['test'][0]:.1%}; FCD of as many training "
        words += f"pictures {first['floor']:.3g}, of a Gaussian of pixels {first['ceiling']:.3g}"
        rows.append(number(f"{name}: FCD", None, ours, inside, words=words))
    noise, *others = (found["FCD"] for found in first["ways"].values())
    far = all(noise[1] > other[2] for other in others)
    words = "a plain autoencoder's codes are not normally distributed: a random tensor lies beside them"
    what = "codes drawn where codes are look more real than a random tensor's"
    return [*rows, Row(what, None, None, {}, None, HELD if far else NOT_HELD, words)]


def unasked_sheet(measured: Measured, sizes: Sizes) -> dict[str, Image.Image]:
    one = next(iter(measured["random"].values()))
    rows = {name: from_text(found["shown"], found["shape"]) for name, found in one["ways"].items()}
    return {"drawn": comparison_grid(rows, title="Three pictures of each")}


# -- table 8 ----------------------------------------------------------------------------------------------------------


def vae(task: Task) -> dict[str, Any]:
    """The paper's network of wide maps, and beside it this project's VAE on the same pictures."""
    bench, sizes = Bench.of(task), task.sizes
    net = Conv(channels=(16, 32), kernel=5, stride=1, padding=0, activation="relu")
    how = HOW | {"optimiser": "adam", "learning_rate": 1e-3, "batch_size": sizes.batch_size, "precision": "auto"}
    model = VAE(net=net, latent=256, epochs=sizes.drawn, seed=task.seed, **how)
    model, seen = bench.trained(model, within(task.told, 0, 0.8), "the paper's VAE")
    ours, _ = bench.trained(VAE(seed=task.seed, **sizes.ours), within(task.told, 0.8, 1), "our VAE")
    test = bench.pictures[2]
    nats = {name: ends(mean_interval(-one.score_samples(test))) for name, one in (("paper", model), ("ours", ours))}
    return {"nats": nats, "weights": sum(p.numel() for p in model.net_.parameters())} | seen.found()


def table_8(measured: Measured, sizes: Sizes) -> list[Row]:
    seeds = measured["vae"]
    first = next(iter(seeds.values()))
    last = {seed: one["curve"]["train"][-1] for seed, one in seeds.items()}
    words = f"the paper's is of its last batch: 49,888.98 for {_BATCH} pictures; {first['weights']:,} weights"
    rows = [number("training loss of the last epoch, nats a picture", round(_LAST_BATCH, 2), last, words=words)]
    for name, what in (("paper", "the paper's network"), ("ours", "our VAE")):
        ours = {seed: one["nats"][name][0] for seed, one in seeds.items()}
        inside = interval_of(first["nats"][name], 1) if len(seeds) == 1 else None
        tolerance = 0.0 if sizes.own else None
        words = f"62,302.76 for {_BATCH} pictures. {fewer(sizes)}".strip() if name == "paper" else "its usual settings"
        what = f"{what}: test loss, nats a picture"
        rows.append(number(what, round(_NATS, 2), ours, inside, tolerance=tolerance, lower=True, words=words))
    gap = float(np.mean([one["nats"]["paper"][0] - one["curve"]["train"][-1] for one in seeds.values()]))
    words = f"ours is {gap:+.1f} nats; the paper's {_NATS - _LAST_BATCH:+.1f} would be far from its own training"
    verdict = HELD if gap > 0.5 * (_NATS - _LAST_BATCH) else NOT_HELD
    return [*rows, Row("test loss less training loss, nats", round(_NATS - _LAST_BATCH, 1), round(gap, 2), {}, None,
                       verdict, words)]  # fmt: skip


def drawn_by_vae(measured: Measured, sizes: Sizes) -> dict[str, Image.Image]:
    one = next(iter(measured["vae"].values()))
    last = list(one["redrawn"].values())[-1]
    rows = {"pictures": from_text(one["shown"], one["shape"]), "generated": from_text(last, one["shape"])}
    return {
        "curve": curves(one["curve"], title="The paper's VAE: loss in nats a picture", y_label="nats"),
        "generated": comparison_grid(rows, title="Pictures, and what the VAE makes of their codes"),
    }
