"""Codes of a run's own pictures, kept in the run: encoding them takes longer than most that is done with them."""

import contextlib
import math
from typing import Any

import numpy as np
import torch

from isthmus.contract import Fitted, Tick
from isthmus.errors import IsthmusError
from isthmus.look._kept import weights_of
from isthmus.look.codes import codes_of
from isthmus.run import Run
from isthmus.train.checkpoint import load_tensors, save_tensors

__all__ = ["kept_codes"]

_FILE = "cache/codes.safetensors"


def kept_codes(run: Run, model: Fitted, pictures: Any, stamp: str, tick: Tick | None = None) -> tuple[np.ndarray, str]:
    """From the cache where it is of these pictures, by their `stamp`, and of the run's weights; else encoded and kept.

    The sentence is empty, or says why they could not be kept.
    """
    key = f"{stamp}-{weights_of(run)}"
    shape = (len(pictures), math.prod(model.latent_shape_))
    if run.has(_FILE):
        # what somebody else wrote there may be anything
        with contextlib.suppress(IsthmusError, LookupError, AttributeError, TypeError, ValueError, RuntimeError):
            tensors, about = load_tensors(run, _FILE)
            found = tensors["codes"]
            right = about["key"] == key and found.shape == shape and found.dtype == torch.float32
            if right and found.isfinite().all():
                return np.asarray(found.numpy()), ""
    codes = codes_of(model, pictures, tick)
    try:
        save_tensors(run, _FILE, {"codes": torch.from_numpy(codes)}, {"key": key})
    except IsthmusError as error:
        return codes, f"codes were not kept: {error.what}"
    return codes, ""
