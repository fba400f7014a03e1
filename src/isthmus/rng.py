"""Random numbers keyed by what they are for: (seed, purpose, epoch, picture id), never by position or process.

Two runs with other batch sizes, other process counts or a kill in between draw the same noise for the same picture
in the same epoch, because every number is a hash of its key and nothing has a state.
"""

import math
from typing import Any

import torch

from isthmus.keys import stream

__all__ = ["Noise", "permutation"]

_MASK = 0xFFFFFFFF


def permutation(n: int, *parts: object) -> torch.Tensor:
    """The shuffle of `n` rows that belongs to this key."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(stream(*parts)))


class Noise:
    """The noise of one batch: `keys` says which pictures, `parts` which seed, epoch and draw."""

    def __init__(self, keys: torch.Tensor, *parts: object) -> None:
        self.keys, self.parts = keys, parts

    def of(self, rows: torch.Tensor | slice) -> "Noise":
        """The noise of some of these pictures: each has what it had."""
        return Noise(self.keys[rows], *self.parts)

    def uniform(self, purpose: str, *shape: int) -> torch.Tensor:
        """Uniform numbers in (0, 1), one row of `shape` for each picture."""
        bits = self._bits(purpose, math.prod(shape))
        return ((bits >> 8) & 0xFFFFFF).float().add_(0.5).mul_(2.0**-24).view(-1, *shape)

    def normal(self, purpose: str, *shape: int) -> torch.Tensor:
        """Standard normal numbers, one row of `shape` for each picture (Box and Muller's pairs)."""
        size = math.prod(shape)
        pairs = self.uniform(purpose, 2, (size + 1) // 2)
        radius = pairs[:, 0].log().mul_(-2).sqrt_()
        angle = pairs[:, 1].mul(2 * math.pi)
        both = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)
        return both[:, :size].reshape(-1, *shape)

    def _bits(self, purpose: str, size: int) -> torch.Tensor:
        """32 random bits each: two rounds of an integer hash over (key, stream, column)."""
        below, above = self._salt(purpose)
        low = _signed((self.keys ^ below) & _MASK)
        high = _signed(((self.keys >> 32) ^ above) & _MASK)
        columns = _signed(torch.arange(size, device=self.keys.device) * 0x9E3779B9 & _MASK)
        bits = _mix(_mix(low)[:, None] + columns[None, :])
        return _mix(bits.bitwise_xor_(_mix(high)[:, None]))

    def _salt(self, purpose: str) -> tuple[Any, Any]:
        """The lower and the upper half of the seed of this purpose's stream."""
        salt = stream(*self.parts, purpose)
        return salt & _MASK, salt >> 32


def _signed(values: torch.Tensor) -> torch.Tensor:
    """The low 32 bits as int32, whose product wraps and runs in vector instructions."""
    return torch.where(values > 0x7FFFFFFF, values - 0x100000000, values).to(torch.int32)


def _mix(bits: torch.Tensor) -> torch.Tensor:
    """A 32-bit finaliser of two multiplications (constants found by hash prospecting, public domain)."""
    bits = bits.bitwise_xor((bits >> 16) & 0xFFFF)
    bits.mul_(0x7FEB352D)
    bits.bitwise_xor_((bits >> 15) & 0x1FFFF)
    bits.mul_(0x846CA68B - 0x100000000)
    return bits.bitwise_xor_((bits >> 16) & 0xFFFF)
