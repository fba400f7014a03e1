"""A regressor from pictures to numbers: any model, partial labels, honest intervals, saved and loaded, and refusals."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus import PCA, Autoencoder, Pictures, Regressor, Run, load
from isthmus.classify.numbers.saving import kind_of, load_regressor, save_regressor
from isthmus.cli import main
from isthmus.errors import DataError, IsthmusError, RunError, UsageError
from isthmus.images.labels import encode, look_alikes
from isthmus.images.numbers import look_like_numbers, numbers_of
from isthmus.stats.conformal import reach_of
from isthmus.stats.graph import neighbour_graph, spread_numbers
from isthmus.stats.ridge import fit_ridge, r_squared

Numbered = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def digits() -> Numbered:
    """How tall the ink of each digit is beside how wide: no straight line of the pixels."""
    from sklearn.datasets import load_digits

    x = load_digits().images
    x = x[np.random.default_rng(0).permutation(len(x))]
    return x.astype(np.uint8), tallness(x)


def tallness(x: np.ndarray) -> np.ndarray:
    place, mass = np.arange(8.0), x.sum(axis=(1, 2))
    spreads = []
    for axis in (2, 1):
        share = x.sum(axis=axis) / mass[:, None]
        spreads.append((share * place**2).sum(1) - (share * place).sum(1) ** 2)
    return np.asarray(np.log(spreads[0] / spreads[1]))


@pytest.fixture(scope="module")
def plane(digits: Numbered) -> Any:
    return PCA(latent=16).fit(digits[0][:1200])


def few(y: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    given = np.full(len(y), np.nan)
    rows = np.random.default_rng(seed).permutation(len(y))[:count]
    given[rows] = y[rows]
    return given


@pytest.mark.parametrize(
    "model",
    [PCA(latent=16), Autoencoder(net="conv", latent=8, epochs=1, precision="float32")],
    ids=lambda m: type(m).__name__,
)
def test_any_model_serves_and_beats_straight_lines(model: Any, digits: Numbered) -> None:
    from sklearn.linear_model import RidgeCV

    x, y = digits
    given = few(y[:1200], 200)
    regressor = Regressor(model=model.fit(x[:1200])).fit(x[:1200], given)
    known = np.isfinite(given)
    flat = x.reshape(len(x), -1).astype(float)
    straight = RidgeCV(10.0 ** np.arange(-3, 5)).fit(flat[:1200][known], given[known]).predict(flat[1200:])
    assert regressor.score(x[1200:], y[1200:]) > r_squared(y[1200:], straight) + 0.02 > 0.7
    assert regressor.expected_ is not None
    assert regressor.expected_.n == 200
    off = np.abs(regressor.predict(x[1200:]) - y[1200:]).mean()
    assert 0.6 * off < regressor.expected_.value < 1.7 * off


def test_how_bright_a_picture_is_can_be_told(plane: Any, digits: Numbered) -> None:
    """Features are blocks of unit length, which forget it."""
    x = digits[0]
    ink = x.sum(axis=(1, 2)).astype(float)
    assert Regressor(model=plane).fit(x[:1200], few(ink[:1200], 30)).score(x[1200:], ink[1200:]) > 0.95


def test_a_number_that_hangs_on_what_a_picture_shows_is_told_by_the_graph() -> None:
    """Clouds with a number each, and few labels."""
    generator = np.random.default_rng(0)
    kind = generator.integers(0, 6, 600)
    middle = generator.integers(40, 200, (6, 8, 8))
    x = (middle[kind] + generator.normal(0, 12, (600, 8, 8))).clip(0, 255).astype(np.uint8)
    price = np.array([3.0, -10, 7, 0, 25, 1])[kind]
    regressor = Regressor(model=PCA(latent=8).fit(x)).fit(x, few(price, 24))
    assert regressor.score(x, price) > 0.9


def test_intervals_hold_the_truth_about_as_often_as_they_say(plane: Any, digits: Numbered) -> None:
    x, y = digits
    held = []
    for seed in range(6):
        regressor = Regressor(model=plane, level=0.8).fit(x[:1200], few(y[:1200], 60, seed))
        low, high = regressor.predict_interval(x[1200:]).T
        held.append(np.mean((low <= y[1200:]) & (y[1200:] <= high)))
    assert 0.74 < np.mean(held) < 0.9


def test_the_reach_is_the_conformal_quantile() -> None:
    errors = np.arange(-9.0, 10)  # 19 answers: the 18th of the sorted sizes
    assert reach_of(errors, 0.9) == 9
    assert reach_of(errors, 0.5) == 5
    with pytest.raises(DataError, match="8 labelled pictures cannot promise intervals at 90%. Label at least 9"):
        reach_of(errors[:8], 0.9)


def test_few_labels_promise_no_interval(plane: Any, digits: Numbered) -> None:
    x, y = digits
    regressor = Regressor(model=plane).fit(x[:1200], few(y[:1200], 6))
    assert np.isfinite(regressor.predict(x[1200:])).all()
    with pytest.raises(DataError, match=r"no intervals: 6 labelled pictures.*Label at least 9"):
        regressor.predict_interval(x[:3])
    two = Regressor(model=plane).fit(x[:1200], few(y[:1200], 2))
    assert np.isfinite(two.predict(x[:5])).all()


def subjects() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten near-copies of each picture with numbers that mean nothing: leaving copies out would seem to know them."""
    generator = np.random.default_rng(0)
    pixels = np.repeat(generator.integers(0, 17, (24, 1, 8, 8)), 10, axis=0) + generator.integers(0, 2, (240, 1, 8, 8))
    return pixels.astype(np.uint8), np.repeat(generator.normal(size=24), 10), np.repeat(np.arange(24), 10)


