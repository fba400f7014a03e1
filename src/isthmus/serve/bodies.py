"""Bodies of requests and answers: a picture file, an array, or JSON; what a stranger sends is checked before it is
used."""

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.images.guard import believable, reading
from isthmus.images.opening import open_pictures
from isthmus.models._loading import reading_of
from isthmus.run import Run

__all__ = ["ARRAY", "FILES", "array_of", "as_array_file", "as_picture_file", "json_of", "numbers_of", "pixels_of"]

ARRAY = "application/x-npy"
FILES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/bmp": ".bmp",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tif",
}
_KINDS = f"Send {ARRAY}, application/json, or one of: {', '.join(FILES)}."


def pixels_of(model: Any, run: Run, kind: str, body: bytes, most: int) -> np.ndarray:
    """The pictures of a body, checked and laid out as the model takes them: `(n, *shape)` in its own type."""
    if kind in FILES:
        pictures = model._pictures(_file(run, FILES[kind], body))
    else:
        given = array_of(body) if kind == ARRAY else _listed(model, json_of(kind, body))
        alone = given.ndim == len(model.layout_) - 1  # one picture, not a pile of them
        with reading("the array", "See /model for the shape of pictures."):
            pictures = model._pictures(given[None] if alone else given)
    if len(pictures) > most:
        raise DataError(f"{len(pictures):,} pictures are more than {most:,}", "Send them in parts.")
    return pictures.pixels.reshape(len(pictures), *model.shape_)


def _file(run: Run, suffix: str, body: bytes) -> Any:
    """A picture file, read by the same rules as those that the run was made from."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"picture{suffix}")
        path.write_bytes(body)
        return open_pictures(path, **reading_of(run))


def array_of(body: bytes) -> np.ndarray:
    """A .npy file; its header is believed only as far as its bytes go."""
    with reading("the array"):
        file = io.BytesIO(body)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if dtype.kind not in "buif":
            raise DataError(f"the array holds {dtype}, not numbers", "Send real numbers.")
        claimed = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        believable("the array", claimed, len(body) - file.tell(), squeezed=False)
        file.seek(0)
        return np.load(file, allow_pickle=False)


def json_of(kind: str, body: bytes) -> dict[str, Any]:
    if kind != "application/json":
        raise UsageError(f"a body of the kind {kind or 'that is not named'!r} is not read", _KINDS)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the body is not JSON ({type(error).__name__})", _KINDS) from None
    if not isinstance(content, dict):
        raise DataError("the body is not an object", 'Send {"pictures": [...]} or {"codes": [...]}.')
    return content


def _listed(model: Any, content: dict[str, Any]) -> np.ndarray:
    """Lists of numbers, in the units of the pictures that the model was fitted on."""
    if "pictures" not in content:
        raise DataError('there are no "pictures" in the body', 'Send {"pictures": [[...], ...]}.')
    given, kind = numbers_of(content["pictures"], "pictures"), np.dtype(model.scaling_.dtype)
    if kind.kind == "u" and given.size:
        whole = np.rint(given)
        if (whole != given).any() or whole.min() < 0 or whole.max() > np.iinfo(kind).max:
            limit = np.iinfo(kind).max
            raise DataError(f"these pictures have whole numbers from 0 to {limit:,}", "Send them in those units.")
        given = whole.astype(kind)
    return given


def numbers_of(content: Any, what: str) -> np.ndarray:
    """Lists as an array of finite numbers."""
    try:
        found = np.asarray(content, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{what} are lists of numbers, all of one length", "Check the brackets.") from None
    if found.ndim == 0 or not np.isfinite(found).all():
        raise DataError(f"{what} are lists of finite numbers", "Check for nulls and NaNs.")
    return found


def as_array_file(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def as_picture_file(picture: np.ndarray) -> bytes:
    """A PNG of one picture, `(channels, height, width)` in [0, 1]."""
    from PIL import Image

    if len(picture) not in (1, 3):
        raise UsageError(f"a PNG holds 1 or 3 channels, not {len(picture)}", f"Ask for {ARRAY} in the Accept header.")
    pixels = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(
        file, "PNG"
    )
    return file.getvalue()
