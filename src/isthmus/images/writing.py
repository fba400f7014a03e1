"""Pictures as files: PNG where it can hold them, TIFF where it cannot."""

import io
from pathlib import Path

import numpy as np

from isthmus.files import write_atomically
from isthmus.images.scaling import Scaling

__all__ = ["write_pictures"]


def write_pictures(folder: Path, pictures: np.ndarray, scaling: Scaling) -> None:
    """One file a picture, `000000.png` onwards; integers stay what they are, floats become 8 bits of their range."""
    if pictures.ndim == 2:
        pictures = pictures[:, None, None]
    if pictures.dtype.kind == "f" or scaling.high < 64:
        span = (pictures.astype(np.float32) - scaling.low) / (scaling.high - scaling.low)
        pictures = (span.clip(0, 1) * 255).round().astype(np.uint8)
    digits = max(6, len(str(len(pictures))))
    for number, picture in enumerate(pictures):
        name, content = _file(picture)
        write_atomically(folder / f"{number:0{digits}d}{name}", content)


def _file(picture: np.ndarray) -> tuple[str, bytes]:
    from PIL import Image

    held, channels = io.BytesIO(), len(picture)
    if channels == 1:
        Image.fromarray(picture[0]).save(held, "PNG")
    elif channels in (3, 4) and picture.dtype == np.uint8:
        Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(held, "PNG")
    else:
        import tifffile

        tifffile.imwrite(held, picture, metadata={"axes": "CYX"}, photometric="minisblack")
        return ".tif", held.getvalue()
    return ".png", held.getvalue()