def test_groups_are_never_torn(plane: Any) -> None:
    pixels, y, subject = subjects()
    column = {"subject": np.array([f"s{i}" for i in subject], dtype=object)}
    apart = Pictures.from_array(pixels, columns=column)
    together = Pictures.from_array(pixels, columns=column, source={"group": "subject"})
    torn, whole = (Regressor(model=plane).fit(pictures, y) for pictures in (apart, together))
    for part in whole.folds_:
        assert set(subject[part]).isdisjoint(np.delete(subject, part))
    assert torn.expected_ is not None
    assert whole.expected_ is not None
    assert whole.expected_.n == 24
    assert torn.expected_.value < 0.3
    assert whole.expected_.value > 0.6


def test_wrong_labels_are_found(plane: Any, digits: Numbered) -> None:
    x, y = digits
    given = few(y[:1200], 200)
    wrong = np.flatnonzero(np.isfinite(given))[::50]
    given[wrong] += 4
    suspects = Regressor(model=plane).fit(x[:1200], given).suspects_
    found = {one.row for one in suspects}
    assert set(wrong) <= found
    assert len(found - set(wrong)) <= 4
    assert [one.sigmas for one in suspects] == sorted((one.sigmas for one in suspects), reverse=True)
    assert suspects[0].given == given[suspects[0].row]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full(100, np.nan), "0 pictures have a number"),
        (np.r_[1.0, np.full(99, np.nan)], "1 picture has a number. Label at least 2"),
        (np.full(100, 2.5), "all 100 labels are 2.5"),
        (np.zeros(99), "99 labels for 100 pictures"),
        (np.r_[np.inf, np.zeros(99)], "label of row 0 is infinite"),
        (np.array(["big"] * 100, dtype=object), "not all numbers"),
    ],
)
def test_labels_that_teach_nothing_are_refused(plane: Any, digits: Numbered, labels: np.ndarray, words: str) -> None:
    with pytest.raises(IsthmusError, match=words):
        Regressor(model=plane).fit(digits[0][:100], labels)


def test_a_regressor_without_a_model_labels_or_a_fit_says_so(plane: Any, digits: Numbered) -> None:
    x, y = digits
    with pytest.raises(UsageError, match="needs a fitted model"):
        Regressor().fit(x[:20], y[:20])
    with pytest.raises(UsageError, match="no labels"):
        Regressor(model=plane).fit(x[:20])
    with pytest.raises(UsageError, match="not fitted"):
        Regressor(model=plane).predict(x[:2])
    with pytest.raises(UsageError, match="level is 1"):
        Regressor(model=plane, level=1.0).fit(x[:20], y[:20])


def test_what_is_unlike_everything_is_said_to_be(plane: Any, digits: Numbered) -> None:
    x, y = digits
    regressor = Regressor(model=plane).fit(x[:1200], few(y[:1200], 20))
    noise = np.random.default_rng(0).integers(0, 17, (50, 8, 8)).astype(np.uint8)
    assert np.median(regressor.typical(noise)) < 0.01 < np.median(regressor.typical(x[1200:]))


# -- numbers, kernels and graphs --------------------------------------------------------------------------------------


def test_left_out_errors_in_closed_form_are_those_of_leaving_out() -> None:
    from isthmus.stats import ridge

    generator = np.random.default_rng(0)
    rows, values = generator.normal(size=(30, 4)), generator.normal(size=30)
    together = np.r_[np.arange(24), np.repeat([24, 25], 3)]
    width, line, penalty, size = 0.3, 3.0, 0.1, 1.0
    kernel = ridge._alike(rows, rows, 3, width, line)
    centred = kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
    roots, axes = np.linalg.eigh(centred)
    several = [np.arange(24, 27), np.arange(27, 30)]
    error = ridge._left_out(1 / (roots.clip(0) + penalty), axes, axes.T @ (values - values.mean()), penalty, several)
    slow = np.empty(30)
    for unit in np.unique(together):
        out = together == unit
        some = lambda a, centres=rows[~out]: ridge._alike(a, centres, 3, width, line) / size  # noqa: E731
        weights, bias = ridge._exact(some, rows[~out], rows[~out], values[~out], penalty)
        slow[out] = some(rows[out]) @ weights + bias - values[out]
    assert error == pytest.approx(np.square(slow).mean(), rel=1e-6)


