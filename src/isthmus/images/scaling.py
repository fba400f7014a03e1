"""From the pixels' own units to about [0, 1] on the device, and back: recorded in the run, inverted on decode."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch

__all__ = ["Scaling"]

_BLOCK = 4096


@dataclass(frozen=True)
class Scaling:
    """`scaled = (pixel - low) / (high - low)`; `dtype` is what decoded pictures are rounded back to."""

    low: float = 0.0
    high: float = 1.0
    dtype: str = "float32"

    @classmethod
    def learn(cls, pixels: np.ndarray, rule: str = "auto", known: tuple[float, float] | None = None) -> Self:
        """Integers by their depth (12 bits in a uint16 are 0..4095), floats in [0, 1] as they are, others by range."""
        dtype = str(pixels.dtype)
        if rule == "none":
            return cls(dtype=dtype)
        if known is not None:
            return cls(float(known[0]), float(known[1]), dtype)
        low, high = _range(pixels)
        if pixels.dtype == np.uint8:
            return cls(0.0, 1.0 if high <= 1 else 255.0, dtype)
        if pixels.dtype.kind == "u":
            return cls(0.0, float(2 ** max(8, int(high).bit_length()) - 1), dtype)
        if low >= 0 and high <= 1:
            return cls(dtype=dtype)
        return cls(low, high if high > low else low + 1.0, dtype)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels as gathered, to floats."""
        scaled = pixels.float()
        if self.low == 0.0:
            return scaled if self.high == 1.0 else scaled.mul_(1.0 / self.high)
        return (scaled - self.low).mul_(1.0 / (self.high - self.low))

    def inverse(self, scaled: torch.Tensor) -> np.ndarray:
        """Floats back to the pixels' own units and type."""
        pixels = scaled.detach().float().cpu().numpy() * (self.high - self.low) + self.low
        kind = np.dtype(self.dtype)
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            return np.rint(pixels).clip(limits.min, limits.max).astype(kind)
        return pixels.astype(kind)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _range(pixels: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value, block by block so that a memory-mapped array is never read whole into memory."""
    lows, highs = [], []
    for start in range(0, len(pixels), _BLOCK):
        block = pixels[start : start + _BLOCK]
        lows.append(block.min())
        highs.append(block.max())
    return (float(min(lows)), float(max(highs))) if lows else (0.0, 1.0)
