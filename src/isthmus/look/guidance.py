"""Where new pictures land on a map that is there: on a plane as it is, on any other map where their neighbours lie.

A row is looked up among those that the map was learnt from. Of its fifteen nearest, those that lie together on the map
decide, so that a picture between two clouds lands in one of them and not in the empty space between. A network that
learnt places by regression was tried: on 5,000 pictures of Fashion-MNIST its 5-NN accuracy was .10 to .14 below the
map's.

Rows are looked up in blocks of one size, filled up; what decides is computed row by row in double precision and rounded
once. A row alone and among others has the same place to the last bit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from isthmus.contract import evenly
from isthmus.errors import DataError
from isthmus.look.projections._projection import Plane, Told
from isthmus.stats.spectrum import principal_components

__all__ = ["Guidance"]

_BLOCK, _DIRECTIONS = 32, 64
_NEAR, _SPARE, _SHARPNESS = 15, 8, 2.0
_TOLD, _MEASURED = 64, 2000
_STRAIGHT = frozenset({"mean", "axes"})
_BENT = _STRAIGHT | {"bank", "places", "reach"}


@dataclass(frozen=True)
class Guidance:
    """All that was learnt, by name: a mean and axes that rows are read along; for a map that bends also what training
    rows read there, their places, and how near on the map counts as together."""

    learnt: dict[str, np.ndarray]

    @classmethod
    def of_plane(cls, plane: Plane) -> "Guidance":
        return cls({"mean": np.asarray(plane.mean, np.float64), "axes": np.asarray(plane.axes, np.float64)})

    @classmethod
    def learn(cls, rows: np.ndarray, places: np.ndarray, seed: int = 0, told: Told | None = None) -> "Guidance":
        """From the rows of a map and their places. Nothing is drawn, so that the seed changes nothing."""
        flat = _flat(rows)
        places = np.asarray(places, np.float32)
        if places.shape != (len(flat), 2) or len(flat) < 2:
            raise DataError(
                f"{len(flat)} rows and places {places.shape} are no map", "Give two rows or more, in pairs."
            )
        found = principal_components(flat, min(_DIRECTIONS, *flat.shape))
        straight = {"mean": found.mean.double().numpy(), "axes": found.axes.double().numpy()}
        bank = cls(straight)._read_all(flat, told)
        return cls(straight | {"bank": bank, "places": places, "reach": np.array([_reach(places)])})

    @property
    def straight(self) -> bool:
        """Whether it is a plane, which has an exact way back."""
        return set(self.learnt) == _STRAIGHT

    @property
    def width(self) -> int:
        """How many numbers a row has."""
        return len(self.learnt["mean"])

    def places_of(self, rows: np.ndarray, told: Told | None = None) -> np.ndarray:
        """`(m, 2)` in float32."""
        found = np.empty((len(rows), 2), np.float32)
        for start, n, read in self._blocks(rows):
            found[start : start + n] = (read if self.straight else self._among(read))[:n]
            if told and start // _BLOCK % _TOLD == 0:
                told(start + n, len(rows), "placing")
        return found

    def rows_at(self, points: np.ndarray) -> np.ndarray:
        """The rows of these places on a plane: what lies off the plane is at the mean."""
        return np.asarray(points @ self.learnt["axes"] + self.learnt["mean"], np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        return dict(self.learnt)

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> "Guidance":
        """What `arrays` gave; anything that does not fit together is refused."""
        arrays = {name: np.asarray(value) for name, value in arrays.items()}
        if not _fits(arrays):
            raise DataError("the guidance of a map does not fit together", "Make the map again: isthmus map RUN.")
        return cls(arrays)

    def _blocks(self, rows: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
        """First row, how many, and what a block filled up reads along the axes."""
        flat = _flat(rows)
        if flat.shape[1] != self.width:
            what = f"rows of {flat.shape[1]} numbers have no place on a map of rows of {self.width}"
            raise DataError(what, "Give what the map was made of.")
        if not np.isfinite(flat).all():
            raise DataError("a row is NaN or infinite and has no place on a map", "Leave it out first.")
        block = np.zeros((_BLOCK, self.width))
        for start in range(0, len(flat), _BLOCK):
            part = flat[start : start + _BLOCK]
            block[: len(part)], block[len(part) :] = part, 0
            yield start, len(part), ((block - self.learnt["mean"]) @ self.learnt["axes"].T).astype(np.float32)

    def _read_all(self, rows: np.ndarray, told: Told | None) -> np.ndarray:
        parts = []
        for start, n, read in self._blocks(rows):
            parts.append(read[:n].copy())
            if told and start // _BLOCK % _TOLD == 0:
                told(start + n, len(rows), "learning the map")
        return np.concatenate(parts)

    @cached_property
    def _bank(self) -> tuple[torch.Tensor, torch.Tensor]:
        bank = torch.from_numpy(self.learnt["bank"])
        return bank.T.contiguous(), bank.square().sum(dim=1)

    def _among(self, read: np.ndarray) -> np.ndarray:
        """Places of a block: single precision proposes neighbours, double precision chooses."""
        bank, squares = self._bank
        k = min(_NEAR, len(squares))
        wide = min(_NEAR + _SPARE, len(squares))
        near = torch.addmm(squares, torch.from_numpy(read), bank, alpha=-2).topk(wide, largest=False).indices
        rows = np.sort(near.numpy(), axis=1)
        apart = self.learnt["bank"][rows].astype(np.float64) - read[:, None]
        squared = np.square(apart).sum(axis=2)
        order = np.argsort(squared, axis=1, kind="stable")[:, :k]
        squared, rows = np.take_along_axis(squared, order, 1), np.take_along_axis(rows, order, 1)
        return _together(
            _trust(squared), self.learnt["places"][rows].astype(np.float64), float(self.learnt["reach"][0])
        )


def _flat(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float32)
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


def _trust(squared: np.ndarray) -> np.ndarray:
    """The nearer the more, from all there is for a row met exactly to little for the farthest."""
    first, last = squared[:, :1], squared[:, -1:]
    met = squared == 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        weights = np.exp(-_SHARPNESS * (squared - first) / (last - first + 1e-300)) * last / squared
    return np.where(met.any(axis=1, keepdims=True), met, weights)


def _together(weights: np.ndarray, places: np.ndarray, reach: float) -> np.ndarray:
    """The middle of those that lie together: round the one that has most of the trust within reach."""
    apart = np.square(places[:, :, None] - places[:, None]).sum(axis=3)
    shares = weights[:, None] * np.exp(-apart / (2 * reach**2))
    best = shares.sum(axis=2).argmax(axis=1)
    chosen = shares[np.arange(len(shares)), best]
    return (chosen[:, :, None] * places).sum(axis=1) / chosen.sum(axis=1, keepdims=True)


def _reach(places: np.ndarray) -> float:
    """How far the fifteenth neighbour lies on the map, in the middle of all."""
    from scipy.spatial import cKDTree

    some = places[evenly(len(places), _MEASURED)]
    away = cKDTree(places).query(some, k=min(_NEAR, len(places) - 1) + 1)[0][:, -1]
    return float(max(np.median(away), 1e-6 * np.ptp(places), 1e-30))


def _fits(arrays: dict[str, np.ndarray]) -> bool:
    """Finite numbers of the kinds and shapes that belong together."""
    if set(arrays) not in (_STRAIGHT, _BENT) or not all(value.dtype.kind == "f" for value in arrays.values()):
        return False
    if not all(np.isfinite(value).all() for value in arrays.values()):
        return False
    mean, axes = arrays["mean"], arrays["axes"]
    if mean.ndim != 1 or axes.ndim != 2 or axes.shape[1] != len(mean) or len(axes) == 0:
        return False
    if set(arrays) == _STRAIGHT:
        return len(axes) == 2
    bank, places, reach = (arrays[name] for name in ("bank", "places", "reach"))
    single = bank.dtype == places.dtype == np.float32 and bank.ndim == 2 and len(bank) > 1
    return bool(single and bank.shape[1] == len(axes) and places.shape == (len(bank), 2) and reach.shape == (1,))
