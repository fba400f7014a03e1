"""A classifier from any fitted model and a handful of labels; it says how sure it is, and of which pictures not at all.

Certainty comes from the labels themselves: every labelled picture (one in five, where a head learns slowly) is told
once by a head that did not know its label. Those answers give the temperature that makes probabilities honest, the
threshold of the conformal sets (cross-conformal: the promise is that of the fold heads), and the expected accuracy.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from isthmus import discover
from isthmus.classify.draws import folds, units
from isthmus.classify.features import Features
from isthmus.classify.heads._head import Head, Pile, Told
from isthmus.classify.suggest import Suggestion, suggest
from isthmus.contract import Fitted
from isthmus.errors import DataError, UsageError
from isthmus.estimator import Estimator, option
from isthmus.images.arrays import class_codes
from isthmus.stats.calibration import fit_temperature, softmax
from isthmus.stats.conformal import set_threshold, sets_of
from isthmus.stats.intervals import wilson_interval

__all__ = ["Classifier", "Suspect", "check_labels"]

_FOLDS = 5
_FEWEST_FOR_TEMPERATURE = 20
_SUSPICIOUS = 0.9
_BLOCK = 8192


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong: where it is, what it says, and what the picture looks like."""

    row: int
    given: str
    told: str
    probability: float


