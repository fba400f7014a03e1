"""New codes from where given codes lie: a density of theirs, fitted afterwards, and draws from what is likely by it.

The prior of a model says where codes should lie. Where they do not, a picture drawn from the prior is of a place that
no picture has taught (Ghosh et al. 2020); a density of the codes themselves draws from places that some have.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from isthmus.contract import evenly
from isthmus.errors import DataError, UsageError
from isthmus.keys import keys_of
from isthmus.rng import Noise, permutation
from isthmus.stats.mixture import Mixture, fit_mixture

__all__ = ["Drawn", "draw_codes"]

_MOST, _PARTS = 4000, 10
_CUT = 0.01
"""No draw is less likely than so small a share of the codes is."""
_ROUNDS = 20

Told = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Drawn:
    """`codes`, how likely each is in nats, the `floor` under which none is, and from how many codes the density is.

    `again` is the share of draws that fell under the floor and were drawn again.
    """

    codes: np.ndarray
    log_density: np.ndarray
    floor: float
    fitted_on: int
    again: float


def draw_codes(
    codes: np.ndarray, n: int, seed: int = 0, within: np.ndarray | None = None, told: Told | None = None
) -> Drawn:
    """`n` codes from the density of these codes, or of those `within`, as rows: the same ones for the same seed.

    The first ten of a hundred draws are the ten that one gets by asking for ten. At most 4,000 codes are fitted.
    """
    codes = np.asarray(codes, np.float64).reshape(len(codes), -1)
    codes = codes if within is None else codes[np.asarray(within)]
    if n < 1:
        raise UsageError(f"{n} codes were asked for", "Ask for one at least.")
    if len(codes) < 2 or not np.isfinite(codes).all():
        raise DataError(f"{len(codes)} codes, or codes that are not finite, have no density", "Give two or more.")
    codes = codes[evenly(len(codes), _MOST)]
    tell = told or (lambda done, total, what: None)
    tell(0, 2, "fitting a density to the codes")
    mixture = fit_mixture(codes, seed, _PARTS)
    tell(1, 2, "judging it by codes left out")
    floor = _floor(codes, seed)
    found, tried = _draw(mixture, n, seed, 0), n
    likely = mixture.log_density(found)
    for turn in range(1, _ROUNDS):
        low = np.flatnonzero(likely < floor)
        if len(low) == 0:
            break
        tried += len(low)
        again = _draw(mixture, n, seed, turn)[low]
        now = mixture.log_density(again)
        better = now > likely[low]
        found[low[better]], likely[low[better]] = again[better], now[better]
    tell(2, 2, "codes drawn")
    return Drawn(found.astype(np.float32), likely, floor, len(codes), 1 - n / tried)


def _floor(codes: np.ndarray, seed: int) -> float:
    """What all but the least likely hundredth of the codes reach, each judged by a density that has not seen it.

    Few codes are likelier by a density of their own than whatever is drawn from it, and all draws would be refused.
    """
    if len(codes) < 4:
        return -np.inf
    order = permutation(len(codes), seed, "left out").numpy()
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    told = [fit_mixture(codes[a], seed, _PARTS).log_density(codes[b]) for a, b in (halves, halves[::-1])]
    return float(np.quantile(np.concatenate(told), _CUT))


def _draw(mixture: Mixture, n: int, seed: int, turn: int) -> np.ndarray:
    """Each by its own number, so that asking for more changes none."""
    noise = Noise(torch.from_numpy(keys_of(map(str, range(n)))), "density", seed, turn)
    parts = np.searchsorted(np.cumsum(mixture.weights)[:-1], noise.uniform("part", 1)[:, 0].double().numpy())
    away = noise.normal("away", mixture.means.shape[1]).double().numpy()
    found = np.empty_like(away)
    for part in np.unique(parts):
        mine = parts == part
        # rows of (code - mean) @ factor are standard normal
        found[mine] = mixture.means[part] + np.linalg.solve(mixture.factors[part].T, away[mine].T).T
    return found
