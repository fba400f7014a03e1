"""What looks like none of the normal pictures, with a promise of how rarely that is a false alarm.

Nobody has to have seen an odd picture: everything is learnt from pictures taken as normal. Some that nothing was learnt
from say how odd a normal one may look, and that gives the threshold (split conformal). The promise is for new pictures
that are drawn as those were; a model that was trained on them too redraws them better than it will redraw new ones, so
give `fit` pictures `aside` that the model has not seen, if there are any.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from isthmus.classify.draws import units
from isthmus.classify.heads._head import Told, stage
from isthmus.classify.oddness import WAYS, Way
from isthmus.contract import Fitted, Tick, some, some_of
from isthmus.errors import DataError, UsageError
from isthmus.estimator import Estimator, option
from isthmus.stats.auroc import auroc, auroc_difference
from isthmus.stats.conformal import alarm_threshold, fewest_for, p_values
from isthmus.stats.intervals import Interval

__all__ = ["Comparison", "Detector", "Judge", "held_out"]

_ASIDE, _MOST_ASIDE = 0.2, 10_000


class Judge:
    """A way of telling odd from normal and what it says of normal pictures: one protocol for ways and baselines."""

    def __init__(self, way: Way, usual: np.ndarray) -> None:
        self.way, self.usual = way, np.sort(np.asarray(usual, np.float64))

    @classmethod
    def learn(cls, kind: type[Way], model: Fitted, normal: Any, aside: Any, told: Told | None = None) -> "Judge":
        way = kind.learn(model, normal, stage(told, "learning what is normal"))
        return cls(way, way.of(aside, stage(told, "how odd normal pictures look")))


@dataclass(frozen=True)
class Comparison:
    """Ways and baselines on the same pictures, of which some are known to be odd; `scores[name]` is one number each."""

    scores: dict[str, np.ndarray]
    odd: np.ndarray
    baselines: tuple[str, ...]
    split: str = "test"

    def area(self, name: str) -> Interval:
        return auroc(self.scores[name], self.odd)

    def best_baseline(self) -> str:
        return max(self.baselines, key=lambda name: self.area(name).value)

    def gain(self, name: str) -> Interval:
        """Over the best baseline, on the same pictures."""
        return auroc_difference(self.scores[name], self.scores[self.best_baseline()], self.odd)

    def verdict(self, name: str) -> str:
        """The first line of the report: where a baseline wins it says so, and where nobody does."""
        gain, best, area = self.gain(name), self.best_baseline(), self.area(name)
        first = "The model helps" if gain.low > 0 else "A baseline wins" if gain.high < 0 else "No winner"
        against = f"{gain.value:+.3f} ({gain.low:+.3f} .. {gain.high:+.3f}) against the best baseline ({best})"
        return f"{first}: {name} tells odd from normal with an AUROC of {area.value:.3f}, {against}."


@dataclass(kw_only=True, eq=False)
class Detector(Estimator):
    """`model` is any fitted model; higher is odder everywhere."""

    model: Any = None
    by: str = option("blend", "what makes a picture odd", choices=tuple(WAYS))
    alarms: float = option(0.01, "how often a normal picture may be flagged", low=0)
    seed: int = option(0, "of the pictures held out", low=0)

    def fit(self, X: Any, y: Any = None, *, aside: Any = None, told: Told | None = None) -> Self:
        """`X` are pictures taken as normal; without `aside` a fifth of them is held out, whole groups at a time."""
        self.check_params()
        WAYS[self.by].check(self._model())
        X = X if hasattr(X, "shape") or hasattr(X, "pixels") else np.asarray(X)
        fewest = fewest_for(1 - self.alarms)
        if aside is None:
            held = held_out(units(X), self.alarms, self.seed)
            X, aside = some(X, ~held), some(X, held)
        elif len(aside) < fewest:
            raise DataError(_too_few(len(aside), "set-aside", self.alarms), _remedy(fewest, 1 / (len(aside) + 1)))
        if len(X) < 2:
            raise DataError(
                f"{len(X)} normal pictures are too few to learn from", "Give at least two, better hundreds."
            )
        judge = Judge.learn(WAYS[self.by], self._model(), X, some_of(aside, _MOST_ASIDE), told)
        return self.settle(judge, len(X))

    def settle(self, judge: Judge, learnt_from: int) -> Self:
        """From here on it counts as fitted; another `alarms` may be asked of the same judge."""
        self.judge_, self.learnt_from_ = judge, learnt_from
        self.threshold_, self.promise_ = alarm_threshold(judge.usual, self.alarms)
        return self

    @property
    def title(self) -> str:
        """The way and the model: what stands beside the baselines."""
        return f"{WAYS[self.by].title} ({type(self.model).__name__})"

    def oddness(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        """One number a picture; what it is measured in is the way's own."""
        return self._judge().way.of(X, tick)

    def p_values(self, X: Any) -> np.ndarray:
        """How often a normal picture looks at least as odd."""
        return self.p_of(self.oddness(X))

    def predict(self, X: Any) -> np.ndarray:
        """Whether each picture is flagged: of normal ones at most about the share `alarms` is."""
        return self.flagged(self.oddness(X))

    def p_of(self, oddness: np.ndarray) -> np.ndarray:
        return p_values(oddness, self._judge().usual)

    def flagged(self, oddness: np.ndarray) -> np.ndarray:
        self._judge()
        return np.asarray(oddness > self.threshold_)

    def check_params(self) -> None:
        super().check_params()
        if not 0 < self.alarms < 1:
            raise UsageError(f"alarms is {self.alarms}", "Give a rate between 0 and 1, such as 0.01.")

    def _judge(self) -> Judge:
        if not hasattr(self, "judge_"):
            raise UsageError("this detector is not fitted", "Call fit first.")
        return self.judge_

    def _model(self) -> Fitted:
        if self.model is None:
            raise UsageError("a detector needs a fitted model", "Give one: Detector(model=...).")
        model: Fitted = self.model
        return model


def held_out(together: np.ndarray, alarms: float, seed: int) -> np.ndarray:
    """Booleans: a fifth of the pictures, or as many as the rate takes if that is at most half; no group straddles."""
    n, fewest = len(together), fewest_for(1 - alarms)
    if n < 2 * fewest:
        raise DataError(_too_few(n, "normal", alarms), _remedy(2 * fewest, 1 / (n // 2 + 1)))
    wanted = max(fewest, min(round(_ASIDE * n), _MOST_ASIDE))
    first, unit, sizes = np.unique(together, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(first))
    last = int(np.searchsorted(np.cumsum(sizes[order]), wanted))
    held = np.isin(unit, order[: last + 1])
    if held.all():
        raise DataError(f"the {n} normal pictures are {len(first)} groups", "Give more groups, so that some learn.")
    return held


def _too_few(n: int, what: str, alarms: float) -> str:
    return f"{n:,} {what} pictures cannot promise a false-alarm rate of {alarms:g}"


def _remedy(fewest: int, lowest: float) -> str:
    return f"Give {fewest:,} or more, or ask for a rate of at least {lowest:.2g}."
