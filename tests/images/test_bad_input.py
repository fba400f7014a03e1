"""What is broken, hostile or mistaken gets one clear sentence that names the file, and never a traceback."""

import gzip
import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from isthmus.errors import DataError, UsageError
from isthmus.images.describe import describe
from isthmus.images.opening import open_pictures


def refused(source: object, match: str, **how: object) -> str:
    with pytest.raises((DataError, UsageError), match=match) as caught:
        open_pictures(source, **how)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.remedy
    return message


def test_a_text_file_named_png_is_named_and_skipped_only_when_asked(folder: Path) -> None:
    (folder / "cat/note.png").write_text("these are my notes")
    refused(folder, r"cat/note\.png cannot be read: it is not a picture.*--skip-bad")
    pictures = open_pictures(folder, skip_bad=True)
    assert len(pictures) == 60
    assert "1 of 61" in pictures.trouble[0]
    assert open_pictures(folder, skip_bad=True).trouble == pictures.trouble


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "bmp", "gif", "tif"])
def test_truncated_pictures(tmp_path: Path, rng: np.random.Generator, kind: str) -> None:
    Image.fromarray(rng.integers(0, 256, (64, 64)).astype(np.uint8)).save(tmp_path / f"x.{kind}")
    whole = (tmp_path / f"x.{kind}").read_bytes()
    (tmp_path / f"x.{kind}").write_bytes(whole[: len(whole) // 2])
    for i in range(3):
        (tmp_path / f"good{i}.{kind}").write_bytes(whole)
    refused(tmp_path, rf"x\.{kind}")
    assert len(open_pictures(tmp_path, skip_bad=True)) == 3
    refused(tmp_path / f"x.{kind}", rf"x\.{kind}")
    refused(tmp_path / f"x.{kind}", "none of the 1", skip_bad=True)


def test_decompression_bombs(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        import zlib

        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50000, 50000, 8, 0, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x"))
    refused(tmp_path / "bomb.png", "bomb.png.*decompression bomb")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (10**15,)})
        archive.writestr("images.npy", head.getvalue() + bytes(1000))
    refused(tmp_path / "bomb.npz", "images.npy.*do not fit")


def test_headers_that_promise_too_much_never_allocate(tmp_path: Path) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 1000)})
    (tmp_path / "x.npy").write_bytes(head.getvalue() + bytes(64))
    refused(tmp_path / "x.npy", r"x\.npy")
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((16, 16), np.uint8))
    data = bytearray((tmp_path / "x.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        tags = file.pages[0].tags
        places = [tags["ImageWidth"].valueoffset, tags["ImageLength"].valueoffset]
        code = "<H" if tags["ImageWidth"].dtype == 3 else "<I"
    for place in places:
        struct.pack_into(code, data, place, 65000)
    (tmp_path / "x.tif").write_bytes(data)
    refused(tmp_path / "x.tif", r"x\.tif")


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize("count", [5, 2_000_000_000])
def test_an_idx_file_that_lies_about_its_length(tmp_path: Path, gz: str, count: int) -> None:
    data = struct.pack(">HBBIII", 0, 8, 3, count, 28, 28) + bytes(784 * 4)
    path = tmp_path / f"train-images-idx3-ubyte{gz}"
    path.write_bytes(gzip.compress(data) if gz else data)
    refused(path, "train-images-idx3-ubyte.*says that it holds")
    refused(tmp_path, "train-images-idx3-ubyte.*says that it holds")


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", images=np.array([Trap()], dtype=object))
    refused(tmp_path / "x.npy", "x.npy.*pickled")
    refused(tmp_path / "x.npz", "images.npy in .*x.npz.*pickled")
    assert not (tmp_path / "sprung").exists()


def test_mat_files_without_plain_arrays(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "x.mat", {"net": {"weights": np.zeros(3)}})
    refused(tmp_path / "x.mat", r"x\.mat holds no plain arrays: net \(struct\)")


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    pixels = np.zeros((4, 8, 8), np.float32)
    pixels[2, 3, 3] = np.nan
    np.save(tmp_path / "x.npy", pixels)
    refused(tmp_path / "x.npy", r"x\.npy holds NaN or infinity in 1 of 4 pictures, first in row 2")
    kept = open_pictures(tmp_path / "x.npy", skip_bad=True, labels=None)
    assert list(kept.ids) == ["0", "1", "3"]
    assert "1 of 4" in kept.trouble[0]
    tifffile.imwrite(tmp_path / "x.tif", pixels[2])
    refused(tmp_path / "x.tif", "NaN")


def test_empty_and_pictureless_folders(tmp_path: Path) -> None:
    refused(tmp_path, "is empty")
    (tmp_path / "a.npz").write_bytes(b"")
    refused(tmp_path, "holds no pictures.*npz")


def test_empty_files_of_every_kind(tmp_path: Path) -> None:
    for kind in ("npy", "npz", "mat", "tif", "png", "csv", "parquet"):
        (tmp_path / f"x.{kind}").write_bytes(b"")
        refused(tmp_path / f"x.{kind}", rf"x\.{kind}")
    refused(np.zeros((0, 4, 4)), "no pictures")


def test_links_that_lead_in_circles(folder: Path) -> None:
    (folder / "cat/again").symlink_to(folder)
    (folder / "cat/nowhere.png").symlink_to(folder / "missing.png")
    pictures = open_pictures(folder)
    assert len(pictures) == 60
    assert any("back into the folder" in sentence for sentence in pictures.trouble)
    assert any("nowhere" in sentence for sentence in pictures.trouble)


def test_tables_that_do_not_fit(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "t.csv").write_text("path,label\npets/cat/00.png,a\npets/missing.png,b\n")
    refused(tmp_path / "t.csv", "1 of 2 pictures in t.csv are not there: pets/missing.png")
    assert len(open_pictures(tmp_path / "t.csv", skip_bad=True)) == 1
    (tmp_path / "u.csv").write_text("what,label\nx,y\n")
    refused(tmp_path / "u.csv", "no column called id or path")
    (tmp_path / "v.csv").write_text("id,label\ncat/00.png,a\nbird/1.png,b\nbird/2.png,b\n")
    refused(folder, r"2 of 3 ids in .*v\.csv are not among the pictures: 'bird/1.png'", labels=tmp_path / "v.csv")
    (tmp_path / "w.csv").write_text("id,label\ncat/00.png,a\ncat/00.png,b\n")
    refused(folder, "both 'a' and 'b'", labels=tmp_path / "w.csv")


def test_labels_that_do_not_match_in_number(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 5, 5), np.uint8), labels=np.zeros(3, int))
    refused(tmp_path / "x.npz", "4 pictures and labels of shape")
    refused(np.zeros((4, 5, 5), np.uint8), "3 labels for 4 pictures", labels=[1, 2, 3])


