"""Which pictures to label next: typical ones of groups where nothing is labelled yet (TypiClust, Hacohen et al. 2022).

Few labels are worth most where many pictures are: the pile is cut into as many groups as there will be labels, and the
largest groups without one give their most typical picture. Once every class has labels enough to be unsure with, only
the pictures that the classifier is least sure of are cut into groups.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.classify.heads._head import Pile
from isthmus.errors import DataError, UsageError
from isthmus.stats.knn import neighbours

__all__ = ["Suggestion", "suggest"]

_LOOKED_AT = 20_000
_NEAR = 20
_MOST_GROUPS = 1000
_UNSURE = 0.1
_ENOUGH = 10


@dataclass(frozen=True)
class Suggestion:
    """A row of the pile and why: how many pictures it stands for, and how sure the classifier is of it now."""

    row: int
    group: int
    share: float
    margin: float | None

    @property
    def reason(self) -> str:
        unsure = "" if self.margin is None else f", and its two likeliest classes are {self.margin:.2f} apart"
        if self.group <= 1:
            return f"unlike others{unsure}"
        return f"typical of a group of {self.group:,} pictures ({self.share:.1%}) without a label{unsure}"


def suggest(
    pile: Pile, labels: np.ndarray, n: int, seed: int = 0, probabilities: np.ndarray | None = None
) -> list[Suggestion]:
    """`n` rows without a label, the most useful first; `probabilities` are a classifier's for every row, if it exists.

    Large piles are looked at in part: 20,000 pictures and all that are labelled.
    """
    labelled = np.flatnonzero(labels >= 0)
    free = np.flatnonzero(labels < 0)
    if n < 1:
        raise UsageError(f"{n} pictures were asked for", "Ask for at least 1.")
    if len(free) < n:
        raise DataError(f"{n} pictures were asked for, and {len(free)} have no label", "Ask for fewer.")
    counts = np.unique(labels[labelled], return_counts=True)[1]
    margins = None if probabilities is None else _margins(probabilities)
    if margins is not None and counts.min(initial=_ENOUGH) >= _ENOUGH:
        free = free[np.argsort(margins[free], kind="stable")[: max(4 * n, int(_UNSURE * len(free)))]]
        labelled = labelled[:0]  # unsure is unsure, also beside a labelled picture
    generator = np.random.default_rng(seed)
    if len(free) > _LOOKED_AT:
        free = np.sort(generator.choice(free, _LOOKED_AT, replace=False))
    rows = np.concatenate([labelled, free])
    groups = _groups(pile.rows[rows], min(len(labelled) + n, _MOST_GROUPS, len(rows)), seed)
    covered = np.unique(groups[: len(labelled)])
    sizes = np.bincount(groups)
    chosen: list[Suggestion] = []
    for group in sorted(set(range(len(sizes))) - set(covered), key=lambda g: -int(sizes[g]))[:n]:
        inside = rows[groups == group]
        if len(inside):
            best = int(inside[_typicality(pile.rows[inside]).argmax()])
            margin = None if margins is None else float(margins[best])
            chosen.append(Suggestion(best, len(inside), len(inside) / len(rows), margin))
    return chosen + _others(free, chosen, n, generator, margins, len(rows))


def _groups(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans, MiniBatchKMeans

    make = KMeans if count <= 50 else MiniBatchKMeans
    return np.asarray(make(count, n_init=1, random_state=seed).fit_predict(rows))


def _typicality(rows: np.ndarray) -> np.ndarray:
    """The inverse of the mean distance to the nearest others of the group."""
    if len(rows) < 3:
        return np.arange(len(rows), 0, -1, dtype=float)
    distances = neighbours(rows, rows, min(_NEAR, len(rows) - 1), skip_self=True)[0]
    return np.asarray(1 / (distances.mean(axis=1) + 1e-9))


def _margins(probabilities: np.ndarray) -> np.ndarray:
    best = np.sort(probabilities, axis=1)
    return np.asarray(best[:, -1] - best[:, -2]) if best.shape[1] > 1 else np.zeros(len(best))


def _others(
    free: np.ndarray,
    chosen: list[Suggestion],
    n: int,
    generator: np.random.Generator,
    margins: np.ndarray | None,
    total: int,
) -> list[Suggestion]:
    """Where there are fewer groups than were asked for, any pictures that are left."""
    left = np.setdiff1d(free, [one.row for one in chosen])
    rows = generator.permutation(left)[: n - len(chosen)]
    return [Suggestion(int(row), 1, 1 / total, None if margins is None else float(margins[row])) for row in rows]
