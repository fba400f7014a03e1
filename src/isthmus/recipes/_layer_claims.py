"""How paper 002's figures are judged: errors beside PCA's, planes, steps until it is done, and what looks alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD, gain, more, number, span
from isthmus.recipes._layers import KINDS, Sizes
from isthmus.recipes._recipe import Measured, Row
from isthmus.recipes._working import numbers_of
from isthmus.stats.intervals import Interval

__all__ = ["ACTIVATIONS", "BESIDE", "compared", "error_of", "errors", "linear", "reached", "redrawing"]

BESIDE = "beside"
ACTIVATIONS = ("sigmoid", "relu", "elu")
_LINEAR, _SGD, _OURS = "linear", "linear-sgd", "ours"
_SAME_ERROR, _SAME_PLANE = 1.02, 5.0
_MUCH, _ALIKE, _HALF = 0.25, 0.1, 0.5
_TOLD, _STILL = 1.1, 0.03
_EXPECTED = "an expectation of ours, not the paper's"


def errors(measured: Measured, case: str) -> np.ndarray:
    """Squared errors a pixel, `(trainings, test pictures)`."""
    return np.stack([numbers_of(one["errors"]) for one in measured[case].values()])


def error_of(measured: Measured, case: str) -> Interval:
    """The mean error, as sure as pictures and trainings let it be."""
    found = errors(measured, case)
    return gain(found, np.zeros_like(found))


def less(measured: Measured, worse: str, better: str) -> Interval:
    """By how much the one's error is above the other's, picture by picture; PCA is the same in every training."""
    return gain(*_paired(errors(measured, worse), errors(measured, better)))


def _paired(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = np.broadcast_shapes(first.shape, second.shape)
    return np.broadcast_to(first, shape), np.broadcast_to(second, shape)


def _error(measured: Measured, case: str, words: str = "") -> Row:
    said = "PCA" if case == BESIDE else KINDS[case].said
    told = {seed: one["MSE"] for seed, one in measured[case].items()}
    if len(told) > 1:
        spread = np.std(list(told.values()), ddof=1)
        words = f"{words}, " * bool(words) + f"standard deviation over trainings {spread:.2g}"
    return number(f"{said}: test error a pixel", None, told, error_of(measured, case), words=words)


# -- figure 2 ---------------------------------------------------------------------------------------------------------


def linear(measured: Measured, sizes: Sizes) -> list[Row]:
    """The linear autoencoder beside PCA of as many numbers, at the marks, and how long it takes."""
    rows = [_error(measured, BESIDE)]
    for case in (_LINEAR, _SGD):
        rows += [_error(measured, case, _spoiled(measured, case)), *_marks(measured, case)]
    return [*_planes(measured), _slow(measured), *rows]


def _planes(measured: Measured) -> list[Row]:
    """Adam's is the one that is judged: SGD is a guess at what the paper did, and slower."""
    seeds = measured[_LINEAR]
    (pca,) = {one["MSE"] for one in list(measured[BESIDE].values())[:1]}
    ratio = {seed: one["MSE"] / pca for seed, one in seeds.items()}
    worst = max(ratio.values())
    words = f"the error is {worst:.3f} times PCA's at most, in any training; held is {_SAME_ERROR:g}"
    row = number("the linear autoencoder has PCA's error", None, ratio)
    verdict = HELD if worst <= _SAME_ERROR else NOT_HELD
    rows = [Row(row.what, None, row.ours, row.per_seed, None, verdict, words)]
    degrees = {seed: max(one["degrees"]) for seed, one in seeds.items()}
    told = ", ".join(f"{angle:.1f}" for angle in next(iter(seeds.values()))["degrees"])
    words = f"angles of {told} degrees in the first training; held is that the largest is below {_SAME_PLANE:g}"
    row = number("its code spans PCA's plane (largest angle, degrees)", None, degrees)
    verdict = HELD if max(degrees.values()) < _SAME_PLANE else NOT_HELD
    return [*rows, Row(row.what, None, row.ours, row.per_seed, None, verdict, words)]


