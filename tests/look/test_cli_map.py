"""`isthmus map` on real digits: what it prints and writes, other pictures on the map, and what is refused."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isthmus import Run
from isthmus.cli import main

TINY = ["--model", "vae", "--net", "mlp", "--net-hidden", "16", "--epochs", "2", "--precision", "float32", "--quiet"]


def fitted(folder: Path, latent: int) -> Path:
    assert main(["fit", "digits", "--latent", str(latent), *TINY, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted(tmp_path_factory.mktemp("maps") / "vae", 4)


def places(path: Path) -> dict[str, tuple[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return {row["id"]: (row["x"], row["y"]) for row in csv.DictReader(file)}


def refused(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    capsys.readouterr()
    assert main(words) == code
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    return said.err.strip().splitlines()[-1]


def test_pca_comes_first_then_the_map_asked_for(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "again.png"
    assert main(["map", str(run), "--epochs", "30", "--seed", "3", "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.index("PCA of codes") < said.index("UMAP of codes")
    assert "new pictures" in said and "5-NN accuracy" in said and "180" in said
    for name in ("pca", "umap"):
        assert all((run / "maps" / f"{name}.{kind}").is_file() for kind in ("json", "safetensors", "csv", "png"))
    assert json.loads((run / "maps" / "umap.json").read_text())["fields"]["epochs"] == 30
    with Image.open(out) as image:
        assert image.width > 400
    names = [record["name"] for record in Run(run).read_lines("metrics.jsonl")]
    assert {"map umap, 5-NN accuracy", "map umap, new pictures, 5-NN accuracy", "map pca, trustworthiness"} <= set(
        names
    )
    assert not list((run / "maps").glob(".*"))


def test_records_are_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["map", str(run), "--by", "pca", "--of", "pixels", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(record["name"].startswith("map pca-pixels") and record["split"] == "test" for record in records)
    assert records[0]["interval"][0] < records[0]["value"] < records[0]["interval"][1]


@pytest.mark.parametrize("of", ["codes", "features"])
def test_a_picture_lands_on_the_same_place_alone_and_among_others(run: Path, tmp_path: Path, of: str) -> None:
    assert main(["map", str(run), "--by", "umap", "--of", of, "--epochs", "20", "--name", "here"]) == 0
    pictures = np.random.default_rng(0).integers(0, 17, (70, 8, 8)).astype(np.uint8)
    found = []
    for part in (pictures, pictures[:1]):
        np.save(tmp_path / f"{len(part)}.npy", part)
        out = tmp_path / f"placed-{len(part)}.png"
        words = ["map", str(run), str(tmp_path / f"{len(part)}.npy"), "--name", "here", "-o", str(out)]
        assert main(words) == 0
        assert out.is_file()
        found.append(places(out.with_suffix(".csv")))
    assert len(found[0]) == 70 and found[1]["0"] == found[0]["0"]
    description = run / "maps" / "here.json"
    described = json.loads(description.read_text())
    description.write_text(json.dumps(described | {"stamp": "of others"}))
    assert main(words) != 0, "the run's pictures are not those of the map"


def test_what_is_read_is_not_written_over(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", str(run), "--by", "pca", "--name", "plain"]) == 0
    np.save(tmp_path / "one.npy", np.zeros((1, 8, 8), np.uint8))
    table = tmp_path / "mine.csv"
    table.write_text("id,label\n0,four\n")
    words = ["map", str(run), str(tmp_path / "one.npy"), "--labels", str(table), "--name", "plain"]
    said = refused([*words, "-o", str(tmp_path / "mine.png")], capsys)
    assert "mine.csv" in said and table.read_text() == "id,label\n0,four\n"


def test_a_code_of_two_numbers_is_a_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fitted(tmp_path / "two", 2)
    assert main(["map", str(run)]) == 0
    assert "the code itself of codes" in capsys.readouterr().out
    assert [path.name for path in (run / "maps").glob("*.json")] == ["latent.json"]


def test_labels_that_are_given_are_what_is_scored(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("id,label\n" + "".join(f"{i},{'even' if i % 2 else 'odd'}\n" for i in range(0, 1797)))
    assert main(["map", str(run), "--by", "pca", "--name", "parity", "--labels", str(table)]) == 0
    assert {"even", "odd"} == {line.split(",")[3] for line in (run / "maps/parity.csv").read_text().splitlines()[1:]}


def test_an_interrupted_map_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isthmus.look.projections import umap

    copy = tmp_path / "copy"
    shutil.copytree(run, copy)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(umap, "_step", stopped)
    before = sorted(path.name for path in (copy / "maps").glob("*"))
    assert main(["map", str(copy), "--name", "late"]) == 130
    assert sorted(path.name for path in (copy / "maps").glob("*") if not path.name.startswith("pca.")) == [
        name for name in before if not name.startswith("pca.")
    ]


def test_what_is_wrong_is_said_in_one_sentence(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no name for a map" in refused(["map", str(run), "--name", "../x"], capsys)
    assert "does not end in .png" in refused(["map", str(run), "-o", "x.svg"], capsys)
    assert "code of 4 numbers" in refused(["map", str(run), "--by", "latent"], capsys)
    assert "neighbours is 1" in refused(["map", str(run), "--neighbours", "1"], capsys)
    assert "-o" in refused(["map", str(run), "digits", "--name", "umap"], capsys)
    bare = tmp_path / "bare"
    shutil.copytree(run, bare, ignore=shutil.ignore_patterns("maps"))
    out = str(tmp_path / "a.png")
    assert "has no map yet" in refused(["map", str(bare), "digits", "-o", out], capsys)
    assert "Make one" in refused(["map", str(bare), "digits", "--by", "tsne", "-o", out], capsys, 1)
