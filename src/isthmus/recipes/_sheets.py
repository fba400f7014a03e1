"""Pictures as text inside results, and the sheets that paper 003's figures are made of."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from isthmus.report.grid import comparison_grid, picture_grid

__all__ = ["as_text", "beside", "from_text", "sheet"]


def as_text(x: torch.Tensor) -> str:
    """Pictures in [0, 1] as bytes, packed."""
    return base64.b64encode(zlib.compress(x.mul(255).round().byte().numpy().tobytes(), 9)).decode()


def from_text(text: str, shape: list[int]) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(shape)


def sheet(found: Mapping[str, Any], title: str) -> Image.Image:
    """Designs with what was wished under each, and what is wrong with it."""
    shown = found["shown"]
    labels = [
        f"{wished} missed" if not met else f"{wished}, seen {answer}" if answer != wished else str(wished)
        for wished, met, answer in zip(shown["targets"], shown["met"], shown["answers"], strict=True)
    ]
    return picture_grid(from_text(shown["pictures"], shown["shape"]), 10, labels=labels, title=title)


def beside(wells: Mapping[str, tuple[Mapping[str, Any], str]], title: str) -> Image.Image:
    """A row for each: the second of each pair says which pictures, `pictures` found or `random` ones; two a class."""
    rows = {}
    for name, (found, which) in wells.items():
        shown = found["shown"]
        wished = np.array(shown["targets"])
        some = np.concatenate([np.flatnonzero(wished == c)[:2] for c in np.unique(wished)])
        rows[name] = from_text(shown[which], shown["shape"])[some]
    return comparison_grid(rows, 20, title=title)
