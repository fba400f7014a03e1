"""Shards are the pictures they were made of: packed from any source, restarted, damaged, and read at random."""

import io
import json
import pickle
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus.errors import DataError, UsageError
from isthmus.images import packing
from isthmus.images.checking import broken
from isthmus.images.opening import open_pictures
from isthmus.images.packing import pack
from isthmus.images.pictures import Pictures
from isthmus.images.sharded import Sharded


def same(one: Pictures, other: Pictures) -> None:
    np.testing.assert_array_equal(np.asarray(one.pixels), np.asarray(other.pixels))
    assert one.pixels.dtype == other.pixels.dtype
    assert list(one.ids) == list(other.ids)
    assert list(one.labels) == list(other.labels)
    assert one.classes == other.classes
    assert (one.split is None) == (other.split is None)
    assert one.split is None or list(one.split) == list(other.split)
    assert one.columns.keys() == other.columns.keys()
    for name in one.columns:
        np.testing.assert_array_equal(one.columns[name], other.columns[name])


@pytest.fixture
def array(tmp_path: Path, rng: np.random.Generator) -> Path:
    np.save(tmp_path / "x.npy", rng.integers(0, 256, (103, 3, 6, 5)).astype(np.uint8))
    return tmp_path / "x.npy"


def png(rng: np.random.Generator, side: int = 8) -> bytes:
    held = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (side, side, 3)).astype(np.uint8)).save(held, "PNG")
    return held.getvalue()


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def tars(tmp_path: Path, rng: np.random.Generator) -> str:
    for number in range(3):
        samples = {f"{i:03}{end}": c for i in range(5) for end, c in ((".png", png(rng)), (".cls", b"%d" % (i % 2)))}
        tar(tmp_path / f"s-{number:02}.tar", samples)
    return str(tmp_path / "s-{00..02}.tar")


# -- the same pictures ------------------------------------------------------------------------------------------------


def test_shards_of_a_folder_are_the_folder(folder: Path, tmp_path: Path) -> None:
    made = pack(folder, tmp_path / "shards", rows=17)
    assert (made.pictures, made.shards, made.kept) == (60, 4, 0)
    same(open_pictures(tmp_path / "shards"), open_pictures(folder))


def test_shards_of_a_set_keep_its_scale_and_its_classes(tmp_path: Path) -> None:
    pack("digits", tmp_path / "shards", rows=500)
    shards, digits = open_pictures(tmp_path / "shards"), open_pictures("digits")
    same(shards, digits)
    assert shards.source["range"] == digits.source["range"]


def test_shards_of_a_table_keep_columns_labels_and_blanks(folder: Path, tmp_path: Path) -> None:
    table = "path,label,slide,age\ncat/00.png,a,S1,3\ndog/01.png,,S2,\ndog/02.png,b,,4.5\n"
    (folder / "t.csv").write_text(table, "utf-8")
    pack(folder / "t.csv", tmp_path / "shards", rows=2)
    same(open_pictures(tmp_path / "shards"), open_pictures(folder / "t.csv"))


def test_a_source_keeps_its_own_test(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 65536, (9, 4, 5)).astype(np.uint16)
    np.savez(tmp_path / "a.npz", x_train=pixels[:6], y_train=[0, 1, -1, 1, 0, 0], x_test=pixels[6:])
    pack(tmp_path / "a.npz", tmp_path / "shards", rows=4)
    same(open_pictures(tmp_path / "shards"), open_pictures(tmp_path / "a.npz"))


@pytest.mark.parametrize("how", [{"size": 6}, {"tile": 5, "stride": 3}, {"channels": 3}])
def test_what_is_done_to_pictures_is_done_when_they_are_packed(
    folder: Path, tmp_path: Path, how: dict[str, Any]
) -> None:
    pack(folder, tmp_path / "shards", rows=50, **how)
    shards, pictures = open_pictures(tmp_path / "shards"), open_pictures(folder, **how)
    same(shards, pictures)
    assert shards.source.get("tiles") == pictures.source.get("tiles")


def test_tables_of_features_are_packed_too(tmp_path: Path, rng: np.random.Generator) -> None:
    np.save(tmp_path / "x.npy", rng.normal(size=(20, 7)).astype(np.float32))
    pack(tmp_path / "x.npy", tmp_path / "shards", rows=6)
    same(open_pictures(tmp_path / "shards"), open_pictures(tmp_path / "x.npy"))


