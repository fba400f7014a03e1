"""Which views suit these pictures: decided by looking at them, never by a data set's name, and said in a sentence."""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from isthmus.augment.views import View

__all__ = ["Habits", "habits_for", "looked_at"]

_SIDE = 12
_BANK, _ASKED = 4000, 1000
_MIRRORED, _TURNED, _STRANGE = 1.25, 1.02, 9.0
_EMPTY, _NEAR = 0.5, 0.04
_MOST, _MOST_NUMBERS = 5000, 1 << 25


@dataclass(frozen=True)
class Habits:
    """The view, and why: what a user reads before believing it."""

    view: View
    reason: str


def habits_for(pictures: torch.Tensor, mirror: str = "auto", quarters: str = "auto") -> Habits:
    """`pictures` are some of the pile in [0, 1], `(n, c, h, w)`; "yes" and "no" overrule what they say.

    A mirrored picture that lies about as near to the others as the picture itself does might be one of them; likewise
    one turned by a quarter. Pictures whose edges are mostly of one value are drawn on a ground, others go on beyond.
    """
    side = min(_SIDE, pictures.shape[2]), min(_SIDE, pictures.shape[3])
    small = F.adaptive_avg_pool2d(pictures.cpu(), side)  # not every device pools sides that do not divide
    flips = _strangeness(small, small.flip(3))
    square = pictures.shape[2] == pictures.shape[3]
    turns = max(_strangeness(small, small.rot90(1, (2, 3))), _strangeness(small, small.flip(2))) if square else _STRANGE
    ground = _ground(pictures)
    made = View(
        mirror=mirror == "yes" or (mirror == "auto" and flips <= _MIRRORED),
        quarters=quarters == "yes" or (quarters == "auto" and turns <= _TURNED),
        ground=ground,
    )
    if pictures.shape[1] == 3:
        made = replace(made, colour=0.4)
    if ground is None:
        made = replace(made, zoom=(0.4, 1.0), shift=0.05, stretch=0.2)
    if not made.mirror:  # what has a handedness, as writing has, is not itself any more when half of it is missing
        made = replace(
            made, zoom=(0.75, 1.15), shift=0.12, turn=0.35, stretch=0.2, shear=0.25, gamma=0.2, gain=0.2, cover=0
        )
    return Habits(made, _sentence(made, flips, turns))


def _strangeness(small: torch.Tensor, changed: torch.Tensor) -> float:
    """How much farther the changed pictures lie from their nearest neighbours than the pictures do, in the median.

    Piles are often sorted by class: those that are asked, and those they are compared with, are spread over all.
    """
    if len(small) < 3:
        return _STRANGE
    bank, asked = (torch.linspace(0, len(small) - 1, min(n, len(small))).round().long() for n in (_BANK, _ASKED))
    itself = asked[:, None] == bank[None]

    def nearest(rows: torch.Tensor) -> torch.Tensor:
        distances = torch.cdist(rows[asked].flatten(1), small[bank].flatten(1))
        return distances.masked_fill_(itself, torch.inf).amin(1)

    return float((nearest(changed) / nearest(small).clamp_min(1e-6)).median())


def looked_at(shape: tuple[int, ...]) -> int:
    """How many pictures of this shape to look at: thousands of small ones, tens of large ones."""
    return max(64, min(_MOST, _MOST_NUMBERS // math.prod(shape)))


def _ground(pictures: torch.Tensor) -> float | None:
    """The value that most of the edge pixels have, if there is one."""
    edge = torch.cat([pictures[:, :, 0], pictures[:, :, -1], pictures[..., 0], pictures[..., -1]], dim=2)
    middle = float(edge.median())
    return middle if float(((edge - middle).abs() <= _NEAR).float().mean()) > _EMPTY else None


def _sentence(made: View, flips: float, turns: float) -> str:
    mirrored = f"mirrored too (that lies {flips:.2f} times as far from its neighbours)"
    kept = f"not mirrored (that lies {flips:.2f} times as far from its neighbours)"
    outside = "go on beyond their edges" if made.ground is None else f"lie on a ground of {made.ground:.2g}"
    turned = f", turned by quarters ({turns:.2f})" if made.quarters else ""
    return f"views are {mirrored if made.mirror else kept}{turned}; the pictures {outside}"
