"""The bars of design: what is asked for is got, as somebody other than the guides says.

    python -m benchmarks.design classes mnist --run RUN --seeds 0 1 2
    python -m benchmarks.design rare mnist --run RUN --seeds 0
    python -m benchmarks.design near mnist --run RUN --seeds 0 1 2
    python -m benchmarks.design kept mnist --run RUN --seeds 0 1 2
    python -m benchmarks.design batch mnist --run RUN

RUN is a fitted model of the set's own training pictures: a two-step model, fitted with defaults. A seed is that of the
halves, of guides, judge and starts; the judge of these seeds was used for nothing else. `classes` is one class asked
of 1,000 balanced starts, one attempt each: drawn by class, the usual start of a model that can; codes of pictures that
labels have moved; and starts that know no label;
beside what needs no search: drawn codes that the guides accept, the mean code of the class, real pictures, and ascent
in pixels. `rare` asks for a class with thickness and slant both in the outer 1.5 % of the class, beside drawing from
the class's own mixture and measuring, for as long. `near` changes the class of test pictures with as little change as
can be. `kept` redraws half of a test picture as part of another class. `batch` is 1,000 designs at once beside one by
one.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit, said
from benchmarks.splits import train_and_test
from isthmus import load
from isthmus.design.asked import Asked
from isthmus.design.designing import worked_out
from isthmus.design.problem import Problem
from isthmus.design.searches.normalised import Normalised
from isthmus.design.spec import read_spec
from isthmus.design.starts import STARTS as STARTS_OF
from isthmus.design.wishes import SURE, Answers, Class
from isthmus.design.workshop import Workshop
from isthmus.files import write_atomically
from isthmus.measure.attributes import measured
from isthmus.run import machine
from isthmus.stats import prdc, wilson_interval
from isthmus.stats.mixture import fit_mixture

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "design"
BARS = {"mnist": (0.995, 0.98), "fashion-mnist": (0.97, 0.94)}
STARTS, A_CLASS, REAL, SHOWN = 1000, 100, 300, 100
RARE_LOW, RARE_HIGH = (0.005, 0.015), (0.985, 0.995)
CORNERS = {
    "thick strokes": ((RARE_HIGH, RARE_LOW), (RARE_HIGH, RARE_HIGH)),
    "thin strokes": ((RARE_LOW, RARE_LOW), (RARE_LOW, RARE_HIGH)),
}
"""Quantiles, of the class's training pictures, of thickness and slant. What the decoder redraws of the thinnest strokes
is thicker than they are (seen on training pictures): those are asked for all the same, and told apart."""

Made = tuple[torch.Tensor, np.ndarray, float]
"""Pictures, the class wished of each, seconds."""


def main(argv: list[str] | None = None) -> int:
    """One bar on one data set; records replace their namesakes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bar", choices=("classes", "rare", "near", "kept", "batch"))
    parser.add_argument("data")
    parser.add_argument("--run", required=True, help="a run folder of a model of the set's training pictures")
    parser.add_argument("--beside", help="a run folder of a conditional VAE of the same pictures")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    given.command = said("design", words).replace(given.run, "RUN")
    if given.beside:
        given.command = given.command.replace(given.beside, "OTHER")
    torch.set_num_threads(given.threads)
    shops = {seed: _shop(given, seed) for seed in given.seeds}
    bars = {"classes": _classes, "rare": _rare, "near": _near, "kept": _kept, "batch": _batch}
    records = bars[given.bar](given, shops)
    path = RESULTS / f"{given.bar}-{given.data}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    kept = {record["name"]: record for record in map(json.loads, lines)} | {one["name"]: one for one in records}
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept.values()).encode())
    for record in records:
        print(f"{record['name']}: {record['value']:.4g} {record['interval']} (bar: {record['bar']})", flush=True)
    return 0


def _shop(given: argparse.Namespace, seed: int) -> Workshop:
    train, test = train_and_test(given.data)
    return Workshop(load(given.run), train, test, seed, folder=Path(given.run) / "designs" / f"bench-{seed}")


def _common(given: argparse.Namespace, n: int) -> dict[str, Any]:
    return {
        "n": n,
        "split": "designed",
        "data": given.data,
        "seed": given.seeds,
        "command": given.command,
        "machine": machine(),
        "commit": commit(),
    }


# -- one class --------------------------------------------------------------------------------------------------------


