"""A run as one file: all of it for another machine, or what a stranger may have; nothing of the user's beside that."""

import json
import shutil
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


def test_neither_ids_of_doubted_labels_nor_where_another_run_lies_are_sent(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "odd", symlinks=True)
    run = Run(tmp_path / "odd")
    doubted = {"suspects": [{"row": 3, "id": "ada-lovelace.png", "given": "0", "told": "1", "probability": 0.9}]}
    run.write_json("heads/labels.json", run.read_json("heads/labels.json") | doubted)
    described = run.read_json("run.json")
    described["model"]["params"]["init"] = "../lovelace/first"
    described["data"] = {"kind": "folder", "relative_path": "../lovelace", "url": "s3://lovelace/x", "pictures": 60}
    described["remarks"] = ["of /home/ada lovelace/secret pile/x.png", "at file:///home/lovelace", "path:/mnt/secret/x"]
    run.write_json("run.json", described)
    whole = b"".join(held(pack(run, tmp_path / "odd.zip", share=True).path).values())
    for secret in (b"lovelace", b"secret", b"suspects", b"/mnt"):
        assert secret not in whole, secret


def test_classes_are_sent_as_they_are_called_whatever_signs_they_have(made: Path, tmp_path: Path) -> None:
    """Quotes and what Markdown takes for signs are written with backslashes, and these are no paths."""
    names = ['say "one"', "_zero", "three [x]", "<b>"]
    shutil.copytree(made, tmp_path / "odd", symlinks=True)
    run = Run(tmp_path / "odd")
    described = run.read_json("run.json")
    described["fitted"]["classes"] = names
    run.write_json("run.json", described)
    content = held(pack(run, tmp_path / "odd.zip", share=True).path)
    assert json.loads(content["run.json"])["fitted"]["classes"] == names
    assert b'say "one", \\_zero' in content["README.md"]


def test_a_readme_of_ones_own_is_kept_and_a_card_is_made_anew(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "odd", symlinks=True)
    (tmp_path / "odd" / MANIFEST).write_text("of another pack")
    first = held(pack(Run(tmp_path / "odd"), tmp_path / "a.zip").path)
    (tmp_path / "odd" / "README.md").write_bytes(first["README.md"] + b"stale")
    assert held(pack(Run(tmp_path / "odd"), tmp_path / "b.zip").path)["README.md"] == first["README.md"]
    (tmp_path / "odd" / "README.md").write_text("what I did")
    again = held(pack(Run(tmp_path / "odd"), tmp_path / "c.zip").path)
    assert again["README.md"] == b"what I did" and json.loads(again[MANIFEST])["files"]["README.md"]


def test_a_folder_as_model_hubs_keep_it_is_sent_too(made: Path, tmp_path: Path) -> None:
    model = load(made)
    model.save_pretrained(tmp_path / "hub")
    pixels = np.random.default_rng(1).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    with zipfile.ZipFile(pack(Run(tmp_path / "hub"), tmp_path / "hub.zip", share=True).path) as archive:
        archive.extractall(tmp_path / "theirs")
    assert np.array_equal(load(tmp_path / "theirs").transform(pixels), model.transform(pixels))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.jsonl", {"name": ["a"], "value": "much"}),
        ("metrics.jsonl", {"name": "a", "value": 1.0, "interval": 3}),
        ("run.json", {"model": [], "fitted": {}, "status": "done", "format": 1}),
    ],
)
def test_what_was_changed_by_hand_is_told_in_a_sentence(
    name: str, content: dict[str, object], made: Path, tmp_path: Path
) -> None:
    shutil.copytree(made, tmp_path / "odd", symlinks=True)
    (tmp_path / "odd" / name).write_text(json.dumps(content) + "\n")
    for share in (True, False):
        with pytest.raises(RunError, match="not as it was written"):
            pack(Run(tmp_path / "odd"), tmp_path / "odd.zip", share=share)
    assert not list(tmp_path.glob("*.zip"))


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
