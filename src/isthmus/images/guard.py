"""Files are not to be trusted: whatever a decoder says about one becomes one clear sentence."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from isthmus.errors import DataError, IsthmusError

__all__ = ["SKIP", "believable", "plural", "quiet", "reading", "some"]

SKIP = "Repair or remove it, or leave bad pictures out with --skip-bad."

_DEFLATE_LIMIT = 1100  # deflate cannot shrink anything further than 1,032 times
_BOMB_BYTES, _BOMB_RATIO = 1 << 30, 200


@contextmanager
def reading(
    name: str, remedy: str = "Check that the file is whole, and of the kind that its name says."
) -> Iterator[None]:
    """Turn whatever is raised while `name` is read into a `DataError`.

    Broad on purpose: decoders answer damaged bytes with almost any exception there is.
    """
    try:
        yield
    except IsthmusError:
        raise
    except Exception as error:
        raise DataError(f"{name} cannot be read: {_reason(error)}", remedy) from error


def believable(name: str, claimed: int, stored: int, *, squeezed: bool = True) -> None:
    """Refuse a header that promises more bytes than the file can hold, before anything is allocated."""
    if claimed < 0 or claimed > (stored * _DEFLATE_LIMIT if squeezed else stored):
        raise DataError(
            f"{name} says that it holds {claimed:,} bytes of pixels, which do not fit into its {stored:,} bytes",
            "It is cut short or its header is wrong: get it again.",
        )
    if claimed > _BOMB_BYTES and claimed > stored * _BOMB_RATIO:
        raise DataError(
            f"{name} would unpack to {claimed / 1e9:.1f} GB from {stored / 1e6:.1f} MB, like a decompression bomb",
            "If you trust it, unpack it yourself and give the .npy file.",
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what decoders say on the side; what matters is in the errors and in `trouble`."""
    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def plural(count: int, thing: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def some(names: Iterable[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _reason(error: Exception) -> str:
    kind = type(error).__name__
    if kind == "UnidentifiedImageError":
        return "it is not a picture of a kind known here"
    if kind == "DecompressionBombError":
        return "it would unpack to more than 178 million pixels, like a decompression bomb"
    if isinstance(error, MemoryError):
        return "there is not enough memory for what its header promises"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    lines = str(error).strip().splitlines() or [kind]
    words = [Path(word.strip("'\"")).name if "/" in word or "\\" in word else word for word in lines[0].split(" ")]
    return " ".join(words)[:160].rstrip(". ") or kind
