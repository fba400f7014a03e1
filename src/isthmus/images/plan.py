"""One shape for all: the rule by which pictures of mixed size, colour and depth come together in one array."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from isthmus.errors import DataError
from isthmus.images.options import ReadOptions
from isthmus.images.tiles import cut, tile_positions

__all__ = ["Look", "Plan", "make_plan"]

LARGEST_MIXED = 128
"""Pictures of mixed size become no larger than this unless a size is asked for."""


_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Look:
    """What a file's header says: so many pictures of this shape and type."""

    height: int
    width: int
    channels: int
    dtype: str
    count: int = 1


@dataclass(frozen=True)
class Plan:
    """The shape that every picture gets; `rule` says in words what is done to those that differ."""

    height: int
    width: int
    channels: int
    dtype: str
    tile: int | None = None
    step: int = 1
    rule: list[str] = field(default_factory=list)

    def rows(self, look: Look) -> int:
        """How many rows a file of this look fills."""
        tiles = len(tile_positions(look.height, look.width, self.tile, self.step)) if self.tile else 1
        return look.count * tiles

    def keeps(self, look: Look) -> bool:
        """Nothing has to be done to pictures of this look."""
        shape = (look.height, look.width, look.channels, look.dtype)
        return not self.tile and shape == (self.height, self.width, self.channels, self.dtype)

    def apply(self, block: np.ndarray) -> np.ndarray:
        """Pictures `(k, channels, height, width)` as this plan wants them."""
        block = _recolour(_deepen(block, self.dtype), self.channels)
        if self.tile:
            return cut(block, self.tile, self.step)
        if block.shape[2:] == (self.height, self.width):
            return block
        return np.stack([np.stack([_cover(c, self.height, self.width) for c in picture]) for picture in block])


def make_plan(looks: Sequence[Look], options: ReadOptions, names: Sequence[str]) -> Plan:
    """The plan for these looks: one shape that fits all of them, and the rule in words."""
    rule: list[str] = []
    channels = _channels(looks, options.channels, names, rule)
    dtype = _dtype(looks, names, rule)
    if options.tile:
        rule.append(f"cut into tiles of {options.tile} x {options.tile}, one every {options.step} pixels")
        return Plan(options.tile, options.tile, channels, dtype, options.tile, options.step, rule)
    height, width = _size(looks, options, rule)
    return Plan(height, width, channels, dtype, rule=rule)


def _size(looks: Sequence[Look], options: ReadOptions, rule: list[str]) -> tuple[int, int]:
    sizes = {(look.height, look.width) for look in looks}
    asked = options.height_width
    if asked is None and len(sizes) == 1:
        return sizes.pop()
    if asked is None:
        weights = [look.count for look in looks]
        height = _median([look.height for look in looks], weights)
        width = _median([look.width for look in looks], weights)
        shrink = min(1.0, LARGEST_MIXED / max(height, width))
        asked = max(1, round(height * shrink)), max(1, round(width * shrink))
        why = f"the median of {len(sizes)} sizes, at most {LARGEST_MIXED}"
    else:
        why = "as asked"
    if sizes != {asked}:
        rule.append(
            f"resized to {asked[0]} x {asked[1]} ({why}), keeping proportions and cutting what sticks out"
            " evenly on both sides"
        )
    return asked


def _median(values: list[int], weights: list[int]) -> int:
    return int(np.median(np.repeat(values, np.minimum(weights, 1000))))


def _channels(looks: Sequence[Look], asked: int | None, names: Sequence[str], rule: list[str]) -> int:
    first = {look.channels: name for look, name in zip(reversed(looks), reversed(names), strict=True)}
    found = sorted(first)
    wanted = asked or found[-1]
    odd = [n for n in found if n != wanted and (n, wanted) not in ((1, 3), (3, 1))]
    if odd:
        here, there = (odd[0], wanted) if wanted in first else (found[0], wanted)
        also = f" while {first[there]} has {there}" if there in first else f" and not {there}"
        raise DataError(
            f"{first[here]} has {here} channel{'s' if here > 1 else ''}{also}",
            "Only grey and RGB can be turned into each other: keep pictures of one kind together.",
        )
    if set(found) != {wanted}:
        rule.append("colour turned into grey (luma)" if wanted == 1 else "grey repeated as red, green and blue")
    return wanted


def _dtype(looks: Sequence[Look], names: Sequence[str], rule: list[str]) -> str:
    first = {look.dtype: name for look, name in zip(reversed(looks), reversed(names), strict=True)}
    if "float32" in first and len(first) > 1:
        whole = next(name for dtype, name in first.items() if dtype != "float32")
        raise DataError(
            f"{first['float32']} holds decimal numbers while {whole} holds whole ones",
            "Their scales cannot be compared: keep them apart.",
        )
    if len(first) > 1:
        rule.append("8-bit values multiplied by 257 beside the 16-bit ones, so that white is white")
        return "uint16"
    return next(iter(first))


def _deepen(block: np.ndarray, dtype: str) -> np.ndarray:
    if block.dtype == np.uint8 and dtype == "uint16":
        return block.astype(np.uint16) * np.uint16(257)
    return block.astype(dtype, copy=False)


def _recolour(block: np.ndarray, channels: int) -> np.ndarray:
    here = block.shape[1]
    if here == channels:
        return block
    if here == 1:
        return np.repeat(block, channels, axis=1)
    luma = np.tensordot(block.astype(np.float32), np.array(_LUMA, np.float32), (1, 0))[:, None]
    return luma if block.dtype.kind == "f" else np.rint(luma).astype(block.dtype)


def _cover(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest centred part of `plane` with the proportions asked for, resampled with an antialiasing filter."""
    from PIL import Image

    h, w = plane.shape
    scale = min(h / height, w / width)
    # Rounding can put an edge a hair outside, which Pillow refuses.
    top, left = max(0.0, (h - height * scale) / 2), max(0.0, (w - width * scale) / 2)
    box = (left, top, min(w, left + width * scale), min(h, top + height * scale))
    deep = plane.dtype != np.uint8
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32) if deep else np.ascontiguousarray(plane))
    small = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
    if plane.dtype.kind == "f" or not deep:
        return small
    return np.rint(small).clip(0, np.iinfo(plane.dtype).max).astype(plane.dtype)
