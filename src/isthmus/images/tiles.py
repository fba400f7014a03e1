"""Large pictures in tiles, and what was found in the tiles back on the pictures."""

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.pictures import Pictures

__all__ = ["cut", "parent", "tile_ids", "tile_positions", "untile"]


def tile_positions(height: int, width: int, tile: int, stride: int) -> list[tuple[int, int]]:
    """Top left corners; the last row and column are moved back so that the whole picture is covered."""
    return [(top, left) for top in _starts(height, tile, stride) for left in _starts(width, tile, stride)]


def tile_ids(name: str, height: int, width: int, tile: int, stride: int) -> list[str]:
    """`name@top,left` for every tile of one picture."""
    return [f"{name}@{top},{left}" for top, left in tile_positions(height, width, tile, stride)]


def parent(name: str) -> str:
    """The id of the picture that a tile was cut from."""
    return name.rpartition("@")[0] or name


def cut(block: np.ndarray, tile: int, stride: int) -> np.ndarray:
    """Pictures `(k, channels, height, width)` as tiles, all of the first picture first.

    A picture smaller than a tile is continued by its border.
    """
    height, width = block.shape[2:]
    short = [(0, 0), (0, 0), (0, max(0, tile - height)), (0, max(0, tile - width))]
    if any(after for _, after in short):
        block = np.pad(block, short, mode="edge")
    corners = tile_positions(height, width, tile, stride)
    tiles = np.stack([block[:, :, top : top + tile, left : left + tile] for top, left in corners], axis=1)
    return tiles.reshape(-1, *tiles.shape[2:])


def untile(pictures: Pictures, values: np.ndarray) -> dict[str, np.ndarray]:
    """One map for every picture that was tiled, the mean over the tiles that cover a pixel.

    `values` has a row for each tile: a number, a vector, or planes `(channels, tile, tile)`; the maps are
    `(height, width)` or `(channels, height, width)`, and NaN where no tile was left.
    """
    facts = pictures.source.get("tiles")
    if facts is None:
        raise UsageError("these pictures are not tiles", "Open them with tile= to map results back to pictures.")
    values = np.asarray(values, np.float32)
    if len(values) != len(pictures):
        raise DataError(f"there are {len(values)} values for {len(pictures)} tiles", "Give one row for each tile.")
    flat = values.ndim == 1
    planes = values.reshape(len(values), -1, 1, 1) if values.ndim < 3 else values
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(pictures.ids):
        rows.setdefault(parent(name), []).append(row)
    maps = {}
    for name, members in rows.items():
        height, width = facts["pictures"][name]
        whole = _mean_map(planes[members], [pictures.ids[r] for r in members], facts["tile"], height, width)
        maps[name] = whole[0] if flat else whole
    return maps


def _mean_map(planes: np.ndarray, names: list[str], tile: int, height: int, width: int) -> np.ndarray:
    total = np.zeros((planes.shape[1], max(height, tile), max(width, tile)), np.float32)
    count = np.zeros(total.shape[1:], np.float32)
    for plane, name in zip(planes, names, strict=True):
        top, left = map(int, name.rpartition("@")[2].split(","))
        window = np.s_[top : top + tile, left : left + tile]
        total[(slice(None), *window)] += plane
        count[window] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / count)[:, :height, :width]


def _starts(length: int, tile: int, stride: int) -> list[int]:
    last = max(0, length - tile)
    return sorted({*range(0, last + 1, stride), last})
