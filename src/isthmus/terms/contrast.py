"""How well two views of one picture find each other among the views of all others (NT-Xent, Chen et al. 2020)."""

import torch
import torch.nn.functional as F

__all__ = ["contrast"]


def contrast(one: torch.Tensor, two: torch.Tensor, temperature: float) -> torch.Tensor:
    """The cross-entropy of either view's choice of partner, per picture; rows are of unit length."""
    n, both = len(one), torch.cat([one, two])
    alike = (both @ both.T) / temperature
    alike.fill_diagonal_(-torch.inf)  # nobody is his own partner
    partner = torch.arange(2 * n, device=both.device).roll(n)
    return F.cross_entropy(alike, partner, reduction="none").view(2, n).mean(0)
