"""What is to be designed, and how: all that a search for designs is told."""

from dataclasses import dataclass

import torch

from isthmus.design.wishes import Wish

__all__ = ["Asked"]


@dataclass(frozen=True)
class Asked:
    """`near` and `given` are pictures `(1 or n, c, h, w)` in [0, 1]; `free` is 1 where a given picture may change.

    `density`, `trust`, `consistent`, `apart` and `seam` are weights of the penalties in `staying`. With
    `evenly`, starts that are in a wished range already get another place in it too.
    """

    wishes: tuple[Wish, ...]
    n: int = 16
    start: str = "auto"
    near: torch.Tensor | None = None
    given: torch.Tensor | None = None
    free: torch.Tensor | None = None
    density: float = 0.0
    trust: float = 0.0
    consistent: float = 0.0
    apart: float = 0.0
    seam: float = 30.0
    evenly: bool = False
    seed: int = 0
