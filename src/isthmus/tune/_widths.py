"""A network made wider or narrower as a whole."""

from typing import Any

from isthmus.nets.conv import Conv, widths_for

__all__ = ["scaled", "scales"]

_FIELDS = ("channels", "hidden", "width", "growth", "first")
_NARROWEST = 2


def scales(net: Any, shape: tuple[int, ...]) -> bool:
    """Whether there is any width to change."""
    return bool(_widths(net, shape))


def scaled(net: Any, factor: float, shape: tuple[int, ...]) -> Any:
    """The network with every width multiplied."""
    if factor == 1.0:
        return net

    def times(width: int) -> int:
        return max(_NARROWEST, round(width * factor))

    widths = _widths(net, shape)
    new = {n: tuple(map(times, w)) if isinstance(w, tuple) else times(w) for n, w in widths.items()}
    return type(net)(**net.get_params(deep=False) | new)


def _widths(net: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """The fields that hold widths; where those of a convolution follow the picture size, what they come to."""
    found = {name: getattr(net, name) for name in _FIELDS if getattr(net, name, None)}
    if isinstance(net, Conv) and not net.channels:
        side = shape[1:] if len(shape) == 3 else (round(shape[0] ** 0.5),) * 2
        found["channels"] = widths_for(side)
    return found
