"""One random view of every picture of a batch: moved, turned, zoomed, relit, partly covered."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from isthmus.rng import Noise

__all__ = ["View", "view"]


@dataclass(frozen=True)
class View:
    """How far a view may stray. Lengths are in half picture sides, angles in radians.

    `ground` is what lies outside a picture: a value, or None where the picture goes on mirrored. `cover` is the share
    of the side that a covering square reaches at most; `colour` how far each channel is relit on its own.
    """

    zoom: tuple[float, float] = (0.6, 1.05)
    shift: float = 0.15
    turn: float = 0.15
    stretch: float = 0.1
    shear: float = 0.1
    gamma: float = 0.6
    gain: float = 0.4
    colour: float = 0.0
    cover: float = 0.5
    mirror: bool = False
    quarters: bool = False
    ground: float | None = 0.0


def view(x: torch.Tensor, noise: Noise, how: View, name: str) -> torch.Tensor:
    """Pictures in [0, 1] as `(n, c, h, w)`; `name` tells the views of one picture apart."""
    u = noise.uniform(f"view {name}", 16)
    x = _relit(_moved(x, u, how), u, noise, how, name)
    return _covered(x, u, how) if how.cover else x


def _moved(x: torch.Tensor, u: torch.Tensor, how: View) -> torch.Tensor:
    """One affine map, sampled once, so that zooming and turning blur only once."""
    ground = how.ground or 0.0
    grid = F.affine_grid(_maps(u, how).to(x.dtype), list(x.shape), align_corners=False)
    padding = "reflection" if how.ground is None else "zeros"
    # A zoom out of a picture that goes on would show its mirror image; nothing is outside of a ground.
    return F.grid_sample(x - ground, grid, "bilinear", padding, align_corners=False) + ground


def _maps(u: torch.Tensor, how: View) -> torch.Tensor:
    """From the places of a view to the places in the picture, `(n, 2, 3)`."""
    low, high = how.zoom
    zoom = low + (high - low) * u[:, 0]
    # A close look may be a look at any part; a whole picture stays about where it is.
    reach = how.shift + 0.8 * (1 - zoom).clamp_min(0)
    angle, shear = _around(u[:, 3], how.turn), _around(u[:, 5], how.shear)
    stretch = _around(u[:, 4], how.stretch).exp()
    if how.quarters:
        angle = angle + (u[:, 6] * 4).floor() * (math.pi / 2)
    side = torch.where(u[:, 7] < 0.5, -1.0, 1.0) if how.mirror else torch.ones_like(zoom)
    cos, sin, wide, tall = angle.cos(), angle.sin(), zoom * stretch, zoom / stretch
    first = torch.stack([side * wide * cos, wide * (shear * cos - sin), reach * (2 * u[:, 1] - 1)], dim=1)
    second = torch.stack([side * tall * sin, tall * (shear * sin + cos), reach * (2 * u[:, 2] - 1)], dim=1)
    return torch.stack([first, second], dim=1)


def _relit(x: torch.Tensor, u: torch.Tensor, noise: Noise, how: View, name: str) -> torch.Tensor:
    """Another exposure: a power and a factor for the picture, and with `colour` a factor and a mixture of channels."""
    gamma = _around(u[:, 8], how.gamma).exp()[:, None, None, None]
    gain = (1 - how.gain * u[:, 9])[:, None, None, None]
    x = x.clamp(0, 1).clamp_min(1e-4).pow(gamma) * gain
    if not how.colour:
        return x
    own = 1 + _around(noise.uniform(f"colour {name}", x.shape[1]), how.colour)
    grey = x.mean(1, keepdim=True)
    # Down to grey for one picture in five, more vivid than life for some.
    vivid = torch.where(u[:, 10] < 0.2, 0.0, 1 + _around(u[:, 11], how.colour))[:, None, None, None]
    return (grey + (x - grey) * vivid).mul(own[:, :, None, None]).clamp(0, 1)


def _covered(x: torch.Tensor, u: torch.Tensor, how: View) -> torch.Tensor:
    """A square of the ground over half of the pictures."""
    height, width = x.shape[2:]
    half = how.cover / 2 * (0.3 + 0.7 * u[:, 12])
    rows = (torch.arange(height, device=x.device) + 0.5) / height
    columns = (torch.arange(width, device=x.device) + 0.5) / width
    inside = (rows[None] - u[:, 13:14]).abs()[:, :, None] < half[:, None, None]
    inside = inside & ((columns[None] - u[:, 14:15]).abs()[:, None, :] < half[:, None, None])
    inside = inside & (u[:, 15] < 0.5)[:, None, None]
    ground = x.mean((2, 3), keepdim=True) if how.ground is None else torch.full_like(x[:, :1, :1, :1], how.ground)
    return torch.where(inside[:, None], ground, x)


def _around(u: torch.Tensor, reach: float) -> torch.Tensor:
    """Evenly between -reach and reach."""
    return (2 * u - 1) * reach
