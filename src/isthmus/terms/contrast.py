"""How well two views of one picture find each other among the views of all others (NT-Xent, Chen et al. 2020)."""

import torch
import torch.nn.functional as F

from isthmus.ranks import everyone

__all__ = ["contrast"]


def contrast(one: torch.Tensor, two: torch.Tensor, temperature: float) -> torch.Tensor:
    """The cross-entropy of either view's choice of partner, per picture; rows are of unit length.

    Where processes share a batch, the others are those of the whole batch.
    """
    n, mine = len(one), torch.cat([one, two])
    whole, first = everyone(torch.stack([one, two], dim=1))
    total = len(whole)
    both = mine if total == n else torch.cat([whole[:, 0], whole[:, 1]])
    alike = (mine @ both.T) / temperature
    own = torch.arange(first, first + n, device=mine.device)
    own = torch.cat([own, own + total])
    alike.scatter_(1, own[:, None], -torch.inf)  # nobody is his own partner
    partner = (own + total) % (2 * total)
    return F.cross_entropy(alike, partner, reduction="none").view(2, n).mean(0)