def _slow(measured: Measured) -> Row:
    """Until a picture can be told, which is taken for PCA's error and a tenth. Adam is compared with Adam; where only
    SGD is slow, the way of training is to blame."""
    level = _TOLD * error_of(measured, BESIDE).value
    steps = {case: reached(measured, case, level) for case in (_LINEAR, _SGD, *ACTIVATIONS)}
    others = max(steps[case] for case in ACTIVATIONS)
    verdict = HELD if steps[_LINEAR] > others else CONFOUNDED if steps[_SGD] > others else NOT_HELD
    told = ", ".join(
        f"{KINDS[case].said} {count:,.0f}" if np.isfinite(count) else f"{KINDS[case].said} never"
        for case, count in steps.items()
    )
    words = f"steps until the error is at most {level:.4f}, PCA's and a tenth: {told}"
    words += "; linear is slow only where plain SGD trains it" if verdict == CONFOUNDED else ""
    ours = round(steps[_LINEAR], 1) if np.isfinite(steps[_LINEAR]) else None
    return Row("linear takes longer than the others (steps)", None, ours, {}, None, verdict, words)


def reached(measured: Measured, case: str, level: float) -> float:
    """Steps until the error is this low, looked at now and then, in the mean over trainings; infinite for never."""
    found = []
    for one in measured[case].values():
        low = [int(step) for step, value in one["curve"].items() if value <= level]
        found.append(low[0] if low else np.inf)
    return float(np.mean(found))


def _marks(measured: Measured, case: str) -> list[Row]:
    rows = []
    for step in next(iter(measured[case].values()))["marks"]:
        marks = {seed: one["marks"][step] for seed, one in measured[case].items()}
        words = f"the oracle names {np.mean([one['known'] for one in marks.values()]):.1%} of what is redrawn"
        if all("degrees" in one for one in marks.values()):
            words += f"; largest angle to PCA's plane {max(max(one['degrees']) for one in marks.values()):.1f} degrees"
        what = f"{KINDS[case].said}: error after {int(step):,} steps"
        rows.append(number(what, None, {seed: one["MSE"] for seed, one in marks.items()}, words=words))
    return rows


def _spoiled(measured: Measured, case: str) -> str:
    remarks = [remark for one in measured[case].values() for remark in one["remarks"]]
    return remarks[0] if remarks else ""


# -- figure 3, which the paper also calls 4 ---------------------------------------------------------------------------


def redrawing(measured: Measured, sizes: Sizes) -> list[Row]:
    """Sigmoid, ReLU and ELU beside linear and PCA."""
    rows = [_error(measured, case, _half(measured, case)) for case in (*ACTIVATIONS, _OURS, _LINEAR)]
    rows += [_error(measured, BESIDE)]
    for case in ACTIVATIONS:
        rows += _marks(measured, case)
    claims = [_much_better(measured, case) for case in ACTIVATIONS]
    return [*claims, _indistinguishable(measured), _best_half(measured), *rows]


def _half(measured: Measured, case: str) -> str:
    share = error_of(measured, case).value / error_of(measured, BESIDE).value
    known = np.mean([one["known"] for one in measured[case].values()])
    return f"{share:.2f} of PCA's; the oracle names {known:.1%} of what is redrawn"


def _much_better(measured: Measured, case: str) -> Row:
    """Than the linear one; fair is the comparison with PCA, than which no linear one can be better."""
    found = []
    for other in (_LINEAR, BESIDE):
        worse, better = _paired(errors(measured, other), errors(measured, case))
        found.append((gain((1 - _MUCH) * worse, better), gain(worse, better), worse.mean()))
    (claimed, saved, whole), (fair, beside, least) = found
    words = (
        f"{1 - saved.value / whole:.3f} [{1 - saved.high / whole:.3f}, {1 - saved.low / whole:.3f}] of linear's error, "
        f"{1 - beside.value / least:.3f} of PCA's, than which no plane has less; much is a quarter less"
    )
    what = f"{KINDS[case].said} is much better than linear"
    return Row(what, None, round(saved.value, 6), {}, span(saved), more(claimed, fair), words)


