"""What designing gives: pictures and codes, and beside each what guides and judge make of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from isthmus.design.judge import Judge
from isthmus.design.wishes import Answers, Seen, Wish
from isthmus.stats import Interval, wilson_interval

__all__ = ["Designs"]


@dataclass(frozen=True)
class Designs:
    """`n` answers to one specification.

    `pictures` are in [0, 1] as the model scales them, `drawn` in the layout and units that it was fitted on; `codes`
    are the model's. `granted` is `(wishes, n)` by the guides, all of them, and `judged` by the judge; None where there
    is none. `seen` and `answers` are what they said. `nearest` is the root mean squared difference of a pixel to the
    nearest training picture, whose id is in `like`; `again` that to what encoding and decoding makes of the design.
    `steps` are those of the search, `change` the mean absolute difference from a given picture, where one was given.
    """

    wishes: Sequence[Wish]
    pictures: torch.Tensor
    drawn: np.ndarray
    codes: np.ndarray
    granted: np.ndarray
    seen: Seen
    steps: np.ndarray
    loss: np.ndarray
    classes: tuple[str, ...] = ()
    judge: Judge | None = None
    judged: np.ndarray | None = None
    answers: Answers | None = None
    nearest: np.ndarray | None = None
    like: np.ndarray | None = None
    again: np.ndarray | None = None
    change: np.ndarray | None = None
    films: dict[int, torch.Tensor] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.pictures)

    def some(self, chosen: Sequence[int]) -> "Designs":
        """These designs only, in this order."""
        rows = np.asarray(chosen, np.int64)
        places = torch.from_numpy(rows)
        cut: dict[str, Any] = {name: getattr(self, name)[rows] for name in ("drawn", "codes", "steps", "loss")}
        for name in ("nearest", "like", "again", "change"):
            cut[name] = None if getattr(self, name) is None else getattr(self, name)[rows]
        return replace(
            self,
            **cut,
            pictures=self.pictures[places],
            granted=self.granted[:, rows],
            seen=self.seen.of(places),
            judged=None if self.judged is None else self.judged[:, rows],
            answers=None if self.answers is None else self.answers.of(rows),
            films={place: self.films[row] for place, row in enumerate(rows.tolist()) if row in self.films},
        )

    @property
    def success(self) -> np.ndarray:
        """Which designs meet every wish: by the judge where there is one, else by the guides."""
        found = self.granted if self.judged is None else self.judged
        return np.asarray(found.all(axis=0))

    def by_guides(self) -> Interval:
        return _share(np.asarray(self.granted.all(axis=0)))

    def by_judge(self) -> Interval | None:
        return None if self.judged is None else _share(np.asarray(self.judged.all(axis=0)))

    def verdict(self) -> str:
        """The first line of every result: what the guides say, what the judge says, and the gap between them."""
        guides, judge = self.by_guides(), self.by_judge()
        words = f"guides say {guides.value:.1%} of {len(self)} meet the wishes"
        if judge is None:
            return f"{words}; nobody else was asked"
        gap = 100 * (guides.value - judge.value)
        return (
            f"{words}; the judge says {judge.value:.1%} (95 %: {judge.low:.1%} to {judge.high:.1%}); "
            f"gap {gap:+.1f} points"
        )

    def closest(self) -> str | None:
        """What came nearest, where nothing meets the wishes."""
        if self.success.any():
            return None
        best = int(np.argmin(self.loss))
        found = [f"{name} {values[best]:.4g}" for name, values in self._numbers().items()]
        told = self._told()
        if told is not None:
            found.insert(0, f"class {told[best]}")
        return f"not met; the closest was design {best} ({', '.join(found)})"

    def rows(self) -> list[dict[str, Any]]:
        """One plain row a design, as it is saved."""
        told, certainty = self._told(), self.seen.certainty
        rows = []
        for i in range(len(self)):
            row: dict[str, Any] = {"design": i, "success": bool(self.success[i])}
            row |= {"guides": bool(self.granted[:, i].all()), "steps": int(self.steps[i])}
            if self.judged is not None:
                row["judge"] = bool(self.judged[:, i].all())
                row["missed"] = [w.said for w, met in zip(self.wishes, self.judged[:, i], strict=True) if not met]
            if told is not None:
                row["class"] = told[i]
            row |= {name: _plain(values[i]) for name, values in self._numbers().items()}
            if certainty is not None:
                row["certainty"] = _plain(certainty[i])
            for name in ("nearest", "again", "change"):
                if (values := getattr(self, name)) is not None:
                    row[name] = _plain(values[i])
            if self.like is not None:
                row["like"] = str(self.like[i])
            rows.append(row)
        return rows

    def _told(self) -> list[str] | None:
        """The class that the judge, else the guides, see in each."""
        if self.answers is not None and self.answers.classes is not None:
            numbers = self.answers.classes.argmax(axis=1)
        elif self.seen.classes is not None:
            numbers = self.seen.classes.mean(0).argmax(1).numpy()
        else:
            return None
        return [self.classes[c] if c < len(self.classes) else str(c) for c in numbers]

    def _numbers(self) -> dict[str, np.ndarray]:
        """Attributes as the judge measures them, else as the guides say in the mean."""
        guessed = {name: values.mean(0).numpy() for name, values in self.seen.numbers.items()}
        return guessed | ({} if self.answers is None else self.answers.numbers)


def _share(hits: np.ndarray) -> Interval:
    return wilson_interval(int(hits.sum()), len(hits))


def _plain(value: Any) -> float | None:
    return round(float(value), 6) if np.isfinite(float(value)) else None
