"""Which device, which precision: chosen by measuring, recorded in the run; and its random state."""

import time
from collections.abc import Callable

import torch

from isthmus.errors import UsageError
from isthmus.ranks import own_number

__all__ = ["choose_device", "faster_in_bf16", "reseed"]

_WORTH_IT = 1.2


def choose_device(name: str) -> torch.device:
    """ "auto" takes the GPU where there is one; of processes that train together each takes its own."""
    if own_number() is not None:
        return _own(name, own_number() or 0)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"there is no device {name!r}", "Use auto, cpu, cuda, cuda:1 or mps.") from None
    if (device.type == "cuda" and not torch.cuda.is_available()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    ):
        raise UsageError(f"this machine has no {device.type} device", "Use --device auto or --device cpu.")
    return device


def _own(name: str, number: int) -> torch.device:
    """Of the kind that is asked for, the one that belongs to this process."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):
        raise UsageError(f"{name} is no device for each of many processes", "Use --device auto, cpu or cuda.")
    there = torch.cuda.device_count()
    if name == "cuda" and number >= there:
        what = f"process {number} of this machine has no graphics card of its own: there are {there}"
        raise UsageError(what, "Start as many processes as there are cards, or use --device cpu.")
    return torch.device(name, number) if name == "cuda" else torch.device(name)


def faster_in_bf16(step: Callable[[bool], None], device: torch.device, rounds: int = 3) -> bool:
    """Whether a training step is at least 1.2 times faster with bfloat16 products, best of a few alternating rounds."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu":
        return False
    best = {False: float("inf"), True: float("inf")}
    for _ in range(rounds + 1):
        for bf16 in best:
            start = time.perf_counter()
            step(bf16)
            best[bf16] = min(best[bf16], time.perf_counter() - start)
    return best[False] > _WORTH_IT * best[True]


def reseed(seed: int, device: torch.device) -> None:
    """What layers with noise of their own (dropout) draw from on this device.

    torch.manual_seed visits every kind of device and formats a traceback for CUDA, should that start later: a
    millisecond a call.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):  # the current device's generator alone is seeded
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
