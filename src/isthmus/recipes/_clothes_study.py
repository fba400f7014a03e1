"""Table 4 of paper 004: a study of size and rate, and what of its outcome is the rate's doing."""

from typing import Any

import numpy as np

from isthmus.errors import MissingError
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD, number
from isthmus.recipes._clothes import BEST, HOW, L2, Bench, Sizes, network
from isthmus.recipes._recipe import Measured, Row, Task, within

__all__ = ["studied", "table_4"]

_PRINTED = (
    (9, 0.04529, 0.02110, 0.02214),
    (126, 0.01123, 0.01886, 0.01748),
    (58, 0.04175, 0.02109, 0.02154),
    (14, 0.04392, 0.02111, 0.02113),
    (3, 0.03404, 0.02643, 0.02628),
)
"""The paper's study: size of the code, rate, training error, validation error."""
_SIZES, _RATES = (2, 128), (1e-3, 5e-2)
_FAST, _LITTLE = 0.03, 0.05


def studied(task: Task) -> dict[str, Any]:
    """A study of our own, the paper's five trials again, and its five sizes at its best rate."""
    bench, sizes = Bench.of(task), task.sizes
    total, done = sizes.trials + 2 * len(_PRINTED), 0

    def trial(latent: int, rate: float) -> dict[str, Any]:
        nonlocal done
        told = within(task.told, done / total, (done + 1) / total, f"{latent} numbers, rate {rate:.4f}")
        done += 1
        how = HOW | {"optimiser": "adam", "learning_rate": rate, "weight_decay": L2, "seed": task.seed}
        model = Autoencoder(net=network(), latent=latent, epochs=sizes.studied, batch_size=sizes.batch_size, **how)
        error = bench.errors(bench.trained(model, told, "training")[0])
        return {"latent": latent, "rate": rate} | error | {"PCA": bench.plane(latent)["validation"]}

    return {
        "own": _study(trial, sizes.trials),
        "printed": [trial(latent, rate) for latent, rate, _, _ in _PRINTED],
        "same rate": [trial(latent, BEST[1]) for latent, _, _, _ in _PRINTED],
    }


def _study(trial: Any, trials: int) -> list[dict[str, Any]]:
    """Optuna's usual sampler over the paper's two axes."""
    try:
        import optuna
    except ImportError:
        raise MissingError("table 4 is a study by Optuna, which is not here", "Install isthmus[tune].") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = []

    def judged(asked: Any) -> float:
        one = trial(asked.suggest_int("latent", *_SIZES), asked.suggest_float("rate", *_RATES))
        found.append(one)
        return float(one["validation"])

    optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0)).optimize(judged, trials)
    return found


def table_4(measured: Measured, sizes: Sizes) -> list[Row]:
    """The rows of the paper with ours beside them; the sizes at one rate say what of it is the rate's doing."""
    seeds = measured["study"]
    rows, first = [], next(iter(seeds.values()))
    for place, (latent, rate, _, printed) in enumerate(_PRINTED):
        for which, name, paper in (("printed", f"rate {rate:g}", printed), ("same rate", f"rate {BEST[1]:g}", None)):
            if which == "same rate" and rate == BEST[1]:
                continue
            ours = {seed: one[which][place]["validation"] for seed, one in seeds.items()}
            words = f"PCA of as many numbers {first[which][place]['PCA']:.4f}" if which == "printed" else ""
            rows.append(number(f"{latent} numbers, {name}: validation error", paper, ours, words=words))
    best = min(first["own"], key=lambda one: one["validation"])
    words = f"the best of {len(first['own'])}: {best['latent']} numbers, rate {best['rate']:.4f}"
    ours = {seed: min(one["validation"] for one in found["own"]) for seed, found in seeds.items()}
    rows.append(number("our study of as many trials: validation error", 0.01748, ours, words=words))
    return [*rows, *_study_claims(seeds)]


def _study_claims(seeds: dict[int, Any]) -> list[Row]:
    means = {
        which: {
            latent: float(np.mean([one[which][place]["validation"] for one in seeds.values()]))
            for place, (latent, *_) in enumerate(_PRINTED)
        }
        for which in ("printed", "same rate")
    }
    won = min(means["printed"], key=lambda latent: means["printed"][latent])
    verdict = HELD if won == BEST[0] else NOT_HELD
    listed = ", ".join(f"{latent}: {error:.4f}" for latent, error in sorted(means["printed"].items()))
    rows = [Row("126 numbers at .01123 are the best of its five", None, None, {}, None, verdict, listed)]
    gain = {latent: 1 - means["same rate"][latent] / error for latent, error in means["printed"].items()}
    others = [gain[latent] for latent, rate, _, _ in _PRINTED if rate > _FAST]
    mostly = float(np.mean(others))
    at_one = ", ".join(f"{latent}: {error:.4f}" for latent, error in sorted(means["same rate"].items()))
    words = f"at its best rate all sizes have {at_one}: the four with rates above .03 lose {mostly:.0%} to their rate"
    verdict = CONFOUNDED if mostly > _LITTLE else HELD
    return [*rows, Row("what its study compares is the size of the code", None, None, {}, None, verdict, words)]
