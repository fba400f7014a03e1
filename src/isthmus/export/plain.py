"""A fitted model in layers that every exporter knows, and the way from pictures' own units to the network and back."""

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.images.scaling import Scaling
from isthmus.nets._channels_last import PictureConv2d
from isthmus.nets._fold import FoldConvTranspose2d

__all__ = ["DrawnPictures", "ScaledPictures", "mean_only", "plain_model", "type_of"]

_PLAIN: dict[type, type] = {PictureConv2d: nn.Conv2d, FoldConvTranspose2d: nn.ConvTranspose2d}
_TYPES = {"uint8": torch.uint8, "int8": torch.int8, "uint16": torch.uint16, "int16": torch.int16}


def plain_model(model: Any) -> Any:
    """The same model, its layers without what makes them quick in torch only; the one that is given stays as it is."""
    made = copy.copy(model)
    made.net_ = copy.deepcopy(model.net_).cpu().eval().requires_grad_(False)
    made.device_ = torch.device("cpu")
    for module in made.net_.modules():
        module.__class__ = _PLAIN.get(type(module), type(module))
    for parameter in made.net_.parameters():
        parameter.data = parameter.data.contiguous()
    return made


def mean_only(encoder: nn.Module, latent: int) -> nn.Module | None:
    """The encoder without the half of its last layer that says how wide posteriors are; None where it has no such."""
    *before, last = encoder.children()
    if not isinstance(encoder, nn.Sequential) or not isinstance(last, nn.Linear) or last.out_features != 2 * latent:
        return None
    half = nn.Linear(last.in_features, latent, bias=last.bias is not None)
    half.weight.data = last.weight.data[:latent].clone()
    if last.bias is not None:
        half.bias.data = last.bias.data[:latent].clone()
    return nn.Sequential(*before, half).eval().requires_grad_(False)


def type_of(scaling: Scaling) -> tuple[np.dtype, torch.dtype]:
    """Of the pixels, in NumPy and in torch: what the run was fitted on, or float32."""
    found = _TYPES.get(scaling.dtype, torch.float32)
    return (np.dtype(scaling.dtype if scaling.dtype in _TYPES else "float32"), found)


class ScaledPictures(nn.Module):
    """Pictures in the layout and units of those that the run was fitted on, to what its network takes."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.scaling, self.layout, self.shape = model.scaling_, model.layout_, tuple(model.shape_)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        x = pictures.to(torch.float32, copy=True)  # the scaling works in place
        if self.layout == "NHWC":
            x = x.permute(0, 3, 1, 2)
        elif self.layout == "NHW":
            x = x.unsqueeze(1)
        elif self.layout == "NF" and len(self.shape) > 1:
            x = x.unflatten(1, self.shape)
        return self.scaling.forward(x)


class DrawnPictures(nn.Module):
    """What a decoder draws, in the run's layout: in its units and type, and as scaled floats."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.scaling, self.layout = model.scaling_, model.layout_
        self.pixel_type = type_of(model.scaling_)[1]

    def forward(self, drawn: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scaled = self._laid_out(drawn.float())
        pixels = scaled * (self.scaling.high - self.scaling.low) + self.scaling.low
        if self.pixel_type == torch.float32:
            return pixels, scaled
        limits = np.iinfo(self.scaling.dtype)
        return pixels.round().clamp(int(limits.min), int(limits.max)).to(self.pixel_type), scaled

    def _laid_out(self, x: torch.Tensor) -> torch.Tensor:
        if self.layout == "NHWC":
            return x.permute(0, 2, 3, 1)
        if self.layout == "NHW":
            return x.squeeze(1)
        return x.flatten(1) if self.layout == "NF" else x
