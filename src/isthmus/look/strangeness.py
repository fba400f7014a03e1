"""How far a code lies from the codes of pictures: as a distance, and as the share of pictures that lie farther out.

Distance alone is fooled by mixtures: in many dimensions the mean of two codes lies nearer to all others than either.
What such a code draws is read as something else, though, so that a code that survives being drawn and read is asked for
too. MNIST, 100 numbers, means of two random codes: distance finds .3 % of them strange, reading again 99 %.
"""

from collections.abc import Callable

import numpy as np

from isthmus.contract import evenly
from isthmus.errors import DataError

__all__ = ["Strangeness"]

_NEIGHBOURS, _SPARE = 5, 4
_MOST, _READ, _BLOCK = 4000, 1000, 256
_SAME = 1e-4
"""What a picture is drawn as depends in its last bits on what is drawn with it: so far it is as far out as itself."""


class Strangeness:
    """A distance is that to the fifth nearest of at most 4,000 codes, spread evenly over all that are given.

    What one of these codes would be told of itself leaves itself out, as the shares do. `again` gives the codes of what
    codes draw; with it a share is the smaller of two, the other that of pictures whose codes change as much.
    """

    def __init__(self, codes: np.ndarray, again: Callable[[np.ndarray], np.ndarray] | None = None) -> None:
        flat = np.asarray(codes, np.float64).reshape(len(codes), -1)
        if len(flat) < 2:
            raise DataError(f"{len(flat)} codes have no neighbours", "Give at least two.")
        if not np.isfinite(flat).all():
            raise DataError("a code is NaN or infinite", "Leave it out first.")
        self.centre = flat.mean(axis=0)
        self.bank = np.ascontiguousarray(flat[evenly(len(flat), _MOST)] - self.centre)
        self._squares = np.square(self.bank).sum(axis=1)
        self.near = min(_NEIGHBOURS, len(self.bank) - 1)
        self.usual = np.sort(self._beyond(self.bank))
        self.again = again
        if again is not None:
            self.changes = np.sort(self._changed(flat[evenly(len(flat), _READ)]))

    def distances(self, codes: np.ndarray) -> np.ndarray:
        """`(m,)`, in units of the code."""
        flat = np.asarray(codes, np.float64).reshape(len(codes), -1)
        if flat.shape[1] != self.bank.shape[1]:
            what = f"codes of {flat.shape[1]} numbers cannot be compared with codes of {self.bank.shape[1]}"
            raise DataError(what, "Give codes of the same model.")
        return self._beyond(flat - self.centre)

    def share(self, codes: np.ndarray, read: np.ndarray | None = None) -> np.ndarray:
        """`(m,)` in [0, 1]: the share of pictures that lie at least as far from their neighbours; 0 where none does.

        `read` are the codes of what these draw, for whoever has drawn and read them already.
        """
        share = _share(self.usual, self.distances(codes))
        if self.again is None:
            return share
        return np.minimum(share, _share(self.changes, self._changed(np.asarray(codes).reshape(len(codes), -1), read)))

    def _changed(self, flat: np.ndarray, read: np.ndarray | None = None) -> np.ndarray:
        """How far codes move when they are drawn and read."""
        if read is None:
            assert self.again is not None
            parts = [self.again(flat[i : i + _BLOCK]) for i in range(0, len(flat), _BLOCK)]
            read = np.concatenate(parts or [flat])
        return np.asarray(np.linalg.norm(read.reshape(len(flat), -1) - flat, axis=1))

    def _beyond(self, rows: np.ndarray) -> np.ndarray:
        found = [self._block(rows[i : i + _BLOCK]) for i in range(0, len(rows), _BLOCK)]
        return np.concatenate(found or [np.zeros(0)])

    def _block(self, rows: np.ndarray) -> np.ndarray:
        """Products propose neighbours, plain differences choose: a code alone and among others is as far away."""
        squared = self._squares - 2 * rows @ self.bank.T
        wide = min(self.near + 1 + _SPARE, len(self.bank))
        near = np.argpartition(squared, wide - 1, axis=1)[:, :wide]
        apart = self.bank[near] - rows[:, None]
        nearest = np.sort(np.sqrt(np.square(apart).sum(axis=2)), axis=1)
        # one that lies on the row is taken for the row itself
        return np.asarray(np.where(nearest[:, 0] == 0, nearest[:, self.near], nearest[:, self.near - 1]))


def _share(usual: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The share of `usual`, in order, that is at least as large, one counted in for the code itself; 0 where none is.

    Else of a few pictures even what is farthest out would be told to lie among them.
    """
    larger = len(usual) - np.searchsorted(usual, values * (1 - _SAME), side="left")
    return np.where(larger > 0, (larger + 1) / (len(usual) + 1), 0.0)
