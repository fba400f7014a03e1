"""From the pixels' own units to about [0, 1] on the device, and back: recorded in the run, inverted on decode."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch

from isthmus.errors import DataError

__all__ = ["Scaling"]

_BLOCK = 4096
_FULL_8, _FULL_16 = 255.0, 65535.0


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

    def accept(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels in the units that were learnt from; what may be meant in other units is refused, never guessed."""
        learnt = np.dtype(self.dtype)
        if pixels.dtype == learnt or pixels.size == 0 or learnt.kind != "u":
            return pixels
        if pixels.dtype == np.uint8 and learnt == np.uint16 and self.high == _FULL_16:
            return np.asarray(pixels).astype(np.uint16) * 257
        high = _range(pixels)[1]
        if pixels.dtype.kind == "f" and self.high >= _FULL_8 and 0 < high <= 1:
            raise DataError(
                f"pixels are fractions up to {high:.3g}, and the model was fitted on {learnt} up to {self.high:.0f}",
                f"Multiply them by {self.high:.0f}.",
            )
        if high > self.high or (pixels.dtype == np.uint8 and learnt == np.uint16):
            raise DataError(
                f"pixels are {pixels.dtype} up to {high:.0f}; the model was fitted on {learnt} up to {self.high:.0f}",
                "Give pictures of the same depth.",
            )
        return pixels

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
