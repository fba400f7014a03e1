"""How numbers are told from rows: kernel ridge, and as far as the labels say so, the graph of all pictures."""

from dataclasses import dataclass

import numpy as np

from isthmus.classify.heads._head import Pile
from isthmus.stats.graph import spread_numbers, weights_of
from isthmus.stats.ridge import KernelRidge, fit_ridge

__all__ = ["NumberHead", "graph_share"]

_VOTERS = 10
_FEWEST_FOR_GRAPH, _MOST_FOR_GRAPH = 10, 1000


@dataclass(frozen=True)
class NumberHead:
    """`share` is the graph's in the answer; where that is 0, nothing of the graph is kept."""

    ridge: KernelRidge
    unit: int
    share: float = 0.0
    pile: Pile | None = None
    spread: np.ndarray | None = None

    @classmethod
    def fit(
        cls, rows: np.ndarray, bent: int, pile: Pile | None, values: np.ndarray, together: np.ndarray
    ) -> "NumberHead":
        """`rows` as `NumberRows` gives them, `pile` their columns of unit length, if the graph is to be asked."""
        known = np.isfinite(values)
        ridge = fit_ridge(rows[known], values[known], bent, together[known])
        spread = None if pile is None else spread_numbers(pile.graph(), values)
        return cls(ridge, bent - 2, 0.0 if pile is None else 1.0, pile, spread)

    def both(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the kernel and what the graph tell."""
        told = self.ridge.of(rows)
        if self.pile is None or self.spread is None:
            return told, told
        distances, near = self.pile.near(Pile(rows[:, : self.unit]), _VOTERS)
        votes = weights_of(distances)
        return told, np.asarray((votes * self.spread[near]).sum(axis=1) / votes.sum(axis=1))

    def of(self, rows: np.ndarray) -> np.ndarray:
        kernel, graph = self.both(rows)
        return kernel + self.share * (graph - kernel)

    def sharing(self, share: float) -> "NumberHead":
        """The same with this share for the graph."""
        kept = (self.pile, self.spread) if share > 0 else (None, None)
        return NumberHead(self.ridge, self.unit, share, *kept)

    @staticmethod
    def asks_graph(labels: int) -> bool:
        """With fewer labels nothing says how much to trust it, with more it has nothing to add (measured)."""
        return _FEWEST_FOR_GRAPH <= labels <= _MOST_FOR_GRAPH


def graph_share(kernel: np.ndarray, graph: np.ndarray, truth: np.ndarray) -> float:
    """The share from 0 to 1 that tells numbers best which neither knew."""
    apart = graph - kernel
    power = float(apart @ apart)
    return float(np.clip(apart @ (truth - kernel) / power, 0, 1)) if power > 0 else 0.0
