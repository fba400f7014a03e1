"""Codes as files: .npz, .npy, .csv, .parquet out; the same in."""

import csv
import io
from pathlib import Path

import numpy as np

from isthmus.errors import DataError, UsageError
from isthmus.files import write_atomically
from isthmus.images.pictures import Pictures

__all__ = ["ENDINGS", "read_codes", "write_codes"]

ENDINGS = (".csv", ".npy", ".npz", ".parquet")


def write_codes(path: Path, codes: np.ndarray, pictures: Pictures) -> None:
    """One row a picture; all but .npy keep ids and labels beside the codes."""
    names = np.array(["" if k < 0 else pictures.classes[k] for k in pictures.labels])
    ids = np.asarray(pictures.ids, dtype=str)
    held = io.BytesIO()
    if path.suffix == ".npy":
        np.save(held, codes)
    elif path.suffix == ".npz":
        np.savez(held, codes=codes, ids=ids, labels=names)
    elif path.suffix == ".csv":
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["id", "label", *(f"z{i}" for i in range(codes.shape[1]))])
        for i, label, row in zip(ids, names, codes, strict=True):
            writer.writerow([i, label, *(repr(float(v)) for v in row)])
        held.write(text.getvalue().encode())
    else:
        _parquet(held, codes, ids, names)
    write_atomically(path, held.getvalue())


def read_codes(path: Path) -> np.ndarray:
    """The codes in a file of any of the kinds that are written, or in a folder of parts."""
    if path.is_dir():
        from isthmus.cli._parts import parts_of

        return np.concatenate([read_codes(part) for part in parts_of(path)])
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path} is no file of codes", f"Use one of: {', '.join(ENDINGS)}.")
    try:
        if path.suffix == ".npy":
            codes = np.load(path, allow_pickle=False)
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                codes = arrays["codes"]
        elif path.suffix == ".csv":
            with open(path, encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            columns = [name for name in (rows[0] if rows else {}) if name[:1] == "z" and name[1:].isdigit()]
            codes = np.array([[float(row[name]) for name in columns] for row in rows], np.float32)
        else:
            codes = _from_parquet(path)
        codes = np.asarray(codes, np.float32)
    except FileNotFoundError:
        raise DataError(
            f"there is no file {path}", "Make one with: isthmus encode RUN PICTURES -o codes.npz."
        ) from None
    except (ValueError, KeyError, OSError, EOFError, TypeError) as error:
        raise DataError(f"{path} holds no codes ({error})", "Give a file that isthmus encode wrote.") from None
    if not np.isfinite(codes).all():
        raise DataError(f"{path} holds NaN or infinity", "Every number of a code must be finite.")
    return codes


def _parquet(held: io.BytesIO, codes: np.ndarray, ids: np.ndarray, names: np.ndarray) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError(
            "writing .parquet needs pyarrow", "Run: pip install 'isthmus[parquet]', or use .npz."
        ) from None
    columns = {"id": ids, "label": names} | {f"z{i}": column for i, column in enumerate(codes.T)}
    pyarrow.parquet.write_table(pyarrow.table(columns), held)


def _from_parquet(path: Path) -> np.ndarray:
    try:
        import pyarrow.parquet
    except ImportError:
        raise UsageError("reading .parquet needs pyarrow", "Run: pip install 'isthmus[parquet]'.") from None
    found = pyarrow.parquet.read_table(path)
    columns = [name for name in found.column_names if name[:1] == "z" and name[1:].isdigit()]
    return np.stack([found[name].to_numpy() for name in columns], axis=1)
