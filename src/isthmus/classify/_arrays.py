"""Arrays by name into a file of a run folder and back, those of each part under a prefix of its own."""

import numpy as np
import torch

from isthmus.run import Run
from isthmus.train.checkpoint import load_tensors, save_tensors

__all__ = ["Arrays", "load_arrays", "over", "save_arrays", "under"]

Arrays = dict[str, np.ndarray]


def save_arrays(run: Run, name: str, arrays: Arrays) -> None:
    made = {key: np.asarray(value) for key, value in arrays.items()}
    tensors = {key: torch.from_numpy(np.ascontiguousarray(value).reshape(value.shape)) for key, value in made.items()}
    save_tensors(run, name, tensors, {})


def load_arrays(run: Run, name: str) -> Arrays:
    return {key: value.numpy() for key, value in load_tensors(run, name)[0].items()}


def over(part: str, arrays: Arrays) -> Arrays:
    """These as a part of something larger."""
    return {f"{part}/{key}": value for key, value in arrays.items()}


def under(part: str, arrays: Arrays) -> Arrays:
    """What `over` put there."""
    return {key.removeprefix(f"{part}/"): value for key, value in arrays.items() if key.startswith(f"{part}/")}
