"""Rows that maps are made of: a picture has the same row, to the last bit, alone and among others."""

from typing import Any

import numpy as np
import torch

from isthmus.contract import Fitted, Tick, check_encodes, part_of

__all__ = ["codes_again", "codes_of", "pixels_of"]

_BATCH = 64
_PIXELS = 4096


def codes_of(model: Fitted, pictures: Any, tick: Tick | None = None) -> np.ndarray:
    """`(n, d)` flat codes in float32, encoded in batches of one size, the last one filled up."""
    check_encodes(model)
    parts = [np.zeros((0, int(np.prod(model.latent_shape_))), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(pictures), _BATCH):
            x = model.tensor(part_of(pictures, start, start + _BATCH))
            n = len(x)
            filled = torch.cat([x, x[:1].expand(_BATCH - n, *x.shape[1:])]) if n < _BATCH else x
            parts.append(model.encode(filled.contiguous()).mean[:n].flatten(1).float().cpu().numpy())
            if tick:
                tick(start + n, len(pictures))
    return np.concatenate(parts)


def codes_again(model: Any, codes: np.ndarray) -> np.ndarray:
    """The codes of what codes draw, `(n, d)`: those of pictures change little, those of nothing that was seen a lot."""
    with torch.inference_mode():
        z = torch.as_tensor(np.asarray(codes, np.float32)).unflatten(1, model.latent_shape_)
        parts = [model.encode(model.decode(part.to(model.device_))).mean.flatten(1).float() for part in z.split(_BATCH)]
        return np.asarray(torch.cat([part.cpu() for part in parts]).numpy())


def pixels_of(model: Fitted, pictures: Any, tick: Tick | None = None) -> np.ndarray:
    """`(n, d)` pixels in float32, scaled as the model sees them."""
    parts = []
    for start in range(0, len(pictures), _PIXELS):
        parts.append(model.tensor(part_of(pictures, start, start + _PIXELS)).flatten(1).float().cpu().numpy())
        if tick:
            tick(min(start + _PIXELS, len(pictures)), len(pictures))
    return np.concatenate(parts)
