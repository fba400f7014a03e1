"""Many small pictures as few image files: sheets, exact where there is room for that, else as good as there is room."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, features

__all__ = ["EXACT", "Sheets", "best_quality", "encoded", "laid_out", "quality_in_words"]

EXACT = 100
_LADDER = (EXACT, 92, 80, 65, 50)
_ACROSS, _SHEET = 16, 256
_SAMPLED = 2
"""Sheets by which the size of all is judged."""


@dataclass(frozen=True)
class Sheets:
    """`name-0`, `name-1`, ... with 256 pictures each, sixteen to a row; the last has what is left."""

    name: str
    count: int
    shape: tuple[int, ...]
    quality: int
    files: list[bytes]

    def about(self) -> dict[str, Any]:
        """What the page must know to cut them up."""
        high, wide, channels = self.shape
        told = {"name": self.name, "kind": _kind(self.quality), "count": self.count, "sheet": _SHEET}
        return told | {"across": _ACROSS, "width": wide, "height": high, "channels": channels}

    def blocks(self) -> Iterator[tuple[str, str, bytes]]:
        yield from ((f"{self.name}-{i}", _kind(self.quality), file) for i, file in enumerate(self.files))


def laid_out(
    name: str,
    pixels_of: Callable[[np.ndarray], np.ndarray],
    count: int,
    quality: int,
    told: Callable[[int, int], None] | None = None,
) -> Sheets:
    """`pixels_of(numbers)` gives `(n, h, w, 1 or 3)` bytes, a sheet at a time, so that they are never all in memory."""
    files, shape = [], (0, 0, 0)
    for start in range(0, count, _SHEET):
        pixels = pixels_of(np.arange(start, min(start + _SHEET, count)))
        files.append(encoded(pixels, quality))
        shape = pixels.shape[1:]
        if told:
            told(start + len(pixels), count)
    return Sheets(name, count, tuple(map(int, shape)), quality, files)


def best_quality(kinds: list[tuple[Callable[[np.ndarray], np.ndarray], int, int]], room: int) -> int | None:
    """The best at which all take at most `room` bytes, judged by a few sheets; None where there is none.

    Each kind is how to get pictures, how many can be had that way, and how many there will be that are like them.
    """
    samples = []
    for pixels_of, count, whole in kinds:
        starts = np.linspace(0, max(0, count - _SHEET), _SAMPLED).astype(int)
        drawn = [pixels_of(np.arange(start, min(start + _SHEET, count))) for start in np.unique(starts)]
        samples.append((drawn, whole / sum(map(len, drawn))))
    for quality in _LADDER:
        taken = sum(share * sum(len(encoded(pixels, quality)) for pixels in drawn) for drawn, share in samples)
        if taken <= room:
            return quality
    return None


def encoded(pixels: np.ndarray, quality: int) -> bytes:
    """One sheet."""
    n, high, wide, channels = pixels.shape
    rows = -(-n // _ACROSS)
    sheet = np.zeros((rows * _ACROSS, high, wide, channels), np.uint8)
    sheet[:n] = pixels
    sheet = sheet.reshape(rows, _ACROSS, high, wide, channels).swapaxes(1, 2)
    whole = sheet.reshape(rows * high, _ACROSS * wide, channels)
    image = Image.fromarray(whole[..., 0] if channels == 1 else whole)
    held = io.BytesIO()
    how: dict[str, Any] = {"quality": quality}
    if _kind(quality) == "image/webp":
        image = image.convert("RGB")
        how = {"lossless": True, "quality": 50, "method": 2} if quality == EXACT else how | {"method": 4}
    image.save(held, _kind(quality).removeprefix("image/").upper(), **how)
    return held.getvalue()


def quality_in_words(quality: int) -> str:
    return "exactly" if quality == EXACT else f"with losses (quality {quality} of 100)"


def _kind(quality: int) -> str:
    """WebP, or what every Pillow writes."""
    if features.check("webp"):
        return "image/webp"
    return "image/png" if quality == EXACT else "image/jpeg"
