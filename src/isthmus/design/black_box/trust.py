"""Bayesian optimisation in a trust region: a box about the best code that grows with success and shrinks without.

After Eriksson and others (TuRBO, 2019; with constraints SCBO, 2021): a Gaussian process of the scores told in the box,
one of the margins where some were refused, and draws of both, each of which chooses one code.
"""

from dataclasses import dataclass

import torch

from isthmus.design.black_box._gaussian import Process
from isthmus.design.black_box._optimiser import AskTell
from isthmus.estimator import option

__all__ = ["Optimiser", "Trust"]

_FIRST, _LEAST, _MOST = 0.8, 0.5**7, 1.6
_SUCCESSES = 3
_POINTS = 200
_MOVED = 20
_NEARER = 5
_BETTER = 1e-3


@dataclass(kw_only=True, eq=False)
class Trust(AskTell):
    """Few dimensions of the best code are moved at a time where there are many."""

    candidates: int = option(800, "codes among which each draw chooses", low=2)

    def _prepare(self) -> None:
        self._since = 0
        self._anew()

    def _anew(self) -> None:
        dimensions = self.starts_.shape[1]
        self._length, self._good, self._bad = _FIRST, 0, 0
        self._process, self._margin = Process(dimensions), Process(dimensions)

    def _heed(self, codes: torch.Tensor, scores: torch.Tensor, margins: torch.Tensor, before: float) -> None:
        """The box after a batch; where it has shrunk to nothing, all begins elsewhere."""
        if self._opened < self._openings() or before == -torch.inf:
            return
        if self.best() > before + _BETTER * abs(before):
            self._good, self._bad = self._good + 1, 0
        else:
            self._good, self._bad = 0, self._bad + 1
        if self._good == _SUCCESSES:
            self._length, self._good = min(2 * self._length, _MOST), 0
        elif self._bad >= max(4 / len(codes), self.starts_.shape[1] / len(codes), 2):
            self._length, self._bad = self._length / 2, 0
        if self._length < _LEAST:
            self._since = len(self.codes_)
            self._anew()

    def _propose(self, k: int, generator: torch.Generator) -> torch.Tensor:
        here = torch.arange(self._since, len(self.codes_))
        scored = here[self.scores_[here].isfinite()]
        if len(scored) < 2:
            return self._elsewhere(k, generator)
        unit = self.box_.unit(self.codes_)
        centre = unit[self._centre(scored)]
        near = scored[(unit[scored] - centre).norm(dim=1).argsort()[:_POINTS]]
        self._process.fit(unit[near], _steadied(self.scores_[near]))
        at = self._around(centre, generator)
        wanted = self._process.sample(at, k, generator)
        if bool((self.margins_[here] < 0).any()):
            near = here[(unit[here] - centre).norm(dim=1).argsort()[:_POINTS]]
            self._margin.fit(unit[near], self.margins_[near])
            margins = self._margin.sample(at, k, generator)
            # Where a draw allows nothing, what is nearest to being allowed.
            worst = wanted.amin() - 1 - margins.amax().clamp_min(0)
            wanted = torch.where(margins >= 0, wanted, worst + margins)
        return self.box_.codes(at[_each_another(wanted)])

    def _centre(self, scored: torch.Tensor) -> int:
        """The best code that may be chosen; else that which is nearest to it."""
        allowed = scored[self.margins_[scored] >= 0]
        if len(allowed):
            return int(allowed[self.scores_[allowed].argmax()])
        return int(scored[self.margins_[scored].argmax()])

    def _elsewhere(self, k: int, generator: torch.Generator) -> torch.Tensor:
        rows = torch.randint(len(self.starts_), (k,), generator=generator)
        step = torch.randn(k, self.starts_.shape[1], generator=generator, dtype=torch.float64)
        return self.box_.inside(self.starts_[rows] + 0.2 * step)

    def _around(self, centre: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Candidates in the box, longer where values change slowly; each moves some dimensions and at least one."""
        d = len(centre)
        lengths = self._process.lengths
        half = self._length / 2 * lengths / lengths.log().mean().exp()
        low, high = (centre - half).clamp(0, 1), (centre + half).clamp(0, 1)
        inside = low + (high - low) * torch.rand(self.candidates, d, generator=generator, dtype=torch.float64)
        # Some near, some far: the box is wide while all goes well, and what is best may be close by.
        nearer = 0.5 ** torch.randint(_NEARER, (self.candidates, 1), generator=generator)
        inside = centre.clamp(0, 1).lerp(inside, nearer.double())
        moved = torch.rand(self.candidates, d, generator=generator) < min(1.0, _MOVED / d)
        one = torch.randint(d, (self.candidates, 1), generator=generator)
        return torch.where(moved.scatter(1, one, True), inside, centre.clamp(0, 1))


def _steadied(scores: torch.Tensor) -> torch.Tensor:
    """Nothing is so bad that it hides the differences among the good."""
    middle = scores.median()
    return scores.clamp_min(middle - 3 * (scores.max() - middle).clamp_min(1e-12))


def _each_another(wanted: torch.Tensor) -> list[int]:
    """The best column of each row, none twice."""
    wanted, chosen = wanted.clone(), list[int]()
    for row in wanted:
        if chosen:
            row[chosen] = -torch.inf
        chosen.append(int(row.argmax()))
    return chosen


Optimiser = Trust
