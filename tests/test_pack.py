"""A run as one file: all of it for another machine, or what a stranger may have; nothing of the user's beside that."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from isthmus import VAE, Classifier, Run, cli, load
from isthmus.classify.saving import save_classifier
from isthmus.errors import RunError, UsageError
from isthmus.report.packing import MANIFEST, pack

FOUR = ["run.json", "weights.safetensors", "history.jsonl", "metrics.jsonl"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a classifier, a measure, a picture and a place of this machine in it."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    labels = np.arange(60) % 2
    model = VAE(net="mlp", latent=3, epochs=1).fit(pixels, labels, run=folder)
    run = Run(folder)
    save_classifier(Classifier(model=model, head="linear").fit(pixels, labels), run, "labels", {})
    run.append("metrics.jsonl", {"name": "error", "value": 0.1, "command": "isthmus evaluate /home/ada/secret/pile"})
    run.write_json("run.json", run.read_json("run.json") | {"data": {"relative_path": "../secret", "pictures": 60}})
    (folder / "redrawn.png").write_bytes(b"\x89PNG\r\n\x1a\n not really")
    (folder / "splits.csv").write_text("id,split\nada-lovelace.png,train\n")
    (folder / "cache").mkdir()
    (folder / "cache" / "codes.safetensors").write_bytes(b"codes")
    (folder / "elsewhere").symlink_to("/etc")
    return folder


def held(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_is_sent_holds_neither_pictures_nor_names_nor_places_and_works(made: Path, tmp_path: Path) -> None:
    packed = pack(Run(made), tmp_path / "mine.zip", share=True)
    content = held(packed.path)
    assert set(content) == {*FOUR, "heads/labels.json", "heads/labels.safetensors", "README.md", MANIFEST}
    whole = b"".join(content.values())
    for secret in (b"secret", b"/home", b"lovelace", b"PNG\r\n", str(made).encode()):
        assert secret not in whole, secret
    assert json.loads(content["metrics.jsonl"])["command"] == "isthmus evaluate pile"
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(tmp_path / "theirs")
    pixels = np.random.default_rng(1).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    assert np.array_equal(load(tmp_path / "theirs").transform(pixels), load(made).transform(pixels))
    assert cli.main(["info", str(tmp_path / "theirs")]) == 0


def test_all_of_it_but_what_is_made_again_goes_to_another_machine(made: Path, tmp_path: Path) -> None:
    content = held(pack(Run(made), tmp_path / "all.zip").path)
    assert {"redrawn.png", "splits.csv", *FOUR} <= set(content)
    assert not [name for name in content if name.startswith(("cache/", "elsewhere"))], "nor what a link leads to"
    assert content["metrics.jsonl"] == (made / "metrics.jsonl").read_bytes()


def test_the_manifest_has_the_sum_of_every_file_and_the_same_run_makes_the_same_file(
    made: Path, tmp_path: Path
) -> None:
    import hashlib

    first, again = (pack(Run(made), tmp_path / name, share=True).path for name in ("a.zip", "b.zip"))
    assert first.read_bytes() == again.read_bytes()
    content = held(first)
    said = json.loads(content.pop(MANIFEST))
    assert said["files"] == {name: hashlib.sha256(one).hexdigest() for name, one in content.items()}
    assert said["shared"] is True and said["left_out"] == 3, "as a number: names are not sent either"


def test_heads_stay_at_home_where_that_is_asked_for(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bare.zip"
    assert cli.main(["pack", str(made), "--share", "--no-heads", "-o", str(out)]) == 0
    assert not [name for name in held(out) if name.startswith("heads/")]
    told = capsys.readouterr()
    assert told.out.strip() == str(out) and "left out: " in told.err and "redrawn.png" in told.err


def test_what_is_no_text_and_no_weights_but_a_picture_is_refused_and_leaves_nothing(made: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(made, tmp_path / "odd", symlinks=True)
    (tmp_path / "odd" / "heads" / "labels.safetensors").write_bytes(b"\xff\xd8\xff a photograph under another name")
    with pytest.raises(RunError, match="labels.safetensors is a picture"):
        pack(Run(tmp_path / "odd"), tmp_path / "odd.zip", share=True)
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("name", "why"), [("mine.tar", "is no .zip"), ("there.zip", "is there already")], ids=["kind", "there"]
)
def test_a_wrong_name_is_refused(name: str, why: str, made: Path, tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_bytes(b"")
    with pytest.raises(UsageError, match=why):
        pack(Run(made), tmp_path / name)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pack", str(tmp_path), "-o", str(tmp_path / "a.zip")]) == 1
    assert "is not a run folder" in capsys.readouterr().err
    assert cli.main(["pack", str(tmp_path), "--no-heads", "-o", str(tmp_path / "a.zip")]) == 2
