"""What this machine could do at most: the rate of one large matrix product, by precision."""

import time

import torch

__all__ = ["matrix_rate"]


def matrix_rate(precision: str, device: str = "cpu", seconds: float = 1.0) -> float:
    """Best GFLOP per CPU-second of a square product over about a second of trying; on another device per second."""
    kind, size = getattr(torch, precision), 1024 if device == "cpu" else 8192
    left, right = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    (left @ right).sum()
    best, start = 0.0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        cpu = _now(device)
        for _ in range(4):
            torch.mm(left, right)
        best = max(best, 4 * 2 * size**3 / (_now(device) - cpu) / 1e9)
    return best


def _now(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()
