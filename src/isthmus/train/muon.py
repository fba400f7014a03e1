"""Muon: every singular direction of a layer moves by the same amount; gains and biases follow Adam's rule.

The step of a matrix is the polar factor of its momentum. It is found on the Gram matrix of the SHORT side: a layer of
64 x 3136 costs two thin products and a few of 64 x 64. The step is then scaled by the layer's spectral norm when the
optimiser was made, so that one `lr` means "this share of the layer's size" for a small kernel and for a wide layer.
"""

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Muon", "polar"]

# Odd quintics a*s + b*s^3 + c*s^5, each the minimax fit to 1 on the band that the one before leaves of [0.01, 1].
# Four of them bring singular values between 0.01 and 1 to 1 +- 0.013; a fifth gained nothing in training.
_QUINTICS = (
    (8.0934, -23.6205, 17.4462),
    (3.6367, -2.7221, 0.5366),
    (2.6613, -1.9771, 0.4526),
    (1.9562, -1.3375, 0.3839),
)

_TINY = 1e-30


class Muon(torch.optim.Optimizer):
    """Momentum and polar factor for matrices and kernels, Adam's rule for the rest.

    `lr` is the share of its initial spectral norm by which a layer may move in a step; schedules change it for both.
    A vector's Adam rate is `lr * vector_rate`. Matrices whose short side is over `largest` also follow Adam's rule,
    because the Gram matrix would cost more than the gradient; `matrix_rate` is their Adam rate as a share of `lr`.
    `lr` may be a tensor: with all that is remembered on the device, a step asks nothing of it and can be recorded.
    """

    on_device = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.99),
        eps: float = 1e-8,
        vector_rate: float = 1.0,
        matrix_rate: float = 0.1,
        largest: int = 128,
    ) -> None:
        if not lr >= 0 or not 0 <= momentum < 1 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"lr must not be negative, momentum and betas lie in [0, 1): {lr}, {momentum}, {betas}")
        rates = {"vector_rate": vector_rate, "matrix_rate": matrix_rate}
        adam = {"betas": tuple(betas), "eps": eps, **rates}
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "largest": largest, **adam}
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds the group and gives its parameters their state, all of it tensors, before any step."""
        _plain("add_param_group")(self, param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            self.state[p] = _fresh(p, group["largest"])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients."""
        _plain("zero_grad")(self, set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The state of every parameter, tensors only, and the settings of the groups."""
        return _plain("state_dict")(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict` gave."""
        _plain("load_state_dict")(self, state_dict)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            live = [p for p in group["params"] if p.grad is not None]
            if group["weight_decay"] and live:
                torch._foreach_mul_(live, 1 - group["lr"] * group["weight_decay"])
            self._move_matrices([p for p in live if "momentum" in self.state[p]], group)
            self._move_others([p for p in live if "momentum" not in self.state[p]], group)
        return loss

    def _move_matrices(self, params: list[Tensor], group: dict[str, Any]) -> None:
        if not params:
            return
        grads = _grads(params)
        buffers = [self.state[p]["momentum"] for p in params]
        torch._foreach_lerp_(buffers, grads, 1 - group["momentum"])
        # Nesterov's look ahead: the newest gradient counts once more.
        ahead = torch._foreach_lerp(grads, buffers, group["momentum"])
        flats = [_flat(p, value) for p, value in zip(params, ahead, strict=True)]
        scales = [self.state[p]["scale"] for p in params]
        for p, flat, root in zip(params, flats, _inverse_roots(flats, scales), strict=True):
            target = _flat(p, p)
            rate = group["lr"]
            if isinstance(rate, Tensor):
                root, rate = root * rate, 1.0
            left, right = (root, flat) if _wide(flat) else (flat, root)
            target.addmm_(left, right, alpha=-rate)

    def _move_others(self, params: list[Tensor], group: dict[str, Any]) -> None:
        if not params:
            return
        if params[0].device.type != "cpu" or isinstance(group["lr"], Tensor):
            self._move_by_kernel([p for p in params if _vector(p)], group, "vector_rate")
            self._move_by_kernel([p for p in params if not _vector(p)], group, "matrix_rate")
            return
        states = [self.state[p] for p in params]
        grads = _grads(params)
        means, squares, steps = ([s[key] for s in states] for key in ("mean", "square", "step"))
        first, second = group["betas"]
        torch._foreach_add_(steps, 1)
        torch._foreach_lerp_(means, grads, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, grads, grads, 1 - second)
        counts = [float(step) for step in steps]
        sizes = torch._foreach_div(squares, [1 - second**n for n in counts])
        torch._foreach_sqrt_(sizes)
        torch._foreach_add_(sizes, group["eps"])
        rates = [group["vector_rate" if _vector(p) else "matrix_rate"] * group["lr"] for p in params]
        moves = [-rate / (1 - first**n) for rate, n in zip(rates, counts, strict=True)]
        torch._foreach_addcdiv_(params, means, sizes, moves)

    def _move_by_kernel(self, params: list[Tensor], group: dict[str, Any], share: str) -> None:
        """The same rule where numbers had better stay on the device: one kernel, which counts there."""
        if not params:
            return
        states = [self.state[p] for p in params]
        means, squares, steps = ([s[key] for s in states] for key in ("mean", "square", "step"))
        torch._foreach_add_(steps, 1)
        first, second = group["betas"]
        rate, eps = group[share] * group["lr"], group["eps"]
        betas: dict[str, Any] = {"lr": rate, "beta1": first, "beta2": second, "weight_decay": 0.0, "eps": eps}
        plain: dict[str, Any] = {"amsgrad": False, "maximize": False, "grad_scale": None, "found_inf": None}
        torch._fused_adam_(params, _grads(params), means, squares, [], steps, **betas, **plain)


def _plain(name: str) -> Callable[..., Any]:
    """The base class's method without its wrapper, whose first call imports a compiler, which takes seconds."""
    return inspect.unwrap(getattr(torch.optim.Optimizer, name))


def polar(matrices: list[Tensor]) -> list[Tensor]:
    """The nearest matrix with all singular values one (nearly), of each; directions of no size at all stay away."""
    roots = _inverse_roots(matrices, [matrix.new_ones(()) for matrix in matrices])
    return [root @ m if _wide(m) else m @ root for root, m in zip(roots, matrices, strict=True)]


def _fresh(p: Tensor, largest: int) -> dict[str, Tensor]:
    """State before the first step. What it holds says which rule the parameter follows."""
    value = p.detach()
    if not _vector(p) and min(_flat(p, value).shape) <= largest:
        return {"momentum": torch.zeros_like(value), "scale": _spectral_norm(_flat(p, value))}
    zeros = {"mean": torch.zeros_like(value), "square": torch.zeros_like(value)}
    return {**zeros, "step": torch.zeros((), dtype=torch.float32, device=p.device)}


def _grads(params: list[Tensor]) -> list[Tensor]:
    return [p.grad for p in params if p.grad is not None]


def _vector(p: Tensor) -> bool:
    """Biases, gains, and anything that is one row or one column."""
    return p.ndim < 2 or min(p.shape[0], p.numel() // max(p.shape[0], 1)) < 2


def _flat(p: Tensor, value: Tensor) -> Tensor:
    """`value` as a matrix with a row for each first index, columns in the order in which `p` lies in memory.

    Of `p` itself that is a view, whatever its memory format; and the order never depends on how `value` was stored.
    """
    if p.ndim == 2:
        return value
    order = sorted(range(1, p.ndim), key=p.stride, reverse=True)
    return value.permute(0, *order).reshape(p.shape[0], -1)


def _wide(matrix: Tensor) -> bool:
    return matrix.shape[0] <= matrix.shape[1]


def _spectral_norm(matrix: Tensor) -> Tensor:
    """The largest singular value; a layer that starts at zero gets that of a random layer of variance 1/inputs."""
    # On the processor: not every device has eigenvalues.
    wide = matrix.float().cpu() if _wide(matrix) else matrix.float().cpu().mT
    largest = torch.linalg.eigvalsh(wide @ wide.mT)[-1].clamp_min(0).sqrt()
    usual = 1 + math.sqrt(matrix.shape[0] / matrix.shape[1])
    return torch.where(largest > _TINY, largest, torch.full_like(largest, usual)).to(matrix.device, matrix.dtype)


def _inverse_roots(matrices: list[Tensor], scales: list[Tensor]) -> list[Tensor]:
    """For each matrix its scale times the inverse square root of its Gram matrix, equal sizes in one batch."""
    roots: list[Tensor] = [matrices[0]] * len(matrices)
    sizes: dict[int, list[int]] = {}
    for i, matrix in enumerate(matrices):
        sizes.setdefault(min(matrix.shape), []).append(i)
    for members in sizes.values():
        grams = torch.stack([m @ m.mT if _wide(m) else m.mT @ m for m in (matrices[i] for i in members)])
        # Frobenius' norm is never below the largest eigenvalue, so singular values start at most at one.
        norm = torch.linalg.vector_norm(grams, dim=(1, 2), keepdim=True).clamp_min_(_TINY)
        factor = torch.stack([scales[i] for i in members]).view(-1, 1, 1) * norm.rsqrt()
        for i, root in zip(members, _quintics(grams / norm).mul_(factor), strict=True):
            roots[i] = root
    return roots


def _quintics(grams: Tensor) -> Tensor:
    """The product of the quintics' even parts: polynomials of one matrix, which commute."""
    total = None
    for a, b, c in _QUINTICS:
        factor = torch.baddbmm(grams, grams, grams, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        total = factor if total is None else total @ factor
        if (a, b, c) != _QUINTICS[-1]:
            grams = grams @ factor @ factor
    assert total is not None
    return total
