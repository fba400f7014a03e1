"""How far two pictures' features are apart, layer by layer: what a picture is made of, rather than pixel by pixel."""

from collections.abc import Sequence

import torch

from isthmus.terms.likelihood import squared_error

__all__ = ["feature_error"]


def feature_error(made: Sequence[torch.Tensor], real: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    """The weighted sum over layers of the mean squared difference, per picture."""
    parts = [weight * squared_error(m, r.float()) for m, r, weight in zip(made, real, weights, strict=True) if weight]
    return torch.stack(parts).sum(0)
