"""One picture file to an array `(k, channels, height, width)`, upright, without anything but its pixels.

The rules: palettes become RGB, or grey where all their colours are; 1-bit pictures become 0 and 255; alpha that is
fully opaque is dropped, any other is laid over black; the EXIF orientation is applied and no metadata is kept.
"""

from pathlib import Path
from typing import Any

import numpy as np

from isthmus.images import stacks
from isthmus.images.blob import Blob
from isthmus.images.plan import Look

__all__ = ["SUFFIXES", "decode", "look"]

_FORMATS = {
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".pgm": "PPM",
    ".png": "PNG",
    ".ppm": "PPM",
    ".webp": "WEBP",
}
SUFFIXES = frozenset(_FORMATS) | stacks.SUFFIXES
"""The file names that are taken for pictures, in lower case."""

_KNOWN = sorted(set(_FORMATS.values()))  # never every plugin: some of them start other programs
_ORIENTATION = 0x0112
_DEEP_GREY = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_DEEP_COLOUR = ("RGB;16B", "RGBA;16B")


def look(path: Path | Blob, axes: str | None = None) -> Look:
    """What the header says, without decoding."""
    if path.suffix.lower() in stacks.SUFFIXES:
        return stacks.look(path, axes)
    from PIL import Image

    with Image.open(path, formats=_KNOWN) as image:
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        if image.mode in _DEEP_GREY:
            return Look(height, width, 1, "uint16")
        if image.mode == "F":
            return Look(height, width, 1, "float32")
        return Look(height, width, 1 if _is_grey(image) else 3, "uint16" if _deep_colour(image) else "uint8")


def decode(path: Path | Blob, axes: str | None = None, near: tuple[int, int] | None = None) -> np.ndarray:
    """The pixels; a large JPEG is decoded at a fraction of its size where `near` (height, width) is much smaller."""
    if path.suffix.lower() in stacks.SUFFIXES:
        return stacks.decode(path, axes)
    from PIL import Image, ImageOps

    with Image.open(path, formats=_KNOWN) as image:
        deep = _deep_colour(image)
        if deep:
            pixels = _deep_pixels(path, image, deep)
        else:
            if near is not None:
                # both sides, as the picture may lie on its side; draft never goes below what it is asked for
                image.draft(image.mode, (2 * max(near), 2 * max(near)))
            pixels = None
        turn = _orientation(image)
        if pixels is None:
            upright = ImageOps.exif_transpose(image) if turn > 1 else image
            pixels = _plain_pixels(upright)
        elif turn > 1:
            pixels = _turn(pixels, turn)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return planes[None]


def _plain_pixels(image: Any) -> np.ndarray:
    if image.mode in _DEEP_GREY:
        values = np.asarray(image)
        if values.dtype != np.uint16 and values.size and (values.min() < 0 or values.max() > 65535):
            raise ValueError("its values do not fit into 16 bits")
        return values.astype(np.uint16, copy=False)
    if image.mode == "F":
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise ValueError("it holds NaN or infinity")
        return values
    grey = _is_grey(image)
    if image.has_transparency_data:
        image = _over_black(image)
    return np.asarray(image.convert("L" if grey else "RGB"))


def _over_black(image: Any) -> Any:
    from PIL import Image

    image = image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return image.convert("RGB")
    black = Image.new("RGB", image.size)
    black.paste(image.convert("RGB"), mask=alpha)
    return black


def _is_grey(image: Any) -> bool:
    if image.mode == "P" and image.palette is not None:
        palette = np.frombuffer(bytes(image.getpalette("RGB") or b""), np.uint8)
        colours = palette[: len(palette) // 3 * 3].reshape(-1, 3)
        return bool(len(colours)) and bool((colours == colours[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La")


def _orientation(image: Any) -> int:
    if "exif" not in image.info:
        return 1
    try:
        turn = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata is no reason to lose a good picture
        return 1
    return turn if 1 <= turn <= 8 else 1


def _deep_colour(image: Any) -> str:
    """The raw mode of a PNG with 16 bits a colour, which Pillow would cut down to 8."""
    tile = getattr(image, "tile", None)
    raw = tile[0][3] if image.format == "PNG" and tile else None
    return raw if raw in _DEEP_COLOUR and "transparency" not in image.info else ""


def _deep_pixels(path: Path | Blob, image: Any, raw: str) -> np.ndarray:
    """High bytes and low bytes come from two passes, each of which Pillow can do."""
    from PIL import Image

    high = np.asarray(image)
    with Image.open(path, formats=["PNG"]) as again:
        again.tile = [again.tile[0]._replace(args=raw.replace("16B", "16L"))]
        low = np.asarray(again)
    deep = high.astype(np.uint16) << 8 | low
    if deep.shape[2] == 3:
        return deep
    colour, alpha = deep[:, :, :3], deep[:, :, 3:]
    if alpha.min() == 65535:
        return colour
    return ((colour.astype(np.uint32) * alpha + 32767) // 65535).astype(np.uint16)


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    upside = orientation in (3, 4, 7, 8)
    mirrored = orientation in (2, 3, 6, 7)
    pixels = pixels[::-1] if upside else pixels
    return pixels[:, ::-1] if mirrored else pixels
