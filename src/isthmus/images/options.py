"""What a caller may ask of any source of pictures, checked once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import UsageError

__all__ = ["Progress", "ReadOptions"]

Progress = Callable[[int, int, str], None]
"""`progress(done, total, what)`, called now and then while something takes long."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read: the fields are the keywords of `open_pictures` that every reader understands."""

    axes: str | None = None
    size: int | tuple[int, int] | None = None
    channels: int | None = None
    tile: int | None = None
    stride: int | None = None
    skip_bad: bool = False
    cache: Path | str | bool | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        for name in ("channels", "tile", "stride"):
            _positive(name, getattr(self, name))
        for side in self.height_width or ():
            _positive("size", side)
        if self.stride and not self.tile:
            raise UsageError(
                "stride is for tiles, and no tile was given", "Give tile as well, as in tile=64, stride=32."
            )
        if self.tile and self.stride and self.stride > self.tile:
            raise UsageError(
                f"stride {self.stride} would leave gaps between tiles of {self.tile}", "Take a smaller one."
            )
        if self.tile and self.size is not None:
            raise UsageError("size and tile cannot both be given", "A tile is cut at full size: leave one of them out.")

    @property
    def height_width(self) -> tuple[int, int] | None:
        """The size asked for; one number means a square."""
        if self.size is None:
            return None
        if isinstance(self.size, int):
            return self.size, self.size
        if len(self.size) != 2:
            raise UsageError(f"size {self.size!r} is not a size", "Give one number, or (height, width).")
        return self.size[0], self.size[1]

    @property
    def step(self) -> int:
        """From one tile to the next; tiles touch where no stride is given."""
        return self.stride or self.tile or 1

    def tell(self, done: int, total: int, what: str) -> None:
        """Pass progress on to whoever watches."""
        if self.progress is not None:
            self.progress(done, total, what)


def _positive(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise UsageError(f"{name} is {value!r}", "Give a whole number of 1 or more.")
