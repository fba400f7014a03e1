"""Optimisers by name, each with a learning rate that works when nobody has set one."""

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from isthmus.train.muon import Muon

__all__ = ["OPTIMISERS", "build"]

Build = Callable[..., Optimizer]

# name: (default learning rate, how it is built). Fused and foreach forms are the same numbers in fewer launches.
OPTIMISERS: dict[str, tuple[float, Build]] = {
    "adam": (1e-3, lambda p, lr, decay: torch.optim.Adam(p, lr, weight_decay=decay, fused=True)),
    "adam-gan": (2e-4, lambda p, lr, decay: torch.optim.Adam(p, lr, (0.5, 0.999), weight_decay=decay, fused=True)),
    "adamax": (2e-3, lambda p, lr, decay: torch.optim.Adamax(p, lr, weight_decay=decay)),
    "adamw": (3e-3, lambda p, lr, decay: torch.optim.AdamW(p, lr, weight_decay=decay, fused=True)),
    "muon": (1.6e-2, lambda p, lr, decay: Muon(p, lr=lr, weight_decay=decay)),
    "nadam": (2e-3, lambda p, lr, decay: torch.optim.NAdam(p, lr, weight_decay=decay)),
    "rmsprop": (1e-3, lambda p, lr, decay: torch.optim.RMSprop(p, lr, weight_decay=decay)),
    "sgd": (1e-1, lambda p, lr, decay: torch.optim.SGD(p, lr, weight_decay=decay)),
    "sgd-momentum": (1e-1, lambda p, lr, decay: torch.optim.SGD(p, lr, momentum=0.9, weight_decay=decay)),
}


def build(name: str, parameters: Iterable[nn.Parameter], learning_rate: float | None, weight_decay: float) -> Optimizer:
    """Weight decay is L2 on the gradient for all but `adamw` and `muon`, which decouple it."""
    default, make = OPTIMISERS[name]
    return make(list(parameters), default if learning_rate is None else learning_rate, weight_decay)
