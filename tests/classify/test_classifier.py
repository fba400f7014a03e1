"""A classifier from pictures to answers: any model, partial labels, saved and loaded, and what it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus import PCA, Autoencoder, Contrastive, Pictures, discover, load
from isthmus.classify.classifier import Classifier
from isthmus.classify.curve import label_curve
from isthmus.classify.features import Features
from isthmus.classify.heads._head import Head
from isthmus.classify.heads.linear import Linear
from isthmus.classify.saving import load_classifier, save_classifier
from isthmus.cli import main
from isthmus.errors import DataError, IsthmusError, UsageError
from isthmus.images.labels import encode
from isthmus.run import Run


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))  # the last ones are other people's hands
    return data.images[order].astype(np.uint8), data.target[order]


@pytest.fixture(scope="module")
def plane(digits: Any) -> Any:
    return PCA(latent=16).fit(digits[0][:1200])


def few(y: np.ndarray, each: int) -> np.ndarray:
    given = np.full(len(y), -1)
    for c in range(10):
        given[np.flatnonzero(y == c)[:each]] = c
    return given


@pytest.mark.parametrize(
    "model",
    [
        PCA(latent=16),
        Autoencoder(net="conv", latent=8, epochs=1, precision="float32"),
        Autoencoder(latent=8, epochs=1, precision="float32"),
        Contrastive(latent=8, epochs=1, precision="float32", batch_size=128),
    ],
    ids=lambda m: f"{type(m).__name__}-{getattr(m, 'net', '')}",
)
def test_any_model_serves_and_few_labels_go_far(model: Any, digits: Any) -> None:
    x, y = digits
    classifier = Classifier(model=model.fit(x[:1200])).fit(x[:1200], few(y[:1200], 5))
    assert classifier.classes_ == tuple("0123456789")
    assert classifier.score(x[1200:], y[1200:]) > 0.75
    assert classifier.expected_ is not None
    assert classifier.expected_.n == 50


def test_features_are_blocks_of_unit_length_that_know_no_labels(plane: Any, digits: Any) -> None:
    x, _ = digits
    features = Features.learn(plane, x[:300])
    rows = features.of(x[:50])
    np.testing.assert_allclose(np.square(rows).sum(axis=1), len(features.blocks), rtol=1e-4)
    np.testing.assert_array_equal(features.of(x[:50]), rows)


def test_sets_grow_where_it_is_unsure_and_hold_the_truth(plane: Any, digits: Any) -> None:
    x, y = digits
    classifier = Classifier(model=plane, level=0.99).fit(x[:1200], few(y[:1200], 20))
    sets, told = classifier.predict_set(x[1200:]), classifier.predict_proba(x[1200:])
    held = sets[np.arange(len(sets)), y[1200:]].mean()
    assert held > 0.97
    sizes = sets.sum(axis=1)
    assert told.max(axis=1)[sizes > 1].mean() < told.max(axis=1)[sizes == 1].mean()


def test_what_is_unlike_everything_is_said_to_be(plane: Any, digits: Any) -> None:
    x, y = digits
    classifier = Classifier(model=plane).fit(x[:1200], few(y[:1200], 5))
    noise = np.random.default_rng(0).integers(0, 17, (50, 8, 8)).astype(np.uint8)
    assert np.median(classifier.typical(noise)) < 0.01 < np.median(classifier.typical(x[1200:]))


def test_names_partial_labels_and_pictures_that_know_their_labels(plane: Any, digits: Any) -> None:
    x, y = digits
    names = np.array([None if c < 0 else f"digit {c}" for c in few(y[:1200], 5)], dtype=object)
    codes, classes = encode(names)
    pictures = Pictures.from_array(x[:1200, None], codes, classes=classes)
    told = Classifier(model=plane).fit(pictures).predict(x[1200:1300])
    assert set(told) <= set(classes)
    assert (told == np.array([f"digit {c}" for c in y[1200:1300]])).mean() > 0.75


def test_a_class_that_has_no_label_here_is_left_out(plane: Any, digits: Any) -> None:
    x, y = digits
    given = few(y[:1200], 5)
    given[given == 3] = -1
    classifier = Classifier(model=plane).fit(x[:1200], given)
    assert classifier.classes_ == tuple("012456789")
    assert classifier.predict_proba(x[:5]).shape == (5, 9)


def test_one_label_a_class_classifies_but_promises_nothing(plane: Any, digits: Any) -> None:
    x, y = digits
    classifier = Classifier(model=plane).fit(x[:1200], few(y[:1200], 1))
    assert classifier.expected_ is None
    with pytest.raises(DataError, match=r"no conformal sets.*single label.*Label more"):
        classifier.predict_set(x[:5])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full(100, -1), "0 pictures have a label"),
        (np.zeros(100, int), "all 100 labels are '0'"),
        (np.zeros(99, int), "99 labels for 100 pictures"),
    ],
)
def test_labels_that_teach_nothing_are_refused(plane: Any, digits: Any, labels: np.ndarray, words: str) -> None:
    with pytest.raises(IsthmusError, match=words):
        Classifier(model=plane).fit(digits[0][:100], labels)


def test_a_fitted_classifier_says_what_to_label_next(plane: Any, digits: Any) -> None:
    x, y = digits
    given = few(y[:1200], 12)
    classifier = Classifier(model=plane).fit(x[:1200], given)
    chosen = [one.row for one in classifier.suggest(x[:1200], given, 10)]
    assert len(set(chosen)) == 10
    assert (given[chosen] == -1).all()
    sure = classifier.predict_proba(x[:1200]).max(axis=1)
    assert sure[chosen].mean() < sure.mean()


@pytest.mark.parametrize("head", ["bayes", "code", "tuned", "redrawn", "taught"])
def test_every_kind_of_head_answers_the_same_after_it_was_kept(head: str, digits: Any, tmp_path: Path) -> None:
    x, y = digits
    model = Autoencoder(net="conv", latent=8, epochs=1, precision="float32").fit(x[:400], run=tmp_path / "run")
    made: Head = discover.find("classify.heads", head, "Head")()
    classifier = Classifier(model=model, head=made.set_params(looks=600) if made.slow else made)
    classifier.fit(x[:400], few(y[:400], 5))
    save_classifier(classifier, Run(tmp_path / "run"), "kept", {})
    loaded = load_classifier(Run(tmp_path / "run"), load(tmp_path / "run"), "kept")
    np.testing.assert_allclose(loaded.predict_proba(x[400:500]), classifier.predict_proba(x[400:500]), atol=1e-5)
    np.testing.assert_allclose(loaded.typical(x[400:500]), classifier.typical(x[400:500]), atol=1e-3)


def test_what_was_learnt_on_one_set_classifies_another_of_another_size(
    run: Path, tmp_path: Path, digits: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    x, y = digits
    for row in range(90):
        path = tmp_path / "other" / ("even" if y[row] % 2 == 0 else "odd") / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(x[row] * 15).resize((20, 20)).save(path)
    assert main(["classify", str(run), str(tmp_path / "other"), "--name", "other"]) == 0
    assert "with 90 labels of 2 classes, by leaving labels out" in capsys.readouterr().out
    assert main(["predict", str(run), str(tmp_path / "other"), "--name", "other", "-o", str(tmp_path / "p.csv")]) == 0
    told = list(csv.DictReader((tmp_path / "p.csv").read_text("utf-8").splitlines()))
    assert np.mean([row["class"] == row["id"].split("/")[0] for row in told]) > 0.8


def test_a_heads_fields_are_flags(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["classify", str(run), "--label-count", "40", "--head", "graph", "--head-shares", "unknown"]
    assert main(words) == 0
    assert "graph on PCA" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*words, "--head-looks", "3"])
    assert main([*words[:-3], "linear", "--head-strength", "-1"]) == 2
    assert "strength is -1" in capsys.readouterr().err


def test_whole_numbers_come_back_as_such_and_lists_are_taken(plane: Any, digits: Any) -> None:
    x, y = digits
    classifier = Classifier(model=plane).fit(list(x[:1200]), few(y[:1200], 5))
    told = classifier.predict(x[1200:])
    assert told.dtype == np.int64
    assert (told == y[1200:]).mean() > 0.75


def test_subjects_are_not_torn_apart_to_judge_by(plane: Any) -> None:
    """Ten near-copies of each picture with labels that mean nothing: leaving copies out would seem to know them."""
    generator = np.random.default_rng(0)
    subjects = generator.integers(0, 17, (24, 1, 8, 8))
    pixels = np.repeat(subjects, 10, axis=0) + generator.integers(0, 2, (240, 1, 8, 8))
    labels = np.repeat(generator.permutation(np.arange(24) % 2), 10)
    column = np.array([f"s{i}" for i in np.repeat(np.arange(24), 10)], dtype=object)
    known: dict[str, Any] = {"classes": ("a", "b"), "columns": {"subject": column}}
    apart = Pictures.from_array(pixels.astype(np.uint8), labels, **known)
    together = Pictures.from_array(pixels.astype(np.uint8), labels, **known, source={"group": "subject"})
    torn, whole = (Classifier(model=plane).fit(pictures).expected_ for pictures in (apart, together))
    assert torn is not None
    assert whole is not None
    assert torn.value > 0.95
    assert whole.value < 0.8


def test_a_classifier_without_a_model_or_a_fit_says_so(plane: Any, digits: Any) -> None:
    with pytest.raises(UsageError, match="needs a fitted model"):
        Classifier().fit(digits[0][:20], np.arange(20) % 2)
    with pytest.raises(UsageError, match="not fitted"):
        Classifier(model=plane).predict(digits[0][:2])


def test_wrong_labels_are_found_and_right_ones_left_alone(plane: Any, digits: Any) -> None:
    x, y = digits
    given = few(y[:1200], 20)
    wrong = np.flatnonzero(given >= 0)[::20]
    given[wrong] = (given[wrong] + 1) % 10
    suspects = Classifier(model=plane).fit(x[:1200], given).suspects_
    found = [one.row for one in suspects]
    assert len(set(found) & set(wrong)) >= 5
    assert len(set(found) - set(wrong)) <= 1
    assert suspects[0].given == str(given[suspects[0].row])
    assert suspects[0].told == str(y[suspects[0].row])
    assert [one.probability for one in suspects] == sorted((one.probability for one in suspects), reverse=True)


# -- the verbs --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "plane"
    assert main(["fit", "digits", "--model", "pca", "--latent", "16", "--out", str(folder), "--quiet"]) == 0
    return folder


def test_classify_then_predict(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(run), "--label-count", "50", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["name"] for record in records][1:3] == ["pixels, logistic regression", "pixels, RBF-SVM"]
    assert "calibration error" in [record["name"] for record in records][3:]
    assert all(record["n"] == 180 and record["split"] == "test" for record in records)
    assert main(["predict", str(run), "-o", str(tmp_path / "told.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "told.csv").read_text().splitlines()))
    assert len(rows) == 1797
    assert set(rows[0]) == {"id", "class", "probability", "may_be", "typical", "note"}
    from sklearn.datasets import load_digits

    right = np.mean([row["class"] == str(c) for row, c in zip(rows, load_digits().target, strict=True)])
    assert right > 0.8
    assert all(row["class"] in row["may_be"].split("|") for row in rows)


def test_a_loaded_classifier_answers_as_the_one_that_was_saved(run: Path) -> None:
    from isthmus import Run, load, open_pictures
    from isthmus.classify.saving import load_classifier, save_classifier

    model, pictures = load(run), open_pictures("digits")
    pictures.labels = few(pictures.labels, 5)
    made = Classifier(model=model).fit(pictures)
    save_classifier(made, Run.open(run), "again", {})
    found = load_classifier(Run.open(run), model, "again")
    np.testing.assert_allclose(found.predict_proba(pictures), made.predict_proba(pictures), atol=5e-3)
    np.testing.assert_allclose(found.typical(pictures), made.typical(pictures), atol=1e-6)
    assert (found.threshold_, found.temperature_, found.expected_) == (
        made.threshold_,
        made.temperature_,
        made.expected_,
    )


def test_labels_from_a_table_and_what_is_wrong_with_tables(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.datasets import load_digits

    y = load_digits().target
    table = tmp_path / "labels.csv"
    table.write_text("id,label\n" + "".join(f"{i},{'even' if y[i] % 2 == 0 else 'odd'}\n" for i in range(60)))
    assert main(["classify", str(run), "--labels", str(table)]) == 0
    shown = capsys.readouterr().out
    assert "2 classes, by leaving labels out" in shown  # too few of the test pictures have a label to judge by them
    assert "pixels, RBF-SVM" in shown
    table.write_text("id,label\n0,even\n1,Even\n2,odd\n3,odd\n4,even\n5,Even\n")
    assert main(["classify", str(run), "--labels", str(table)]) == 0
    assert "differ only in case" in capsys.readouterr().err
    table.write_text("id,label\n99999,even\n")
    assert main(["classify", str(run), "--labels", str(table)]) == 1
    assert "not among the pictures" in capsys.readouterr().err


def test_a_curve_sets_heads_beside_baselines_and_says_who_wins(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "curve.png"
    assert main(["label-curve", str(run), "--counts", "10,40", "--seeds", "0,1,2", "-o", str(out)]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.split(":")[0] in {"A baseline wins somewhere", "Pre-training helps", "No winner"}
    for name in ("blend", "linear", "pixels-logistic", "pixels-svm", "pca-svm", "rbm-logistic", "untrained-encoder"):
        assert any(line.startswith(name) for line in rest), name
    assert out.stat().st_size > 1000


def test_equal_pictures_with_labels_that_differ_count_as_unlabelled(capsys: pytest.CaptureFixture[str]) -> None:
    from isthmus.cli import _labelled
    from isthmus.images.duplicates import contradicting

    pixels = np.random.default_rng(0).integers(0, 9, (8, 1, 4, 4)).astype(np.uint8)
    pixels[5], pixels[6], pixels[7] = pixels[0], pixels[1], pixels[2]
    pictures = Pictures.from_array(pixels, np.array([0, 1, 0, 1, -1, 1, 1, -1]), classes=("a", "b"))
    assert contradicting(pictures).tolist() == [0, 5]
    _labelled._without_contradictions(pictures)
    assert pictures.labels.tolist() == [-1, 1, 0, 1, -1, -1, 1, -1]
    assert "2 labelled pictures are equal to one that is labelled otherwise" in capsys.readouterr().err


def test_the_network_from_scratch_is_beside_a_model_that_has_one(digits: Any) -> None:
    x, y = digits
    pile, test = (Pictures.from_array(p[:, None], c, classes=tuple("0123456789")) for p, c in split_at(x, y, 1200))
    untrained = Autoencoder(net="conv", latent=8, epochs=0).fit(pile)
    curve = label_curve(untrained, pile, test, [100], [0], {"linear": Linear()}, untrained, ["from-scratch"])
    assert curve.best_baseline(100) == "from-scratch"
    assert curve.accuracy["from-scratch"][0, 0] > 0.75


def split_at(x: np.ndarray, y: np.ndarray, row: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(x[:row], y[:row]), (x[row:], y[row:])]


def test_of_a_large_pile_some_are_looked_at_and_all_that_are_labelled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from isthmus.cli import _labelled

    labels = np.full(500, -1)
    labels[::50] = 1
    some = _labelled._at_most(Pictures.from_array(np.zeros((500, 1, 4, 4), np.uint8), labels), 100)
    assert len(some) == 100
    assert (some.labels >= 0).sum() == 10
    assert len(set(some.ids)) == 100
    assert "100 of 500 pictures are looked at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "RUN", "-o", "x.csv", "--name", "nobody"], "has no classifier 'nobody'"),
        (["classify", "RUN", "--label-count", "99999"], "99999 labels are wanted"),
        (["classify", "RUN", "--level", "1"], "level is 1.0"),
        (["classify", "RUN", "--level", "90"], "level is 90.0"),
        (["classify", "RUN", "--name", "../weights"], "is no name for a classifier"),
        (["predict", "RUN", "-o", "x.csv", "--name", "../run"], "is no name for a classifier"),
        (["label-next", "RUN", "-n", "0"], "0 pictures were asked for"),
        (["label-curve", "RUN", "--counts", "99999"], "99999 labels are wanted"),
        (["label-curve", "RUN", "--heads", "oracle"], "no head called 'oracle'"),
    ],
)
def test_wrong_calls_end_in_one_sentence(
    run: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(run) if word == "RUN" else word for word in words]) in (1, 2)
    assert said in capsys.readouterr().err