def _classes(given: argparse.Namespace, shops: dict[int, Workshop]) -> list[dict[str, Any]]:
    ways: dict[str, Callable[[Workshop], Made]] = {
        "design": lambda shop: _asked_for(shop, "drawn"),
        "design, labels moved the starts": lambda shop: _asked_for(shop, "moved"),
        "design, starts that know no label": lambda shop: _asked_for(shop, "pictures"),
        "drawn codes that the guides accept": _filtered,
        "the mean code of the class": _mean_codes,
        "real training pictures": _real,
        "ascent in pixels": _pixels,
    }
    if given.beside:
        ways["conditional VAE, drawn by class"] = lambda shop: _conditional(load(given.beside), shop)
    seen: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in ways}
    for seed, shop in shops.items():
        for name, way in ways.items():
            seen[name][seed] = _scored(shop, *way(shop))
            print(f"seed {seed}, {name}: {json.dumps(seen[name][seed])}", flush=True)
    return [_pooled(given, name, found) for name, found in seen.items()]


def _asked_for(shop: Workshop, start: str) -> Made:
    """Class by class; starts differ by class, as seeds do."""
    guide, seconds, made = shop.guides(()), 0.0, []
    for c in range(10):
        (wish,) = shop.settled((Class(f"class={c}", classes=(c,)),), guide, start == "pictures")
        shop.codes  # noqa: B018 (encoding the pile is no part of the search)
        began = time.perf_counter()
        asked = Asked((wish,), n=A_CLASS, start=start, seed=100 * shop.seed + c)
        problem_starts = STARTS_OF[start](shop, asked)
        found = Normalised().search(Problem(lambda u, rows: shop.decode(u), guide, (wish,)), problem_starts)
        with torch.no_grad():
            made.append(shop.decode(found.codes))
        seconds += time.perf_counter() - began
    return torch.cat(made), np.repeat(np.arange(10), A_CLASS), seconds


def _filtered(shop: Workshop) -> Made:
    """The first draws from the prior that every guide gives a class, until each class has a hundred."""
    guide, began = shop.guides(()), time.perf_counter()
    kept: dict[int, list[torch.Tensor]] = {c: [] for c in range(10)}
    wishes = [shop.settled((Class("", classes=(c,)),), guide, False)[0] for c in range(10)]
    sure = [wish.sure or SURE for wish in wishes if isinstance(wish, Class)]
    for turn in range(60):
        if all(len(one) >= A_CLASS for one in kept.values()):
            break
        with torch.no_grad():
            x = shop.decode((shop.drawn(STARTS, 1000 * shop.seed + turn) - shop.middle) / shop.spread)
            p = guide(x).classes.exp().amin(0)  # type: ignore[union-attr]
        for c in range(10):
            kept[c] += list(x[p[:, c] > sure[c]])
    seconds = time.perf_counter() - began
    found = [torch.stack(kept[c][:A_CLASS]) for c in range(10)]
    return torch.cat(found), np.concatenate([np.full(len(one), c) for c, one in enumerate(found)]), seconds


def _mean_codes(shop: Workshop) -> Made:
    means = torch.stack([shop.codes[shop.first & (shop.training.labels == c)].mean(0) for c in range(10)])
    with torch.no_grad():
        return shop.decode(means).repeat_interleave(A_CLASS, 0), np.repeat(np.arange(10), A_CLASS), 0.0


def _real(shop: Workshop) -> Made:
    rows = [np.flatnonzero(shop.first & (shop.training.labels == c))[:A_CLASS] for c in range(10)]
    return shop.pictures[torch.from_numpy(np.concatenate(rows))], np.repeat(np.arange(10), A_CLASS), 0.0


def _pixels(shop: Workshop) -> Made:
    """The same steps in pixels, from training pictures."""
    guide, made, began = shop.guides(()), [], time.perf_counter()
    rows = np.flatnonzero(shop.first)[: 10 * A_CLASS]
    for c in range(10):
        wish = Class(f"class={c}", classes=(c,))
        problem = Problem(lambda z, rows: z.clamp(0, 1), guide, (wish,))
        starts = shop.pictures[torch.from_numpy(rows[c::10])]
        made.append(Normalised(rate=0.02).search(problem, starts).codes.clamp(0, 1))
    return torch.cat(made), np.repeat(np.arange(10), A_CLASS), time.perf_counter() - began


def _conditional(model: Any, shop: Workshop) -> Made:
    wished, began = np.repeat(np.arange(10), A_CLASS), time.perf_counter()
    drawn = model.tensor(model.sample(len(wished), shop.seed, wished.tolist())).float().clamp(0, 1)
    return drawn.view(len(wished), *shop.pictures.shape[1:]), wished, time.perf_counter() - began


