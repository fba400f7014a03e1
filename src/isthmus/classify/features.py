"""What a classifier sees of a picture: the layers of a fitted model and the pixels, side by side.

The code alone keeps what it takes to draw a picture. The layers before it know more about what is in it: the last one
before the code, and coarse maps of the two last that are maps, which keep where things are. Each block is reduced to
its largest directions, evened out as far as helps (measured: fully for the last layer, by half for maps and pixels),
and given the same length, so that none drowns the others. All of it is learnt from pictures without labels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.augment import habits_for, looked_at
from isthmus.contract import Fitted, Tick, batches, part_of, some_of
from isthmus.stats.spectrum import Components, principal_components

__all__ = ["Features", "small_pixels"]

_WIDEST_FLAT, _SIDE, _LARGEST = 1024, 2, 32
_LEARNT_FROM = 10_000
_LEARNT = ("mean", "axes", "variance")


@dataclass(frozen=True)
class _Kind:
    """How a block is reduced: directions kept, the power of the variance that divides them, and what is added to it."""

    most: int
    power: float
    floor: float


_KINDS = {"deep": _Kind(128, 0.5, 0.05), "maps": _Kind(128, 0.25, 0.1), "pixels": _Kind(64, 0.25, 0.1)}


@dataclass(frozen=True)
class Features:
    """Learnt on a pile; `of` gives the rows for any pictures, one of unit length for each block."""

    model: Fitted
    blocks: dict[str, Components]
    mirrored: bool

    @classmethod
    def learn(cls, model: Fitted, X: Any) -> "Features":
        """From some of the pictures, spread evenly over the pile."""
        some = some_of(X, _LEARNT_FROM)
        shape = model.tensor(part_of(some, 0, 1)).shape[1:]
        mirrored = len(shape) == 3 and _mirrored(model, some, looked_at(tuple(shape)))
        parts: dict[str, list[torch.Tensor]] = {}
        with torch.inference_mode():
            for _, x in batches(model, some, 512):
                for name, block in _blocks(model, x, mirrored).items():
                    parts.setdefault(name, []).append(block.cpu())
        found = {}
        for name, blocks in parts.items():
            joined = torch.cat(blocks)
            found[name] = principal_components(joined, min(_KINDS[name].most, *joined.shape))
        return cls(model, found, mirrored)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt, as `restore` takes it."""
        found = {"mirrored": np.array(self.mirrored)}
        for name, components in self.blocks.items():
            found |= {f"{name}/{key}": np.asarray(getattr(components, key)) for key in _LEARNT}
        return found

    @classmethod
    def restore(cls, model: Fitted, arrays: dict[str, np.ndarray]) -> "Features":
        blocks = {}
        for name in (kind for kind in _KINDS if f"{kind}/axes" in arrays):
            mean, axes, variance = (arrays[f"{name}/{key}"] for key in _LEARNT)
            blocks[name] = Components(
                torch.from_numpy(mean), torch.from_numpy(axes), variance, float(variance.sum()), 0
            )
        return cls(model, blocks, bool(arrays["mirrored"]))

    def of(self, X: Any, tick: Tick | None = None) -> np.ndarray:
        """`(n, d)` in float32."""
        with torch.inference_mode():
            rows = [self._row(_blocks(self.model, x, self.mirrored)) for _, x in batches(self.model, X, 512, tick)]
        return torch.cat(rows).numpy()

    def _row(self, blocks: dict[str, torch.Tensor]) -> torch.Tensor:
        parts = []
        for name, components in self.blocks.items():
            kind, variance = _KINDS[name], torch.from_numpy(components.variance).float()
            even = (variance + kind.floor * variance.mean() + 1e-12) ** -kind.power
            parts.append(F.normalize(components.encode(blocks[name].cpu()) * even, dim=1))
        return torch.cat(parts, dim=1)


def _mirrored(model: Fitted, some: Any, most: int) -> bool:
    """Whether a mirrored picture counts as the same one: as the model was told, or as the pictures say."""
    looked = model.tensor(some_of(some, most)).float().cpu()
    return habits_for(looked, getattr(model, "mirror", "auto")).view.mirror


def _blocks(model: Fitted, x: torch.Tensor, mirrored: bool) -> dict[str, torch.Tensor]:
    """The blocks of a batch; of a picture and its mirror image together where they count as the same."""
    found = _looked_at(model, x)
    if not mirrored:
        return found
    other = _looked_at(model, x.flip(3))
    return {name: block + other[name] for name, block in found.items()}


def _looked_at(model: Fitted, x: torch.Tensor) -> dict[str, torch.Tensor]:
    layers = model.features(x, range(model.depth))
    before = [layer for layer in layers[:-1] if layer.ndim == 2 and layer.shape[1] <= _WIDEST_FLAT]
    maps = [F.adaptive_avg_pool2d(layer.float(), _SIDE).flatten(1) for layer in layers if layer.ndim == 4][-2:]
    found = {"deep": (before[-1] if before else layers[-1].flatten(1)).float()}
    if maps:
        found["maps"] = torch.cat(maps, dim=1)
    return found | {"pixels": small_pixels(x)}


def small_pixels(x: torch.Tensor) -> torch.Tensor:
    """Scaled pixels in rows; large pictures are averaged down to 32 a side."""
    if x.ndim == 4:
        x = F.adaptive_avg_pool2d(x, (min(_LARGEST, x.shape[2]), min(_LARGEST, x.shape[3])))
    return x.flatten(1)
