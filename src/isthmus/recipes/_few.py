"""How the figures of paper 000 are judged: curves of errors, distributions of pixels, accuracies on few labels."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.images.pictures import Pictures
from isthmus.recipes._claims import HELD, NOT_HELD, alike, gain, more, number, points, span
from isthmus.recipes._recipe import Measured, Row
from isthmus.stats.intervals import Interval, mean_interval

__all__ = ["chart", "claims", "curves", "densities"]

_SIMILAR, _CONVERGED = 0.05, 0.02
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_MIDDLE = 1


def curves(history: Sequence[dict[str, Any]], test: Pictures) -> list[dict[str, float]]:
    """Root mean squared errors a pixel (of draws) and losses in nats a picture, epoch by epoch.

    The likelihood is a Gaussian of deviation 1: but for a constant, its nats are half the squared error.
    """
    pixels = math.prod(test.pixels.shape[1:])
    constant = pixels * _HALF_LOG_TWO_PI
    found = []
    for line in history:
        said = {"train": line["players"]["vae"], "watched": line["validation"]}
        errors = {f"{k} RMSE": math.sqrt(max(0, 2 * (v["distortion"] - constant)) / pixels) for k, v in said.items()}
        found.append({"epoch": line["epoch"], **errors, **{f"{k} loss": v["loss"] - constant for k, v in said.items()}})
    return found


def chart(measured: Measured, sizes: Any) -> list[Row]:
    """Figure 3."""
    rows, ends, middles = [], {}, {}
    for case, seeds in measured.items():
        curve = {seed: one["curve"] for seed, one in seeds.items()}
        ends[case] = float(np.mean([one[-1]["watched loss"] for one in curve.values()]))
        middles[case] = float(np.mean([one[(len(one) - 1) // 2]["watched loss"] for one in curve.values()]))
        final = {seed: one[-1]["watched RMSE"] for seed, one in curve.items()}
        drawn, meant = (np.mean([one[how]["test RMSE"] for one in seeds.values()]) for how in ("draw", "mean"))
        words = (
            f"on test pictures {drawn:.4f} from a draw of the code and {meant:.4f} from its mean{_leans(drawn, meant)}"
        )
        rows.append(number(f"{_size(seeds)} numbers: watched RMSE after the last epoch", None, final, words=words))
    said = ", ".join(f"{loss:.2f}" for loss in ends.values())
    words = f"losses of {said} nats a picture without the constant; similar is within {_SIMILAR:.0%}"
    rows.append(Row("the loss is similar for the three codes", None, None, {}, None, alike(ends, _SIMILAR), words))
    late = max((middles[case] - end) / abs(end) for case, end in ends.items())
    verdict = HELD if late <= _CONVERGED else NOT_HELD
    words = f"half way the largest was {late:.1%} above its end; converged is within {_CONVERGED:.0%}"
    return [*rows, Row("half of the epochs are enough", None, late, {}, None, verdict, words)]


def _leans(drawn: float, meant: float) -> str:
    if meant <= 1.1 * drawn:
        return ""
    return ": the decoder leans on the noise of maps that carry nothing, and the mean has none"


def densities(measured: Measured, sizes: Any) -> list[Row]:
    """Figure 4."""
    rows, distance, close = [], {}, True
    for case, seeds in measured.items():
        ours = {seed: one["draw"]["W1"][0] for seed, one in seeds.items()}
        first = next(iter(seeds.values()))
        meant = np.mean([one["mean"]["W1"][0] for one in seeds.values()])
        words = f"from the mean of the code {meant:.4f}; halves of the pictures are {first['draw']['halves']:.4f} apart"
        distance[case] = np.array(list(ours.values()))
        inside = _one(first["draw"]["W1"]) if len(ours) == 1 else mean_interval(distance[case])
        rows.append(number(f"{_size(seeds)} numbers: W1 of pixels drawn", None, ours, inside, words=words))
        close &= bool(inside.value < 0.5 * first["draw"]["mean picture"])
    words = "close is half as far as always drawing the mean picture is"
    rows.append(Row("pixels redrawn are distributed as pixels are", None, None, {}, None, _held(close), words))
    middle, others = _apart(distance)
    best = all(middle.mean() < other.mean() for other in others)
    words = "W1 is the smallest there" if best else "another code's W1 is smaller"
    words += "" if len(middle) > 1 else "; a single training of each, so that luck is not ruled out"
    return [*rows, Row("10,000 numbers are the closest", None, None, {}, None, _held(best), words)]


def claims(measured: Measured, sizes: Any) -> list[Row]:
    """Figure 5."""
    measured = dict(measured)
    baselines = measured.pop("beside")
    rows, accuracy = [], {}
    for case, seeds in measured.items():
        accuracy[case] = _table([one["accuracy"] for one in seeds.values()])
        rows += _by_count(f"{_size(seeds)} numbers", accuracy[case], sizes, seeds)
    middle, others = _apart(accuracy)
    names = [_size(seeds) for seeds in measured.values()]
    single = "" if len(baselines) > 1 else "; one training of each: the interval is over draws of labels alone"
    for name, other in zip((names[0], names[2]), others, strict=True):
        found = gain(_rows(middle), _rows(other))
        what = f"{names[_MIDDLE]} numbers classify better than {name}"
        rows.append(_claim(what, found, more(found), points(found) + single))
    beside = {name: _table([one["accuracy"][name] for one in baselines.values()]) for name in _names(baselines)}
    untrained = list(measured.values())[_MIDDLE]
    beside["the untrained encoder"] = _table([one["untrained"] for one in untrained.values()])
    for name, other in beside.items():
        rows += _by_count(name, other, sizes, baselines)
        found = gain(_rows(middle), _rows(other))
        what = f"pre-training ({names[_MIDDLE]} numbers) beats {name}"
        rows.append(
            _claim(what, found, more(found), points(found) + ", not a claim of the paper, which has none beside")
        )
    return rows


def _by_count(name: str, table: np.ndarray, sizes: Any, seeds: dict[int, Any]) -> list[Row]:
    """Mean accuracy over draws for each number of labels."""
    rows = []
    for place, count in enumerate(sizes.counts):
        ours = {seed: 100 * float(draws[place].mean()) for seed, draws in zip(seeds, table, strict=True)}
        rows.append(
            number(f"{name}: accuracy at {count:,} labels, %", None, ours, mean_interval(100 * table[:, place]))
        )
    return rows


def _claim(what: str, found: Interval, verdict: str, words: str) -> Row:
    inside = Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n)
    return Row(what, None, round(inside.value, 4), {}, span(inside), verdict, words)


def _table(trainings: list[dict[str, list[float]]]) -> np.ndarray:
    """`(trainings, counts, draws)`."""
    return np.array([list(one.values()) for one in trainings])


def _rows(table: np.ndarray) -> np.ndarray:
    """`(trainings, draws)`, the mean over numbers of labels: those of one draw hold each other."""
    return np.asarray(table.mean(axis=1))


def _apart(by_case: dict[str, np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The middle size, and the two others."""
    several = list(by_case.values())
    return several.pop(_MIDDLE), several


def _names(baselines: dict[int, Any]) -> list[str]:
    return list(next(iter(baselines.values()))["accuracy"])


def _size(seeds: dict[int, Any]) -> str:
    return f"{next(iter(seeds.values()))['numbers']:,}"


def _one(found: Sequence[float]) -> Interval:
    """The value, low and high of a single training, over pictures."""
    value, low, high = found
    return Interval(value, low, high, 1)


def _held(true: bool) -> str:
    return HELD if true else NOT_HELD
