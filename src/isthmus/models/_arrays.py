"""What the estimators are given and compute on: lists and tables checked, batches filled up."""

from typing import Any

import numpy as np
import torch

from isthmus.estimator import Estimator

__all__ = ["as_array", "filled"]

_EIGHT = 8


def as_array(model: Estimator, X: Any, reset: bool) -> Any:
    """Pictures as they are, lists of them as one array, tables checked as every estimator of scikit-learn does."""
    if isinstance(X, list | tuple):
        X = _stacked(X)
    if isinstance(X, torch.Tensor) or getattr(X, "ndim", 0) > 2:
        return X
    from sklearn.utils.validation import validate_data

    kept = (np.uint8, np.uint16, np.float32)
    dtype = None if getattr(X, "dtype", None) in kept else np.float32
    return validate_data(model, X, reset=reset, dtype=dtype, ensure_all_finite=True)


def filled(rows: torch.Tensor) -> torch.Tensor:
    """Rows repeated up to whole eights.

    A product of matrices computes the rows that are left over with other instructions, whose last bits differ. In
    whole eights, a picture's code is the same to the bit in any company.
    """
    missing = -len(rows) % _EIGHT
    return torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])]) if missing else rows


def _stacked(X: Any) -> Any:
    """A list of pictures as one array; a list of rows, or of what does not fit together, as it was."""
    try:
        pictures = np.asarray(X)
    except ValueError:
        return X
    return pictures if pictures.ndim > 2 else X
