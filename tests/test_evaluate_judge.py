"""`evaluate --judge`: what it records and draws, when the oracle is trained anew, and who is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from isthmus import Run
from isthmus.cli import main
from isthmus.measure import oracle as module
from isthmus.models.vae import VAE

TINY = ["--model", "vae", "--net", "mlp", "--net-hidden", "16", "--latent", "3", "--epochs", "2", "--quiet"]
REDRAWN = ["agreement", "oracle accuracy", "same answer", "sharpness", "FCD", "FCD floor", "FCD ceiling", "MSE"]


@pytest.fixture(autouse=True)
def quick_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PICTURES", 8000)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged") / "vae"
    assert main(["fit", "digits", *TINY, "--precision", "float32", "--out", str(folder)]) == 0
    return folder


def records(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """By name, and what was said."""
    capsys.readouterr()
    assert main([*words, "--judge", "--samples", "2", "--json"]) == 0
    said = capsys.readouterr()
    return {record["name"]: record for record in map(json.loads, said.out.splitlines())}, said.err


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(words) in (1, 2)
    said = capsys.readouterr()
    assert said.out == ""
    assert "training the oracle" not in said.err
    return said.err.strip().splitlines()[-1]


def test_what_is_redrawn_and_drawn_is_judged(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "oracle.safetensors").unlink(missing_ok=True)
    found, said = records(["evaluate", str(run)], capsys)
    assert "training the oracle on 1,438 labelled training pictures" in said
    assert [name.removeprefix("redrawn, ") for name in found if name.startswith("redrawn, ")] == REDRAWN
    assert found["redrawn, oracle accuracy"]["value"] > 0.9
    assert found["redrawn, MSE"]["value"] == pytest.approx(found["MSE, model"]["value"], rel=1e-3)
    assert len(found["redrawn, MSE"]["by_class"]) == 10
    for end in ("FCD floor", "FCD ceiling"):
        assert found[f"redrawn, {end}"]["value"] == pytest.approx(found[f"samples, {end}"]["value"])
    assert found["redrawn, FCD"]["interval"][0] < found["redrawn, FCD"]["value"]
    assert {"samples, precision", "samples, copies", "MSE, PCA (3)"} <= set(found)
    assert not any("classifier" in name for name in found)
    for name in ("redrawn, agreement", "samples, FCD"):
        assert found[name]["command"] == "isthmus evaluate RUN --judge"
        assert found[name]["judge"] == "oracle-1, seed 0"
        assert found[name]["verdict"]
    assert Run(run).read_lines("metrics.jsonl")[-len(found) :] == list(found.values())
    with Image.open(run / "redrawn.png") as image:
        assert image.width > 400
    again, said = records(["evaluate", str(run)], capsys)
    assert "training" not in said
    assert again == found


def test_the_sentences_stand_under_the_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["evaluate", str(run), "--judge", "--samples", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("redrawn, sharpness") for line in lines)
    assert [line.split(":")[0] for line in lines[-3:]] == ["Code", "Redrawn", "Samples"]


def test_other_pictures_are_known_by_the_names_of_their_classes(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = load_digits().images.astype(np.uint8), load_digits().target
    odd = np.flatnonzero(y % 2 == 1)[:150]
    np.save(tmp_path / "odd.npy", x[odd])
    names = [f"{i},{'eleven' if i < 20 else y[row]}" for i, row in enumerate(odd)]
    (tmp_path / "odd.csv").write_text("\n".join(["id,label", *names]), "utf-8")
    words = ["evaluate", str(run), str(tmp_path / "odd.npy"), "--labels", str(tmp_path / "odd.csv")]
    found, said = records(words, capsys)
    assert "20 pictures are of classes that no training picture has" in said
    assert found["redrawn, oracle accuracy"]["n"] == 130
    assert found["redrawn, oracle accuracy"]["value"] > 0.9
    assert [one["class"] for one in found["redrawn, MSE"]["by_class"]] == ["1", "3", "5", "7", "9"]
    sentence = refused([*words[:3], "--judge"], capsys)
    assert "the pictures to be judged have no labels" in sentence


def test_pictures_without_labels_are_refused_until_there_is_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = load_digits().images.astype(np.uint8), load_digits().target
    np.save(tmp_path / "x.npy", x[:900])
    run = str(tmp_path / "run")
    assert main(["fit", str(tmp_path / "x.npy"), *TINY, "--out", run]) == 0
    sentence = refused(["evaluate", run, "--judge"], capsys)
    assert "labels of 0 classes" in sentence
    assert "--labels" in sentence
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["id,label", *(f"{i},n{label}" for i, label in enumerate(y[:900]))]), "utf-8")
    found, _ = records(["evaluate", run, "--labels", str(table)], capsys)
    assert found["redrawn, agreement"]["n"] == 90
    np.save(tmp_path / "few.npy", x[:60])
    table.write_text("\n".join(["id,label", *(f"{i},n{label}" for i, label in enumerate(y[:60]))]), "utf-8")
    sentence = refused(["evaluate", run, str(tmp_path / "few.npy"), "--labels", str(table), "--judge"], capsys)
    assert "labels of 0 classes" in sentence, "a table given with PATH is of PATH"


def test_a_model_that_only_draws_is_judged_by_what_it_draws(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> None:
        raise AssertionError("asked to encode")

    monkeypatch.setattr(VAE, "encodes", False)
    monkeypatch.setattr(VAE, "encode", none)
    found, _ = records(["evaluate", str(run), "--pixel-density"], capsys)
    assert all(name.startswith("samples, ") for name in found)
    assert "reads none. Add --judge." in refused(["evaluate", str(run)], capsys)


def test_a_model_that_draws_what_it_is_told_to_teaches_a_classifier(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, target = load_digits().images, load_digits().target
    means = np.stack([x[target == c].mean(axis=0) for c in range(10)])

    def sample(self: VAE, n: int, seed: int = 0, y: Any = None) -> np.ndarray:
        assert len(y) == n
        noise = np.random.default_rng(seed).normal(0, 2, (n, 8, 8))
        return np.rint(means[np.asarray(y)] + noise).clip(0, 16).astype(np.uint8)

    monkeypatch.setattr(VAE, "conditional", True, raising=False)
    monkeypatch.setattr(VAE, "sample", sample)
    found, said = records(["evaluate", str(run)], capsys)
    generated, real = (found[f"samples, accuracy of a classifier of {kind} ones"] for kind in ("generated", "real"))
    assert 0.6 < generated["value"] < real["value"]
    assert generated["n"] == real["n"] == 180
    assert "learns from 1,438 of them" in generated["verdict"]
    assert "training a classifier on 1,438 generated pictures" in said