def _scored(shop: Workshop, pictures: torch.Tensor, wished: np.ndarray, seconds: float) -> dict[str, Any]:
    """Guides, judge, the worst class, and how the agreeing ones are spread beside real test pictures."""
    judge, guide = shop.judge(()), shop.guides(())
    assert judge.oracle is not None and shop.test is not None
    said, told = guide.told(pictures).classes, judge.oracle.predict(pictures)
    assert said is not None
    right = told == wished
    features, real = judge.oracle.features(pictures), _real_features(shop)
    spread, covered = [], []
    for c in range(10):
        agreeing = features[right & (wished == c)][:SHOWN]
        if len(agreeing) > 10:
            spread.append(_apart(agreeing) / _apart(real[c]))
            covered.append(prdc(real[c], agreeing).coverage.value)
    return {
        "n": len(wished),
        "guides": int((said.mean(0).argmax(1).numpy() == wished).sum()),
        "judge": int(right.sum()),
        "by_class": [int(right[wished == c].sum()) for c in range(10)],
        "of_class": [int((wished == c).sum()) for c in range(10)],
        "diversity": round(float(np.mean(spread)), 4) if spread else None,
        "coverage": round(float(np.mean(covered)), 4) if covered else None,
        "seconds": round(seconds, 2),
        "judge_on_test": round(judge.trust["class"].value, 4),
    }


def _real_features(shop: Workshop) -> list[np.ndarray]:
    """300 test pictures of each class, as the judge sees them."""
    test, oracle = shop.test, shop.judge(()).oracle
    assert test is not None and oracle is not None
    return [oracle.features(test.take(np.flatnonzero(test.labels == c)[:REAL]).pixels) for c in range(10)]


def _apart(features: np.ndarray) -> float:
    return float(torch.pdist(torch.from_numpy(features)).mean())