def test_shards_can_be_packed_again(array: Path, tmp_path: Path) -> None:
    pack(array, tmp_path / "one", rows=10)
    pack(tmp_path / "one", tmp_path / "two", rows=37)
    same(open_pictures(tmp_path / "two"), open_pictures(array))


def test_parquet_with_pictures(tmp_path: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    content, labels = [png(rng) for _ in range(10)], [i % 3 - 1 for i in range(10)]
    columns = {"image": [{"bytes": data, "path": None} for data in content], "label": labels, "age": range(10)}
    table = pyarrow.table({name: list(values) for name, values in columns.items()})
    about = {"info": {"features": {"label": {"names": ["cat", "dog"]}}}}
    table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    pyarrow.parquet.write_table(table, tmp_path / "p.parquet", row_group_size=3)
    pack(tmp_path / "p.parquet", tmp_path / "shards", rows=4)
    pictures = open_pictures(tmp_path / "shards")
    assert list(pictures.labels) == labels
    assert pictures.classes == ("cat", "dog")
    assert list(pictures.columns["age"]) == list(range(10))
    assert pictures.ids[7] == "p.parquet/7"
    for pixels, data in zip(pictures.pixels[:], content, strict=True):
        np.testing.assert_array_equal(pixels.transpose(1, 2, 0), np.asarray(Image.open(io.BytesIO(data))))


# -- as an array ------------------------------------------------------------------------------------------------------


def test_any_index_gives_what_numpy_gives(array: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    pack(array, tmp_path / "shards", rows=10)
    shards, whole = open_pictures(tmp_path / "shards").pixels, np.load(array)
    rows = rng.integers(-103, 103, 200)
    keys: list[Any] = [3, -1, slice(5, 95, 7), slice(None, None, -3), rows, rows[:0], whole[:, 0, 0, 0] > 99, ...]
    keys += [(7, 1), (slice(2, 9), 0, slice(1, 3)), (rows, slice(None), 2)]
    for key in keys:
        np.testing.assert_array_equal(shards[key], whole[key])
    taken = shards.at(rows)  # type: ignore[attr-defined]
    assert isinstance(taken, Sharded)
    np.testing.assert_array_equal(taken.at(slice(9, 90))[[4, 2, -1]], whole[rows][9:90][[4, 2, -1]])
    np.testing.assert_array_equal(taken.reshape(200, -1 * -90)[5:7], whole[rows].reshape(200, 90)[5:7])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(taken))[:9], whole[rows][:9])  # as workers are given it
    np.testing.assert_array_equal(np.stack(list(taken)), whole[rows])
    for wrong in (103, -104, [0, 103]):
        with pytest.raises(IndexError):
            shards[wrong]


