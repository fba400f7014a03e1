"""Named sets: from a local folder, from a server that cuts connections, and from the shared copies where there are."""

import gzip
import hashlib
import http.server
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from isthmus.errors import DataError
from isthmus.images.fetch import fetch
from isthmus.images.opening import open_pictures

SHARED = os.environ.get("ISTHMUS_DATA")
BODY = bytes(range(256)) * 400


class Server(http.server.BaseHTTPRequestHandler):
    """Serves BODY; the first answers of a test are cut off after `cuts.pop(0)` bytes."""

    cuts: list[int] = []  # noqa: RUF012
    ranges: list[str | None] = []  # noqa: RUF012
    knows_range = True

    def do_GET(self) -> None:
        start = 0
        self.ranges.append(self.headers.get("Range"))
        if self.path != "/x.bin":
            self.send_error(404)
            return
        if self.knows_range and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(BODY):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(BODY) - start))
        self.end_headers()
        self.wfile.write(BODY[start:][: self.cuts.pop(0) if self.cuts else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Server.cuts, Server.ranges, Server.knows_range = [], [], True
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


RIGHT = hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("knows_range", [True, False])
def test_a_cut_connection_is_taken_up_again(server: str, tmp_path: Path, knows_range: bool) -> None:
    Server.cuts, Server.knows_range = [30_000, 70_000], knows_range
    seen: list[int] = []
    target = fetch([f"{server}/x.bin"], tmp_path / "x.bin", RIGHT, progress=lambda done, total, what: seen.append(done))
    assert target.read_bytes() == BODY
    assert Server.ranges[0] is None
    assert Server.ranges[1] == "bytes=30000-"
    assert seen[-1] == len(BODY)
    assert [f.name for f in tmp_path.iterdir()] == ["x.bin"]


def test_a_download_goes_on_where_an_earlier_process_stopped(server: str, tmp_path: Path) -> None:
    (tmp_path / "x.bin.part").write_bytes(BODY[:1000])
    assert fetch([f"{server}/x.bin"], tmp_path / "x.bin", RIGHT).read_bytes() == BODY
    assert Server.ranges == ["bytes=1000-"]


def test_a_part_that_is_too_long_or_wrong_is_begun_again(server: str, tmp_path: Path) -> None:
    (tmp_path / "x.bin.part").write_bytes(BODY + b"more")
    assert fetch([f"{server}/x.bin"], tmp_path / "x.bin", RIGHT).read_bytes() == BODY


def test_wrong_checksum_and_missing_files_are_refused(server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.bin was not downloaded, its checksum is wrong"):
        fetch([f"{server}/x.bin"], tmp_path / "x.bin", "0" * 64)
    with pytest.raises(DataError, match="404"):
        fetch([f"{server}/y.bin"], tmp_path / "y.bin", RIGHT)
    assert not list(tmp_path.iterdir())
    assert fetch([f"{server}/y.bin", f"{server}/x.bin"], tmp_path / "x.bin", RIGHT).exists()


def test_offline_is_one_clear_sentence() -> None:
    with pytest.raises(DataError, match=r"t10k-images.* was not downloaded, .*ISTHMUS_DATA"):
        open_pictures("mnist")


@pytest.mark.parametrize("name", ["omniglot", "cifar10"])
def test_repacked_sets_say_where_to_get_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISTHMUS_MIRROR")
    with pytest.raises(DataError, match=rf"{name} is read from repacked files.*ISTHMUS_DATA"):
        open_pictures(name)


def little_sets(folder: Path) -> None:
    """Every named set with its own layout, a few pictures each."""
    rng = np.random.default_rng(0)
    for name in ("mnist", "fashion-mnist"):
        (folder / name).mkdir(parents=True)
        for part, n in (("train", 6), ("t10k", 3)):
            images, labels = rng.integers(0, 256, (n, 28, 28)), np.arange(n)
            for what, array in (("images-idx3", images), ("labels-idx1", labels)):
                head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
                packed = gzip.compress(head + array.astype(np.uint8).tobytes())
                (folder / name / f"{part}-{what}-ubyte.gz").write_bytes(packed)
    for name in ("omniglot", "caltech101-silhouettes", "cifar10"):
        (folder / name).mkdir()
    np.savez(
        folder / "omniglot/omniglot_28x28.npz",
        images=rng.integers(0, 256, (4, 28, 28)).astype(np.uint8),
        alphabet=np.array([0, 0, 1, 1], np.uint8),
        character=np.array([0, 1, 2, 2], np.uint16),
        drawer=np.array([1, 2, 3, 4], np.uint8),
        background=np.array([True, True, False, False]),
        alphabet_names=np.array(["A", "B"]),
        character_names=np.array(["A/1", "A/2", "B/1"]),
    )
    ground = np.ones((28, 28), np.uint8)
    ground[0, 1:5] = 0  # the object lies in the first row
    parts = {f"{part}_data": ground.T.reshape(1, -1) for part in ("train", "val", "test")}
    parts |= {f"{part}_labels": np.array([[2]], np.uint8) for part in ("train", "val", "test")}
    names = np.array([["Ant", "Bee"]], dtype=object)
    scipy.io.savemat(
        folder / "caltech101-silhouettes/caltech101_silhouettes_28_split1.mat", {**parts, "classnames": names}
    )
    for i, stem in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch_first1000"]):
        column = np.full((64, 32, 3), (10 * i, 1, 2), np.uint8)
        Image.fromarray(column).save(folder / f"cifar10/{stem}.png")
    kinds = np.array([f"kind{i}" for i in range(10)])
    np.savez(folder / "cifar10/labels.npz", train=np.arange(10), test_first1000=np.array([3, 8]), names=kinds)


def test_named_sets_from_a_local_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    little_sets(tmp_path)
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    assert open_pictures("fashion-mnist").classes[9] == "Ankle boot"
    assert open_pictures("mnist").pixels.shape == (9, 1, 28, 28)
    characters = open_pictures("omniglot")
    assert list(characters.split) == ["train", "train", "test", "test"]
    assert list(characters.columns["alphabet"]) == ["A", "A", "B", "B"]
    outlines = open_pictures("caltech101-silhouettes")
    assert outlines.pixels[0, 0, 0].tolist() == [0, 1, 1, 1, 1, *[0] * 23]
    assert outlines.pixels.sum() == 12
    assert list(outlines.columns["part"]) == ["train", "val", "test"]
    assert outlines.classes[outlines.labels[0]] == "Bee"
    things = open_pictures("cifar10")
    assert things.pixels.shape == (12, 3, 32, 32)
    assert things.pixels[-1, :, 0, 0].tolist() == [50, 1, 2]
    assert list(things.labels[-2:]) == [3, 8]
    assert str(tmp_path) not in repr([p.source for p in (characters, outlines, things)])


@pytest.mark.skipif(not SHARED, reason="the shared copies are not here")
@pytest.mark.parametrize(
    ("name", "shape", "classes", "mean"),
    [
        ("mnist", (70000, 1, 28, 28), 10, 0.1307),
        ("fashion-mnist", (70000, 1, 28, 28), 10, 0.2860),
        ("omniglot", (32460, 1, 28, 28), 1623, None),
        ("caltech101-silhouettes", (8671, 1, 28, 28), 101, None),
        ("cifar10", (51000, 3, 32, 32), 10, 0.4734),
    ],
)
def test_the_shared_copies(
    monkeypatch: pytest.MonkeyPatch, name: str, shape: tuple[int, ...], classes: int, mean: float | None
) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(SHARED))
    pictures = open_pictures(name)
    assert pictures.pixels.shape == shape
    assert len(pictures.classes) == classes
    assert (np.bincount(pictures.labels) > 0).all()
    if mean is not None:
        assert pictures.pixels[: (pictures.split == "train").sum()].mean() / 255 == pytest.approx(mean, abs=1e-4)


def test_importing_costs_nothing() -> None:
    heavy = "scipy", "sklearn", "tifffile", "h5py", "pyarrow", "PIL"
    code = f"import sys, isthmus.images; print([m for m in {heavy!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