def _pooled(given: argparse.Namespace, name: str, found: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """One record from all seeds, with what the bar asks of it."""
    total, right = (sum(one[key] for one in found.values()) for key in ("n", "judge"))
    by_class = np.sum([one["by_class"] for one in found.values()], 0) / np.sum(
        [o["of_class"] for o in found.values()], 0
    )
    share, guides = wilson_interval(right, total), sum(one["guides"] for one in found.values()) / total
    least, worst = BARS[given.data]
    bar = f"lower end >= {least}, worst class >= {worst}, gap <= 1 point, diversity >= .85 at coverage >= .50"
    mean = {key: _mean([one[key] for one in found.values()]) for key in ("diversity", "coverage", "seconds")}
    gap = 100 * (guides - share.value)
    met = share.low >= least and by_class.min() >= worst and abs(gap) <= 1
    met = bool(met and (mean["diversity"] or 0) >= 0.85 and (mean["coverage"] or 0) >= 0.5)
    return (
        _common(given, total)
        | {"name": name, "value": share.value, "interval": [share.low, share.high], "bar": bar, "met": met}
        | {"guides": guides, "gap_points": round(gap, 2), "worst_class": float(by_class.min())}
        | {"seconds_per_1000": mean["seconds"], "diversity": mean["diversity"], "coverage": mean["coverage"]}
        | {
            "baseline": {
                "name": "the judge on test pictures",
                "value": _mean([o["judge_on_test"] for o in found.values()]),
            }
        }
        | {"per_seed": {str(seed): one for seed, one in found.items()}}
    )


def _mean(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known else None


# -- what filtering cannot do -----------------------------------------------------------------------------------------


def _rare(given: argparse.Namespace, shops: dict[int, Workshop]) -> list[dict[str, Any]]:
    """Ten classes, four corners, fifty designs each; the filter has the time that designing them took."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in CORNERS}
    for seed, shop in shops.items():
        numbers = {name: shop.numbers(name) for name in ("thickness", "slant")}
        for c in range(10):
            of_class = {name: values[shop.training.labels == c] for name, values in numbers.items()}
            for kind, corners in CORNERS.items():
                for corner in corners:
                    found[kind].append(_corner(shop, seed, c, of_class, corner))
                    print(json.dumps(found[kind][-1]), flush=True)
    return [_in_corners(given, kind, each) for kind, each in found.items()]


def _in_corners(given: argparse.Namespace, kind: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    n, ours, theirs = (sum(one[key] for one in found) for key in ("n", "met", "filtered"))
    tried, hits = (sum(one[key] for one in found) for key in ("tried", "hits"))
    share, other = wilson_interval(ours, n), wilson_interval(theirs, n)
    bar = ">= .90 in both ranges and of the class; filtering at equal time < .10; < 1 of 10,000 draws hits"
    return (
        _common(given, n)
        | {"name": f"two rare ranges, {kind}", "value": share.value, "interval": [share.low, share.high], "bar": bar}
        | {"met": bool(share.value >= 0.9 and other.value < 0.1 and hits < 1e-4 * tried)}
        | {"in_ranges": sum(one["in_ranges"] for one in found) / n, "seconds": sum(one["seconds"] for one in found)}
        | {"baseline": {"name": "the class's own mixture, filtered", "value": other.value}}
        | {"draws": tried, "hits": hits, "per_corner": found}
    )


def _corner(shop: Workshop, seed: int, c: int, of_class: dict[str, np.ndarray], corner: Any) -> dict[str, Any]:
    ends = [np.nanquantile(of_class[name], place) for name, place in zip(of_class, corner, strict=True)]
    said = ",".join(f"{name}={low:.4f}..{high:.4f}" for name, (low, high) in zip(of_class, ends, strict=True))
    wishes, _ = read_spec(f"class={c},{said}", shop.words)
    names = tuple(sorted(of_class))
    guide, judge = shop.guides(names), shop.judge(names)
    shop.codes  # noqa: B018 (encoding the pile is no part of the search)
    began = time.perf_counter()
    asked = Asked(wishes, n=50, seed=1000 * seed + 10 * c)
    codes = (
        Normalised()
        .search(Problem(lambda u, rows: shop.decode(u), guide, wishes), STARTS_OF["moved"](shop, asked))
        .codes
    )
    with torch.no_grad():
        x = shop.decode(codes)
    seconds = time.perf_counter() - began
    judged = judge.met(wishes, x, judge.answers(x))
    hits, tried = _filter(shop, c, wishes[1:], max(seconds, 1.0))
    return {
        "seed": seed,
        "spec": f"class={c},{said}",
        "n": 50,
        "met": int(judged.all(0).sum()),
        "in_ranges": int(judged[1:].all(0).sum()),
        "seconds": round(seconds, 2),
        "hits": hits,
        "filtered": min(50, hits),
        "tried": tried,
    }


def _filter(shop: Workshop, c: int, ranges: Any, seconds: float) -> tuple[int, int]:
    """Draws from a mixture fitted to the class's codes, decoded and measured, for that long: a hit is in both ranges,
    and nobody is asked whether it is still of the class."""
    codes = shop.codes[torch.from_numpy(shop.training.labels == c)].flatten(1).numpy()
    mixture = fit_mixture(codes, c, 10)
    turned = [np.linalg.inv(factor.T) for factor in mixture.factors]
    generator, hits, tried = np.random.default_rng(c), 0, 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        part = generator.choice(len(mixture.weights), 500, p=mixture.weights / mixture.weights.sum())
        noise = generator.standard_normal((500, codes.shape[1]))
        drawn = np.stack([mixture.means[k] + turned[k] @ e for k, e in zip(part, noise, strict=True)])
        with torch.no_grad():
            x = shop.decode(torch.from_numpy(drawn).float().view(-1, *shop.codes.shape[1:])).numpy()
        answers = Answers(None, {wish.name: measured(wish.name, x) for wish in ranges})
        hits += int(np.stack([wish.judged(answers, x) for wish in ranges]).all(0).sum())
        tried += 500
    return hits, tried


# -- near a picture, and with a part of it kept -----------------------------------------------------------------------


def _near(given: argparse.Namespace, shops: dict[int, Workshop]) -> list[dict[str, Any]]:
    """300 test pictures a seed, each asked to become every other class in turn."""
    right, ratios, n = 0, list[float](), 0
    for seed, shop in shops.items():
        for c, near in _others(shop, seed):
            made = worked_out(
                shop, Asked((_class(c),), n=len(near), near=near, seed=seed), shop.guides(()), shop.judge(())
            )
            assert made.judged is not None
            bank = shop.pictures[torch.from_numpy(shop.training.labels == c)].flatten(1)
            to_real = torch.cdist(near.flatten(1), bank).amin(1).square()
            changed = (made.pictures - near).flatten(1).square().sum(1)
            ratios += (changed / to_real).tolist()
            right, n = right + int(made.judged.all(0).sum()), n + len(near)
            print(f"seed {seed}, to {c}: {made.verdict()}; change {np.median(ratios[-len(near) :]):.3f}", flush=True)
    share, half = wilson_interval(right, n), np.array(ratios)
    bar = "class changed under the judge in >= .97, with at most half the squared change of the nearest real picture"
    return [
        _common(given, n)
        | {"name": "class changed near a picture", "value": share.value, "interval": [share.low, share.high]}
        | {"bar": bar, "met": bool(share.value >= 0.97 and np.median(half) <= 0.5)}
        | {"change_to_nearest_real": {"median": float(np.median(half)), "at_most_half": float((half <= 0.5).mean())}}
        | {"baseline": {"name": "the nearest real training picture of the class", "value": 1.0}}
    ]


def _kept(given: argparse.Namespace, shops: dict[int, Workshop]) -> list[dict[str, Any]]:
    """The upper half of a test picture is kept; the lower is to make another class of it."""
    right, guides, n, off, seams, real = 0, 0, 0, 0.0, list[float](), list[float]()
    for seed, shop in shops.items():
        for c, near in _others(shop, seed):
            free = torch.zeros(near.shape[2:])
            middle = near.shape[2] // 2
            free[middle:] = 1
            asked = Asked((_class(c),), n=len(near), given=near, free=free, seed=seed)
            made = worked_out(shop, asked, shop.guides(()), shop.judge(()))
            assert made.judged is not None
            off = max(off, float(((made.pictures - near) * (1 - free)).abs().max()))
            seams += _seam(made.pictures, middle).tolist()
            real += _seam(near, middle).tolist()
            right, n = right + int(made.judged.all(0).sum()), n + len(near)
            guides += int(made.granted.all(0).sum())
            print(f"seed {seed}, to {c}: {made.verdict()}", flush=True)
    share, limit = wilson_interval(right, n), float(np.quantile(real, 0.95))
    within = float((np.array(seams) <= limit).mean())
    return [
        _common(given, n)
        | {"name": "upper half kept, another class below", "value": share.value, "interval": [share.low, share.high]}
        | {"bar": "kept to 1/255; the seam as in real pictures (95 % within their 95 % quantile)"}
        | {"met": bool(off <= 1 / 255 and within >= 0.95), "guides": guides / n}
        | {"largest_difference_where_kept": off, "seams_within_real": within}
        | {"seam": {"designs": float(np.mean(seams)), "real": float(np.mean(real)), "real_95": limit}}
        | {"baseline": {"name": "pictures as they were", "value": 0.0}}
    ]


def _class(c: int) -> Class:
    return Class(f"class={c}", classes=(c,))


def _others(shop: Workshop, seed: int) -> list[tuple[int, torch.Tensor]]:
    """For each class thirty test pictures of other classes, drawn by the seed."""
    test, generator = shop.test, np.random.default_rng(seed)
    assert test is not None
    chosen = [test.take(np.sort(generator.choice(np.flatnonzero(test.labels != c), 30, False))) for c in range(10)]
    return [(c, shop.model.tensor(part).float().clamp(0, 1)) for c, part in enumerate(chosen)]


def _seam(x: torch.Tensor, row: int) -> np.ndarray:
    """The mean absolute step across a row's upper edge."""
    return np.asarray((x[:, :, row] - x[:, :, row - 1]).abs().flatten(1).mean(1))


# -- many at once -----------------------------------------------------------------------------------------------------


def _batch(given: argparse.Namespace, shops: dict[int, Workshop]) -> list[dict[str, Any]]:
    """The search alone, of 1,000 designs at once and of 20 one by one, in turns, five times over."""
    ratios, once = list[float](), list[float]()
    for seed, shop in shops.items():
        guide, wish = shop.guides(()), Class("class=7", classes=(7,))
        starts = STARTS_OF["moved"](shop, Asked((wish,), n=STARTS, seed=seed))
        problem = Problem(lambda u, rows, shop=shop: shop.decode(u), guide, (wish,))
        for _ in range(5):
            began = time.perf_counter()
            Normalised().search(problem, starts)
            once.append(time.perf_counter() - began)
            began = time.perf_counter()
            for row in range(20):
                Normalised().search(problem, starts[row : row + 1])
            ratios.append((time.perf_counter() - began) / 20 * STARTS / once[-1])
    middle = float(np.median(ratios))
    return [
        _common(given, STARTS)
        | {"name": "one by one over all at once, the search alone", "value": middle, "bar": ">= 120"}
        | {"interval": [min(ratios), max(ratios)], "interval_is": "smallest and largest of the rounds"}
        | {"met": middle >= 120, "seconds_per_1000": float(np.median(once)), "rounds": len(ratios)}
        | {"baseline": {"name": "one by one", "value": 1.0}}
    ]


if __name__ == "__main__":
    sys.exit(main())
