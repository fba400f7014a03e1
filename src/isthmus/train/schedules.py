"""The learning rate over a phase: a pure function of how far it is, so that resuming needs no state."""

import math

__all__ = ["PLATEAU_FACTOR", "PLATEAU_PATIENCE", "SCHEDULES", "factor"]

SCHEDULES = ("constant", "cosine", "linear", "one-cycle", "plateau")

PLATEAU_FACTOR = 0.1
PLATEAU_PATIENCE = 10
"""With the schedule `plateau`, the rate falls to a tenth when ten epochs have not improved the validation loss."""

_DECAY_STARTS = 0.6


def factor(name: str, share: float, warm_up: float) -> float:
    """What the learning rate is multiplied by when `share` of the phase is done.

    `linear` holds its rate for 60 % of the phase, then falls straight to zero; `one-cycle` rises over 30 % and falls
    along a cosine. `plateau` is constant here: the loop lowers it when the validation error stalls.
    """
    warm = min(1.0, share / warm_up) if warm_up > 0 else 1.0
    if name == "cosine":
        return warm * 0.5 * (1 + math.cos(math.pi * share))
    if name == "linear":
        return warm * min(1.0, (1 - share) / (1 - _DECAY_STARTS))
    if name == "one-cycle":
        rising = share / 0.3
        return 0.04 + 0.96 * rising if rising < 1 else 0.5 * (1 + math.cos(math.pi * (share - 0.3) / 0.7))
    return warm
