"""Pictures inside a page: made smaller until all of them together are no larger than they may be."""

import base64
import io
from pathlib import Path

from PIL import Image

from isthmus.report.markup import Markup, tag

__all__ = ["Enclosed"]

_LARGEST_FILE, _LARGEST_SIDE = 64 << 20, 20_000
_WIDTHS = (1400, 1000, 700)
_KEPT = 160_000
"""A PNG of fewer bytes stays as it is."""


class Enclosed:
    """As many bytes as are left of `room`, which base64 has been allowed for; what does not fit any more is counted."""

    def __init__(self, room: int) -> None:
        self.room, self.left_out = room * 3 // 4, 0

    def figure(self, path: Path, alt: str, caption: str) -> Markup:
        """The picture of this file with words below; nothing where there is none, or none that can be read."""
        try:
            if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
                return Markup("")
            return self.drawn(path.read_bytes(), alt, caption)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return Markup("")

    def drawn(self, content: bytes, alt: str, caption: str) -> Markup:
        """The same of a file's content."""
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if max(image.size) > _LARGEST_SIDE:
                return Markup("")
            kind, found = self._fitted(image, content)
            width, height = image.size
        if not found:
            self.left_out += 1
            return Markup("")
        self.room -= len(found)
        source = f"data:image/{kind};base64,{base64.b64encode(found).decode()}"
        shown = tag("img", src=Markup(source), alt=alt, width=width, height=height)
        return tag("figure", shown, tag("figcaption", caption), class_="picture")

    def _fitted(self, image: Image.Image, content: bytes) -> tuple[str, bytes]:
        """No picture takes more than a third of what is left, so that the last ones have some too."""
        most = max(_KEPT, self.room // 3)
        if len(content) <= min(_KEPT, self.room):
            return "png", content
        for width in _WIDTHS:
            smaller = image.convert("RGB")
            if smaller.width > width:
                size = (width, max(1, round(smaller.height * width / smaller.width)))
                smaller = smaller.resize(size, Image.Resampling.LANCZOS)
            held = io.BytesIO()
            smaller.save(held, "WEBP", quality=82, method=4)
            if held.tell() <= min(most, self.room):
                return "webp", held.getvalue()
        return "", b""
