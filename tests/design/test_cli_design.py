"""`isthmus design` as a user runs it: what it writes, and one sentence for everything that cannot be."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isthmus import Run
from isthmus.cli import main

TINY = ["--model", "vae", "--net", "mlp", "--net-hidden", "64", "--latent", "8", "--epochs", "6", "--quiet"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("designing") / "vae"
    assert main(["fit", "digits", *TINY, "--out", str(folder)]) == 0
    return folder


def refused(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    capsys.readouterr()
    assert main(words) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.err.strip().splitlines()[-1]


def test_designs_are_written_judged_and_counted(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["design", str(run), "--want", "class=3", "-n", "6", "--guides", "2"]) == 0
    said = capsys.readouterr()
    first, second, *beside = said.out.splitlines()
    assert first.startswith("Guides say ") and "the judge says" in first and "gap" in first
    assert second.startswith("The judge names ")
    named = [line.split("  ")[0] for line in beside[2:]]
    assert named == ["drawn codes", "training pictures", "mean code of the class", "ascent in pixels"]
    folder = run / "designs" / "0"
    with open(folder / "designs.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and {row["success"] for row in rows} <= {"True", "False"}
    assert np.load(folder / "codes.npz")["codes"].shape == (6, 8)
    assert np.asarray(Image.open(folder / "000005.png")).shape == (8, 8)
    for name in ("sheet.png", "films.png"):
        with Image.open(folder / name) as drawn:
            assert drawn.width > 300
    described = json.loads((folder / "design.json").read_text("utf-8"))
    assert described["want"] == "class=3" and len(described["designs"]) == 6
    assert str(run) not in (folder / "design.json").read_text("utf-8")
    names = [record["name"] for record in Run.open(run).read_lines("metrics.jsonl")]
    assert names[-2:] == ["design, guides say met", "design, judge says met"]
    # again: guides and judge are read, and the next folder is taken
    assert main(["design", str(run), "--want", "class=3", "-n", "6", "--guides", "2", "--json"]) == 0
    said = capsys.readouterr()
    assert "training" not in said.err
    assert [json.loads(line)["name"] for line in said.out.splitlines()] == names[-2:]
    again = np.load(run / "designs" / "1" / "codes.npz")["codes"]
    assert np.array_equal(again, np.load(folder / "codes.npz")["codes"])


def test_what_can_be_wished_is_listed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["design", "--list-attributes", str(run)]) == 0
    listed = capsys.readouterr().out
    for words in ("class", "0, 1, 2", "area", "thickness", "slant", "measured: ink in pixels"):
        assert words in listed


def test_near_a_picture_and_with_a_part_kept(run: Path, tmp_path: Path, digits: np.ndarray) -> None:
    picture, mask = tmp_path / "one.png", tmp_path / "mask.png"
    Image.fromarray(digits[0]).save(picture)
    Image.fromarray(np.repeat(np.repeat(np.array([[255], [0]], np.uint8), 8, 1), 4, 0)).save(mask)
    out = tmp_path / "out"
    words = [
        "design",
        str(run),
        "--want",
        "class=0|6",
        "-n",
        "3",
        "--guides",
        "2",
        "--near",
        str(picture),
        "-o",
        str(out),
    ]
    main(words)
    assert (out / "sheet.png").is_file()
    with open(out / "designs.csv", encoding="utf-8", newline="") as file:
        assert all(float(row["change"]) < 0.4 for row in csv.DictReader(file))
    main([*words[:-1], str(tmp_path / "kept"), "--keep", str(mask)])
    delivered = np.asarray(Image.open(tmp_path / "kept" / "000000.png"))
    assert np.array_equal(delivered[:4], np.rint(digits[0][:4] * (255 / 16)).astype(np.uint8))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing is wished for"),
        (["--want", "class=33"], "there is no class '33'"),
        (["--want", "thicknes=4..5"], "Did you mean 'thickness'?"),
        (["--want", "class=1,class=2"], "contradict each other"),
        (["--want", "class=1", "-n", "0"], "-n is 0"),
        (["--want", "class=1", "--sure", "2"], "--sure is 2.0"),
        (["--want", "class=1", "--guides", "0"], "--guides is 0"),
        (["--maximise", "area", "--time-limit", "-1"], "--time-limit is -1.0"),
        (["--maximise", "area", "--retrain-every", "-1"], "--retrain-every is -1"),
        (["--want", "class=1", "--apart", "-1"], "--apart is -1.0"),
        (["--want", "class=1", "--keep", "mask.png"], "Give --near too"),
        (["--want", "@nowhere.txt"], "nowhere.txt cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    run: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(run.rglob("*"))
    assert said in refused(["design", str(run), *words], capsys)
    assert sorted(run.rglob("*")) == before


def test_a_mask_of_one_value_keeps_all_or_nothing(
    run: Path, tmp_path: Path, digits: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(digits[0]).save(tmp_path / "one.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "mask.png")
    words = ["design", str(run), "--want", "class=1", "--near", str(tmp_path / "one.png")]
    assert "keeps nothing" in refused([*words, "--keep", str(tmp_path / "mask.png")], capsys)
    assert "none.png" in refused([*words[:-1], str(tmp_path / "none.png")], capsys)


def test_a_classifier_of_few_labels_tells_the_rest(
    run: Path, tmp_path: Path, digits: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.datasets import load_digits

    np.save(tmp_path / "digits.npy", digits)
    with open(tmp_path / "few.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "label"])
        rows.writerows([i, label] for i, label in enumerate(load_digits().target[:300]))
    folder = tmp_path / "few"
    assert (
        main(["fit", str(tmp_path / "digits.npy"), "--labels", str(tmp_path / "few.csv"), *TINY, "--out", str(folder)])
        == 0
    )
    assert main(["classify", str(folder), "--head", "kernel"]) == 0
    capsys.readouterr()
    words = ["design", str(folder), "--want", "class=0", "-n", "4", "--guides", "1", "--labels-from", "labels"]
    main(words)
    said = capsys.readouterr()
    assert "labels are what the classifier 'labels' tells" in said.err and "the judge says" in said.out
    assert "has no classifier 'other'" in refused([*words[:-1], "other"], capsys, 1)


def test_not_met_is_an_answer(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["design", str(run), "--want", "area>900", "-n", "2", "--guides", "1", "-o", str(tmp_path / "o")]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "is outside of anything seen: area goes from" in said.err
    assert "not met; the closest was design" in said.err
    assert (tmp_path / "o" / "designs.csv").is_file()


def test_the_largest_of_a_formula(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["design", str(run), "--maximise", "area", "--budget", "30", "-n", "4", "-o", str(tmp_path / "most")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert (
        said.startswith("area ") and "after 30 calls of the score" in said and "of 1,438 training pictures is" in said
    )
    lines = [json.loads(line) for line in (tmp_path / "most" / "scored.jsonl").read_text("utf-8").splitlines()]
    assert lines[-1]["scored"] == 30
    assert np.load(tmp_path / "most" / "codes.npz")["codes"].shape == (4, 8)
    found = json.loads((tmp_path / "most" / "design.json").read_text("utf-8"))["designs"]
    assert found[0]["area"] >= found[1]["area"] == sorted(one["area"] for one in found)[-2]
    assert (tmp_path / "most" / "000003.png").is_file()


def test_a_users_own_score_with_what_it_must_meet(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = tmp_path / "score.py"
    score.write_text("def score(pictures):\n    return pictures.reshape(len(pictures), -1).mean(1)\n", "utf-8")
    words = ["design", str(run), "--minimise", "ink", "--black-box", str(score), "--budget", "20", "-n", "3"]
    assert main([*words, "--where", "class=0", "--guides", "1", "-o", str(tmp_path / "least")]) == 0
    assert capsys.readouterr().out.startswith("ink ")
    score.write_text("def score(pictures):\n    raise ValueError('no such luck')\n", "utf-8")
    assert main([*words, "-o", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert "no such luck" in said and "line 2" in said and "Traceback" not in said
    assert "there is no file" in refused([*words[:4], "--black-box", str(tmp_path / "no.py")], capsys)


def test_a_model_learns_from_what_was_found(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["design", str(run), "--maximise", "area", "--budget", "20", "--retrain-every", "10", "-n", "2"]
    assert main([*words, "-o", str(tmp_path / "on")]) == 0
    assert "after 20 calls" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "on" / "model")]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--maximise", "area", "--want", "class=1"], "--want and --maximise are both given"),
        (["--maximise", "area", "--minimise", "area"], "both given"),
        (["--maximise", "aera"], "Did you mean 'area'?"),
        (["--maximise", "area", "--budget", "0"], "--budget is 0"),
        (["--maximise", "area", "--where", "class=77"], "there is no class '77'"),
    ],
)
def test_what_cannot_be_made_largest_is_one_sentence(
    run: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(["design", str(run), *words], capsys)
