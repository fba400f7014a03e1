"""The judge: an oracle that shares neither pictures nor architecture nor seed with the guides, and formulas."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from isthmus.design.wishes import Answers, Class, Mixture, Wish
from isthmus.measure.attributes import ATTRIBUTES, measured
from isthmus.measure.gauge import Gauge
from isthmus.measure.oracle import Oracle

__all__ = ["Judge"]


@dataclass(frozen=True)
class Judge:
    """`oracle` tells classes, `gauge` numbers of the label table; `measures` are the attributes with a formula."""

    oracle: Oracle | None = None
    gauge: Gauge | None = None
    measures: tuple[str, ...] = ()
    trust: dict[str, Any] = field(default_factory=dict)
    """How good oracle and gauge are on pictures that nobody was trained on, by what they tell."""

    def answers(self, x: torch.Tensor) -> Answers:
        """What it says of pictures in [0, 1]."""
        numbers = {} if self.gauge is None else self.gauge.read(x)
        numbers |= {name: measured(name, x.numpy()) for name in self.measures if name in ATTRIBUTES}
        return Answers(None if self.oracle is None else self.oracle.predict_proba(x), numbers)

    def knows(self, wish: Wish) -> bool:
        """Whether it can say anything of such a wish."""
        if wish.number is not None:
            return wish.number in self.measures or (self.gauge is not None and wish.number in self.gauge.names)
        return self.oracle is not None or not isinstance(wish, Class | Mixture)

    def met(self, wishes: tuple[Wish, ...], x: torch.Tensor, answers: Answers) -> np.ndarray:
        """`(wishes, n)`: which wish it finds met by which picture."""
        return np.stack([wish.judged(answers, x.numpy()) for wish in wishes])
