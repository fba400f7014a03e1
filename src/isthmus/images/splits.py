"""Which pictures to learn from and which to judge by: drawn by key, so that neither order nor additions matter."""

import numpy as np

from isthmus.errors import UsageError
from isthmus.images.pictures import UNKNOWN, Pictures
from isthmus.images.tiles import parent
from isthmus.keys import keys_of, stream

__all__ = ["draw_labels", "split", "units_of"]

_SMALL = 10
"""A label with fewer units than this is drawn together with the other small ones."""


def split(
    pictures: Pictures, validation: float = 0.1, test: float = 0.1, seed: int = 0, group: str | None = None
) -> np.ndarray:
    """`train`, `validation` or `test` for each picture, with about these fractions of every label in each.

    The pictures of one group (`group` names a column; tiles of one picture are a group) stay together. A source with
    a test of its own keeps it, and only validation is cut from its train.
    """
    for name, share in (("validation", validation), ("test", test)):
        if not 0 <= share < 1:
            raise UsageError(f"the {name} fraction is {share}", "Give a number from 0 up to, not including, 1.")
    if validation + test >= 1:
        raise UsageError("nothing would be left to train on", "Make validation and test smaller.")
    units = units_of(pictures, group)
    own = pictures.split is not None and bool(np.any(pictures.split == "test"))
    result = np.full(len(pictures), "train", dtype=object)
    pool = np.arange(len(pictures))
    if own:
        _refuse_straddling(pictures, units, group)
        result[pictures.split == "test"] = "test"
        pool = np.flatnonzero(pictures.split != "test")
        test = 0.0
    result[pool] = _drawn(pictures.labels[pool], units[pool], validation, test, seed)
    return result


def draw_labels(pictures: Pictures, count: int, seed: int, group: str | None = None) -> np.ndarray:
    """Rows of `count` labelled pictures, as many of each class as can be; a larger draw holds every smaller one.

    With a group, whole groups are drawn until there are at least `count`.
    """
    known = np.flatnonzero(pictures.labels != UNKNOWN)
    if not 0 < count <= len(known):
        raise UsageError(f"{count} labels are wanted and {len(known)} pictures are labelled", "Ask for fewer.")
    units = (units_of(pictures, group) if group or pictures.source.get("group") else pictures.keys)[known]
    first, inverse, sizes = _distinct(units)
    labels = _majority(pictures.labels[known], inverse)
    order = np.lexsort((_hashed(first, seed, "labels"), labels))
    # the first of every class, then the second of every class, ...
    starts = np.searchsorted(labels[order], labels[order])
    rounds = np.arange(len(order)) - starts
    turn = order[np.lexsort((_hashed(first[order], seed, "turn"), rounds))]
    taken = turn[: int(np.searchsorted(np.cumsum(sizes[turn]), count)) + 1]
    return known[np.isin(inverse, taken)]


def units_of(pictures: Pictures, group: str | None = None) -> np.ndarray:
    """A key for what must stay together: the group, the picture that a tile was cut from, or the picture itself."""
    group = group or pictures.source.get("group")
    if group is not None:
        if group not in pictures.columns:
            known = ", ".join(pictures.columns) or "none"
            raise UsageError(f"there is no column {group!r} to group by", f"The columns are: {known}.")
        values = pictures.columns[group]
        # nobody knows the group of a picture with a blank: it stands alone
        blank = np.array([value in ("", None) or value != value for value in values])
        return np.where(blank, pictures.keys, keys_of(f"{group}={value}" for value in values))
    tiled = pictures.source.get("tiles")
    if tiled is not None and len(tiled["pictures"]) >= 3:
        return keys_of(parent(str(name)) for name in pictures.ids)
    return pictures.keys


def _refuse_straddling(pictures: Pictures, units: np.ndarray, group: str | None) -> None:
    test = pictures.split == "test"
    shared = np.intersect1d(units[test], units[~test])
    if group and len(shared):
        raise UsageError(
            f"{len(shared):,} groups of {group!r} are in the source's own test as well as in its train",
            "Group by another column, or remove them from one of the two.",
        )


def _drawn(labels: np.ndarray, units: np.ndarray, validation: float, test: float, seed: int) -> np.ndarray:
    """Strata one after the other, units in hash order in each; the ends of each stratum's shares are carried over,
    so that shares are right in all and within one unit in each."""
    first, inverse, sizes = _distinct(units)
    strata = _strata(_majority(labels, inverse))
    order = np.lexsort((_hashed(first, seed, "split"), strata))
    after = np.cumsum(sizes[order])
    middle = after - sizes[order] / 2
    stratum = strata[order]
    begins = np.concatenate([[0], after[:-1]])[np.searchsorted(stratum, stratum)]
    ends = after[np.searchsorted(stratum, stratum, side="right") - 1]
    tests = _share(begins, ends, test)
    both = _share(begins, ends, test + validation)
    place = middle - begins
    part = np.where(place < tests, "test", np.where(place < both, "validation", "train")).astype(object)
    _fill_empty(part, {"train": 1.0, "test": test, "validation": validation})
    of_unit = np.empty(len(first), dtype=object)
    of_unit[order] = part
    return of_unit[inverse]


def _share(begins: np.ndarray, ends: np.ndarray, share: float) -> np.ndarray:
    return np.floor(ends * share + 0.5) - np.floor(begins * share + 0.5)


def _fill_empty(part: np.ndarray, shares: dict[str, float]) -> None:
    """Where groups are few or large, a part that was asked for may have got none: it takes one of the largest part."""
    wanted = [name for name, share in shares.items() if share > 0]
    for name in wanted if len(part) >= len(wanted) else []:
        if not np.any(part == name):
            largest = max(wanted, key=lambda other: int(np.sum(part == other)))
            part[np.flatnonzero(part == largest)[0]] = name


def _strata(labels: np.ndarray) -> np.ndarray:
    """Units by label, small labels in one stratum."""
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.where(counts[inverse] >= _SMALL, labels, UNKNOWN - 1)


def _majority(labels: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """The commonest label of each unit."""
    pairs, counts = np.unique(np.stack([inverse, labels]), axis=1, return_counts=True)
    best = np.lexsort((counts, pairs[0]))
    last = np.flatnonzero(np.diff(np.append(pairs[0][best], -1)))
    return pairs[1][best[last]]


def _distinct(units: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, inverse, sizes = np.unique(units, return_inverse=True, return_counts=True)
    return first, inverse, sizes


def _hashed(keys: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """A shuffle's sort key for each picture key (the finaliser of splitmix64, public domain)."""
    bits = keys.astype(np.int64).view(np.uint64) ^ np.uint64(stream(seed, purpose))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