def test_taking_rows_reads_nothing(array: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(array, tmp_path / "shards", rows=10)
    pictures = open_pictures(tmp_path / "shards")

    def no(*given: Any) -> Any:
        raise AssertionError("it was read")

    monkeypatch.setattr("isthmus.images.sharded._read_at", no)
    assert len(pictures.take(np.arange(103) % 2 == 0).take(np.array([5, 3]))) == 2


def test_more_shards_than_files_may_be_open(array: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.images.sharded._MOST_OPEN", 2)
    pack(array, tmp_path / "shards", rows=5)
    pixels, rows = open_pictures(tmp_path / "shards").pixels, np.random.default_rng(0).permutation(103)
    for _ in range(3):
        np.testing.assert_array_equal(pixels[rows], np.load(array)[rows])


def test_a_shard_that_is_lost_while_it_is_read_is_named(array: Path, tmp_path: Path) -> None:
    pack(array, tmp_path / "shards", rows=10)
    pixels = open_pictures(tmp_path / "shards").pixels
    with (tmp_path / "shards" / "000003.npy").open("r+b") as file:
        file.truncate(200)
    with pytest.raises(DataError, match=r"000003\.npy cannot be read any more \(it is shorter"):
        pixels[np.arange(103)]


# -- tar files --------------------------------------------------------------------------------------------------------


def test_a_pattern_of_tar_files_with_labels_beside_the_pictures(tars: str, tmp_path: Path) -> None:
    pack(tars, tmp_path / "shards")
    pictures = open_pictures(tmp_path / "shards")
    assert list(pictures.ids[:2]) == ["s-00.tar/000.png", "s-00.tar/001.png"]
    assert list(pictures.labels) == [0, 1, 0, 1, 0] * 3
    with tarfile.open(tars.replace("{00..02}", "01")) as archive:
        file = archive.extractfile("002.png")
        assert file is not None
        expected = np.asarray(Image.open(file))
    np.testing.assert_array_equal(pictures.pixels[7].transpose(1, 2, 0), expected)


def test_tar_files_are_opened_by_way_of_the_cache(tars: str, tmp_path: Path) -> None:
    pack(tars, tmp_path / "shards")
    pictures = open_pictures(tars)
    same(pictures, open_pictures(tmp_path / "shards"))
    assert "packed into" in pictures.trouble[-1]
    again = open_pictures(tars, size=8)  # as verbs ask for the pictures of a run
    assert again.trouble == pictures.trouble
    first = Path(tars.replace("{00..02}", "00"))
    first.write_bytes(Path(tars.replace("{00..02}", "02")).read_bytes() + bytes(512))
    assert open_pictures(tars).pixels[0].tolist() == pictures.pixels[10].tolist(), "changed files are packed again"


def test_dead_cut_and_empty_tar_files_are_named_and_lose_nothing_else(tars: str, tmp_path: Path) -> None:
    tar(tmp_path / "s-03.tar", {"readme.md": b"no pictures here"})
    (tmp_path / "s-04.tar").write_bytes(b"nonsense" * 200)
    whole = (tmp_path / "s-00.tar").read_bytes()
    (tmp_path / "s-05.tar").write_bytes(whole[:4000])
    made = pack(tars.replace("02}", "06}"), tmp_path / "shards")
    said = "\n".join(made.trouble)
    assert "s-03.tar holds no pictures" in said
    assert "left out s-04.tar: it is no tar file" in said
    assert "s-05.tar has no end" in said
    assert "left out s-06.tar: there is no such file" in said
    assert made.pictures == len(set(open_pictures(tmp_path / "shards").ids))
    assert 15 < made.pictures < 20
    assert said in "\n".join(open_pictures(tmp_path / "shards").trouble)


def test_links_and_strange_members_are_passed_over(tmp_path: Path, rng: np.random.Generator) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("b.png", tarfile.SYMTYPE), ("c.png", tarfile.LNKTYPE), ("d.png", tarfile.FIFOTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
        info = tarfile.TarInfo("cat/../../a.png")
        content = png(rng)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    pack(tmp_path / "a.tar", tmp_path / "shards")
    assert list(open_pictures(tmp_path / "shards").ids) == ["a.tar/cat/../../a.png"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar", "shards"}


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_bad_picture_in_a_tar_stops_it_unless_it_may_be_left_out(
    tars: str, tmp_path: Path, rng: np.random.Generator, content: bytes | None
) -> None:
    broken_ = png(rng)[:100] if content is None else content
    tar(tmp_path / "s-03.tar", {"good.png": png(rng), "bad.png": broken_})
    pattern = tars.replace("02}", "03}")
    with pytest.raises(DataError, match=r"s-03\.tar/bad\.png cannot be read.*--skip-bad"):
        pack(pattern, tmp_path / "shards")
    made = pack(pattern, tmp_path / "shards", skip_bad=True)
    assert made.pictures == 16
    assert "s-03.tar/bad.png" in made.trouble[0]


def test_what_lies_elsewhere_is_fetched_once(tars: str, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    pack(tars, tmp_path / "shards")
    elsewhere = f"file://{tars}"
    same(open_pictures(elsewhere), open_pictures(tmp_path / "shards"))
    for path in tmp_path.glob("*.tar"):
        path.unlink()
    same(open_pictures(elsewhere, size=8), open_pictures(tmp_path / "shards"))
    with pytest.raises(DataError, match="there are no pictures in"):
        open_pictures(f"file://{tmp_path}/gone.tar")


@pytest.mark.parametrize(
    ("members", "said"),
    [({}, "there are no pictures"), ({"a.txt": b"x"}, "there are no pictures")],
)
def test_a_source_without_pictures_is_one_sentence(tmp_path: Path, members: dict[str, bytes], said: str) -> None:
    with pytest.raises(DataError, match=said):
        pack(tar(tmp_path / "a.tar", members), tmp_path / "shards")
    with pytest.raises(UsageError, match="there is no file, folder or named set"):
        pack(tmp_path / "b.tar", tmp_path / "shards")


def test_pictures_that_do_not_go_together_are_refused_by_name(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the odd one was not among those looked at first."""
    monkeypatch.setattr("isthmus.images.packers.tar.LOOKED_AT", 2)
    deep = io.BytesIO()
    Image.fromarray(rng.integers(0, 65536, (8, 8)).astype(np.uint16)).save(deep, "PNG")
    content = {f"{i}.png": png(rng) for i in range(5)}
    tar(tmp_path / "a.tar", content | {"5.png": deep.getvalue(), "6.png": png(rng, 12), "7.png": png(rng)})
    with pytest.raises(DataError, match=r"5\.png holds uint16 values and the others uint8"):
        pack(tmp_path / "a.tar", tmp_path / "shards")
    made = pack(tmp_path / "a.tar", tmp_path / "shards", skip_bad=True)
    assert made.pictures == 7
    assert "1 pictures of a.tar differ from those looked at first" in " ".join(made.trouble)


# -- stopped, changed, damaged ----------------------------------------------------------------------------------------


def test_killed_and_started_again_no_row_is_lost_or_doubled(tmp_path: Path, rng: np.random.Generator) -> None:
    source, shards = tmp_path / "many", tmp_path / "shards"
    source.mkdir()
    for number in range(300):
        (source / f"{number:03}.png").write_bytes(png(rng, 48))
    call = f"from isthmus.images.packing import pack; pack({str(source)!r}, {str(shards)!r}, rows=10)"
    process = subprocess.Popen([sys.executable, "-c", call])
    while len(list(shards.glob("*.csv"))) < 3 and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (shards / "index.json").exists(), "it was killed too late to show anything"
    with pytest.raises(DataError, match="not packed to the end"):
        open_pictures(shards)
    made = pack(source, shards, rows=10, workers=2)
    assert made.kept >= 2
    same(open_pictures(shards), open_pictures(source))
    assert not list(shards.glob(".*.part"))
    assert pack(source, shards, rows=10).kept == 30, "what is packed is known to be"


def test_a_shard_that_is_spoilt_before_the_end_is_packed_again(
    array: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = tmp_path / "shards"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(packing, "_finish", _interrupted)
        pack(array, shards, rows=20)
    (shards / "000001.npy").write_bytes(b"spoilt")
    (shards / "000002.csv").unlink()
    assert pack(array, shards, rows=20).kept == 4
    same(open_pictures(shards), open_pictures(array))


def _interrupted(*given: Any) -> None:
    raise KeyboardInterrupt


def test_a_folder_of_other_shards_or_of_anything_is_not_written_into(array: Path, folder: Path, tmp_path: Path) -> None:
    pack(array, tmp_path / "shards", rows=20)
    for source, how in ((folder, {}), (array, {"rows": 30}), (array, {"size": 4})):
        with pytest.raises(UsageError, match="holds shards of something else"):
            pack(source, tmp_path / "shards", **{"rows": 20, **how})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is not empty"):
        pack(array, folder)
    for how in ({"workers": 0}, {"rows": -1}):
        with pytest.raises(UsageError, match="Give 1 or more"):
            pack(array, tmp_path / "new", **how)  # type: ignore[arg-type]


def damage(path: Path, what: str) -> None:
    if what == "gone":
        path.unlink()
    elif what == "cut":
        path.write_bytes(path.read_bytes()[:-7])
    elif what == "other shape":
        np.save(path, np.zeros((10, 3, 7, 7), np.uint8))
    elif what == "no array":
        path.write_bytes(b"nonsense")
    elif what == "objects":
        np.save(path, np.array([{}] * 10, dtype=object), allow_pickle=True)
    elif what == "no table":
        path.with_suffix(".csv").unlink()
    else:
        path.with_suffix(".csv").write_text("id,label,split\nx,,\n")


@pytest.mark.parametrize("what", ["gone", "cut", "other shape", "no array", "objects", "no table", "short table"])
def test_a_dead_shard_is_left_out_and_named(array: Path, tmp_path: Path, what: str) -> None:
    pack(array, tmp_path / "shards", rows=10)
    damage(tmp_path / "shards" / "000002.npy", what)
    pictures = open_pictures(tmp_path / "shards")
    assert len(pictures) == 93
    assert "left out 1 shards with 10 pictures: 000002.npy" in pictures.trouble[-1]
    np.testing.assert_array_equal(pictures.pixels[20:], np.load(array)[30:])
    assert list(pictures.ids[20:22]) == ["30", "31"]
    assert list(broken(tmp_path / "shards")) == ["000002.npy"]


def test_nothing_but_dead_shards_is_an_error(array: Path, tmp_path: Path) -> None:
    pack(array, tmp_path / "shards")
    damage(tmp_path / "shards" / "000000.npy", "cut")
    with pytest.raises(DataError, match=r"no picture that can be read; 000000\.npy: it has"):
        open_pictures(tmp_path / "shards")


def test_a_bit_that_fell_over_is_found(array: Path, tmp_path: Path) -> None:
    pack(array, tmp_path / "shards", rows=10)
    assert broken(tmp_path / "shards") == {}
    path = tmp_path / "shards" / "000004.npy"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert broken(tmp_path / "shards") == {"000004.npy": "its pixels are not those that were written"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2; this version reads format 1. Upgrade isthmus"),
        ({"format": "x"}, "format 'x'; this version reads format 1. Pack the pictures again"),
        ({"dtype": "nonsense"}, "cannot be read"),
        ({"shards": {"0": {"file": "../x.npy", "rows": 1, "crc32": ""}}}, "names a file outside its folder"),
        ({"more": 1}, "cannot be read"),
    ],
)
def test_an_index_of_another_version_or_kind_is_one_sentence(
    array: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    pack(array, tmp_path / "shards")
    index = tmp_path / "shards" / "index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | change))
    with pytest.raises(DataError, match=said.replace(".", r"\.")):
        open_pictures(tmp_path / "shards")


def test_a_folder_of_pictures_may_hold_an_index_of_its_own(folder: Path) -> None:
    (folder / "index.json").write_text('{"format": 1, "shards": {}}')
    assert len(open_pictures(folder)) == 60


def test_another_shape_is_too_late_once_shards_are_packed(array: Path, tmp_path: Path) -> None:
    pack(array, tmp_path / "shards")
    same(open_pictures(tmp_path / "shards", size=(6, 5), channels=3), open_pictures(array))
    for how in ({"size": 4}, {"channels": 1}, {"tile": 2}):
        with pytest.raises(UsageError, match="chosen with isthmus data pack"):
            open_pictures(tmp_path / "shards", **how)  # type: ignore[arg-type]


def test_labels_are_given_when_shards_are_opened(array: Path, tmp_path: Path) -> None:
    pack(array, tmp_path / "shards", rows=10)
    (tmp_path / "labels.csv").write_text("id,label,slide\n3,cat,A\n100,dog,B\n")
    pictures = open_pictures(tmp_path / "shards", labels=tmp_path / "labels.csv", group="slide")
    assert [pictures.labels[3], pictures.labels[100], pictures.labels[4]] == [0, 1, -1]


@pytest.mark.parametrize("grouped", [False, True])
def test_zarr_is_read_a_block_at_a_time(tmp_path: Path, rng: np.random.Generator, grouped: bool) -> None:
    zarr = pytest.importorskip("zarr")
    pixels = rng.integers(0, 256, (50, 8, 9, 3)).astype(np.uint8)
    store = tmp_path / "a.zarr"
    if grouped:
        group = zarr.open_group(store, mode="w")
        group.create_array("images", data=pixels, chunks=(7, 8, 9, 3))
        group.create_array("labels", data=np.arange(50) % 3 - 1)
    else:
        zarr.open_array(store, mode="w", shape=pixels.shape, dtype="uint8", chunks=(7, 8, 9, 3))[:] = pixels
    pack(store, tmp_path / "shards", rows=20)
    pictures = open_pictures(tmp_path / "shards")
    np.testing.assert_array_equal(pictures.pixels[:], pixels.transpose(0, 3, 1, 2))
    assert list(pictures.labels[:4]) == ([-1, 0, 1, -1] if grouped else [-1] * 4)
    same(open_pictures(store), pictures)
