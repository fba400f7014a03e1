"""What a classifier sees of a picture: the layers of a fitted model and the pixels, side by side.

The code alone keeps what it takes to draw a picture. The layers before it know more about what is in it: the last one
before the code, and coarse maps of the two last that are maps, which keep where things are. Each block is reduced to
its largest directions, evened out as far as helps (measured: fully for the last layer, by half for maps and pixels),
and given the same length, so that none drowns the others. All of it is learnt from pictures without labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.augment import View, habits_for, looked_at
from isthmus.classify.heads._head import Pile, Told, stage
from isthmus.contract import Fitted, Tick, batches, part_of, some_of
from isthmus.stats.spectrum import Components, principal_components

__all__ = ["Features", "row_layer", "small_pixels", "views_for"]

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
    def learn(cls, model: Fitted, X: Any, mirror: bool = True) -> "Features":
        """From some of the pictures, spread evenly over the pile; without `mirror` left and right are always told."""
        some = some_of(X, _LEARNT_FROM)
        views = views_for(model, some)
        mirrored = mirror and views is not None and views.mirror
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
            rows = [self.row(x) for _, x in batches(self.model, X, 512, tick)]
        return torch.cat(rows).numpy()

    def row(self, x: torch.Tensor) -> torch.Tensor:
        """The same of scaled pictures, in torch."""
        blocks, parts = _blocks(self.model, x, self.mirrored), []
        for name, components in self.blocks.items():
            kind, variance = _KINDS[name], torch.from_numpy(components.variance).float()
            even = (variance + kind.floor * variance.mean() + 1e-12) ** -kind.power
            parts.append(F.normalize(components.encode(blocks[name].cpu()) * even, dim=1))
        return torch.cat(parts, dim=1)

    def pile(self, X: Any, told: Told | None = None) -> Pile:
        """The rows with the pictures and the model that they come from."""
        return Pile(self.of(X, stage(told, "looking at the pictures")), told, self.model, X)


def views_for(model: Fitted, X: Any) -> View | None:
    """What counts as a view of the same picture: as the model was told, or as the pictures say; rows have none."""
    shape = tuple(model.tensor(part_of(X, 0, 1)).shape[1:])
    if len(shape) != 3:
        return None
    looked = model.tensor(some_of(X, looked_at(shape))).float().cpu()
    return habits_for(looked, getattr(model, "mirror", "auto"), getattr(model, "quarters", "auto")).view


def _blocks(model: Fitted, x: torch.Tensor, mirrored: bool) -> dict[str, torch.Tensor]:
    """The blocks of a batch; of a picture and its mirror image together where they count as the same."""
    found = _looked_at(model, x)
    if not mirrored:
        return found
    other = _looked_at(model, x.flip(3))
    return {name: block + other[name] for name, block in found.items()}


def _looked_at(model: Fitted, x: torch.Tensor) -> dict[str, torch.Tensor]:
    layers = model.features(x, range(model.depth))
    maps = [F.adaptive_avg_pool2d(layer.float(), _SIDE).flatten(1) for layer in layers if layer.ndim == 4][-2:]
    row = row_layer(layers)
    found = {"deep": layers[row].float() if row is not None else _as_row(model.encode(x).mean.float())}
    if maps:
        found["maps"] = torch.cat(maps, dim=1)
    return found | {"pixels": small_pixels(x)}


def row_layer(layers: Sequence[torch.Tensor]) -> int | None:
    """Which layer knows most of what is in a picture: the last one before the code that is a row, if there is one."""
    before = [i for i, layer in enumerate(layers[:-1]) if layer.ndim == 2 and layer.shape[1] <= _WIDEST_FLAT]
    return before[-1] if before else None


def _as_row(code: torch.Tensor) -> torch.Tensor:
    """A code that is a map is averaged over its places; where things are is what the maps are for."""
    return code.mean(dim=(2, 3)) if code.ndim == 4 else code


def small_pixels(x: torch.Tensor) -> torch.Tensor:
    """Scaled pixels in rows; large pictures are averaged down to 32 a side."""
    if x.ndim == 4:
        x = F.adaptive_avg_pool2d(x, (min(_LARGEST, x.shape[2]), min(_LARGEST, x.shape[3])))
    return x.flatten(1)