def _indistinguishable(measured: Measured) -> Row:
    """Of every two: the whole interval of the difference within a tenth of their mean error."""
    apart, still = {}, []
    for first, second in (("sigmoid", "relu"), ("sigmoid", "elu"), ("relu", "elu")):
        difference = less(measured, first, second)
        whole = (error_of(measured, first).value + error_of(measured, second).value) / 2
        apart[f"{KINDS[first].said} - {KINDS[second].said}"] = [
            end / whole for end in (difference.value, difference.low, difference.high)
        ]
    alike = all(low > -_ALIKE and high < _ALIKE for _, low, high in apart.values())
    for case in ACTIVATIONS:
        if _falling(measured, case) > _STILL:
            still.append(f"{KINDS[case].said} ({_falling(measured, case):.0%})")
    verdict = HELD if alike else CONFOUNDED if still else NOT_HELD
    told = ", ".join(f"{name} {value:+.1%} [{low:+.1%}, {high:+.1%}]" for name, (value, low, high) in apart.items())
    words = f"of the mean error: {told}; alike is within {_ALIKE:.0%}"
    if still and not alike:
        words += f"; but errors still fell between the last two marks: {', '.join(still)}"
    largest = max((abs(value) for value, _, _ in apart.values()), default=0.0)
    what = "sigmoid, ReLU and ELU are virtually indistinguishable (largest difference)"
    return Row(what, None, round(largest, 6), {}, None, verdict, words)


def _falling(measured: Measured, case: str) -> float:
    """By which share of it the error fell between the last two marks."""
    found = []
    for one in measured[case].values():
        before, after = [mark["MSE"] for mark in one["marks"].values()][-2:]
        found.append(1 - after / before)
    return float(np.mean(found))


def _best_half(measured: Measured) -> Row:
    """Ours, and the best of the paper's own, which is taken for the lower of its intervals."""
    told, held = [], False
    for case in (*ACTIVATIONS, _OURS):
        worse, better = _paired(errors(measured, BESIDE), errors(measured, case))
        over = gain(_HALF * worse, better)
        held |= over.low > 0
        told.append(f"{KINDS[case].said} {better.mean() / worse.mean():.3f}{' (below half)' if over.low > 0 else ''}")
    least = min(error_of(measured, case).value for case in (*ACTIVATIONS, _OURS)) / error_of(measured, BESIDE).value
    words = f"as shares of PCA's error: {', '.join(told)}; {_EXPECTED}"
    what = "a non-linear code of five numbers has less than half of PCA's error"
    return Row(what, None, round(least, 6), {}, None, HELD if held else NOT_HELD, words)


# -- figure 5 and the empty section 6 ---------------------------------------------------------------------------------


def compared(measured: Measured, cases: Sequence[str], sizes: Sizes) -> list[Row]:
    """Errors and nats of VAEs; those that are none stand beside with their errors."""
    rows = []
    for case in cases:
        words = "" if case == BESIDE else _of_latent(measured, case)
        rows.append(_error(measured, case, words))
        if all("nats" in one for one in measured[case].values()):
            rows += _nats(measured, case)
    return rows


def _of_latent(measured: Measured, case: str) -> str:
    one: dict[str, Any] = next(iter(measured[case].values()))
    known = np.mean([each["known"] for each in measured[case].values()])
    return f"{one['latent']} numbers; the oracle names {known:.1%} of what is redrawn"


def _nats(measured: Measured, case: str) -> list[Row]:
    seeds, said = {seed: one["nats"] for seed, one in measured[case].items()}, KINDS[case].said
    one = next(iter(seeds.values()))
    size = next(iter(measured[case].values()))["latent"]
    told = {
        "KL, nats": ("KL", f"{one['active']} of {size} numbers are active"),
        "cross-entropy and KL together, nats": ("negative ELBO", ""),
        f"the same with {one['K']} draws": ("bound", f"of {one['n']:,} test pictures; grey pixels, so no density"),
    }
    rows = []
    for what, (key, words) in told.items():
        values = [value[key] for value in seeds.values()]
        inside = Interval(0.0, min(low for _, low, _ in values), max(high for _, _, high in values), 0)
        per_seed = {seed: value[key][0] for seed, value in seeds.items()}
        rows.append(number(f"{said}: {what}", None, per_seed, inside, words=words))
    return rows