@dataclass(kw_only=True, eq=False)
class Classifier(Estimator):
    """`model` is any fitted model; -1, None and NaN in `y` are pictures nobody has labelled, and help all the same."""

    model: Any = None
    head: str | Head = option("blend", "how to learn from the labels")
    level: float = option(0.9, "how often a conformal set must hold the true class", low=0)
    seed: int = option(0, "of the folds", low=0)

    def fit(self, X: Any, y: Any = None, told: Told | None = None) -> Self:
        """`X` as the model takes it; `y` may be left out for `Pictures`, which have their own labels."""
        self.check_params()
        X = X if hasattr(X, "shape") or hasattr(X, "pixels") else np.asarray(X)
        self.whole_ = y is not None and np.asarray(y).dtype.kind in "iu"
        labels, self.classes_ = _labels_of(X, y)
        self.features_ = Features.learn(self._model(), X)
        return self.fit_pile(self.features_.pile(X, told), labels, self.classes_, units(X))

    def fit_pile(
        self, pile: Pile, labels: np.ndarray, classes: tuple[str, ...], together: np.ndarray | None = None
    ) -> Self:
        """The same on a pile that was looked at already; rows of one value in `together` are never parted."""
        self.check_params()
        check_labels(labels, classes)
        self.classes_ = classes
        together = np.arange(len(labels)) if together is None else together
        self.head_ = self._head().fit(pile, labels, len(classes))
        told, rows = self._told_by_others(pile, labels, together)
        names = np.asarray(classes, dtype=object)
        self.told_, self.truth_ = names[told.argmax(1)], names[labels[rows]]
        self.temperature_, self.threshold_, self.expected_ = 1.0, None, None
        if len(rows):
            self.expected_ = wilson_interval(int((told.argmax(1) == labels[rows]).sum()), len(rows))
            if len(rows) >= _FEWEST_FOR_TEMPERATURE:
                self.temperature_ = fit_temperature(_logits(told), labels[rows])
            try:
                self.threshold_ = set_threshold(_tempered(told, self.temperature_), labels[rows], self.level)
            except DataError as reason:
                self.no_sets_ = str(reason)
        else:
            self.no_sets_ = "every class has a single label, so nothing can be held out. Label more."
        self.suspects_ = self._suspects(told, labels, rows)
        self.usual_ = pile.usual()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Names of classes; whole numbers where whole numbers were given."""
        best = self.predict_proba(X).argmax(axis=1)
        names = np.asarray(self.classes_, dtype=object)
        return names.astype(np.int64)[best] if getattr(self, "whole_", False) else names[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Calibrated where there were labels enough to do so, one column for each of `classes_`."""
        seen = self.look(X)
        told = [self.head_.probabilities(seen.part(slice(i, i + _BLOCK))) for i in range(0, len(seen), _BLOCK)]
        return _tempered(np.concatenate(told), self.temperature_)

    def predict_set(self, X: Any) -> np.ndarray:
        """Booleans, one column a class: the true one is among the marked about as often as `level` says.

        The promise is for pictures like the labelled ones. Labels that were picked, not drawn at random, bend it.
        """
        if self.threshold_ is None:
            raise DataError(f"there are no conformal sets: {self.no_sets_}")
        return sets_of(self.predict_proba(X), self.threshold_)

    def typical(self, X: Any) -> np.ndarray:
        """Above 0, at most 1: the share of the pile that lies at least as far from the rest as this picture does."""
        return self.usual_.typical(self.look(X).rows)

    def suggest(self, X: Any, y: Any = None, n: int = 20, seed: int = 0) -> list[Suggestion]:
        """Which of these to label next, the most useful first; `y` says which have a label already."""
        labels = _labels_of(X, y)[0] if y is not None or hasattr(X, "labels") else np.full(len(X), -1)
        seen = self.look(X)
        return suggest(seen, labels, n, seed, self.predict_proba(seen))

    def score(self, X: Any, y: Any = None) -> float:
        labels, classes = _labels_of(X, y)
        known = labels >= 0
        truth = np.asarray(classes, dtype=object)[labels[known]]
        return float((self.predict(X)[known].astype(str) == truth).mean())

    def look(self, X: Any, told: Told | None = None) -> Pile:
        """What there is to see in these pictures; whoever asks several questions about them looks once, and gives it
        in their place."""
        if not hasattr(self, "head_"):
            raise UsageError("this classifier is not fitted", "Call fit first.")
        return X if isinstance(X, Pile) else self.features_.pile(X, told)

    # -- how it is done -------------------------------------------------------------------------------------------

    def _told_by_others(self, pile: Pile, labels: np.ndarray, together: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of labelled rows from heads that did not know their labels, and which rows those are."""
        parts = folds(labels, together, _FOLDS, self.seed)
        self.folds_ = parts = parts[:1] if self.head_.slow else parts
        told = []
        for part in parts:
            hidden = labels.copy()
            hidden[part] = -1
            told.append(self._head().fit(pile, hidden, len(self.classes_)).probabilities(pile.part(part)))
        rows = np.concatenate(parts) if parts else np.empty(0, np.int64)
        return (np.concatenate(told) if told else np.empty((0, len(self.classes_)))), rows

    def _suspects(self, told: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> list[Suspect]:
        """Labels that a head which did not know them is sure are others, the surest first."""
        sure = _tempered(told, self.temperature_)
        best = sure.argmax(axis=1) if len(sure) else np.empty(0, int)
        odd = np.flatnonzero((best != labels[rows]) & (sure.max(axis=1, initial=0) >= _SUSPICIOUS))
        odd = odd[np.argsort(-sure[odd, best[odd]], kind="stable")]
        names = self.classes_
        return [Suspect(int(rows[i]), names[labels[rows[i]]], names[best[i]], float(sure[i, best[i]])) for i in odd]

    def check_params(self) -> None:
        super().check_params()
        if not self.level < 1 or self.level <= 0:
            raise UsageError(f"level is {self.level}", "Give a share between 0 and 1, such as 0.9.")

    def _head(self) -> Head:
        found = self.head if isinstance(self.head, Head) else discover.find("classify.heads", self.head, "Head")()
        made: Head = found.fresh()
        made.check_params()
        return made

    def _model(self) -> Fitted:
        if self.model is None:
            raise UsageError("a classifier needs a fitted model", "Give one: Classifier(model=...).")
        model: Fitted = self.model
        return model


def _labels_of(X: Any, y: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes and the names of the classes that have a label here: a class that only a test knows cannot be learnt."""
    if y is None and not hasattr(X, "labels"):
        raise UsageError("there are no labels", "Give y, with -1 for what is unknown.")
    labels, classes = (X.labels, X.classes) if y is None else class_codes(y, len(X))
    present = np.unique(labels[labels >= 0])
    place = np.full(len(classes) + 1, -1)  # the last one is the unknown, -1
    place[present] = np.arange(len(present))
    return place[labels], tuple(classes[c] for c in present)


def check_labels(labels: np.ndarray, classes: tuple[str, ...]) -> None:
    """Refuse labels that teach nothing."""
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    if counts.sum() == 0:
        raise DataError("0 pictures have a label", "Label a few of each class: a table id,label, or --labels.")
    if (counts > 0).sum() < 2:
        raise DataError(
            f"all {counts.sum()} labels are {classes[int(counts.argmax())]!r}", "A classifier needs two classes."
        )


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.clip(probabilities, 1e-6, 1)))


def _tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    return softmax(_logits(probabilities), temperature)
