"""What can be wished of a picture: a class, one of several, a mixture of classes, a range of a number, any function.

A wish is asked twice: of guides, differentiably, while codes are moved; and of the judge's plain numbers, afterwards.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

__all__ = ["FAR", "SURE", "Answers", "Class", "Function", "Mixture", "Range", "Seen", "Wish", "attributes_of"]

FAR = 1e-6
SURE, _MIXED = 0.99, 0.1
_AIMED, _GRANTED = 0.4, 0.3
"""Of a range's width, how far from its ends one aims, and how far guides must find it: they are not exact."""


@dataclass(frozen=True)
class Seen:
    """What guides say of pictures: log-probabilities `(guides, n, classes)`, and numbers `(guides, n)` by name."""

    classes: torch.Tensor | None = None
    numbers: dict[str, torch.Tensor] = field(default_factory=dict)

    def of(self, rows: torch.Tensor) -> "Seen":
        """What they say of some of the pictures."""
        classes = None if self.classes is None else self.classes[:, rows]
        return Seen(classes, {name: values[:, rows] for name, values in self.numbers.items()})

    @property
    def certainty(self) -> torch.Tensor | None:
        """The smallest probability that any guide gives to the class that they find likeliest together, `(n,)`."""
        if self.classes is None:
            return None
        likeliest = self.classes.mean(0).argmax(1)
        return self.classes.exp()[:, torch.arange(len(likeliest)), likeliest].amin(0)


@dataclass(frozen=True)
class Answers:
    """What a judge says of pictures: probabilities `(n, classes)`, and measured numbers `(n,)` by name."""

    classes: np.ndarray | None = None
    numbers: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, rows: np.ndarray) -> "Answers":
        """What it says of some of the pictures."""
        classes = None if self.classes is None else self.classes[rows]
        return Answers(classes, {name: values[rows] for name, values in self.numbers.items()})


@dataclass(frozen=True)
class Wish(ABC):
    """`said` is the wish as a user reads it; `weight` is what its loss counts beside those of others."""

    said: str
    weight: float = 1.0

    @abstractmethod
    def loss(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        """How far each picture is from what is wished, `(n,)`, as all guides have it in the mean."""

    @abstractmethod
    def granted(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        """Whether every guide finds the wish met, `(n,)`."""

    @abstractmethod
    def judged(self, answers: Answers, x: np.ndarray) -> np.ndarray:
        """Whether the judge finds it met, `(n,)`."""

    @property
    def number(self) -> str | None:
        """The attribute that it is about; None for one about classes."""
        return None


def attributes_of(wishes: Iterable[Wish]) -> tuple[str, ...]:
    """The attributes that any of them is about."""
    return tuple(sorted({wish.number for wish in wishes if wish.number is not None}))


@dataclass(frozen=True)
class Class(Wish):
    """One of these classes; `sure` is the probability above which a guide finds it met, None for the usual."""

    classes: tuple[int, ...] = ()
    sure: float | None = None

    def loss(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        assert seen.classes is not None
        return -seen.classes[..., list(self.classes)].logsumexp(-1).mean(0)

    def granted(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        assert seen.classes is not None
        return (seen.classes[..., list(self.classes)].exp().sum(-1) > (self.sure or SURE)).all(0)

    def judged(self, answers: Answers, x: np.ndarray) -> np.ndarray:
        assert answers.classes is not None
        return np.isin(answers.classes.argmax(axis=1), self.classes)


@dataclass(frozen=True)
class Mixture(Wish):
    """Between classes: these shares of their probabilities, which sum to 1."""

    shares: tuple[tuple[int, float], ...] = ()

    def loss(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        """The divergence of what the guides say from the shares, 0 where they agree."""
        assert seen.classes is not None
        return torch.stack([share * (np.log(share) - seen.classes[..., c]) for c, share in self.shares]).sum(0).mean(0)

    def granted(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        assert seen.classes is not None
        return self._off(seen.classes.exp().mean(0)) < _MIXED

    def judged(self, answers: Answers, x: np.ndarray) -> np.ndarray:
        """Judges are surer than guides: what counts is that it hesitates between the wished classes and no others."""
        assert answers.classes is not None
        likeliest = np.sort(np.argsort(answers.classes, axis=1)[:, -len(self.shares) :], axis=1)
        return np.asarray((likeliest == sorted(c for c, _ in self.shares)).all(axis=1))

    def _off(self, p: torch.Tensor) -> torch.Tensor:
        """Half of the absolute differences, which is at most 1."""
        wished = torch.zeros(p.shape[-1], device=p.device)
        for c, share in self.shares:
            wished[c] = share
        return (p - wished).abs().sum(-1) / 2


@dataclass(frozen=True)
class Range(Wish):
    """An attribute from `low` to `high`, either of which may be infinite; `spread` is its deviation among pictures."""

    name: str = ""
    low: float = -np.inf
    high: float = np.inf
    spread: float = 1.0

    @property
    def number(self) -> str | None:
        return self.name

    def loss(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        """In squared deviations, from a little inside of the ends."""
        values, (low, high) = seen.numbers[self.name], self._inside(_AIMED)
        return (torch.maximum(low - values, values - high).clamp_min(0) / self.spread).square().mean(0)

    def granted(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        values, (low, high) = seen.numbers[self.name], self._inside(_GRANTED)
        return ((values >= low) & (values <= high)).all(0)

    def _inside(self, share: float) -> tuple[float, float]:
        inset = share * min(self.high - self.low, self.spread)
        return self.low + inset, self.high - inset

    def judged(self, answers: Answers, x: np.ndarray) -> np.ndarray:
        values = answers.numbers[self.name]
        return (values >= self.low) & (values <= self.high)


@dataclass(frozen=True)
class Function(Wish):
    """Whatever a torch function of pictures in [0, 1] says: `(n, c, h, w)` to `(n,)`, 0 where the wish is met."""

    function: Callable[[torch.Tensor], torch.Tensor] = field(default=lambda x: x.flatten(1).sum(1))

    def loss(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)

    def granted(self, seen: Seen, x: torch.Tensor) -> torch.Tensor:
        return self.function(x) <= FAR

    def judged(self, answers: Answers, x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(self.granted(Seen(), torch.from_numpy(x)).numpy())
