"""The three parts of a KL term, estimated on a batch (minibatch-weighted, as in the paper on beta-TCVAE)."""

import math

import torch

from isthmus.ranks import everyone

__all__ = ["decompose"]

_LOG_TWO_PI = math.log(2 * math.pi)


def decompose(
    z: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor, pictures: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Index-code mutual information, total correlation and dimension-wise KL, per picture; they add up to the KL.

    `pictures` is the size of the training set, of which the batch is a sample: the whole one, where processes share it.
    """
    z, mean, log_variance = z.float(), mean.float(), log_variance.float()
    own = _log_normal(z, mean, log_variance).sum(1)
    prior = _log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
    means, log_variances = (everyone(values)[0] for values in (mean, log_variance))
    every = _log_normal(z[:, None], means[None], log_variances[None])
    scale = math.log(len(means) * pictures)
    joint = every.sum(2).logsumexp(1) - scale
    product = (every.logsumexp(1) - scale).sum(1)
    return own - joint, joint - product, product - prior


def _log_normal(z: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    return -0.5 * ((z - mean).square() * (-log_variance).exp() + log_variance + _LOG_TWO_PI)
