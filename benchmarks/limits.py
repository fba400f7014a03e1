"""What this machine could do at most: the rate of one large matrix product, by precision."""

import time

import torch

__all__ = ["matrix_rate"]


def matrix_rate(precision: str, size: int = 1024, seconds: float = 1.0) -> float:
    """Best GFLOP per CPU-second of a square product over about a second of trying."""
    kind = getattr(torch, precision)
    left, right = torch.randn(size, size).to(kind), torch.randn(size, size).to(kind)
    (left @ right).sum()
    best, start = 0.0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        cpu = time.process_time()
        for _ in range(4):
            torch.mm(left, right)
        best = max(best, 4 * 2 * size**3 / (time.process_time() - cpu) / 1e9)
    return best
