"""A stand-in on the processor for a card's graphs: what torch does is taped, and played with the same memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from isthmus.train.players import Terms

__all__ = ["Tape"]


class Tape(TorchDispatchMode):
    """Like a graph it knows operations on tensors at their places, and no Python: what was a number stays that number.

    Unlike a graph it does things while it notes them; so the first play, which comes at once, does nothing.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.notes: list[tuple[Any, Any, Any, Any]] = []
        self.found: Terms = {}
        self.plays = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.notes.append((func, args, kwargs or {}, out))
        return out

    def warm(self, work: Callable[[], Terms]) -> Terms:
        return work()

    def record(self, work: Callable[[], Terms]) -> None:
        with self:
            self.found = work()

    def play(self) -> Terms:
        self.plays += 1
        if self.plays > 1:
            with torch.no_grad():
                for func, args, kwargs, before in self.notes:
                    _put(before, func(*args, **kwargs), func)
        return self.found


def _put(before: Any, now: Any, func: Any) -> None:
    """New numbers where the old ones were. What shares memory with what went in has them already."""
    befores, nows = (list(one) if isinstance(one, list | tuple) else [one] for one in (before, now))
    shares = [given.alias_info is not None for given in func._schema.returns]
    for place, (old, new) in enumerate(zip(befores, nows, strict=True)):
        if isinstance(old, torch.Tensor) and not (shares[min(place, len(shares) - 1)] if shares else True):
            old.copy_(new)
