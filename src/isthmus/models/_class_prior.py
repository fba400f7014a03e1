"""A prior with a Gaussian for every class, fitted to where the classes' codes are."""

import torch
from torch import nn

__all__ = ["ClassPrior"]

_SHRUNK = 1e-3


class ClassPrior(nn.Module):
    """Buffers rather than parameters: nothing here is moved by steps. A group that was never seen has no weight."""

    mean: torch.Tensor
    factor: torch.Tensor
    weight: torch.Tensor

    def __init__(self, groups: int, latent: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(groups, latent))
        self.register_buffer("factor", torch.eye(latent).repeat(groups, 1, 1))
        self.register_buffer("weight", torch.full((groups,), 1 / groups))

    def settle(self, codes: torch.Tensor, variance: torch.Tensor, group: torch.Tensor) -> None:
        """`variance` is that of each code's own posterior: draws are as wide as what the decoder learnt to read.

        All come on the processor: not every device has numbers of 64 bits.
        """
        whole = codes.double().var(0, correction=0).mean()
        for number in range(len(self.weight)):
            mine = group == number
            self.weight[number] = float(mine.double().mean())
            if not mine.any():
                continue
            rows = codes[mine].double()
            self.mean[number] = rows.mean(0).float()
            covariance = torch.cov(rows.T, correction=0).reshape(rows.shape[1], -1)
            # Fewer codes than directions leave some without spread; a little of the whole's stands in for it.
            added = variance[mine].double().mean(0) + _SHRUNK * whole * min(1.0, rows.shape[1] / len(rows))
            values, vectors = torch.linalg.eigh(covariance + torch.diag(added))
            self.factor[number] = (vectors * values.clamp_min(0).sqrt()).float()

    def forward(self, noise: torch.Tensor, u: torch.Tensor, group: torch.Tensor | None = None) -> torch.Tensor:
        """Standard normal numbers become codes: of these groups, or, unsaid or -1, of groups as common as they were."""
        edges = self.weight.cumsum(0)
        any_group = torch.searchsorted(edges, u * edges[-1]).clamp_max(len(edges) - 1)
        group = any_group if group is None else torch.where(group >= 0, group, any_group)
        return self.mean[group] + torch.einsum("nij,nj->ni", self.factor[group], noise)
