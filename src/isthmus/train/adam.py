"""Adam in torch's fused kernel, without the compiler that importing torch's own class brings in (seconds a start)."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

__all__ = ["Adam"]


class Adam(torch.optim.Optimizer):
    """The numbers of torch.optim.Adam(fused=True), and with `decoupled` those of AdamW.

    `lr` may be a tensor: with all that is remembered on the device, a step asks nothing of it and can be recorded.
    """

    on_device = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled: bool = False,
    ) -> None:
        self._move = torch._fused_adamw_ if decoupled else torch._fused_adam_
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            live = [p for p in group["params"] if p.grad is not None]
            if live:
                self._step(live, group)
        return loss

    def _step(self, params: list[torch.Tensor], group: dict[str, Any]) -> None:
        for p in params:
            if not self.state[p]:
                zeros = {"mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
                self.state[p] = {**zeros, "step": torch.zeros((), device=p.device)}
        states = [self.state[p] for p in params]
        means, squares, steps = ([state[key] for state in states] for key in ("mean", "square", "step"))
        torch._foreach_add_(steps, 1)
        self._move(
            params,
            [p.grad for p in params if p.grad is not None],
            means,
            squares,
            [],
            steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
            grad_scale=None,
            found_inf=None,
        )
