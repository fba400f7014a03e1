"""A file that lies inside another one, as decoders want it: bytes that have a name and a size."""

import io
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

__all__ = ["Blob"]


class Blob(io.BytesIO):
    """What a decoder asks of a path is known here too."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name, self.suffix = name, PurePosixPath(name).suffix
        self._size = len(content)

    def stat(self) -> Any:
        return SimpleNamespace(st_size=self._size)
