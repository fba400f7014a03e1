"""Which device, which precision: chosen by measuring, recorded in the run; and its random state."""

import contextlib
import time
from collections.abc import Callable, Iterator

import torch

from isthmus.errors import TrainingError, UsageError
from isthmus.ranks import own_number

__all__ = ["carried", "choose_device", "exact", "faster_in_bf16", "fits", "memory_explained", "reseed", "why_device"]

_WORTH_IT = 1.2
_SHARE = 0.5
_KINDS = (torch.uint8, torch.int16, torch.int64, torch.float16, torch.bfloat16, torch.float32)
"""What every device can hold and gather as it is."""


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


def why_device(name: str, device: torch.device) -> str:
    """What the run says of the choice."""
    if name != "auto":
        return f"{device}, as it was asked for"
    return f"{device}, as there is no graphics card" if device.type == "cpu" else f"{device}, which is there"


def carried(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Values on the device, not waited for; numbers of a kind that not every device knows become floats before."""
    if device.type != "cpu" and values.dtype not in _KINDS:
        values = values.float()
    return values.to(device, non_blocking=device.type == "cuda")


def exact(values: torch.Tensor) -> torch.Tensor:
    """In 64 bits, where they are or, where the device has none, on the processor."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def fits(values: torch.Tensor, device: torch.device) -> bool:
    """Whether pictures can stay on a graphics card: they take no more than half of what is free there."""
    if device.type != "cuda" or values.dtype not in _KINDS:
        return False
    return values.nbytes <= _SHARE * torch.cuda.mem_get_info(device)[0]


@contextlib.contextmanager
def memory_explained(batch_size: int, accumulate: int, device: torch.device) -> Iterator[None]:
    """A device that is too small for a batch is a sentence with a remedy."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "out of memory" not in str(error):
            raise
        what = f"a batch of {batch_size:,} pictures does not fit into the memory of {device}"
        pieces = f" computed in {accumulate} pieces" if accumulate > 1 else ""
        remedy = f"Add --accumulate {2 * accumulate}, which computes it in as many pieces, or halve --batch-size."
        raise TrainingError(what + pieces, remedy) from None


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
