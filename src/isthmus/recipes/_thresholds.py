"""Where paper 001's pictures become clear and where they become others, as beta grows: pure functions and curves."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD
from isthmus.recipes._grid import Grid, accuracy_of, apart, betas_of, curve, listed, name_of, settings_of
from isthmus.recipes._recipe import Measured, Row
from isthmus.recipes._two_steps import NARROW
from isthmus.report.curves import curves

__all__ = ["clearer", "drawn", "first_where", "generative", "thresholds"]

_CLEARER, _GENERATIVE = 0.1, 0.95

_PAPER = {("mnist", NARROW): (0.005, 0.1)}
"""The first beta of its grid at which the paper finds clear pictures, and most pictures others than they were."""


def first_where(values: Mapping[float, float], reached: Callable[[float], bool]) -> float | None:
    """The smallest beta whose value has reached; None where none has."""
    return next((beta for beta in sorted(values) if reached(values[beta])), None)


def clearer(fcd: Mapping[float, float]) -> float | None:
    """eps1: the first beta at which the distance is at least a tenth below that of beta 0."""
    return first_where({b: v for b, v in fcd.items() if b > 0}, lambda v: v <= (1 - _CLEARER) * fcd[0.0])


def generative(agreement: Mapping[float, float], accuracy: float) -> float | None:
    """eps2: the first beta at which the class survives in less than 95 % of what the encoder itself tells."""
    return first_where(agreement, lambda v: v < _GENERATIVE * accuracy)


def thresholds(measured: Measured, sizes: Any) -> list[Row]:
    """eps1 and eps2 without gamma, and the numbers that they are read from."""
    rows = []
    for case, seeds in measured.items():
        if len(betas_of(seeds, 0.0)) < 2 or 0.0 not in betas_of(seeds, 0.0):
            continue
        name, paper = name_of(case, seeds), _PAPER.get(apart(case), (None, None))
        fcd, agreement = curve(seeds, "fcd", 0.0), curve(seeds, "agreement", 0.0)
        accuracy = accuracy_of(seeds)
        low = {seed: clearer(curve({seed: one}, "fcd", 0.0)) for seed, one in seeds.items()}
        high = {
            seed: generative(curve({seed: one}, "agreement", 0.0), accuracy_of({seed: one}))
            for seed, one in seeds.items()
        }
        first, second = clearer(fcd), generative(agreement, accuracy)
        words = f"FCD at beta {listed(fcd, '.3g')}; {_reached(first, fcd, 'is a tenth below that of beta 0')}"
        rows.append(_threshold(f"{name}: eps1", paper[0], first, low, words))
        words = f"agreement at beta {listed(agreement, '.3f')}, the encoder's own accuracy {accuracy:.3f}; "
        words += _reached(second, agreement, f"is below {_GENERATIVE:.0%} of it")
        rows.append(_threshold(f"{name}: eps2", paper[1], second, high, words))
        rows.append(_regimes(name, first, second))
        rows += _plotted(name, fcd, agreement, accuracy)
    return rows


def _threshold(
    what: str, paper: float | None, ours: float | None, seeds: Mapping[int, float | None], words: str
) -> Row:
    told = {str(seed): value for seed, value in seeds.items() if value is not None}
    if len(seeds) > 1 and len(told) < len(seeds):
        words += f"; reached in {len(told)} of {len(seeds)} trainings by itself"
    return Row(what, paper, ours, told, None, None, words)


def _reached(beta: float | None, values: Mapping[float, float], what: str) -> str:
    if beta is None:
        return f"not reached: nowhere up to {max(values):g} it {what}"
    return f"at beta {beta:g} first it {what}" if beta else f"at beta 0 already it {what}, so no beta is to blame"


def _regimes(name: str, first: float | None, second: float | None) -> Row:
    """Blurred, then clear, then generative: the paper's order."""
    parts = [
        f"{which} {'not reached' if beta is None else f'{beta:g}'}"
        for which, beta in (("eps1", first), ("eps2", second))
    ]
    held = first is not None and second is not None and first < second
    verdict = CONFOUNDED if second == 0 else HELD if held else NOT_HELD
    return Row(f"{name}: clear before generative, eps1 < eps2", None, None, {}, None, verdict, ", ".join(parts))


def _plotted(name: str, fcd: Mapping[float, float], agreement: Mapping[float, float], accuracy: float) -> list[Row]:
    found = []
    for beta in fcd:
        for what, value in (
            ("FCD over that of beta 0", fcd[beta] / fcd[0.0] if fcd[0.0] else math.nan),
            ("agreement over the encoder's accuracy", agreement[beta] / accuracy if accuracy else math.nan),
        ):
            if math.isfinite(value):
                found.append(Row(f"{name}, beta {beta:g}: {what}", None, round(value, 6), {}, None, None, ""))
    return found


def drawn(measured: Measured, sizes: Any) -> dict[str, Image.Image]:
    """Both curves of every case, with and without gamma, over the betas above 0; and the two bars."""
    found = {}
    for case, seeds in measured.items():
        series = _series(seeds)
        if series:
            found[case.removeprefix("grid-")] = curves(
                series,
                title=f"{name_of(case, seeds)}: what beta does",
                subtitle="FCD over that of beta 0 without gamma; agreement over the accuracy of the classifier",
                x_label="beta, log scale",
                log=False,
                log_x=True,
            )
    return found


def _series(seeds: Grid) -> dict[str, tuple[list[float], list[float]]]:
    found: dict[str, tuple[list[float], list[float]]] = {}
    accuracy, start = accuracy_of(seeds), curve(seeds, "fcd", 0.0).get(0.0, 0.0)
    gammas = sorted({gamma for _, gamma in settings_of(seeds)})
    for gamma in gammas if start and accuracy else ():
        betas = [beta for beta in betas_of(seeds, gamma) if beta > 0]
        if len(betas) > 1:
            fcd, agreement = curve(seeds, "fcd", gamma), curve(seeds, "agreement", gamma)
            found[f"FCD, gamma {gamma:g}"] = betas, [fcd[beta] / start for beta in betas]
            found[f"agreement, gamma {gamma:g}"] = betas, [agreement[beta] / accuracy for beta in betas]
    if found:
        edges = [min(x[0] for x, _ in found.values()), max(x[-1] for x, _ in found.values())]
        found["FCD is lower: clearer"] = edges, [1 - _CLEARER] * 2
        found["agreement is lower"] = edges, [_GENERATIVE] * 2
    return found
