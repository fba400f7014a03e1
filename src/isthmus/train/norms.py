"""Batch norm over a batch that many processes share, on any device: swapped in while training, and gone afterwards.

Torch's own (SyncBatchNorm) knows graphics cards only, and is another module. Here the modules stay what they are.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from isthmus.ranks import Ranks, shared_by

__all__ = ["shared_statistics"]

_Norm = nn.modules.batchnorm._BatchNorm


@contextlib.contextmanager
def shared_statistics(net: nn.Module) -> Iterator[None]:
    """In here every batch norm in training mode normalises by the whole of a shared batch."""
    norms = [module for module in net.modules() if isinstance(module, _Norm)]
    for norm in norms:
        norm.forward = partial(_forward, norm)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _forward(norm: _Norm, x: torch.Tensor) -> torch.Tensor:
    ranks = shared_by()
    if ranks is None or not (norm.training or norm.running_mean is None):
        return type(norm).forward(norm, x)
    norm._check_input_dim(x)
    with torch.no_grad():
        count, mean, variance = _moments(x, ranks)
        if norm.training and norm.running_mean is not None and norm.running_var is not None:
            assert norm.num_batches_tracked is not None
            norm.num_batches_tracked.add_(1)
            share = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
            norm.running_mean.lerp_(mean.to(norm.running_mean), share)
            norm.running_var.lerp_((variance * (count / max(count - 1, 1))).to(norm.running_var), share)
    found: torch.Tensor = _Normalised.apply(x, norm.weight, norm.bias, mean, variance, norm.eps, count, ranks)
    return found


def _moments(x: torch.Tensor, ranks: Ranks) -> tuple[int, torch.Tensor, torch.Tensor]:
    """How many numbers a channel has, their mean and variance: about each process's own mean first, for accuracy."""
    axes = [0, *range(2, x.ndim)]
    spread, centre = torch.var_mean(x.float(), axes, correction=0)
    told = torch.zeros(ranks.size, 2 * len(centre) + 1, dtype=torch.float64, device=x.device)
    told[ranks.rank] = torch.cat([centre.double(), spread.double(), told.new_tensor([x.numel() / x.shape[1]])])
    ranks.add_up(told)
    counts, centres, spreads = told[:, -1:], told[:, : len(centre)], told[:, len(centre) : -1]
    total = counts.sum()
    mean = (counts * centres).sum(0) / total
    variance = (counts * (spreads + (centres - mean).square())).sum(0) / total
    return int(total), mean.float(), variance.float()


class _Normalised(torch.autograd.Function):
    """Torch's own kernel with the whole batch's statistics; its gradient, less what moves those statistics."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor | None,
        bias: torch.Tensor | None,
        mean: torch.Tensor,
        variance: torch.Tensor,
        eps: float,
        count: int,
        ranks: Ranks,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt())
        ctx.count, ctx.ranks = count, ranks
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, mean, inverse = ctx.saved_tensors
        (slope,) = gradients
        axes, each = [0, *range(2, x.ndim)], (1, -1, *[1] * (x.ndim - 2))
        centred = x.float() - mean.view(each)
        plain = slope.float()
        sums = torch.stack([plain.sum(axes), (plain * centred).sum(axes) * inverse])
        own = sums.clone()
        ctx.ranks.add_up(sums)
        scale = inverse if weight is None else inverse * weight.float()
        flat, tilt = sums * scale / ctx.count
        back = plain * scale.view(each) - flat.view(each) - centred * (tilt * inverse).view(each)
        gains = (None, None) if weight is None else (own[1].to(weight), own[0].to(weight))
        return back.to(x.dtype), *gains, None, None, None, None, None
