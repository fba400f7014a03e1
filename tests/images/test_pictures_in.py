"""Every kind of source, from a folder to an array: pixels, ids, labels, columns and the source's own split."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from isthmus.errors import DataError, UsageError
from isthmus.images.describe import describe, describe_text
from isthmus.images.opening import open_pictures
from isthmus.images.pictures import UNKNOWN


def save(path: Path, pixels: np.ndarray, **how: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **how)
    return path


def test_folder_for_each_class_and_one_for_the_unlabelled(folder: Path) -> None:
    pictures = open_pictures(folder)
    assert pictures.pixels.shape == (60, 1, 12, 10)
    assert pictures.pixels.dtype == np.uint8
    assert pictures.classes == ("cat", "dog")
    assert pictures.ids[0] == "cat/00.png"
    assert (pictures.labels == UNKNOWN).sum() == 20
    assert np.array_equal(pictures.pixels[25, 0], np.asarray(Image.open(folder / "dog/05.png")))


def test_decoded_pictures_come_back_memory_mapped(folder: Path) -> None:
    first, again = open_pictures(folder), open_pictures(folder)
    assert isinstance(again.pixels, np.memmap)
    assert np.array_equal(first.pixels, again.pixels)
    assert list(first.ids) == list(again.ids)
    save(folder / "cat/00.png", np.zeros((12, 10), np.uint8))
    assert open_pictures(folder).pixels[0].max() == 0


def test_without_a_writable_cache_all_is_as_before(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert len(open_pictures(folder, cache=tmp_path / "file" / "sub")) == 60
    assert len(open_pictures(folder, cache=False)) == 60


def test_train_and_test_folders_are_the_own_split(tmp_path: Path, rng: np.random.Generator) -> None:
    for part in ("train", "val", "test"):
        for name in ("a", "b"):
            save(tmp_path / "d" / part / name / "0.png", rng.integers(0, 256, (4, 4)).astype(np.uint8))
    pictures = open_pictures(tmp_path / "d")
    assert pictures.classes == ("a", "b")
    assert sorted(pictures.split) == ["test"] * 2 + ["train"] * 4
    assert any("validation" in sentence for sentence in pictures.trouble)


def test_every_kind_of_png(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    colour = np.stack([grey, grey + 1, grey + 2], axis=2)
    half = np.dstack([colour, np.full((8, 8), 128, np.uint8)])
    solid = np.dstack([colour, np.full((8, 8), 255, np.uint8)])
    assert np.array_equal(open_pictures(save(tmp_path / "grey.png", grey)).pixels[0, 0], grey)
    assert np.array_equal(open_pictures(save(tmp_path / "solid.png", solid)).pixels[0], colour.transpose(2, 0, 1))
    composited = open_pictures(save(tmp_path / "half.png", half)).pixels[0]
    assert np.abs(composited - colour.transpose(2, 0, 1) * (128 / 255)).max() <= 1
    deep = (grey.astype(np.uint16) * 1000).astype(np.uint16)
    assert np.array_equal(open_pictures(save(tmp_path / "deep.png", deep)).pixels[0, 0], deep)
    bits = Image.fromarray(grey > 30)
    bits.save(tmp_path / "bits.png")
    assert set(np.unique(open_pictures(tmp_path / "bits.png").pixels)) == {0, 255}
    Image.fromarray(colour).quantize(64).save(tmp_path / "palette.png")
    assert open_pictures(tmp_path / "palette.png").pixels.shape == (1, 3, 8, 8)


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_png_keeps_every_bit(tmp_path: Path, rng: np.random.Generator, channels: int) -> None:
    pixels = rng.integers(0, 65536, (5, 7, channels)).astype(np.uint16)
    if channels == 4:
        pixels[..., 3] = 65535

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 7, 5, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert np.array_equal(open_pictures(tmp_path / "x.png").pixels[0], pixels[..., :3].transpose(2, 0, 1))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_pictures_stand_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"x.{kind}"
    Image.fromarray(pixels).save(path, exif=exif)
    upright = open_pictures(path).pixels[0, 0]
    corners = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert upright.shape == ((16, 32) if orientation < 5 else (32, 16))
    assert upright[corners[orientation]] > 200


def test_mixed_sizes_colours_and_depths_follow_one_stated_rule(tmp_path: Path) -> None:
    save(tmp_path / "m/a.png", np.full((40, 30), 255, np.uint8))
    save(tmp_path / "m/b.png", np.full((40, 30, 3), 255, np.uint8))
    save(tmp_path / "m/c.png", np.full((400, 600), 65535, np.uint16))
    pictures = open_pictures(tmp_path / "m")
    assert pictures.pixels.shape == (3, 3, 40, 30)
    assert pictures.pixels.dtype == np.uint16
    assert pictures.pixels.min() == 65535
    assert len(describe(pictures)["rule"]) == 3
    small = open_pictures(tmp_path / "m", size=16, channels=1)
    assert small.pixels.shape == (3, 1, 16, 16)


def test_resizing_keeps_proportions_and_the_centre(tmp_path: Path) -> None:
    wide = np.zeros((40, 80), np.uint8)
    wide[:, 20:60] = 200
    save(tmp_path / "w.png", wide)
    assert open_pictures(tmp_path / "w.png", size=20).pixels.min() > 150


def test_a_large_jpeg_is_shrunk_as_well_as_a_png(tmp_path: Path) -> None:
    y, x = np.mgrid[:1024, :1024]
    smooth = (127 + 60 * np.sin(x / 90) + 60 * np.cos(y / 120)).astype(np.uint8)
    a = open_pictures(save(tmp_path / "s.jpg", smooth, quality=95), size=64).pixels.astype(int)
    b = open_pictures(save(tmp_path / "s.png", smooth), size=64).pixels.astype(int)
    assert np.abs(a - b).max() <= 3


@pytest.mark.parametrize("axes", ["ZCYX", "ZYXS", "CYX", "YX", "TZYX"])
def test_tiff_axes(tmp_path: Path, rng: np.random.Generator, axes: str) -> None:
    sizes = {"Z": 4, "T": 2, "C": 3, "S": 3, "Y": 9, "X": 11}
    pixels = rng.integers(0, 4096, [sizes[a] for a in axes]).astype(np.uint16)
    how = {"photometric": "rgb"} if "S" in axes else {"photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "x.tif", pixels, metadata={"axes": axes}, **how)
    pictures = open_pictures(tmp_path / "x.tif")
    pages = sizes["Z"] ** ("Z" in axes) * sizes["T"] ** ("T" in axes)
    channels = 3 if "C" in axes or "S" in axes else 1
    assert pictures.pixels.shape == (pages, channels, 9, 11)
    assert pictures.pixels.dtype == np.uint16
    upright = pixels.transpose(0, 3, 1, 2) if "S" in axes else pixels
    assert np.array_equal(pictures.pixels, upright.reshape(pictures.pixels.shape))
    assert pictures.ids[0] == ("x.tif" if pages == 1 else "x.tif#0")


def test_axes_can_be_said_where_a_tiff_does_not(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (6, 9, 11)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="minisblack")
    assert open_pictures(tmp_path / "x.tif").pixels.shape == (6, 1, 9, 11)
    assert open_pictures(tmp_path / "x.tif", axes="CYX").pixels.shape == (1, 6, 9, 11)
    with pytest.raises(UsageError, match="axes"):
        open_pictures(tmp_path / "x.tif", axes="CYXS")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_table(tmp_path: Path, suffix: str) -> None:
    for i in range(3):
        save(tmp_path / f"p/{i}.png", np.full((4, 4), i, np.uint8))
    rows = {"path": ["p/2.png", "./p/0.png", "p/1.png"], "label": ["10", "", "9"], "weight": ["1.5", "", "2"]}
    if suffix == ".csv":
        lines = zip(*rows.values(), strict=True)
        (tmp_path / "t.csv").write_text("\n".join([",".join(rows), *map(",".join, lines)]) + "\n")
    else:
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet

        typed = {"path": rows["path"], "label": [10, None, 9], "weight": [1.5, None, 2.0]}
        pyarrow.parquet.write_table(pa.table(typed), tmp_path / "t.parquet")
    pictures = open_pictures(tmp_path / f"t{suffix}")
    assert list(pictures.ids) == ["p/2.png", "p/0.png", "p/1.png"]
    assert pictures.classes == ("9", "10")
    assert list(pictures.labels) == [1, UNKNOWN, 0]
    assert np.array_equal(pictures.columns["weight"], [1.5, np.nan, 2], equal_nan=True)
    assert pictures.pixels[:, 0, 0, 0].tolist() == [2, 0, 1]


def test_absolute_paths_in_a_table_leave_no_trace(tmp_path: Path) -> None:
    save(tmp_path / "far/a.png", np.zeros((4, 4), np.uint8))
    save(tmp_path / "far/sub/b.png", np.ones((4, 4), np.uint8))
    (tmp_path / "near").mkdir()
    (tmp_path / "near/t.csv").write_text(f"path\n{tmp_path}/far/a.png\n../far/sub/b.png\n")
    pictures = open_pictures(tmp_path / "near/t.csv")
    assert list(pictures.ids) == ["a.png", "sub/b.png"]
    assert str(tmp_path) not in repr((pictures.source, pictures.trouble))


def test_arrays_with_labels() -> None:
    pictures = open_pictures(np.zeros((4, 8, 8), np.uint8), labels=["b", None, "a", float("nan")])
    assert pictures.classes == ("a", "b")
    assert list(pictures.labels) == [1, -1, 0, -1]
    assert pictures.source["kind"] == "array"


def test_digits_know_their_range_and_need_nothing() -> None:
    pictures = open_pictures("digits")
    assert pictures.pixels.shape == (1797, 1, 8, 8)
    assert pictures.source["range"] == [0, 16]
    text = describe_text(describe(pictures))
    assert "1,797 from the set digits" in text
    assert "10 classes" in text


def test_a_folder_called_like_a_set_needs_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "digits/a.png", np.zeros((4, 4), np.uint8))
    monkeypatch.chdir(tmp_path)
    assert len(open_pictures("digits")) == 1797
    assert len(open_pictures("./digits")) == 1


@pytest.mark.parametrize(("name", "meant"), [("digit", "digits"), ("pets/ct", "cat"), ("nowhere/at/all", "Named sets")])
def test_unknown_sources_suggest_what_is_near(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.chdir(folder.parent)
    with pytest.raises(UsageError, match=meant):
        open_pictures(name)


def test_progress_is_told(folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    open_pictures(folder, progress=lambda *now: seen.append(now))
    assert seen[-1][:2] == (60, 60)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"tile": -1}, {"stride": 4}, {"tile": 4, "stride": 5}, {"size": "x"}])
def test_wrong_wishes_are_usage_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        open_pictures("digits", **wrong)


def test_only_grey_and_colour_mix(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((5, 9, 9), np.uint8), metadata={"axes": "CYX"}, photometric="minisblack"
    )
    save(tmp_path / "b.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(DataError, match=r"a\.tif|b\.png"):
        open_pictures(tmp_path)
