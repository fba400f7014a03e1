"""One look for every figure: white paper, dark-grey words, colours that the colour-blind can tell apart."""

import math
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

__all__ = [
    "FAINT",
    "GRID",
    "PALETTE",
    "PAPER",
    "TEXT",
    "Canvas",
    "Ink",
    "Rgb",
    "cell_of",
    "colours",
    "fitted",
    "font",
    "nice_ticks",
    "number",
    "text_height",
    "text_width",
    "wrapped",
]

Ink = str | tuple[int, int, int]
Rgb = tuple[int, int, int]

PAPER, TEXT, FAINT, GRID = "#ffffff", "#333333", "#7a7a7a", "#e6e6e6"

PALETTE = (  # Okabe and Ito's without black; then dark and light in turn, so that lightness tells what hue does not
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#c9b700"),
    *("#332288", "#7a4419", "#93d050", "#882255", "#7fd8cf", "#117733", "#f4a582", "#8073ac", "#5a6b1e"),
)


def colours(n: int) -> list[Rgb]:
    """`n` colours: the palette first, then hues spread by the golden ratio at three lightnesses."""
    found = [(int(c[1:3], 16), int(c[3:5], 16), int(c[5:7], 16)) for c in PALETTE[:n]]
    for i in range(n - len(found)):
        hue, light = (i * 0.6180339887) % 1.0, (0.38, 0.52, 0.66)[i % 3]
        found.append(_from_hue(hue, light))
    return found


def _from_hue(hue: float, light: float) -> Rgb:
    import colorsys

    red, green, blue = (round(255 * c) for c in colorsys.hls_to_rgb(hue, light, 0.6))
    return red, green, blue


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def text_width(text: str, size: int) -> int:
    return math.ceil(font(size).getlength(text))


def text_height(size: int) -> int:
    """The height of a line of this size, the same for every text."""
    return math.ceil(size * 1.25)


def fitted(text: str, size: int, width: float) -> str:
    """The text, or its beginning and an ellipsis, so that it is never wider than `width`."""
    text = " ".join(str(text).split())
    if text_width(text, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle].rstrip() + "…", size) <= width else (low, middle - 1)
    return text[:low].rstrip() + "…" if low else ""


def wrapped(text: str, size: int, width: float, lines: int = 3) -> list[str]:
    """The text in at most so many lines; what does not fit ends in an ellipsis."""
    found: list[str] = []
    words = str(text).split()
    while words and len(found) < lines - 1:
        taken = 1
        while taken < len(words) and text_width(" ".join(words[: taken + 1]), size) <= width:
            taken += 1
        found.append(fitted(" ".join(words[:taken]), size, width))
        words = words[taken:]
    return [*found, fitted(" ".join(words), size, width)] if words else found


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers inside [low, high]: steps of 1, 2 or 5 times a power of ten, at most about `most` of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def number(value: float, step: float | None = None) -> str:
    """As few digits as tell neighbouring ticks apart."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e5 or size < 1e-4:
        text = f"{value:.3g}" if step is None else f"{value:.{_digits(value, step)}e}"
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa}e{int(exponent)}" if exponent else text
    if step is None:
        return f"{value:.0f}" if size >= 1000 else f"{value:.4g}"
    return f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def _digits(value: float, step: float) -> int:
    return max(0, math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-9))


class Canvas:
    """A sheet of paper drawn at `finer` times its size and brought down at the end, so that every edge is smooth.

    Coordinates and sizes are those of the finished picture.
    """

    def __init__(self, width: int, height: int, finer: int = 2) -> None:
        self.width, self.height, self.finer = width, height, finer
        self.image = Image.new("RGB", (width * finer, height * finer), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def finished(self) -> Image.Image:
        return self.image.resize((self.width, self.height), Image.Resampling.BOX) if self.finer > 1 else self.image

    def text(self, x: float, y: float, text: str, size: int = 13, colour: Ink = TEXT, anchor: str = "la") -> None:
        """Anchors are Pillow's: l, m, r across and a, m, s down."""
        place = (x * self.finer, y * self.finer)
        self.pen.text(place, text, fill=colour, font=font(size * self.finer), anchor=anchor)

    def upright(self, x: float, y: float, text: str, size: int = 13, colour: Ink = TEXT) -> None:
        """Text turned a quarter to the left, its middle at (x, y)."""
        words = font(size * self.finer)
        box = Image.new("L", (math.ceil(words.getlength(text)) + 4, text_height(size) * self.finer + 4), 0)
        ImageDraw.Draw(box).text((box.width / 2, box.height / 2), text, fill=255, font=words, anchor="mm")
        box = box.rotate(90, expand=True)
        place = (round(x * self.finer - box.width / 2), round(y * self.finer - box.height / 2))
        self.image.paste(Image.new("RGB", box.size, colour), place, box)

    def line(self, points: Sequence[tuple[float, float]], colour: Ink = TEXT, width: float = 1) -> None:
        scaled = [(x * self.finer, y * self.finer) for x, y in points]
        self.pen.line(scaled, fill=colour, width=max(1, round(width * self.finer)), joint="curve")

    def box(self, left: float, top: float, right: float, bottom: float, colour: Ink) -> None:
        edges = [round(v * self.finer) for v in (left, top, right, bottom)]
        if edges[2] > edges[0] and edges[3] > edges[1]:
            self.pen.rectangle((edges[0], edges[1], edges[2] - 1, edges[3] - 1), fill=colour)

    def dot(self, x: float, y: float, radius: float, colour: Ink) -> None:
        f = self.finer
        self.pen.ellipse(((x - radius) * f, (y - radius) * f, (x + radius) * f, (y + radius) * f), fill=colour)


def cell_of(height: int, width: int, usual: int) -> tuple[int, int]:
    """How wide and high a picture is shown: small ones are enlarged by a whole number, large ones brought down."""
    longest = max(height, width)
    if longest <= 2 * usual:
        scale = max(1, round(usual / longest))
        return width * scale, height * scale
    return max(1, round(width * 2 * usual / longest)), max(1, round(height * 2 * usual / longest))
