"""Numbers from any fitted model and a handful of labels; it says how far off it is, and which labels look wrong.

Certainty comes from the labels themselves: every labelled picture is told once by a head that did not know its number.
Those answers give the graph's share, the reach of the intervals (cross-conformal: the promise is that of the fold
heads), the expected error, and the labels that are too far from what was told to be believed.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from isthmus.classify.draws import folds, units
from isthmus.classify.heads._head import Pile, Told, stage
from isthmus.classify.numbers.head import NumberHead, graph_share
from isthmus.classify.numbers.rows import NumberRows
from isthmus.classify.usual import Usual
from isthmus.contract import Tick
from isthmus.errors import DataError, UsageError
from isthmus.estimator import Estimator, option
from isthmus.images.numbers import as_numbers, numbers_of
from isthmus.stats.conformal import reach_of
from isthmus.stats.intervals import size_interval
from isthmus.stats.ridge import r_squared

__all__ = ["NumberSuspect", "Regressor"]

_FOLDS = 10
_SUSPICIOUS = 5.0
_FEWEST_FOR_SUSPECTS = 10
_TO_SIGMA = 1.4826
_BLOCK = 8192


@dataclass(frozen=True)
class NumberSuspect:
    """A label that may be wrong: where it is, what it says, what was told, and how many robust sigmas lie between."""

    row: int
    given: float
    told: float
    sigmas: float


@dataclass(kw_only=True, eq=False)
class Regressor(Estimator):
    """`model` is any fitted model; NaN in `y` are pictures nobody has labelled, and help all the same."""

    model: Any = None
    level: float = option(0.9, "how often an interval must hold the true number", low=0)
    seed: int = option(0, "of the folds", low=0)

    def fit(self, X: Any, y: Any = None, told: Told | None = None) -> Self:
        """`X` as the model takes it; `y` may be left out for `Pictures` whose labels are numbers."""
        self.check_params()
        X = X if hasattr(X, "shape") or hasattr(X, "pixels") else np.asarray(X)
        values = _values_of(X, y)
        _check_numbers(values)
        if self.model is None:
            raise UsageError("a regressor needs a fitted model", "Give one: Regressor(model=...).")
        self.rows_ = NumberRows.learn(self.model, X)
        # rounded as a `Pile` rounds, so that both see the same rows
        rows = Pile(self.rows_.of(X, stage(told, "looking at the pictures"))).rows
        pile = Pile(rows[:, : self.rows_.unit], told)
        self._learn(rows, pile, values, units(X), told)
        self.usual_ = Usual.of(pile.rows)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self.told(self.rows(X))

    def predict_interval(self, X: Any) -> np.ndarray:
        """`(n, 2)`: the true number lies between the two about as often as `level` says.

        The promise is for pictures like the labelled ones. Labels that were picked, not drawn at random, bend it.
        """
        return self.intervals(self.predict(X))

    def typical(self, X: Any) -> np.ndarray:
        """Above 0, at most 1: the share of the pile that lies at least as far from the rest as this picture does."""
        return self.typical_rows(self.rows(X))

    def score(self, X: Any, y: Any = None) -> float:
        """R2 on the pictures whose number is known."""
        values = _values_of(X, y)
        known = np.isfinite(values)
        return r_squared(values[known], self.predict(X)[known])

    # -- on rows that are already features ------------------------------------------------------------------------

    def rows(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        if not hasattr(self, "head_"):
            raise UsageError("this regressor is not fitted", "Call fit first.")
        return self.rows_.of(X, tick)

    def told(self, rows: np.ndarray) -> np.ndarray:
        parts = [self.head_.of(rows[i : i + _BLOCK]) for i in range(0, len(rows), _BLOCK)]
        return np.concatenate(parts) if parts else np.empty(0)

    def intervals(self, told: np.ndarray) -> np.ndarray:
        if self.reach_ is None:
            raise DataError(f"there are no intervals: {self.no_intervals_}")
        return np.stack([told - self.reach_, told + self.reach_], axis=1)

    def typical_rows(self, rows: np.ndarray) -> np.ndarray:
        return self.usual_.typical(rows[:, : self.rows_.unit])

    # -- how it is done -------------------------------------------------------------------------------------------

    def _learn(self, rows: np.ndarray, pile: Pile, values: np.ndarray, together: np.ndarray, told: Told | None) -> None:
        known = np.isfinite(values)
        self.folds_ = parts = folds(np.where(known, 0, -1), together, _FOLDS, self.seed)
        graph = pile if NumberHead.asks_graph(int(known.sum())) and parts else None
        self.judged_ = judged = np.concatenate(parts) if parts else np.empty(0, np.int64)
        answers = []
        for number, part in enumerate(parts):
            hidden = values.copy()
            hidden[part] = np.nan
            head = NumberHead.fit(rows, self.rows_.bent, graph, hidden, together)
            answers.append(np.stack(head.both(rows[part])))
            if told:
                told(number + 1, len(parts) + 1, "learning numbers")
        head = NumberHead.fit(rows, self.rows_.bent, graph, values, together)
        kernel, spread = np.concatenate(answers, axis=1) if answers else np.empty((2, 0))
        share = graph_share(kernel, spread, values[judged]) if graph is not None else 0.0
        self.head_ = head.sharing(share)
        self.told_, self.truth_ = kernel + share * (spread - kernel), values[judged]
        self._judge(together[judged])

    def _judge(self, together: np.ndarray) -> None:
        """What the answers of heads that did not know say of the errors to come."""
        errors = self.told_ - self.truth_
        self.expected_, self.reach_, self.suspects_ = None, None, []
        if len(errors) == 0:
            self.no_intervals_ = "all labels belong together, so nothing can be held out. Label more."
            return
        self.expected_ = size_interval(errors, together)
        try:
            self.reach_ = reach_of(errors, self.level)
        except DataError as reason:
            self.no_intervals_ = str(reason)
        self.suspects_ = self._suspects(errors)

    def _suspects(self, errors: np.ndarray) -> list[NumberSuspect]:
        """The farthest off first."""
        sigma = _TO_SIGMA * float(np.median(np.abs(errors)))
        if len(errors) < _FEWEST_FOR_SUSPECTS or sigma == 0:
            return []
        sigmas = np.abs(errors) / sigma
        odd = np.flatnonzero(sigmas > _SUSPICIOUS)
        odd = odd[np.argsort(-sigmas[odd], kind="stable")]
        found = (self.judged_[odd], self.truth_[odd], self.told_[odd], sigmas[odd])
        return [NumberSuspect(int(r), float(g), float(t), float(s)) for r, g, t, s in zip(*found, strict=True)]

    def check_params(self) -> None:
        super().check_params()
        if not 0 < self.level < 1:
            raise UsageError(f"level is {self.level}", "Give a share between 0 and 1, such as 0.9.")


def _values_of(X: Any, y: Any) -> np.ndarray:
    if y is not None:
        return as_numbers(y, len(X))
    if not hasattr(X, "labels"):
        raise UsageError("there are no labels", "Give y, with NaN for what is unknown.")
    return numbers_of(X)


def _check_numbers(values: np.ndarray) -> None:
    """Refuse labels that teach nothing."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        have = "1 picture has" if len(known) == 1 else "0 pictures have"
        raise DataError(f"{have} a number", "Label at least 2: a table id,label, or --labels.")
    if (known == known[0]).all():
        raise DataError(f"all {len(known)} labels are {known[0]:g}", "A regressor needs numbers that differ.")