def test_many_labels_are_told_from_some_centres_and_all_of_them_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from isthmus.stats import ridge

    generator = np.random.default_rng(0)
    rows = generator.uniform(-2, 2, (1500, 2)).astype(np.float32)
    truth = np.sin(2 * rows[:, 0]) + rows[:, 1]
    values = truth + generator.normal(0, 0.5, 1500)
    whole = fit_ridge(rows, values, 2)
    monkeypatch.setattr(ridge, "_CENTRES", 100)
    part = fit_ridge(rows, values, 2)
    assert len(part.centres) == 100
    assert r_squared(truth, part.of(rows)) > 0.97
    np.testing.assert_allclose(part.of(rows), whole.of(rows), atol=0.25)


def test_numbers_spread_along_the_graph() -> None:
    rows = np.r_[np.eye(6)[[0] * 12], np.eye(6)[[3] * 12]] + 1e-3 * np.random.default_rng(0).normal(size=(24, 6))
    graph, known = neighbour_graph(rows, 3), np.full(24, np.nan)
    known[[0, 12]] = 5, -1
    told = spread_numbers(graph, known)
    np.testing.assert_allclose(told, np.repeat([5, -1], 12), atol=1e-3)
    with pytest.raises(DataError, match="no point has a number"):
        spread_numbers(graph, np.full(24, np.nan))


@pytest.mark.parametrize(
    ("values", "amounts"),
    [
        (["1.5", "2", "3"], True),
        (list(range(60)), True),
        (list(range(10)) * 6, False),
        (list(range(30)) * 20, False),
        (["a", "1"], False),
        (["1", "1"], False),
    ],
)
def test_amounts_are_told_from_names(values: list[Any], amounts: bool) -> None:
    labels, classes = encode(values)
    pictures = Pictures.from_array(np.zeros((len(values), 1, 2, 2), np.uint8), labels, classes=classes)
    assert look_like_numbers(pictures) is amounts


def test_minus_one_is_a_number_and_no_misspelling_of_one() -> None:
    labels, classes = encode(["-1", "", "nan", "1"])
    pictures = Pictures.from_array(np.zeros((4, 1, 2, 2), np.uint8), labels, classes=classes)
    np.testing.assert_array_equal(numbers_of(pictures), [-1, np.nan, np.nan, 1])
    assert look_alikes(classes) == []


