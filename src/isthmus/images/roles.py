"""Which array is what in a file of several: pictures, labels, class names, parts and columns, told by their names."""

import re
from typing import Any

import numpy as np

from isthmus.errors import DataError
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.piles import join, pile

__all__ = ["assemble"]

_IMAGES = {"images", "image", "imgs", "img", "x", "data", "pixels", "pictures", "arr"}
_LABELS = {"labels", "label", "y", "targets", "target", "class"}
_NAMES = {"classnames", "classes", "names", "labelnames"}
_PARTS = {"test": "test", **dict.fromkeys(("train", "training", "val", "valid", "validation"), "train")}


def assemble(arrays: dict[str, np.ndarray], name: str, options: ReadOptions, source: dict[str, Any]) -> Pictures:
    """Pictures from named arrays; one that goes with each picture and is neither becomes a column."""
    roles = {key: _role(key) for key in arrays}
    images = {key: roles[key][1] for key in arrays if roles[key][0] == "images" and arrays[key].ndim >= 2}
    if not images:
        images = _only_candidate(arrays, name)
    names = next((tuple(map(str, arrays[k].reshape(-1))) for k in arrays if roles[k][0] == "names"), None)
    pieces: dict[str, list[Pictures]] = {}
    for key, part in images.items():
        labels = next((arrays[k] for k, role in roles.items() if role == ("labels", part)), None)
        pixels = _rows_first(arrays[key], labels)
        known = {} if names is None or labels is None else _named(labels, names)
        columns = _columns(arrays, roles, len(pixels)) if len(images) == 1 else {}
        made = pile(pixels, f"{key} in {name}", options, **{"labels": labels, **known}, columns=columns, source=source)
        pieces.setdefault(_PARTS.get(part, part) or "train", []).append(made)
    found = _merge(pieces)
    if any(part.startswith("val") for part in images.values()):
        found.trouble.append("the validation part was joined to train: validation is cut anew for each run")
    return found


def _merge(pieces: dict[str, list[Pictures]]) -> Pictures:
    whole = {}
    for part, several in pieces.items():
        whole[part] = several[0]
        if len(several) > 1:
            whole[part] = join({str(i): piece for i, piece in enumerate(several)})
            whole[part].split = None
    return join(whole)


def _role(key: str) -> tuple[str, str]:
    """`x_train` and `trainImages` are ("images", "train")."""
    words = [w for w in re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()) if w]
    part = next((word for word in words if word in _PARTS), "")
    rest = "".join(word for word in words if word not in _PARTS)
    for role, known in (("images", _IMAGES), ("labels", _LABELS), ("names", _NAMES)):
        if rest in known or (not rest and part and role == "images"):
            return role, part
    return "", part


def _only_candidate(arrays: dict[str, np.ndarray], name: str) -> dict[str, str]:
    """The one array that can be pictures, whatever it is called."""
    fit = [key for key, array in arrays.items() if array.ndim >= 3 and array.dtype.kind in "biuf"]
    fit = fit or [key for key, array in arrays.items() if array.ndim == 2 and array.dtype.kind in "biuf"]
    if len(fit) == 1:
        return {fit[0]: ""}
    told = ", ".join(f"{key} {array.shape}" for key, array in list(arrays.items())[:6]) or "nothing"
    raise DataError(
        f"it is not clear which array in {name} holds the pictures: {told}", "Call it images, and labels labels."
    )


def _rows_first(array: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """MATLAB keeps pictures along the last axis; the labels' count shows it."""
    if labels is None or array.ndim < 3 or len(array) == labels.size or array.shape[-1] != labels.size:
        return array
    return np.moveaxis(array, -1, 0)


def _named(labels: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    """Labels as positions in `names`, which MATLAB counts from 1."""
    values = np.asarray(labels).reshape(-1)
    if values.dtype.kind not in "iuf" or not values.size or len(set(names)) != len(names):
        return {}
    numbers = np.where(np.isfinite(values), values, -1).astype(np.int64)
    first = 1 if numbers.max() == len(names) and not (numbers == 0).any() else 0
    if numbers.max() - first >= len(names) or numbers.min() < -1:
        return {}
    return {"labels": np.where(numbers < 0, -1, numbers - first), "classes": names}


def _columns(arrays: dict[str, np.ndarray], roles: dict[str, tuple[str, str]], count: int) -> dict[str, np.ndarray]:
    columns = {}
    for key, array in arrays.items():
        if roles[key] == ("", "") and array.size == count and max(array.shape, default=0) == count:
            flat = array.reshape(-1)
            columns[key] = flat.astype(np.float64) if flat.dtype.kind in "biuf" else flat.astype(str).astype(object)
    return columns
