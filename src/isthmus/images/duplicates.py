"""Pictures that are there twice: bit for bit, or all but (saved again, resized, a little brighter)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isthmus.images.guard import plural
from isthmus.images.pictures import Pictures

__all__ = ["Duplicates", "contradicting", "near_duplicates", "same_pixels"]

_SIDE = 8
_FEWEST = 36
"""Pictures of fewer values are too small to be nearly the same: too many are by chance."""

_ALIKE_SMALL = 0.995
_ALIKE = 0.993
_DIRECTIONS = 12
_BLOCK = 512
_MOST = 20_000


@dataclass(frozen=True)
class Duplicates:
    """Pairs of rows, the smaller first: `exact` share every pixel, `near` nearly; `across` lie in different parts.

    A group of equal pictures gives one pair less than it has members (each with the group's first in its part order).
    """

    exact: np.ndarray
    near: np.ndarray
    across: np.ndarray

    def sentences(self, ids: np.ndarray) -> list[str]:
        """What to tell the user; nothing where there is nothing."""
        told = []
        for what, pairs in (("exact", self.exact), ("near", self.near)):
            if len(pairs):
                told.append(f"{plural(len(pairs), f'{what} duplicate')}, such as {_pair(ids, pairs[0])}")
        if len(self.across):
            told.append(
                f"{plural(len(self.across), 'picture')} in two parts of the split at once (or nearly), such as"
                f" {_pair(ids, self.across[0])}: results on such are too good"
            )
        return told


def near_duplicates(pictures: Pictures, split: np.ndarray | None = None, *, near: bool = True) -> Duplicates:
    """Duplicates among all pictures; with a split, near ones are looked for only between its parts.

    `near=False` looks for exact ones only.
    """
    exact, groups = same_pixels(pictures.pixels)
    parts = np.zeros(len(pictures), np.int64) if split is None else np.unique(split.astype(str), return_inverse=True)[1]
    once = _representatives(groups, parts)
    pairs = _near_pairs(pictures.pixels, once if near else once[:0], None if split is None else parts)
    twins = _across_twins(groups, parts)
    across = np.concatenate([twins, pairs]) if split is not None else twins[:0]
    return Duplicates(exact, pairs, across)


def same_pixels(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (first, other) of equal pictures, and for each picture the row of its first equal."""
    seen: dict[bytes, int] = {}
    groups = np.empty(len(pixels), np.int64)
    for row, picture in enumerate(pixels):
        digest = hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest()
        groups[row] = seen.setdefault(digest, row)
    others = np.flatnonzero(groups != np.arange(len(pixels)))
    return np.stack([groups[others], others], axis=1), groups


def contradicting(pictures: Pictures) -> np.ndarray:
    """Rows of labelled pictures that are equal in every pixel to one of another label."""
    known = np.flatnonzero(pictures.labels >= 0)
    _, first = same_pixels(pictures.pixels[known])
    labels = pictures.labels[known]
    at_odds = np.unique(first[labels != labels[first]])
    return known[np.isin(first, at_odds)]


def _representatives(groups: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """One row of each set of equal pictures in each part."""
    _, first = np.unique(np.stack([groups, parts]), axis=1, return_index=True)
    return np.sort(first)


def _across_twins(groups: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Equal pictures in different parts: the first of the set with the first in each other part."""
    rows = _representatives(groups, parts)
    lead = groups[rows]
    other = parts[rows] != parts[lead]
    return np.stack([lead[other], rows[other]], axis=1)


def _near_pairs(pixels: np.ndarray, rows: np.ndarray, parts: np.ndarray | None) -> np.ndarray:
    small, flat = _signatures(pixels, rows, _SIDE)
    rows, small = rows[~flat], small[~flat]
    found, total = [np.empty((0, 2), np.int64)], 0
    if len(rows) < 2 or pixels[0].size < _FEWEST:
        return found[0]
    main = _main_directions(small)
    order = np.argsort(main[:, 0], kind="stable")
    rows, small, main = rows[order], small[order], main[order]
    for left, right in _candidates(main, None if parts is None else parts[rows]):
        alike = np.einsum("ij,ij->i", small[left], small[right]) >= _ALIKE_SMALL
        left, right = rows[left[alike]], rows[right[alike]]
        alike = _correlation(pixels, left, right) >= _ALIKE
        found.append(np.sort(np.stack([left[alike], right[alike]], axis=1), axis=1))
        total += len(found[-1])
        if total >= _MOST:
            break
    pairs = np.unique(np.concatenate(found), axis=0)
    same = [np.array_equal(pixels[a], pixels[b]) for a, b in pairs]
    return pairs[~np.array(same, bool)]


def _candidates(main: np.ndarray, parts: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of pairs that can be alike: such are never far apart along any direction, nor along several.

    `main` is sorted by its first column. With parts, pairs lie in two parts, and so one of each is not in the largest.
    """
    near = 2 - 2 * _ALIKE_SMALL
    half = -0.5 * np.einsum("ij,ij->i", main, main)[:, None]
    ones = np.ones_like(half)
    # the product of these two rows is minus half the squared distance
    here, there = np.hstack([main, half, ones]), np.hstack([main, ones, half])
    largest = None if parts is None else np.bincount(parts).argmax()
    lefts = np.arange(len(main)) if parts is None else np.flatnonzero(parts != largest)
    along = main[:, 0]
    for start in range(0, len(lefts), _BLOCK):
        block = lefts[start : start + _BLOCK]
        first = block[0] if parts is None else np.searchsorted(along, along[block[0]] - near**0.5)
        end = np.searchsorted(along, along[block[-1]] + near**0.5, side="right")
        left, right = np.nonzero(here[block] @ there[first:end].T >= -near / 2)
        left, right = block[left], right + first
        if parts is None:
            keep = right > left
        else:
            keep = (parts[left] != parts[right]) & ((right > left) | (parts[right] == largest))
        if keep.any():
            yield left[keep], right[keep]


def _signatures(pixels: np.ndarray, rows: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Each picture as `side` x `side` area means of length 1, without its mean; and whether it is all one value."""
    small = []
    for start in range(0, len(rows), _BLOCK):
        block = pixels[rows[start : start + _BLOCK]].astype(np.float32)
        grey = block.mean(axis=1) if block.ndim == 4 else block[:, None]
        for axis in (1, 2):
            edges = np.linspace(0, grey.shape[axis], min(side, grey.shape[axis]) + 1).astype(int)
            grey = np.add.reduceat(grey, edges[:-1], axis=axis) / np.diff(edges).reshape(
                (-1, 1) if axis == 1 else (-1,)
            )
        small.append(grey.reshape(len(block), -1))
    whole = np.concatenate(small) if small else np.empty((0, 1), np.float32)
    whole -= whole.mean(axis=1, keepdims=True)
    length = np.linalg.norm(whole, axis=1, keepdims=True)
    flat = length[:, 0] <= 1e-6 * max(1.0, float(np.abs(whole).max(initial=0)))
    return whole / np.maximum(length, 1e-12), flat


def _main_directions(small: np.ndarray) -> np.ndarray:
    """Coordinates along the directions in which the pictures differ most: there the fewest come close to each other."""
    centred = small - small.mean(axis=0)
    return centred @ np.linalg.eigh(centred.T @ centred)[1][:, : -_DIRECTIONS - 1 : -1]


def _correlation(pixels: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    values = []
    for start in range(0, len(left), _BLOCK):
        a, b = (
            pixels[side[start : start + _BLOCK]].reshape(len(side[start : start + _BLOCK]), -1).astype(np.float32)
            for side in (left, right)
        )
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        scale = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        values.append((a * b).sum(axis=1) / np.maximum(scale, 1e-12))
    return np.concatenate(values) if values else np.empty(0, np.float32)


def _pair(ids: np.ndarray, pair: np.ndarray) -> str:
    return f"{ids[pair[0]]} and {ids[pair[1]]}"