# -- the verbs --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "plane"
    assert main(["fit", "digits", "--model", "pca", "--latent", "16", "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def amounts() -> np.ndarray:
    from sklearn.datasets import load_digits

    return tallness(load_digits().images)


def written(path: Path, values: np.ndarray, rows: Any, column: str = "label") -> str:
    lines = [f"{row},{values[row]!r}" for row in map(int, rows)]
    path.write_text("\n".join([f"id,{column}", *lines]).replace("np.float64(", "").replace(")", "") + "\n")
    return str(path)


def test_a_loaded_regressor_answers_as_the_one_that_was_saved(run: Path, amounts: np.ndarray) -> None:
    from isthmus import open_pictures

    model, pictures = load(run), open_pictures("digits")
    for count in (8, 40):
        regressor = Regressor(model=model).fit(pictures, few(amounts, count))
        save_regressor(regressor, Run.open(run), "again", {})
        found = load_regressor(Run.open(run), load(run), "again")
        np.testing.assert_array_equal(found.predict(pictures), regressor.predict(pictures))
        np.testing.assert_array_equal(found.typical(pictures), regressor.typical(pictures))
        assert found.expected_ == regressor.expected_
        assert found.reach_ == regressor.reach_
    np.testing.assert_array_equal(found.predict_interval(pictures), regressor.predict_interval(pictures))
    assert kind_of(Run.open(run), "again") == "numbers"
    with pytest.raises(RunError, match="no regressor 'nobody'"):
        load_regressor(Run.open(run), model, "nobody")


def test_the_graph_is_saved_too(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    kind = generator.integers(0, 6, 300)
    x = (generator.integers(40, 200, (6, 8, 8))[kind] + generator.normal(0, 40, (300, 8, 8))).clip(0, 255)
    x = x.astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    run = tmp_path / "run"
    assert main(["fit", str(tmp_path / "x.npy"), "--model", "pca", "--latent", "4", "--out", str(run), "--quiet"]) == 0
    regressor = Regressor(model=load(run)).fit(x, few(np.array([3.0, -10, 7, 0, 25, 1])[kind], 30))
    assert regressor.head_.share > 0
    save_regressor(regressor, Run.open(run), "kinds", {})
    found = load_regressor(Run.open(run), load(run), "kinds")
    np.testing.assert_array_equal(found.predict(x), regressor.predict(x))


def test_numbers_from_a_table_to_a_table(
    run: Path, amounts: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = written(tmp_path / "t.csv", amounts, range(1797))
    assert main(["classify", str(run), "digits", "--labels", labels, "--numbers", "--label-count", "80", "--json"]) == 0
    said = capsys.readouterr()
    records = [json.loads(line) for line in said.out.splitlines()]
    names = ["numbers on PCA", "mean of the labels", "pixels, ridge", "pixels, 5 nearest"]
    assert [record["name"] for record in records] == [name for name in names for _ in range(2)]
    assert {record["split"] for record in records} == {"test"}
    assert records[0]["value"] < 0.5 * records[2]["value"]
    assert records[1]["measure"] == "R2"
    assert records[1]["value"] > 0.7
    assert "ahead" in said.err
    out = tmp_path / "told.csv"
    assert main(["predict", str(run), "-o", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert set(rows[0]) == {"id", "value", "low", "high", "typical", "note"}
    told = np.array([float(row["value"]) for row in rows])
    assert r_squared(amounts, told) > 0.7
    held = [float(row["low"]) <= truth <= float(row["high"]) for row, truth in zip(rows, amounts, strict=True)]
    assert np.mean(held) > 0.8


def test_a_column_serves_and_labels_are_left_out_where_there_is_no_test(
    run: Path, amounts: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = dict(line.split(",") for line in (run / "splits.csv").read_text().splitlines())
    rows = [row for row in range(1797) if splits[str(row)] == "train"][:60]
    table = written(tmp_path / "t.csv", amounts, rows, "tallness")
    words = ["classify", str(run), "--labels", table, "--numbers", "tallness", "--name", "tall"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "with 60 labels, by leaving labels out" in said.out
    assert json.loads((run / "heads" / "tall.json").read_text())["column"] == "tallness"
    assert main([*words[:-3], "height", "--name", "tall"]) == 2
    assert "no column 'height' to take numbers from. The columns are: label, tallness" in capsys.readouterr().err


def test_where_a_baseline_wins_it_is_said_first(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sklearn.datasets import load_digits

    straight = load_digits().images.reshape(1797, -1) @ np.random.default_rng(0).normal(size=64)
    table = written(tmp_path / "t.csv", straight, range(1797))
    assert main(["classify", str(run), "digits", "--labels", table, "--numbers", "--label-count", "300"]) == 0
    assert capsys.readouterr().err.startswith("A baseline is ahead: mean error")


@pytest.mark.parametrize(
    ("lines", "more", "words"),
    [
        (
            ["0,1.5", "1,big", "2,huge"],
            ["--numbers"],
            "label of picture '1' is 'big', which is not a number, and 1 more",
        ),
        (["0,2", "1,2"], ["--numbers"], "all 2 labels are 2"),
        (["0,2", "1,"], ["--numbers"], "1 picture has a number"),
        (["0,1", "1,inf", "2,3"], ["--numbers"], "'inf', which is not a number"),
        (["0,1", "1,2", "2,3"], ["--numbers", "--head", "linear"], "--head linear is for classes"),
    ],
)
def test_what_cannot_be_learnt_is_one_sentence(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[str], more: list[str], words: str
) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["id,label", *lines]) + "\n")
    rows = [row for row in (run / "splits.csv").read_text().splitlines() if row.endswith("train")]
    for number in range(len(lines)):  # of pictures that may be learnt from
        lines[number] = f"{rows[number].split(',')[0]},{lines[number].split(',')[1]}"
    (tmp_path / "t.csv").write_text("\n".join(["id,label", *lines]) + "\n")
    words = words.replace("'1'", f"'{rows[1].split(',')[0]}'")
    assert main(["classify", str(run), "--labels", str(tmp_path / "t.csv"), *more]) > 0
    said = capsys.readouterr().err.strip().splitlines()
    assert words in said[-1]
    assert len([line for line in said if line.startswith("isthmus:")]) == 1


def test_amounts_given_as_classes_are_noticed(
    run: Path, amounts: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = written(tmp_path / "t.csv", amounts.round(1), range(0, 400))
    assert main(["classify", str(run), "--labels", table, "--name", "names", "--json"]) == 0
    assert "look like amounts, not names: --numbers learns them as such" in capsys.readouterr().err
