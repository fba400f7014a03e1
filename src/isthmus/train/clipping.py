"""Gradients that are too long are cut: at a fixed norm, and at a multiple of what is usual for any loss's scale."""

import torch
from torch import nn

__all__ = ["Clipping"]

_MEMORY = 0.01


class Clipping:
    """`norms` is the running mean norm of each player's gradient; nothing here asks anything of a device."""

    def __init__(self, fixed: float | None, spikes: float) -> None:
        self.fixed, self.spikes = fixed, spikes
        self.norms: dict[str, torch.Tensor] = {}

    def __call__(self, player: str, parameters: list[nn.Parameter]) -> None:
        if not self.spikes and self.fixed is None:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm, limits = nn.utils.get_total_norm(gradients), list[torch.Tensor]()
        if self.fixed is not None:
            limits.append(torch.full((), self.fixed, device=norm.device))
        if self.spikes:
            usual = self.norms.get(player, norm)
            # Whoever has had no gradient at all yet must not be held there.
            usual = torch.where(usual > 0, usual, norm)
            limits.append(self.spikes * usual)
            usual = usual.lerp(torch.minimum(norm, limits[-1]), _MEMORY)
            # In place: a recorded move looks for it where it was.
            self.norms[player] = self.norms[player].copy_(usual) if player in self.norms else usual
        share = (torch.stack(limits).min() / (norm + 1e-12)).clamp_max(1.0)
        if not _is_free(share) or share < 1:
            torch._foreach_mul_(gradients, share)


def _is_free(value: torch.Tensor) -> bool:
    """Whether looking at it costs nothing: elsewhere it stalls the device, and costs more than a product by one."""
    return value.device.type == "cpu"
