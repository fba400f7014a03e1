"""What every optimiser is: asked for codes, told what became of them. Scores are always to be made large."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from isthmus.errors import UsageError
from isthmus.estimator import Estimator, option
from isthmus.keys import stream

__all__ = ["AskTell", "Box"]

_TAIL = 0.005
_LEAST, _MOST = 8, 32


@dataclass(frozen=True)
class Box:
    """Where codes may lie: `low` and `high` in each dimension."""

    low: torch.Tensor
    high: torch.Tensor

    @classmethod
    def around(cls, codes: torch.Tensor, reach: float) -> "Box":
        """The range of 99 in 100 of these in each dimension, `reach` times as wide about its middle."""
        low, high = (torch.quantile(codes, share, dim=0) for share in (_TAIL, 1 - _TAIL))
        middle, half = (low + high) / 2, ((high - low) / 2 * reach).clamp_min(1e-3)
        return cls(middle - half, middle + half)

    def unit(self, codes: torch.Tensor) -> torch.Tensor:
        """0 at the low end, 1 at the high one."""
        return (codes - self.low) / (self.high - self.low)

    def codes(self, unit: torch.Tensor) -> torch.Tensor:
        return self.low + unit * (self.high - self.low)

    def inside(self, codes: torch.Tensor) -> torch.Tensor:
        return torch.maximum(torch.minimum(codes, self.high), self.low)


@dataclass(kw_only=True, eq=False)
class AskTell(Estimator, ABC):
    """Codes `(n, d)`, in deviations. What was told stays: `codes_`, `scores_` (NaN where there is none) and `margins_`,
    which are 0 or more where a code may be chosen at all."""

    reach: float = option(1.25, "how wide the box of allowed codes is, in ranges of 99 in 100 training codes", low=0)
    opening: int | None = option(
        None, "starts that are scored before anything is modelled (default: two a dimension, 8 to 32)", low=0
    )
    seed: int = option(0, "of all draws", low=0)

    def begin(self, starts: torch.Tensor, within: torch.Tensor | None = None) -> None:
        """Forget everything. `starts` come first, in this order; no code lies outside the box of `within`."""
        self.check_params()
        if starts.ndim != 2 or len(starts) == 0:
            raise UsageError(f"starts of shape {tuple(starts.shape)} are no codes", "Give (n, d), n at least 1.")
        self.starts_ = starts.detach().double()
        self.box_ = Box.around(self.starts_ if within is None else within.detach().double(), self.reach)
        self.codes_ = self.starts_[:0]
        self.scores_ = self.margins_ = self.starts_.new_empty(0)
        self._opened = self._asked = 0
        self._prepare()

    def ask(self, k: int) -> torch.Tensor:
        """`k` codes, `(k, d)`."""
        self._asked += 1
        first = self.starts_[self._opened : min(self._opened + k, self._openings())]
        self._opened += len(first)
        rest = self._propose(k - len(first), self._generator()) if len(first) < k else first[:0]
        return torch.cat([first, rest]).float()

    def tell(self, codes: torch.Tensor, scores: torch.Tensor, margins: torch.Tensor) -> None:
        """What became of codes, its own or others: the score, NaN where there is none, and whether it may be chosen
        (true, or a margin of 0 or more)."""
        codes, scores = codes.detach().double(), scores.detach().double()
        margins = margins.double() * 2 - 1 if margins.dtype == torch.bool else margins.detach().double()
        before = self.best()
        self.codes_ = torch.cat([self.codes_, codes])
        self.scores_, self.margins_ = torch.cat([self.scores_, scores]), torch.cat([self.margins_, margins])
        self._heed(codes, scores, margins, before)

    def best(self) -> float:
        """The best score of a code that may be chosen; minus infinity where there is none."""
        scored = self.scores_[self.allowed()]
        return float(scored.max()) if len(scored) else -torch.inf

    def allowed(self) -> torch.Tensor:
        """Which of the codes told have a score and may be chosen."""
        return self.scores_.isfinite() & (self.margins_ >= 0)

    @abstractmethod
    def _propose(self, k: int, generator: torch.Generator) -> torch.Tensor:
        """Codes that are no starts, inside the box."""

    def _prepare(self) -> None:
        """A chance to set up what a search remembers."""

    def _heed(self, codes: torch.Tensor, scores: torch.Tensor, margins: torch.Tensor, before: float) -> None:
        """A chance to learn from what was told; `before` was the best score until then."""

    def _openings(self) -> int:
        """How many starts come first: none where enough is known already."""
        wished = min(max(2 * self.starts_.shape[1], _LEAST), _MOST) if self.opening is None else self.opening
        known = len(self.codes_) - self._opened
        return 0 if known >= wished > 0 else min(wished, len(self.starts_))

    def _generator(self) -> torch.Generator:
        """The draws of this ask: by the seed and how often was asked, and nothing else."""
        return torch.Generator().manual_seed(stream(self.seed, type(self).__name__, self._asked))
