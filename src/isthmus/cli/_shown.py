"""Pictures as figures show them: channels first, in [0, 1] of the model's own range."""

from typing import Any

import numpy as np

__all__ = ["decoded", "shown"]


def shown(model: Any, pictures: Any) -> np.ndarray:
    """Pictures as the model sees them, cut to [0, 1]."""
    x = model.tensor(pictures).float().cpu().clamp(0, 1).numpy()
    return x if x.ndim == 4 else x[:, None, None]


def decoded(model: Any, codes: Any, y: Any = None) -> np.ndarray:
    """The pictures of these codes, for a conditional model of these class numbers."""
    import torch

    with torch.no_grad():
        z = torch.as_tensor(np.asarray(codes, np.float32)).unflatten(1, model.latent_shape_)
        told = None if y is None else torch.as_tensor(y).to(model.device_)
        x = model.decode(z.to(model.device_), told).float().cpu().clamp(0, 1).numpy()
    return x if x.ndim == 4 else x[:, None, None]
