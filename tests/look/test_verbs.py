"""The verbs that walk: what they draw and print, and one sentence for what they refuse."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from isthmus import load
from isthmus.cli import main
from isthmus.stats.knn import neighbours

TINY = ["--epochs", "1", "--precision", "float32", "--quiet"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PCA, a conditional VAE and a GAN of the digits, a PCA of a table, and a table of labels and amounts."""
    folder = tmp_path_factory.mktemp("walks")
    np.save(folder / "rows.npy", np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32))
    words = {
        "pca": ["digits", "--model", "pca", "--latent", "5"],
        "told": ["digits", "--model", "conditional-vae", "--net", "mlp", "--net-hidden", "16", "--latent", "2", *TINY],
        "gan": ["digits", "--model", "gan", "--net", "mlp", "--net-hidden", "8", "--latent", "2", *TINY],
        "table": [str(folder / "rows.npy"), "--model", "pca", "--latent", "2"],
    }
    for name, given in words.items():
        assert main(["fit", *given, "--out", str(folder / name)]) == 0
    ink = load_digits().images.sum(axis=(1, 2))
    rows = [f"{i},{'even' if i % 2 else 'odd'},{v},word" for i, v in enumerate(ink)]
    (folder / "labels.csv").write_text("\n".join(["id,label,ink,remark", *rows, ""]), "utf-8")
    return folder


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert np.asarray(image).std() > 1
        return image.size


@pytest.mark.parametrize(
    "words",
    [
        ["traverse", "pca"],
        ["traverse", "told", "--of", "3", "--steps", "3"],
        ["traverse", "pca", "--dimensions", "3,0", "--along", "class=7", "--along", "slant"],
        ["manifold", "pca", "--rows", "3", "--columns", "4"],
        ["manifold", "pca", "--rows", "3", "--columns", "4", "--dimensions", "4,1"],
        ["manifold", "told", "--rows", "5", "--columns", "2", "--class", "3"],
        ["neighbours", "pca", "3", "1700", "-k", "4"],
        ["interpolate", "pca", "--how", "spherical", "--pairs", "2"],
        ["sample", "pca", "--from-pictures", "-n", "6"],
        ["sample", "pca", "--from-pictures", "--class", "3,7"],
        ["sample", "told", "--from-pictures", "-n", "20"],
    ],
    ids=" ".join,
)
def test_the_same_words_draw_the_same_picture(runs: Path, tmp_path: Path, words: list[str]) -> None:
    out = tmp_path / "out.png"
    before = b""
    for _ in range(2):
        assert main([words[0], str(runs / words[1]), *words[2:], "-o", str(out)]) == 0
        size_of(out)
        assert before in (b"", out.read_bytes())
        before = out.read_bytes()


