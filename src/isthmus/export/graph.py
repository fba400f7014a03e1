"""What can be exported of a run: functions of tensors with named inputs, and what the run itself answers to compare."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["Answers", "Graph", "Inputs"]

Inputs = tuple[np.ndarray, ...]
Answers = dict[str, np.ndarray]


@dataclass(frozen=True)
class Graph:
    """`module` takes `inputs` and gives `outputs` in this order; `asked(n, start)` are inputs, `answer` the run's own.

    `rounded` names outputs that are whole numbers: there a difference in the last bit may be a difference of one.
    """

    name: str
    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    asked: Callable[[int, int], Inputs]
    answer: Callable[[Inputs], Answers]
    about: dict[str, Any] = field(default_factory=dict)
    rounded: tuple[str, ...] = ()

    def example(self) -> tuple[torch.Tensor, ...]:
        """Two pictures: of one, exporters would take it that there is always one."""
        return tuple(torch.from_numpy(np.ascontiguousarray(given)) for given in self.asked(2, 0))
