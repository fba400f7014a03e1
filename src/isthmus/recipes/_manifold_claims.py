"""How paper 002's two hypotheses are judged: how many numbers a digit has, and that a code is the digits' manifold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD, gain, more, no_more, number, points, span
from isthmus.recipes._layer_claims import BESIDE
from isthmus.recipes._layers import GRID, KINDS, Sizes
from isthmus.recipes._recipe import Measured, Row
from isthmus.recipes._working import numbers_of, unpacked
from isthmus.stats.intervals import Interval

__all__ = ["MAPPED", "case_of", "elbow", "hypothesis", "pca_errors", "regular"]

MAPPED = ("linear", "sigmoid", "relu", "elu", "vae")
_PAPER = (10.0, 100.0)
_BENT = 0.1
_NO_WORSE = 0.01


def case_of(size: int) -> str:
    """The one of the paper's own layers whose code has this size."""
    return "elu" if size == KINDS["elu"].latent else f"size-{size}"


def elbow(curve: Mapping[int, float]) -> int | None:
    """The size whose error lies farthest below the straight line from the first to the last, over the logarithm of the
    size; None where no error lies below it by a tenth of the whole fall."""
    sizes, values = np.array(list(curve)), np.array(list(curve.values()))
    place = np.log(sizes / sizes[0]) / np.log(sizes[-1] / sizes[0])
    below = (values[0] + place * (values[-1] - values[0]) - values) / (values[0] - values[-1])
    return int(sizes[below.argmax()]) if below.max() >= _BENT else None


def pca_errors(measured: Measured) -> list[float]:
    found: list[float] = next(iter(measured[BESIDE].values()))["PCA"]
    return found


def hypothesis(measured: Measured, sizes: Sizes) -> list[Row]:
    """Between 10 and 100 numbers: by the elbow of the error and by the neighbours of the pictures."""
    by_pca = pca_errors(measured)
    curve = {size: _mean(measured, size) for size in GRID}
    plain = {size: by_pca[min(size, len(by_pca) - 1)] for size in GRID}
    (found,) = list(measured[BESIDE].values())[:1]
    told = found["dimensions"]
    rows = [_verdict(curve, plain, told["by pictures"])]
    for count, value in told["by pictures"].items():
        words = "noise and strokes that are seldom make it grow with the number of pictures"
        rows.append(_dimension(f"dimensions of the pictures by their neighbours, {int(count):,} of them", value, words))
    for name, value in told["by class"].items():
        rows.append(_dimension(f"the same of class {name} alone", value, ""))
    for size in GRID:
        errors = {seed: one["MSE"] for seed, one in measured[case_of(size)].items()}
        rows.append(
            number(f"{size} numbers: test error a pixel", None, errors, words=_beside(curve[size], by_pca, size))
        )
    return rows


def _mean(measured: Measured, size: int) -> float:
    return float(np.mean([one["MSE"] for one in measured[case_of(size)].values()]))


def _verdict(curve: Mapping[int, float], plain: Mapping[int, float], told: Mapping[str, Any]) -> Row:
    """Held where both witnesses say so; confounded where only one does, or where networks are not yet as good as PCA,
    so that the error may bend because they have not been trained to the end."""
    bend, straight = elbow(curve), elbow(plain)
    value, low, high = told[max(told, key=int)]
    votes = [bend is not None and _PAPER[0] < bend < _PAPER[1], _PAPER[0] < low and high < _PAPER[1]]
    undone = [str(size) for size in curve if curve[size] > plain[size] > 0]
    verdict = HELD if all(votes) and not undone else CONFOUNDED if any(votes) else NOT_HELD
    words = (
        f"the error bends at {_said(bend)} (PCA's: {_said(straight)}), of the sizes {', '.join(map(str, curve))}; the "
        f"pictures' neighbours tell {value:.1f} [{low:.1f}, {high:.1f}]; one witness alone is confounded"
    )
    if undone:
        words += f"; with {', '.join(undone)} numbers PCA redraws better: there the networks have not learnt to the end"
    return _dimension("the dimension is above 10 and below 100", [value, low, high], words, verdict)


def _said(bend: int | None) -> str:
    return "no size" if bend is None else str(bend)


def _beside(error: float, by_pca: list[float], size: int) -> str:
    """PCA's error with as many numbers, and how many PCA needs for this one."""
    reached = np.flatnonzero(np.array(by_pca) <= error)
    needs = f"needs {reached[0]} numbers for this" if len(reached) else f"does not reach it with {len(by_pca) - 1}"
    return f"PCA has {by_pca[min(size, len(by_pca) - 1)]:.5f} and {needs}"


def _dimension(what: str, value: list[float], words: str, verdict: str | None = None) -> Row:
    return Row(what, None, round(value[0], 4), {}, (round(value[1], 4), round(value[2], 4)), verdict, words)


# -- what lies between ------------------------------------------------------------------------------------------------


def regular(measured: Measured, sizes: Sizes) -> list[Row]:
    """The middles of two codes, the neighbours of codes, and which code the paper would have called a manifold."""
    rows = [_real(measured, case) for case in MAPPED]
    rows += [_vae_between(measured), _vae_names(measured), _no_worse_than_pixels(measured)]
    (beside,) = list(measured[BESIDE].values())[:1]
    pixels = beside["pixels"]
    words = f"real pictures are {pixels['far, themselves']:.2f} from theirs, in the oracle's 64 features"
    far = _far(measured, "pixels")
    what = "pixels: from the middle of two pictures to the nearest real one"
    rows.append(Row(what, None, round(far.value, 6), {}, span(far), None, words))
    for case in (*MAPPED, BESIDE):
        rows += _of_code(measured, case)
    return rows


