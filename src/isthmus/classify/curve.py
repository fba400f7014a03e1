"""Accuracy against the number of labels: heads and baselines on the same draws, so that differences are paired."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.classify.baselines import BASELINES, pixels_of
from isthmus.classify.classifier import check_labels
from isthmus.classify.draws import only
from isthmus.classify.features import Features
from isthmus.classify.heads._head import Head, Pile, Told
from isthmus.classify.heads._network import learns_on
from isthmus.classify.heads.blend import Blend
from isthmus.classify.heads.tuned import Tuned
from isthmus.contract import Fitted
from isthmus.errors import DataError
from isthmus.stats.intervals import Interval, mean_interval, paired_difference

__all__ = ["BESIDE", "Curve", "label_curve"]

UNTRAINED, FROM_SCRATCH = "untrained-encoder", "from-scratch"
BESIDE = (*BASELINES, UNTRAINED, FROM_SCRATCH)
"""What every curve is set beside, unless less is asked for."""


@dataclass(frozen=True)
class Curve:
    """`accuracy[method]` is `(counts, seeds)`."""

    counts: tuple[int, ...]
    seeds: tuple[int, ...]
    accuracy: dict[str, np.ndarray]
    baselines: tuple[str, ...]
    n: int

    def at(self, method: str, count: int) -> Interval:
        return mean_interval(self.accuracy[method][self.counts.index(count)])

    def best_baseline(self, count: int) -> str:
        row = self.counts.index(count)
        return max(self.baselines, key=lambda name: float(np.mean(self.accuracy[name][row])))

    def gain(self, method: str, count: int) -> Interval:
        """Over the best baseline at that count, draw by draw."""
        row = self.counts.index(count)
        return paired_difference(self.accuracy[method][row], self.accuracy[self.best_baseline(count)][row])

    def verdict(self, method: str) -> str:
        """The first line of the report: where a baseline wins it says so, and where nobody does."""
        found: dict[str, list[str]] = {"ahead": [], "behind": [], "too close to call": []}
        for count in self.counts:
            gain = self.gain(method, count)
            how = "ahead" if gain.low > 0 else "behind" if gain.high < 0 else "too close to call"
            found[how].append(f"{100 * gain.value:+.1f} at {count:,} ({self.best_baseline(count)})")
        words = [f"{how} {', '.join(places)}" for how, places in found.items() if places]
        first = (
            "A baseline wins somewhere" if found["behind"] else "Pre-training helps" if found["ahead"] else "No winner"
        )
        return f"{first}: {method} against the best baseline, in points: {'; '.join(words)}"


Tell = Callable[[np.ndarray], np.ndarray]
"""From the labels of a draw to the classes of the test pictures."""


def label_curve(
    model: Fitted,
    pile: Any,
    test: Any,
    counts: Sequence[int],
    seeds: Sequence[int],
    heads: Mapping[str, Head],
    untrained: Fitted | None = None,
    beside: Sequence[str] = BESIDE,
    told: Told | None = None,
) -> Curve:
    """`pile` and `test` are `Pictures` with labels; of the pile's, every draw shows a classifier only so many.

    `beside` are the baselines, each fitted on the same draws. Two more need `untrained`, the model's network before
    training: what its architecture alone is worth with the first head, and what it learns from the labels alone.
    """
    check_labels(pile.labels, pile.classes)
    known = test.labels >= 0
    if not known.any() or test.classes != pile.classes:
        raise DataError("the test pictures have no labels of the pile's classes", "Give labelled test pictures.")
    test = test.take(known)
    draws = [[only(pile, count, seed) for seed in seeds] for count in counts]
    methods = dict(_headed(model, pile, test, heads, told))
    baselines = dict(_baselines(model, pile, test, beside))
    if untrained is not None:
        start = {UNTRAINED: next(iter(heads.values()), Blend()), FROM_SCRATCH: Tuned()}
        able = [name for name in start if name != FROM_SCRATCH or learns_on(untrained)]
        start = {name: start[name] for name in able if name in beside}
        baselines |= dict(_headed(untrained, pile, test, start, told))
    accuracy: dict[str, np.ndarray] = {}
    total = (len(methods) + len(baselines)) * len(counts) * len(seeds)
    for name, tell in (methods | baselines).items():
        found = np.full((len(counts), len(seeds)), np.nan)
        for i, j in np.ndindex(len(counts), len(seeds)):
            found[i, j] = (tell(draws[i][j]) == test.labels).mean()
            if told:
                told(len(accuracy) * found.size + i * len(seeds) + j + 1, total, name)
        accuracy[name] = found
    return Curve(tuple(counts), tuple(seeds), accuracy, tuple(baselines), len(test))


def _headed(
    model: Fitted, pile: Any, test: Any, heads: Mapping[str, Head], told: Told | None
) -> Iterator[tuple[str, Tell]]:
    """Heads on the model's features: pictures are encoded, and the graph is made, once for all draws."""
    if not heads:
        return
    features = Features.learn(model, pile)
    seen, asked = features.pile(pile, told), features.pile(test, told)
    for name, head in heads.items():
        yield name, _telling(head, seen, asked, len(pile.classes))


def _telling(head: Head, seen: Pile, asked: Pile, classes: int) -> Tell:
    return lambda labels: head.fresh().fit(seen, labels, classes).probabilities(asked).argmax(axis=1)


def _baselines(model: Fitted, pile: Any, test: Any, names: Sequence[str]) -> Iterator[tuple[str, Tell]]:
    names = [name for name in names if name not in (UNTRAINED, FROM_SCRATCH)]
    if not names:
        return
    pixels, wanted = pixels_of(model, pile), pixels_of(model, test)
    for name in names:
        baseline = BASELINES[name]
        yield name, _fitting(baseline.classifier, *baseline.rows(pixels, wanted))


def _fitting(classifier: Callable[[], Any], rows: np.ndarray, asked: np.ndarray) -> Tell:
    def tell(labels: np.ndarray) -> np.ndarray:
        known = labels >= 0
        return np.asarray(classifier().fit(rows[known], labels[known]).predict(asked))

    return tell
