"""Files that hold arrays: idx, npy, npz and MATLAB, and the types that their values are kept in."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from isthmus.images.opening import open_pictures


def idx(path: Path, array: np.ndarray, kind: int = 8) -> Path:
    data = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("gz", ["", ".gz"])
def test_idx_folder_keeps_its_own_test(tmp_path: Path, rng: np.random.Generator, gz: str) -> None:
    train, test = (rng.integers(0, 256, (n, 5, 4)).astype(np.uint8) for n in (6, 3))
    idx(tmp_path / f"train-images-idx3-ubyte{gz}", train)
    idx(tmp_path / f"train-labels-idx1-ubyte{gz}", np.arange(6, dtype=np.uint8))
    idx(tmp_path / f"t10k-images-idx3-ubyte{gz}", test)
    pictures = open_pictures(tmp_path)
    assert np.array_equal(pictures.pixels[:, 0], np.concatenate([train, test]))
    assert list(pictures.split) == ["train"] * 6 + ["test"] * 3
    assert list(pictures.labels) == [0, 1, 2, 3, 4, 5, -1, -1, -1]
    assert pictures.ids[-1] == "test/2"
    assert len(open_pictures(tmp_path / f"train-images-idx3-ubyte{gz}")) == 6


def test_npy_stays_on_disk_in_its_own_type(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 65536, (7, 3, 9, 8)).astype(np.uint16)
    np.save(tmp_path / "x.npy", pixels)
    pictures = open_pictures(tmp_path / "x.npy")
    assert isinstance(pictures.pixels, np.memmap)
    assert np.array_equal(pictures.pixels, pixels)
    np.save(tmp_path / "b.npy", pixels > 30000)
    bits = open_pictures(tmp_path / "b.npy")
    assert bits.pixels.dtype == np.uint8
    assert bits.source["range"] == [0, 1]


@pytest.mark.parametrize(
    ("dtype", "kept"), [("int64", "uint8"), (">u2", "uint16"), ("int16", "uint8"), ("float64", "float32")]
)
def test_types_are_made_small_without_changing_values(dtype: str, kept: str) -> None:
    values = np.arange(50).reshape(2, 5, 5).astype(dtype)
    pictures = open_pictures(values)
    assert str(pictures.pixels.dtype) == kept
    assert np.array_equal(pictures.pixels[:, 0], values)


def test_npz_with_parts_labels_and_columns(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (6, 4, 5)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x_train=pixels[:4], y_train=[0, 1, -1, 1], x_test=pixels[4:], y_test=[1, 0])
    pictures = open_pictures(tmp_path / "a.npz")
    assert list(pictures.split) == ["train"] * 4 + ["test"] * 2
    assert list(pictures.labels) == [0, 1, -1, 1, 1, 0]
    np.savez_compressed(tmp_path / "b.npz", images=pixels, labels=list("abcabc"), patient=np.arange(6) // 2)
    pictures = open_pictures(tmp_path / "b.npz", group="patient")
    assert pictures.classes == ("a", "b", "c")
    assert list(pictures.columns["patient"]) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("newest", [False, True])
def test_mat_with_pictures_along_the_last_axis(tmp_path: Path, rng: np.random.Generator, newest: bool) -> None:
    pixels = rng.integers(0, 256, (8, 6, 3, 5)).astype(np.uint8)
    labels = np.array([[1.0], [2.0], [2.0], [1.0], [2.0]])
    if newest:
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
            file["X"], file["y"] = pixels.T, labels.T
        head = b"MATLAB 7.3 MAT-file".ljust(512)
        with (tmp_path / "x.mat").open("r+b") as raw:
            raw.write(head)
    else:
        names = np.array(["cat", "dog"], dtype=object)
        scipy.io.savemat(tmp_path / "x.mat", {"X": pixels, "y": labels, "classnames": names})
    pictures = open_pictures(tmp_path / "x.mat", axes="NHWC")
    assert np.array_equal(pictures.pixels, pixels.transpose(3, 2, 0, 1))
    assert pictures.classes == (("1", "2") if newest else ("cat", "dog"))
    assert list(pictures.labels) == [0, 1, 1, 0, 1]
