"""Batch norm's running statistics, gathered anew on the pictures that the network will be used on."""

from collections.abc import Iterable

import torch
from torch import nn

__all__ = ["settle"]


@torch.no_grad()
def settle(net: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """The plain mean over these batches; every other layer stays as it is used."""
    norms = [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.training = True
    for x in batches:
        net(x)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
        norm.training = False
