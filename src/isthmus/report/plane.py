"""A plane of decoded pictures: what lies where on two numbers, with axes that say which numbers."""

from typing import Any

from PIL import Image

from isthmus.errors import UsageError
from isthmus.report.axes import MARGIN, Axis, frame, heading, heading_height
from isthmus.report.grid import to_rgb
from isthmus.report.style import Canvas, cell_of

__all__ = ["plane"]

_SIDE, _GAP = 720, 1
_NARROWEST = 360

Ends = tuple[float, float]


def plane(
    pictures: Any,
    columns: int,
    across: Ends,
    up: Ends,
    *,
    title: str = "",
    subtitle: str = "",
    x_label: str = "",
    y_label: str = "",
) -> Image.Image:
    """Pictures row by row from the top, a hair between them; `across` and `up` are the outermost ones' numbers."""
    rgb = to_rgb(pictures)
    n, height, width = rgb.shape[:3]
    if n == 0 or n % columns:
        raise UsageError(f"{n} pictures make no rows of {columns}")
    rows = n // columns
    cell = cell_of(height, width, max(8, _SIDE // max(rows, columns)))
    step = (cell[0] + _GAP, cell[1] + _GAP)
    wide, tall = columns * step[0], rows * step[1]
    horizontal, vertical = _axis(*across, columns), _axis(*up, rows)
    vertical.laid(0, tall, upwards=True)
    left = MARGIN + vertical.room_for_names() + 10 + (24 if y_label else 0)
    inner = max(left + wide, _NARROWEST)
    top = MARGIN + heading_height(title, subtitle, inner - MARGIN)
    sheet = Canvas(inner + MARGIN, top + tall + 26 + (22 if x_label else 0) + MARGIN, 2)
    heading(sheet, MARGIN, MARGIN, title, subtitle, inner - MARGIN)
    frame(sheet, horizontal.laid(left, wide), vertical.laid(top, tall, upwards=True), x_label, y_label, lines=False)
    for i, picture in enumerate(rgb):
        _paste(sheet, picture, left + (i % columns) * step[0], top + (i // columns) * step[1], cell)
    return sheet.finished()


def _axis(low: float, high: float, cells: int) -> Axis:
    """The numbers are those of the middles of the outermost pictures."""
    half = (high - low) / (2 * (cells - 1)) if cells > 1 and high > low else 0.5
    return Axis(low - half, high + half)


def _paste(sheet: Canvas, picture: Any, left: int, top: int, cell: tuple[int, int]) -> None:
    fine = sheet.finer
    image = Image.fromarray(picture)
    way = Image.Resampling.NEAREST if image.width <= cell[0] * fine else Image.Resampling.LANCZOS
    sheet.image.paste(image.resize((cell[0] * fine, cell[1] * fine), way), (left * fine, top * fine))
