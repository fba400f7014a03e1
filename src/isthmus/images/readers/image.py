"""A single picture file; with tiles, one large picture is a data set of its own."""

from pathlib import Path

from isthmus.images.decode import SUFFIXES
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.readers._files import one_file
from isthmus.images.stacks import SUFFIXES as STACKS

__all__ = ["ImageReader", "Reader"]


class ImageReader:
    """PNG, JPEG, BMP, WebP, GIF (its first frame) and their kin."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() in SUFFIXES - STACKS

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        return one_file(path, options, "image")


Reader = ImageReader