def test_a_list_says_how_far_codes_go_and_what_goes_with_them(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traverse", str(runs / "pca"), "--list", "--labels", str(runs / "labels.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    names = [re.split(r"\s{2,}", line)[0] for line in lines]
    assert names[:5] == ["z0", "z1", "z2", "z3", "z4"]
    assert set(names[5:]) == {"class even", "class odd", "ink", "area", "slant", "thickness"}
    deviations = [float(re.split(r"\s{2,}", line)[4]) for line in lines[:5]]
    assert deviations == sorted(deviations, reverse=True)
    assert all(re.search(r"\S [+-][01]\.\d\d \[[+-].*\]  ", line) for line in lines)
    assert "remark" not in " ".join(lines)


def test_more_directions_and_more_steps_make_a_larger_sheet(runs: Path, tmp_path: Path) -> None:
    sizes = []
    for name, words in {"a": ["--dimensions", "0"], "b": ["--dimensions", "0,1", "--steps", "11"]}.items():
        assert main(["traverse", str(runs / "pca"), *words, "-o", str(tmp_path / f"{name}.png")]) == 0
        sizes.append(size_of(tmp_path / f"{name}.png"))
    assert sizes[0][0] < sizes[1][0]
    assert sizes[0][1] < sizes[1][1]


def test_neighbours_are_those_of_the_codes_without_the_picture_itself(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = load_digits()
    codes = load(runs / "pca").transform(digits.images)
    far, near = neighbours(codes[[3, 9]], codes, 4)
    capsys.readouterr()
    words = ["neighbours", str(runs / "pca"), "3", "9", "-k", "3", "--csv", str(tmp_path / "near.csv")]
    assert main([*words, "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [int(one["id"]) for one in told] == near[:, 1:].ravel().tolist()
    np.testing.assert_allclose([one["distance"] for one in told], far[:, 1:].ravel(), rtol=1e-3)
    assert [one["label"] for one in told] == [str(digits.target[row]) for row in near[:, 1:].ravel()]
    with open(tmp_path / "near.csv", encoding="utf-8", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [one["id"] for one in told]


def test_a_file_is_asked_for_too_and_its_copy_in_the_run_is_left_out(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "seventeen.npy", load_digits().images[17:18])
    for asked in ("17", str(tmp_path / "seventeen.npy")):
        assert main(["neighbours", str(runs / "pca"), asked, "-k", "2", "--json"]) == 0
    told = [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert told[:2] == told[2:]
    assert "17" not in told


def test_drawn_pictures_are_of_the_class_that_was_asked_for(runs: Path, tmp_path: Path) -> None:
    words = ["sample", str(runs / "pca"), "--from-pictures", "--class", "0", "-n", "30", "-o", str(tmp_path / "s.npy")]
    assert main(words) == 0
    drawn = np.load(tmp_path / "s.npy", allow_pickle=False)
    digits, model = load_digits(), load(runs / "pca")
    near = neighbours(model.transform(drawn), model.transform(digits.images), 1)[1][:, 0]
    assert np.mean(digits.target[near] == 0) > 0.9


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["traverse", "pca"], "say where the sheet goes"),
        (["traverse", "pca", "--dimensions", "5", "-o", "OUT"], "no latent dimension 5. They are counted from 0 to 4"),
        (["traverse", "pca", "--along", "cat", "-o", "OUT"], "no direction called 'cat'"),
        (["traverse", "pca", "--of", "nobody", "-o", "OUT"], "no picture with the id 'nobody'"),
        (["traverse", "pca", "--steps", "4", "-o", "OUT"], "the picture itself in the middle"),
        (["traverse", "table", "-o", "OUT"], "5 numbers a row are no picture"),
        (["traverse", "gan", "-o", "OUT"], "GAN does not encode"),
        (["manifold", "pca", "--rows", "1", "-o", "OUT"], "make no plane"),
        (["manifold", "pca", "--dimensions", "0,9", "-o", "OUT"], "no latent dimension 9"),
        (["manifold", "pca", "--class", "3", "-o", "OUT"], "does not draw by class"),
        (["manifold", "table", "-o", "OUT"], "are no picture"),
        (["manifold", "gan", "-o", "OUT"], "GAN does not encode"),
        (["neighbours", "pca", "nobody"], "no picture with the id 'nobody', and no file"),
        (["neighbours", "pca", "3", "-k", "1797"], "1797 neighbours among 1,797 pictures"),
        (["neighbours", "table", "3", "-o", "OUT"], "are no picture"),
        (["neighbours", "gan", "3"], "GAN does not encode"),
        (["sample", "gan", "--from-pictures", "-o", "OUT"], "GAN does not encode"),
        (["sample", "pca", "--from-pictures", "--like", "digits", "-o", "OUT"], "two places to draw from"),
        (["sample", "pca", "--from-pictures", "--class", "cat", "-o", "OUT"], "0 pictures of class 'cat'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_walked_is_said_in_one_sentence(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    out = tmp_path / "out.png"
    code = main([words[0], str(runs / words[1]), *(str(out) if word == "OUT" else word for word in words[2:])])
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert message in said.err.splitlines()[-1]
    assert not out.exists()
