"""What was measured of paper 001's grids, read by beta and gamma, and figure 9 as rows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isthmus.recipes._claims import number
from isthmus.recipes._recipe import Measured, Row
from isthmus.recipes._working import unpacked
from isthmus.stats.intervals import Interval, mean_interval

__all__ = [
    "Grid",
    "accuracy_of",
    "apart",
    "betas_of",
    "curve",
    "error_of",
    "listed",
    "name_of",
    "numbers_of",
    "right_of",
    "said",
    "settings_of",
    "spread",
    "table",
]

Grid = Mapping[int, dict[str, Any]]
"""What was measured of one set and one size of the code, by seed."""

_FACES = {"agreement": "agreement", "sharpness": "sharpness", "fcd": "FCD", "mse": "MSE"}
_NAMED = 3


def table(measured: Measured, sizes: Any) -> list[Row]:
    """Every setting of every set and code, and before them what no decoder can be better than."""
    rows = []
    for case, seeds in measured.items():
        name = name_of(case, seeds)
        first = next(iter(seeds.values()))
        one = next(iter(first["settings"].values()))
        accuracy = {seed: found["encoder"]["accuracy"] for seed, found in seeds.items()}
        words = (
            f"the oracle names {one['oracle_accuracy'][0]:.1%} of the pictures themselves; FCD is "
            f"{one['fcd_floor'][0]:.3g} of as many training pictures and {one['fcd_ceiling'][0]:.3g} of a Gaussian; "
            f"MSE is {one['class mean']:.4f} of each class's mean picture, {first['mean picture']:.4f} of that of all"
        )
        rows.append(number(f"{name}: accuracy of the encoder's classifier", None, accuracy, words=words))
        for setting, found in settings_of(seeds).items():
            rows += _setting(f"{name}, {said(*setting)}", found)
    return rows


def _setting(name: str, found: Grid) -> list[Row]:
    rows = []
    for key, face in _FACES.items():
        if any(key not in one for one in found.values()):
            continue
        values = {seed: one[key] for seed, one in found.items()}
        words = _paid(found) if key == "agreement" else _alarmed(found) if key == "mse" else ""
        per_seed = {seed: value[0] for seed, value in values.items()}
        rows.append(number(f"{name}: {face}", None, per_seed, spread(list(values.values())), words=words))
    return rows


def _paid(found: Grid) -> str:
    """The terms as the decoder weighs them, in the last epoch: a beta means nothing without its scale."""
    terms = [one["training"].get("decoder", {}) for one in found.values()]
    one = next(iter(found.values()))
    told = [
        f"{what} {np.mean([term[key] for term in terms]) * weight:.3g}"
        for key, what, weight in (
            ("features", "features", 1.0),
            ("adversarial", "beta times adversarial", one["beta"]),
            ("latent", "gamma times latent", one["gamma"]),
        )
        if all(key in term for term in terms)
    ]
    apart = [
        one["training"]["discriminator"]["told_apart"] for one in found.values() if "discriminator" in one["training"]
    ]
    told += [f"{np.mean(apart):.0%} told apart"] if apart else []
    return "in the last epoch: " + ", ".join(told) if told else ""


def _alarmed(found: Grid) -> str:
    names = next(iter(found.values()))["alarms"]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"classes redrawn worse than by their mean picture: {', '.join(names[:3])}{more}" if names else ""


def spread(values: Sequence[Sequence[float]]) -> Interval:
    """Of `(value, low, high)` of each training: the interval over pictures, and that over trainings added to it."""
    centre = float(np.mean([value[0] for value in values]))
    over = float(np.mean([(value[-1] - value[1]) / 2 for value in values])) if len(values[0]) == 3 else math.nan
    trainings = mean_interval(np.array([value[0] for value in values]))
    half = over if len(values) == 1 else math.hypot(over, trainings.high - trainings.value)
    return Interval(centre, centre - half, centre + half, len(values))


# -- reading what was measured ----------------------------------------------------------------------------------------


def settings_of(seeds: Grid) -> dict[tuple[float, float], dict[int, dict[str, Any]]]:
    """By beta and gamma, then by seed."""
    found: dict[tuple[float, float], dict[int, dict[str, Any]]] = {}
    for seed, one in seeds.items():
        for setting in one["settings"].values():
            found.setdefault((setting["beta"], setting["gamma"]), {})[seed] = setting
    return found


def betas_of(seeds: Grid, gamma: float) -> list[float]:
    return sorted(beta for beta, other in settings_of(seeds) if other == gamma)


def curve(seeds: Grid, key: str, gamma: float) -> dict[float, float]:
    """Means over seeds by beta."""
    settings = settings_of(seeds)
    return {
        beta: float(np.mean([one[key][0] for one in settings[beta, gamma].values()])) for beta in betas_of(seeds, gamma)
    }


def right_of(seeds: Grid, beta: float, gamma: float) -> np.ndarray:
    """`(trainings, test pictures)`."""
    return np.stack([unpacked(one["right"], one["test"]) for one in settings_of(seeds)[beta, gamma].values()])


def error_of(seeds: Grid, setting: tuple[float, float]) -> float:
    return float(np.mean([one["mse"][0] for one in settings_of(seeds)[setting].values()]))


def accuracy_of(seeds: Grid) -> float:
    return float(np.mean([one["encoder"]["accuracy"] for one in seeds.values()]))


def numbers_of(seeds: Grid) -> int:
    return int(next(iter(seeds.values()))["latent"])


def apart(case: str) -> tuple[str, int]:
    """The set and the code of `grid-mnist-2`."""
    data, _, code = case.removeprefix("grid-").rpartition("-")
    return data, int(code)


def name_of(case: str, seeds: Grid) -> str:
    return f"{apart(case)[0]}, K_z {numbers_of(seeds)}"


def said(beta: float, gamma: float) -> str:
    return f"beta {beta:g}, gamma {gamma:g}"


def listed(values: Mapping[float, float], spec: str) -> str:
    return ", ".join(f"{beta:g}: {value:{spec}}" for beta, value in values.items())
