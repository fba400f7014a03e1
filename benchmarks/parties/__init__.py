"""Who takes part. A party is one file that ends with `Party = TheClass` and trains any of the cases."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.cases import CASES, Case

__all__ = ["NAMES", "Contender", "Job", "Reconstruct", "Step", "load"]

NAMES = ("isthmus", "pythae", "tutorial", "lightning")
Reconstruct = Callable[[np.ndarray], np.ndarray]
"""Pictures in uint8 to their reconstructions, floats in [0, 1], by the network as it is now."""


class Step(Protocol):
    """What a party calls after every training step; it may hold the party up, or end the training by raising."""

    def __call__(self, reconstruct: Reconstruct) -> None: ...


@dataclass(frozen=True)
class Job:
    """One training. `schedule` is "constant", "cosine", or whatever else the party's own users can ask for."""

    case: str
    epochs: float
    batch: int
    learning_rate: float = 1e-3
    schedule: str = "constant"
    precision: str = "float32"
    optimiser: str = "adam"
    seed: int = 0
    device: str = "cpu"

    @property
    def network(self) -> Case:
        return CASES[self.case]


class Contender(ABC):
    """A library, used as its own users use it: pictures in uint8 are given, everything after that is its own work."""

    precisions: tuple[str, ...] = ("float32",)

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """The versions that decide the speed."""

    @abstractmethod
    def parameters(self, case: Case) -> int:
        """How many numbers this party would learn: equal for all, or nothing is compared."""

    @abstractmethod
    def train(self, job: Job, pictures: np.ndarray, step: Step) -> None:
        """Train from nothing, calling `step` after every update."""


def load(name: str) -> Contender:
    """The party called `name`; an ImportError says what is not installed."""
    return importlib.import_module(f"benchmarks.parties.{name}").Party()


def chunks(pictures: np.ndarray, size: int = 1000) -> Iterator[np.ndarray]:
    """Pictures in pieces small enough for any network."""
    return (pictures[start : start + size] for start in range(0, len(pictures), size))