def test_one_class_only_is_said(folder: Path) -> None:
    for picture in (folder / "dog").iterdir():
        picture.unlink()
    assert any("one class only" in sentence for sentence in describe(open_pictures(folder))["trouble"])


def test_no_metadata_and_no_absolute_path_is_kept(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    Image.new("L", (10, 12)).save(folder / "cat/exif.jpg", exif=exif)
    (folder / "cat/note.png").write_text("text")
    pictures = open_pictures(folder, skip_bad=True)
    everything = repr((pictures.source, pictures.trouble, list(pictures.ids)))
    assert str(folder.parent) not in everything
    assert "SECRET" not in everything
    kept = b"".join(f.read_bytes() for f in Path(os.environ["ISTHMUS_CACHE"]).rglob("*") if f.is_file())
    assert b"SECRET" not in kept
    assert str(folder.parent).encode() not in kept


def _valid() -> dict[str, bytes]:
    """One small good file of each kind."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 6, 5)).astype(np.uint8)
    files: dict[str, bytes] = {}

    def add(name: str, write: object) -> None:
        buffer = io.BytesIO()
        write(buffer)  # type: ignore[operator]
        files[name] = buffer.getvalue()

    for kind in ("png", "jpeg", "bmp", "webp", "gif"):
        colour = Image.fromarray(np.dstack(pixels))
        add(f"x.{kind}", lambda b, i=colour, k=kind: i.save(b, k))
    add("p.png", lambda b: Image.fromarray(np.dstack(pixels)).quantize(8).save(b, "png"))
    add("x.tif", lambda b: tifffile.imwrite(b, pixels.astype(np.uint16), photometric="minisblack"))
    add("z.tif", lambda b: tifffile.imwrite(b, pixels, photometric="minisblack", compression="zlib"))
    add("x.npy", lambda b: np.save(b, pixels))
    add("f.npy", lambda b: np.save(b, pixels.astype(np.float32)))
    add("x.npz", lambda b: np.savez_compressed(b, images=pixels, labels=[0, 1, -1]))
    add("x.mat", lambda b: scipy.io.savemat(b, {"images": pixels, "labels": [1, 2, 1], "n": "text"}))
    add("z.mat", lambda b: scipy.io.savemat(b, {"images": pixels, "labels": [1, 2, 1]}, do_compression=True))
    plain = struct.pack(">HBBIII", 0, 8, 3, 3, 6, 5) + pixels.tobytes()
    files["train-images-idx3-ubyte"], files["train-images-idx3-ubyte.gz"] = plain, gzip.compress(plain)
    files["x.csv"] = b"path,label,weight\ngood.png,1,2.5\n"
    return files


VALID = _valid()


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        what = draw(st.sampled_from(["byte", "cut", "insert", "ones", "zeros"]))
        if what == "byte" and data:
            data[place] = draw(st.integers(0, 255))
        elif what == "cut":
            del data[place : place + draw(st.integers(1, 40))]
        elif what == "insert":
            data[place:place] = draw(st.binary(max_size=8))
        else:
            data[place : place + 4] = (b"\xff" if what == "ones" else b"\0") * 4
    return bytes(data)


@pytest.mark.parametrize("name", sorted(VALID))
def test_damaged_files_of_every_kind_are_read_or_refused(name: str, tmp_path: Path) -> None:
    Image.new("L", (5, 6)).save(tmp_path / "good.png")
    path = tmp_path / name
    path.write_bytes(VALID[name])
    open_pictures(path)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.one_of(damaged(VALID[name]), st.binary(max_size=64)), st.booleans())
    def check(data: bytes, skip: bool) -> None:
        path.write_bytes(data)
        try:
            pictures = open_pictures(path, skip_bad=skip)
        except (DataError, UsageError) as error:
            told = str(error)
        else:
            told = ""
            assert len(pictures.ids) == len(pictures.labels) == len(pictures.pixels) > 0
            assert pictures.pixels.dtype in (np.uint8, np.uint16, np.float32)
        assert "\n" not in told

    check()
