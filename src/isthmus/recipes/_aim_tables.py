"""Paper 003's figures as rows, and the tables of the experiments that it proposes."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from isthmus.recipes._aim_claims import CELLS, effects, flags, said, share_of
from isthmus.recipes._claims import number, span
from isthmus.recipes._recipe import Measured, Row
from isthmus.recipes._working import unpacked
from isthmus.stats.intervals import Interval, mean_interval

__all__ = ["attempts", "beside_pixels", "cells", "generations", "ground", "unsearched", "wells"]

_PAPER = {"narrow-few": (0.0239, 0.64, "54 to 73 %"), "wide-many": (0.0203, 0.82, "73 to 88 %")}
"""Training error, success of 100 searches, and Wilson's interval of that."""


def generations(measured: Measured, sizes: Any) -> list[Row]:
    """Figures 4 and 5: how well the autoencoder redraws, and what became of the searches."""
    rows = []
    for case, seeds in measured.items():
        error, success, around = _PAPER[case]
        mse = {seed: one["MSE"]["training"] for seed, one in seeds.items()}
        plane = _mean(one["MSE"]["PCA, training"] for one in seeds.values())
        out = _mean(one["MSE"]["held out"] for one in seeds.values())
        plane_out = _mean(one["MSE"]["PCA, held out"] for one in seeds.values())
        words = f"PCA of as many numbers {plane:.4f}; on pictures held out {out:.4f}, PCA {plane_out:.4f}"
        rows.append(number(f"{said(case)}: training MSE", error, mse, _over(mse), words=words))
        rows.append(_success(measured, case, success, f"of the paper's 100 searches that is {around}"))
        rows += _judged(measured, case)
        steps = {seed: one["steps"] for seed, one in seeds.items()}
        seconds = _mean(one["seconds"] for one in seeds.values())
        outside = _mean(one["outside"] for one in seeds.values())
        starts = next(iter(seeds.values()))["starts"]
        words = f"{starts:,} searches take {seconds:.1f} seconds; {outside:.0%} of the codes' numbers end beyond [0, 1]"
        rows += _where_known(f"{said(case)}: steps to the threshold, median", steps, words)
    return _once(rows)


def _success(measured: Measured, case: str, paper: float | None = None, words: str = "") -> Row:
    found = flags(measured, case, "guide")
    return number(f"{said(case)}: success under the guide", paper, _by_seed(measured, case, found), share_of(found),
                  words=words)  # fmt: skip


def _judged(measured: Measured, case: str, where: str = "first", name: str = "") -> list[Row]:
    """Under the oracle, and the gap between the two."""
    granted, right = (flags(measured, case, which, where) for which in ("guide", "oracle"))
    name, one = name or said(case), next(iter(measured[case].values()))
    accuracy = _mean(one["oracle accuracy"][0] for one in measured[case].values())
    agreed = share_of(right[granted]) if granted.any() else None
    words = f"the oracle names {accuracy:.1%} of test pictures; the guide {one['guide']['accuracy']:.1%} and grants "
    words += f"{one['test']['granted']:.0%} of them their own class"
    gap = {seed: float(g.mean() - r.mean()) for seed, g, r in zip(measured[case], granted, right, strict=True)}
    half = mean_interval((granted.astype(float) - right).ravel())
    said_of = (
        "" if agreed is None else f"of what the guide grants the oracle agrees to {agreed.value:.1%} " + _in(agreed)
    )
    return [
        number(
            f"{name}: success under the oracle", None, _by_seed(measured, case, right), share_of(right), words=words
        ),
        number(f"{name}: gap between the two", None, gap, half, words=said_of),
    ]


def beside_pixels(measured: Measured, sizes: Any) -> list[Row]:
    """Figure 6."""
    rows = []
    for case in measured:
        rows += [_success(measured, case), *_judged(measured, case)]
        looks = {seed: one["last"]["FCD"] for seed, one in measured[case].items()}
        rows += _where_known(f"{said(case)}: distance of designs to test pictures", looks)
    return _once(rows)


def cells(measured: Measured, sizes: Any) -> list[Row]:
    """Figure 7, and the two cells that the paper has not."""
    rows = []
    for case in CELLS:
        one = next(iter(measured[case].values()))
        what = f"{one['latent']} numbers, {one['pictures']:,} pictures"
        for which in ("guide", "oracle"):
            found = flags(measured, case, which)
            paper = _PAPER[case][1] if which == "guide" and case in _PAPER else None
            what_of = f"{what}: success under the {which}"
            rows.append(number(what_of, paper, _by_seed(measured, case, found), share_of(found)))
    for which in ("guide", "oracle"):
        for name, effect in effects(measured, which).items():
            what_of, value = f"effect of {name}, by the {which}", round(effect.value, 6)
            rows.append(Row(what_of, None, value, {}, span(effect), None, _MEANT[name]))
    return _once(rows)


_MEANT = {
    "numbers": "of 20 rather than 5, the mean over both numbers of pictures",
    "pictures": "of 10,000 rather than 1,000, the mean over both sizes of the code",
    "interaction": "how much larger the effect of the numbers is with 10,000 pictures than with 1,000",
}


