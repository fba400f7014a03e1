"""A model fitted from shards is the one fitted from the array, to the bit; codes in parts are the codes."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isthmus import load, models
from isthmus.cli import main
from isthmus.cli._codes import read_codes
from isthmus.errors import DataError
from isthmus.images import open_pictures
from isthmus.images.packing import pack
from isthmus.images.splits import split
from isthmus.models._loading import resume
from isthmus.train.watchers import Watcher

SMALL: dict[str, Any] = {"latent": 3, "epochs": 1, "precision": "float32", "batch_size": 64}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "digits"
    pack("digits", folder, rows=200)
    return folder


@pytest.fixture(scope="module")
def run(shards: Path) -> Path:
    words = [
        "--model",
        "vae",
        "--net",
        "mlp",
        "--net-hidden",
        "16",
        "--latent",
        "3",
        "--epochs",
        "1",
        "--precision",
        "float32",
    ]
    folder = shards.parent / "run"
    assert main(["fit", str(shards), *words, "--quiet", "--out", str(folder)]) == 0
    return folder


def weights(model: Any) -> dict[str, torch.Tensor]:
    return dict(model.net_.state_dict())


def assert_same(one: Any, other: Any) -> None:
    for name, value in weights(one).items():
        assert torch.equal(value, weights(other)[name]), name


@pytest.mark.parametrize("name", ["conv-vae", "pca", "two-step"])
def test_from_shards_as_from_the_array(shards: Path, name: str) -> None:
    """Also where a model keeps codes, draws several batches a step, or learns from some rows only."""
    made = []
    fields = SMALL if name != "pca" else {"latent": 3}
    if name == "two-step":
        fields = SMALL | {"decoder_epochs": 1}
    for source in ("digits", shards):
        pictures = open_pictures(source)
        pictures = pictures.take(np.arange(0, len(pictures), 4))
        pictures.split = split(pictures, seed=0)
        made.append(models.make(name, **fields).fit(pictures))
    assert_same(*made)
    digits, some = open_pictures("digits"), open_pictures(shards)
    np.testing.assert_array_equal(made[0].transform(digits), made[1].transform(some))
    rows = np.arange(700, 720)
    np.testing.assert_array_equal(made[0].score_samples(digits.take(rows)), made[1].score_samples(some.take(rows)))


class _Stop(Watcher):
    """Ctrl-C in the middle of an epoch."""

    def on_step(self, step: int) -> None:
        if step == 9:
            raise KeyboardInterrupt


def test_an_interrupted_fit_goes_on_exactly(shards: Path, tmp_path: Path) -> None:
    how = SMALL | {"epochs": 2, "net": "mlp"}
    whole = models.make("vae", **how).fit(str(shards), run=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        models.make("vae", **how).fit(str(shards), run=tmp_path / "run", watchers=[_Stop()])
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "training"
    assert_same(resume(tmp_path / "run"), whole)


def test_a_run_finds_its_shards_again_and_notices_that_one_is_gone(run: Path, shards: Path, tmp_path: Path) -> None:
    assert main(["encode", str(run), "-o", str(tmp_path / "codes.npz")]) == 0
    moved = shards / "000003.npy"
    content = moved.read_bytes()
    moved.unlink()
    try:
        assert main(["encode", str(run), "-o", str(tmp_path / "less.npz")]) == 1
    finally:
        moved.write_bytes(content)


# -- codes in parts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.cli._parts._ROWS", 500)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("ending", [".parquet", ".npz"])
def test_parts_together_are_the_codes(
    run: Path, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr("isthmus.cli._parts._ending", lambda: ending)
    out = tmp_path / "codes"
    assert main(["encode", str(run), str(shards), "-o", f"{out}/"]) == 0
    assert len(list(out.glob(f"part-*{ending}"))) == 4
    np.testing.assert_array_equal(read_codes(out), load(run).transform(open_pictures("digits")))
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(read_codes(out), 0)
    before = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    (out / f"part-000002{ending}").unlink()
    about = json.loads((out / "index.json").read_text())
    (out / "index.json").write_text(json.dumps(about | {"status": "encoding"}))
    with pytest.raises(DataError, match="not encoded to the end"):
        read_codes(out)
    assert main(["encode", str(run), str(shards), "-o", str(out), "--workers", "2"]) == 0
    after = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert [path.name for path in before if after[path] != before[path]] == [f"part-000002{ending}"]
    np.testing.assert_array_equal(read_codes(out), load(run).transform(open_pictures("digits")))


def test_killed_while_encoding_every_row_is_there_once(run: Path, shards: Path, tmp_path: Path) -> None:
    out, rows = tmp_path / "codes", 60
    call = (
        "import sys, torch; torch.set_num_threads(1)\n"
        f"from isthmus.cli import _parts, main; _parts._ROWS = {rows}\n"
        f"sys.exit(main(['encode', {str(run)!r}, {str(shards)!r}, '-o', {str(out)!r}]))"
    )
    process = subprocess.Popen([sys.executable, "-c", call], stderr=subprocess.DEVNULL)
    while len(list(out.glob("part-*"))) < 3 and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert json.loads((out / "index.json").read_text())["status"] == "encoding", "it was killed too late"
    assert subprocess.run([sys.executable, "-c", call], check=False, capture_output=True).returncode == 0
    np.testing.assert_array_equal(read_codes(out), load(run).transform(open_pictures("digits")))
    assert not list(out.glob(".*.part"))


@pytest.mark.usefixtures("small_parts")
def test_parts_of_another_run_or_of_other_pictures_are_refused(
    run: Path, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "codes"
    assert main(["encode", str(run), str(shards), "-o", str(out)]) == 0
    other = tmp_path / "other"
    load(run).save(other)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    np.save(tmp_path / "less.npy", open_pictures("digits").pixels[:90])
    pca = models.make("pca", latent=2).fit(open_pictures("digits"))
    pca.save(tmp_path / "pca")
    for words, said in (
        ([str(run), str(tmp_path / "less.npy"), "-o", str(out)], "codes of other pictures"),
        ([str(tmp_path / "pca"), str(shards), "-o", str(out)], "codes of another run"),
        ([str(run), str(shards), "-o", str(tmp_path / "full")], "is not empty"),
        ([str(run), str(shards), "-o", str(tmp_path / "c.npz"), "--workers", "2"], "2 workers cannot write"),
        ([str(run), str(shards), "-o", str(out), "--workers", "0"], "0 workers cannot write"),
    ):
        capsys.readouterr()
        assert main(["encode", *words]) == 2
        assert said in capsys.readouterr().err
