"""Who moves, when, on what: the words in which a model tells the loop how to train it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from isthmus.rng import Noise

__all__ = ["Batch", "Feed", "Guard", "Moment", "Phase", "Player", "Seen", "Terms"]

Terms = dict[str, torch.Tensor]
"""Named terms of a loss, one value per picture each; what is minimised is their weighted sum."""


@dataclass
class Batch:
    """Pictures scaled for the network, and what is known about them. `y` is -1 where nobody has said."""

    x: torch.Tensor
    y: torch.Tensor
    noise: Noise
    codes: torch.Tensor | None = None

    def piece(self, number: int, pieces: int) -> "Batch":
        """One of `pieces` nearly equal parts; its noise is the same as in the whole."""
        rows = slice(number * len(self.x) // pieces, (number + 1) * len(self.x) // pieces)
        return Batch(self.x[rows], self.y[rows], self.noise.of(rows), None if self.codes is None else self.codes[rows])


@dataclass(frozen=True)
class Moment:
    """How far training is: `epochs` counts fractions, `share` runs from 0 to 1 over the phase.

    `setbacks` is how often the phase had to go back to its last good point.
    """

    epochs: float
    share: float
    setbacks: int = 0


@dataclass
class Feed:
    """A stream of batches of some of the pictures: "all", "labelled" or "unlabelled".

    `cache` is called once per phase on every clean picture, or is known for every row of the pictures already; what it
    says of them arrives with the batch as `codes`.
    """

    rows: str = "all"
    batch_size: int | None = None
    cache: Callable[[torch.Tensor], torch.Tensor] | torch.Tensor | None = None
    augment: Callable[[torch.Tensor, Noise], torch.Tensor] | None = None


@dataclass
class Player:
    """Whoever has parameters and something to minimise. Gradients reach these modules and nothing else.

    `loss` is called with a batch of every feed of the phase, by the feed's name, and returns one value per picture
    for each named term; `weights` says how they add up (1 where it is silent). With `draws` above one the player
    moves that often a step, on fresh batches. `pace` is what everybody's learning rate is multiplied by for this one.
    """

    name: str
    modules: tuple[nn.Module, ...]
    loss: Callable[..., Terms]
    weights: Callable[[Moment], dict[str, float]] = field(default=lambda moment: {})
    draws: int = 1
    learning_rate: float | None = None
    optimiser: str | None = None
    pace: float = 1.0

    def parameters(self) -> list[nn.Parameter]:
        return [p for module in self.modules for p in module.parameters()]


@dataclass
class Seen:
    """What a guard saw: numbers by name, for the history, and a sentence where one of them is past its bound.

    A point that is good enough to go on from, but on its way to the bound, is not one to go back to: `keep` is False.
    """

    numbers: dict[str, float]
    harm: str | None = None
    keep: bool = True


@dataclass
class Guard:
    """Looks now and then at what a phase has made of the networks, and goes back where that went wrong.

    `look` is called with the training pictures and the numbers of all looks before it that saw no harm. Where it sees
    harm, or a loss is not finite, weights and optimisers go back to the last look that was kept. After `most` such
    setbacks the phase ends there.
    """

    look: Callable[[Any, list[dict[str, float]]], Seen]
    looks: int = 20
    most: int = 5


@dataclass
class Phase:
    """The players who move in turn for a while. Modules of nobody here are frozen: no gradient, no statistics.

    `before` is called with the training pictures ahead of the first move, and again whenever the phase is taken up
    anew: it must come to the same each time.
    """

    name: str
    players: tuple[Player, ...]
    epochs: float
    feeds: dict[str, Feed] = field(default_factory=lambda: {"batch": Feed()})
    watch: str | None = None
    before: Callable[[Any], None] | None = None
    guard: Guard | None = None
