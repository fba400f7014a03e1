"""A TIFF file: a page, a stack, or more axes as OME and ImageJ write them; its pages are the pictures."""

from pathlib import Path

from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.readers._files import one_file
from isthmus.images.stacks import SUFFIXES

__all__ = ["Reader", "TiffReader"]


class TiffReader:
    """Ids are `name.tif#page`; `axes="ZYX"` names the axes where the file does not."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() in SUFFIXES

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        return one_file(path, options, "tiff")


Reader = TiffReader
