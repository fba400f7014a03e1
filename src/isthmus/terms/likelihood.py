"""log p(x|z) of a decoded picture, one value per picture, summed over pixels, in nats."""

import math

import torch
import torch.nn.functional as F

__all__ = ["bernoulli", "gaussian", "squared_error"]


def bernoulli(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """x.log p + (1-x).log(1-p): a probability for 0/1 pixels, the cross-entropy for grey ones."""
    logits = logits.float().flatten(1)
    return (x.flatten(1) * logits - F.softplus(logits)).sum(1)


def gaussian(mean: torch.Tensor, x: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """A normal density with one standard deviation for all pixels."""
    squared = (x - mean.float()).flatten(1).square().sum(1)
    pixels = x[0].numel()
    return -0.5 * squared * (-2 * log_sigma).exp() - pixels * (log_sigma + 0.5 * math.log(2 * math.pi))


def squared_error(decoded: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Mean over pixels of the squared error, per picture."""
    # The sum divided, not the mean: its gradient is a scalar a picture, not a tensor of the pictures' size.
    return F.mse_loss(decoded.float(), x, reduction="none").flatten(1).sum(1) / x[0].numel()
