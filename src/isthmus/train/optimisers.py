"""Optimisers by name, each with a learning rate that works when nobody has set one."""

import sys
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from isthmus.train.adam import Adam
from isthmus.train.muon import Muon

__all__ = ["OPTIMISERS", "build"]

Build = Callable[..., Optimizer]

# name: (default learning rate, how it is built)
OPTIMISERS: dict[str, tuple[float, Build]] = {
    "adam": (1e-3, lambda p, lr, decay: Adam(p, lr, weight_decay=decay)),
    "adam-gan": (2e-4, lambda p, lr, decay: Adam(p, lr, (0.5, 0.999), weight_decay=decay)),
    "adamax": (2e-3, lambda p, lr, decay: torch.optim.Adamax(p, lr, weight_decay=decay)),
    "adamw": (3e-3, lambda p, lr, decay: Adam(p, lr, weight_decay=decay, decoupled=True)),
    "muon": (1.6e-2, lambda p, lr, decay: Muon(p, lr=lr, weight_decay=decay)),
    "nadam": (2e-3, lambda p, lr, decay: torch.optim.NAdam(p, lr, weight_decay=decay)),
    "rmsprop": (1e-3, lambda p, lr, decay: torch.optim.RMSprop(p, lr, weight_decay=decay)),
    "sgd": (1e-1, lambda p, lr, decay: torch.optim.SGD(p, lr, weight_decay=decay)),
    "sgd-momentum": (1e-1, lambda p, lr, decay: torch.optim.SGD(p, lr, momentum=0.9, weight_decay=decay)),
}


def _without_compiler() -> None:
    """Let optimisers be made without importing torch's compiler, which costs seconds and is not used here.

    The guard is torch's own: a function that carries this attribute has been told how to behave under the compiler.
    """
    inner = getattr(Optimizer.add_param_group, "__wrapped__", None)
    if inner is not None and "torch._dynamo" not in sys.modules and not hasattr(inner, "__dynamo_disable"):
        inner.__dynamo_disable = inner


def build(name: str, parameters: Iterable[nn.Parameter], learning_rate: float | None, weight_decay: float) -> Optimizer:
    """Weight decay is L2 on the gradient for all but `adamw` and `muon`, which decouple it."""
    _without_compiler()
    default, make = OPTIMISERS[name]
    return make(list(parameters), default if learning_rate is None else learning_rate, weight_decay)