def wells(measured: Measured, sizes: Any) -> list[Row]:
    """The same search through every decoder; the last attempt's pictures are what a user gets."""
    rows = []
    for case, seeds in measured.items():
        rows += [_success(measured, case), *_judged(measured, case)]
        sure = flags(measured, case, "sure", "last")
        variety = _mean(one["last"]["variety"] for one in seeds.values())
        words = f"after all attempts; two of a class are {variety:.2f} times as far apart as test pictures are"
        rows.append(
            number(f"{said(case)}: designs accepted", None, _by_seed(measured, case, sure), share_of(sure), words=words)
        )
        looks = {seed: one["last"]["FCD"] for seed, one in seeds.items()}
        drawn = [one["random"]["FCD"] for one in seeds.values()]
        words = "" if None in drawn else f"of codes drawn at random {np.mean(drawn):.3g}"
        rows += _where_known(f"{said(case)}: distance of designs to test pictures", looks, words)
    return _once(rows)


def _where_known(what: str, found: dict[int, float | None], words: str = "") -> list[Row]:
    known = {seed: value for seed, value in found.items() if value is not None}
    return [number(what, None, known, _over(known), words=words)] if known else []


def ground(measured: Measured, sizes: Any) -> list[Row]:
    """How regular each space is: what random codes decode to, and what walks meet on their way."""
    rows = []
    for case, seeds in measured.items():
        one = next(iter(seeds.values()))
        sure = flags(measured, case, "sure", "random")
        apart = [found["random"]["FCD"] for found in seeds.values()]
        words = f"at least .9 of one class; of test pictures {one['test']['sure']:.1%}"
        words += "" if None in apart else f"; distance to those {np.mean(apart):.3g}"
        ours = _by_seed(measured, case, sure)
        rows.append(number(f"{said(case)}: random codes accepted", None, ours, share_of(sure), words=words))
        slopes = {seed: one["paths"]["first slope, met"] for seed, one in seeds.items()}
        rows += _where_known(f"{said(case)}: slope at the start", slopes, _walks(seeds))
    return _once(rows)


def _walks(seeds: dict[int, dict[str, Any]]) -> str:
    """Walks that arrive and walks that do not, apart."""
    told = []
    for who in ("met", "failed"):
        paths = [one["paths"] for one in seeds.values() if one["paths"][f"stuck, {who}"] is not None]
        if paths:
            n = sum(p["met"] if who == "met" else p["walks"] - p["met"] for p in paths)
            stuck, leapt, rose = (_mean(p[f"{key}, {who}"] for p in paths) for key in ("stuck", "leapt", "rose"))
            slope, move, most = (_mean(p[f"{key}, {who}"] for p in paths) for key in ("slope", "move", "largest move"))
            told.append(
                f"{n} walks that {'arrive' if who == 'met' else 'fail'}: slope {slope:.2g}, {stuck:.0%} of the steps "
                f"change nothing, {rose:.0%} make it worse, {leapt:.0%} of the walks halve the error in a step, the "
                f"picture moves by {move:.2g} and at most by {most:.2g}"
            )
    return "; ".join(told)


def attempts(measured: Measured, sizes: Any) -> list[Row]:
    """Success after one attempt, two, and so on."""
    rows = []
    for case, seeds in measured.items():
        for place in range(sizes.attempts):
            ours = {seed: one["attempts"][place]["guide"] / one["starts"] for seed, one in seeds.items()}
            both = _mean(one["attempts"][place]["both"] / one["starts"] for one in seeds.values())
            total = sum(one["starts"] for one in seeds.values())
            found = share_of(np.arange(total) < round(sum(ours[s] * one["starts"] for s, one in seeds.items())))
            words = f"the oracle agrees to {both:.1%} of all"
            rows.append(number(f"{said(case)}: met within {place + 1}", None, ours, found, words=words))
    return _once(rows)


def unsearched(measured: Measured, sizes: Any) -> list[Row]:
    """What needs no search."""
    rows = []
    names = {
        "filtered": f"the best of {sizes.tries} random codes",
        "clusters": "a sample from a cluster of that class",
        "class means": "the mean code of the class",
        "training pictures": "a training picture of the class",
    }
    for case, seeds in measured.items():
        one = next(iter(seeds.values()))
        for where, name in names.items():
            if where in one:
                name = f"{said(case)}, {name}"
                granted = _own(seeds, where, "guide")
                rows.append(number(f"{name}: success under the guide", None, *granted))
                has = one[where].get("classes named")
                words = "" if has is None else f"{has} classes have a cluster"
                right = _own(seeds, where, "oracle")
                rows.append(number(f"{name}: success under the oracle", None, *right, words=words))
    return _once(rows)


def _own(seeds: dict[int, dict[str, Any]], where: str, which: str) -> tuple[dict[int, float], Interval]:
    found = {seed: unpacked(one[where][which], one[where].get("n", one["starts"])) for seed, one in seeds.items()}
    return {seed: float(one.mean()) for seed, one in found.items()}, share_of(np.concatenate(list(found.values())))


def _once(rows: list[Row]) -> list[Row]:
    """What was said of one row is not said again."""
    first = dict[str, int]()
    for place, row in enumerate(rows):
        first.setdefault(row.words, place)
    return [row if first[row.words] == place else replace(row, words="") for place, row in enumerate(rows)]


def _by_seed(measured: Measured, case: str, found: np.ndarray) -> dict[int, float]:
    return {seed: float(row.mean()) for seed, row in zip(measured[case], found, strict=True)}


def _over(values: dict[int, float]) -> Interval | None:
    return mean_interval(np.array(list(values.values()))) if len(values) > 1 else None


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _in(found: Interval) -> str:
    return f"[{100 * found.low:.1f}, {100 * found.high:.1f}]"