def _far(measured: Measured, case: str) -> Interval:
    found = _distances(measured, case)
    return gain(found, np.zeros_like(found))


def _distances(measured: Measured, case: str) -> np.ndarray:
    """`(trainings, pairs)`; `pixels` are those of the middle of two pictures."""
    if case == "pixels":
        return np.stack([numbers_of(one["pixels"]["far"]) for one in measured[BESIDE].values()])
    return np.stack([numbers_of(one["manifold"]["far"]) for one in measured[case].values()])


def _nearer(measured: Measured, first: str, second: str) -> Interval:
    """How much nearer to real pictures the second's middles are, pair by pair."""
    one, two = _distances(measured, first), _distances(measured, second)
    shape = np.broadcast_shapes(one.shape, two.shape)
    return gain(np.broadcast_to(one, shape), np.broadcast_to(two, shape))


def _real(measured: Measured, case: str) -> Row:
    """Fair is the comparison with PCA, whose middle is that of the two redrawn: what bends must do better than that."""
    claimed = _nearer(measured, "pixels", case)
    fair = _nearer(measured, BESIDE, case)
    away = _far(measured, "pixels").value
    words = f"nearer by {_told(claimed)} than the middle of the two pictures, which is {away:.2f} away"
    words += f"; than PCA's middle by {_told(fair)}"
    what = f"{KINDS[case].said}: the middle of two codes is nearer to real pictures than that of two pictures"
    return Row(what, None, round(claimed.value, 6), {}, span(claimed), more(claimed, fair), words)


def _told(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _vae_between(measured: Measured) -> Row:
    ahead = _nearer(measured, "elu", "vae")
    words = f"nearer by {_told(ahead)}, the same layers, steps and numbers"
    what = "asked for: the VAE's middles are nearer to real pictures than ELU's"
    return Row(what, None, round(ahead.value, 6), {}, span(ahead), more(ahead), words)


def _flags(measured: Measured, case: str, of: str = "manifold") -> np.ndarray:
    return np.stack([unpacked(one[of]["right"], one["manifold"]["n"]) for one in measured[case].values()])


def _ahead(measured: Measured, first: str, second: str, of: str = "manifold") -> Interval:
    one, two = _flags(measured, first), _flags(measured, second, of)
    shape = np.broadcast_shapes(one.shape, two.shape)
    return gain(np.broadcast_to(one, shape), np.broadcast_to(two, shape))


def _vae_names(measured: Measured) -> Row:
    ahead = _ahead(measured, "vae", "elu")
    words = f"{points(ahead)} of held-out pictures named by the five nearest codes"
    what = "asked for: neighbours of the VAE's codes name more than those of ELU's"
    return Row(what, None, round(100 * ahead.value, 4), {}, _in_points(ahead), more(ahead), words)


def _no_worse_than_pixels(measured: Measured) -> Row:
    """Of the paper's introduction: a low-dimensional input with a comparable amount of information."""
    found = {case: _behind(measured, case) for case in MAPPED[1:]}
    best = min(found, key=lambda case: found[case].value)
    words = ", ".join(
        f"{KINDS[case].said} {points(Interval(-f.value, -f.high, -f.low, f.n))}" for case, f in found.items()
    )
    what = "five numbers classify as well as all pixels (five neighbours; the best code)"
    worst = Interval(-found[best].value, -found[best].high, -found[best].low, found[best].n)
    verdict = no_more(found[best], _NO_WORSE)
    return Row(what, None, round(100 * worst.value, 4), {}, _in_points(worst), verdict, f"{words}; a point is allowed")


def _behind(measured: Measured, case: str) -> Interval:
    ahead = _ahead(measured, case, BESIDE, "pixels")
    return Interval(-ahead.value, -ahead.high, -ahead.low, ahead.n)


def _in_points(found: Interval) -> tuple[float, float] | None:
    return span(Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n))


def _of_code(measured: Measured, case: str) -> list[Row]:
    said = "PCA" if case == BESIDE else KINDS[case].said
    seeds = {seed: one["manifold"] for seed, one in measured[case].items()}
    first = next(iter(seeds.values()))
    votes = {seed: 100 * one["5-NN accuracy"][0] for seed, one in seeds.items()}
    value, low, high = (100 * end for end in first["5-NN accuracy"])
    inside = Interval(value, low, high, first["n"])
    words = f"trustworthiness {np.mean([one['trustworthiness'] for one in seeds.values()]):.3f}"
    words += f"; the codes seem to have {np.mean([one['dimension'][0] for one in seeds.values()]):.1f} dimensions"
    far = _far(measured, case)
    ends = np.mean([one["far, an end redrawn"] for one in seeds.values()])
    again, sure = (np.mean([one[key] for one in seeds.values()]) for key in ("again", "sure"))
    between = f"an end redrawn: {ends:.2f}; the oracle is {sure:.0%} sure; comes back with an error of {again:.5f}"
    between += ", little because a plane holds its own middles" if case in ("linear", BESIDE) else ""
    per_seed = {seed: float(value) for seed, value in zip(seeds, _distances(measured, case).mean(axis=1), strict=True)}
    return [
        number(f"{said}: named by the five nearest codes, %", None, votes, inside, words=words),
        number(f"{said}: from the middle of two codes to the nearest real picture", None, per_seed, far, words=between),
    ]
