"""Runs beside each other: the same pictures for all, pairs for differences, and a verdict that does not flatter."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from isthmus import GAN, PCA, VAE, Autoencoder, Pictures, cli
from isthmus.measure.compared import Contender, compared, verdict
from isthmus.stats import paired_difference


@pytest.fixture(scope="module")
def halves() -> tuple[Pictures, Pictures]:
    found = load_digits()
    pixels = (found.images * 15).astype(np.uint8)[:, None]
    pictures = Pictures.from_array(pixels, found.target, classes=tuple("0123456789"))
    return pictures.take(np.arange(400)), pictures.take(np.arange(400, 700))


@pytest.fixture(scope="module")
def contenders(halves: tuple[Pictures, Pictures]) -> list[Contender]:
    train, _ = halves
    models = {
        "plane-4": PCA(latent=4).fit(train),
        "plane-9": PCA(latent=9).fit(train),
        "same": PCA(latent=9).fit(train),
        "vae": VAE(net="mlp", latent=4, epochs=1).fit(train),
    }
    return [
        Contender(name, model, train, 1, 2.0, "grey pixels" if name == "vae" else None)
        for name, model in models.items()
    ]


def test_the_best_comes_first_and_differences_are_of_pairs(
    contenders: list[Contender], halves: tuple[Pictures, Pictures]
) -> None:
    found = {one.name: one for one in compared(contenders, halves[1])}
    assert next(iter(found)) == "plane-9" and found["plane-9"].behind is None
    errors = found["plane-4"].redrawn.per_picture, found["plane-9"].redrawn.per_picture
    assert found["plane-4"].behind == paired_difference(*errors)
    assert found["same"].behind is not None and found["same"].behind.value == pytest.approx(0, abs=1e-9)
    assert found["vae"].nats is not None and found["plane-9"].nats is None
    assert found["plane-9"].neighbours is not None and found["plane-9"].neighbours.low > 0.5, "chance is a tenth"
    assert found["vae"].rows().keys() >= {"squared error a pixel", "squared error of PCA, 4 numbers", "nats", "weights"}


def test_the_verdict_names_who_is_too_close_to_call_and_who_is_no_better_than_pca(
    contenders: list[Contender], halves: tuple[Pictures, Pictures]
) -> None:
    said = verdict(compared(contenders, halves[1]))
    assert said.startswith("plane-9 redraws best") and "same cannot be told from it" in said
    assert "no better than PCA of as many numbers: " in said and "vae" in said.rpartition("numbers: ")[2]


def test_no_label_means_no_neighbours(halves: tuple[Pictures, Pictures]) -> None:
    train, judges = halves
    blind = Pictures.from_array(train.pixels)
    (found,) = compared([Contender("plane", PCA(latent=2).fit(blind), blind, 1)], judges)
    assert found.neighbours is None and found.seconds is None


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that can be compared, a GAN, one with another split and one of other pictures."""
    from isthmus.images.opening import open_pictures
    from isthmus.images.splits import split

    folder = tmp_path_factory.mktemp("runs")
    for name, model, seed, few in (
        ("a", PCA(latent=2), 0, None),
        ("b", Autoencoder(latent=2, epochs=1), 0, None),
        ("gan", GAN(epochs=0), 0, None),
        ("reshuffled", PCA(latent=3), 7, None),
        ("fewer", PCA(latent=3), 0, 500),
    ):
        pictures = open_pictures("digits")
        pictures = pictures if few is None else pictures.take(np.arange(few))
        pictures.split = split(pictures, seed=seed)
        model.fit(pictures, run=folder / name)
    return folder


def test_the_verb_prints_a_table_a_verdict_and_records(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "errors.png"
    assert cli.main(["compare", *(str(runs / name) for name in ("a", "b", "gan")), "-o", str(out)]) == 0
    told = capsys.readouterr()
    assert "redraws best" in told.out and "left out: gan: GAN draws pictures and reads none" in told.err
    assert out.read_bytes().startswith(b"\x89PNG")
    assert cli.main(["compare", str(runs / "a"), str(runs / "b"), "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {record["run"] for record in records} == {"a", "b"} and all(record["n"] for record in records)
    assert all(record["machine"] and record["split"] for record in records)


def test_only_pictures_that_nobody_learnt_from_judge(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two splits of one pile leave about a hundredth of it to both."""
    assert cli.main(["compare", str(runs / "a"), str(runs / "reshuffled")]) == 0
    count = int(capsys.readouterr().err.split(" pictures judge")[0].split()[-1])
    assert 0 < count < 60
    assert cli.main(["compare", str(runs / "a"), str(runs / "reshuffled"), "--on", "digits"]) == 0
    assert "1,797 pictures judge: digits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a"], "1 run is nothing to compare"),
        (["a", "gan"], "1 of 2 runs can be compared"),
        (["a", "fewer"], "were not fitted on the same pictures"),
        (["a", "nowhere"], "there is no run folder"),
    ],
    ids=["one", "no codes", "other pictures", "no run"],
)
def test_what_cannot_be_compared_is_one_sentence(
    names: list[str], why: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", *(str(runs / name) for name in names)]) in (1, 2)
    assert why in capsys.readouterr().err


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    from isthmus.cli.compare import _named

    assert list(_named([str(tmp_path / "x" / "run"), str(tmp_path / "y" / "run")])) == ["x/run", "y/run"]
