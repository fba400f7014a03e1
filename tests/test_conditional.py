"""Pictures of a class that one chooses: that they are of it, that labels may be missing, how a class is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from isthmus import VAE, ConditionalVAE, load
from isthmus.cli import main
from isthmus.errors import UsageError
from isthmus.images.pictures import Pictures
from isthmus.measure import importance_weighted_bound
from isthmus.nets.mlp import MLP

TINY: dict[str, Any] = {"net": MLP(hidden=(16,)), "latent": 3, "epochs": 2, "batch_size": 32, "precision": "float32"}
X, Y = load_digits().images.astype(np.float32) / 16, load_digits().target


@pytest.fixture(scope="module")
def taught() -> ConditionalVAE:
    """A third of the labels are missing."""
    labels = np.where(np.arange(1200) % 3 == 0, -1, Y[:1200])
    return ConditionalVAE(latent=4, epochs=6, batch_size=64, precision="float32").fit(X[:1200], labels)


def test_samples_of_a_class_are_recognised_as_that_class(taught: ConditionalVAE) -> None:
    judge = KNeighborsClassifier(3).fit(X[1200:].reshape(-1, 64), Y[1200:])
    asked = np.arange(200) % 10
    drawn = taught.sample(200, y=asked)
    assert (judge.predict(drawn.reshape(-1, 64)) == asked).mean() > 0.5, "0.1 would be chance"


def test_a_class_is_named_or_numbered_for_all_or_one_by_one(taught: ConditionalVAE) -> None:
    threes = taught.sample(6, y="3")
    for same in (3, np.int64(3), ["3"] * 6, np.full(6, 3), torch.full((6,), 3), np.array([3, "3"] * 3, dtype=object)):
        np.testing.assert_array_equal(taught.sample(6, y=same), threes)
    codes = taught.sample_codes(6, y="3")
    np.testing.assert_array_equal(taught.inverse_transform(codes, "3"), threes)
    assert not np.array_equal(taught.inverse_transform(codes, "4"), threes)
    for unknown in (-1, None, "", [-1] * 6):
        np.testing.assert_array_equal(taught.sample(6, y=unknown), taught.sample(6))
    assert taught.sample(0, y="3").shape == (0, 8, 8)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ("ten", r"no class 'ten'\. The classes are: 0, 1, .* 9\."),
        (10, "no class 10"),
        (-2, "no class -2"),
        ([1, 2], r"classes of shape \(2,\) for 3 pictures"),
        ([0.5] * 3, "no class 0.5"),
    ],
)
def test_a_class_that_is_not_there_is_refused_by_name(taught: ConditionalVAE, y: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        taught.sample(3, y=y)


def test_a_class_is_its_own_wherever_the_others_are_and_however_many(taught: ConditionalVAE) -> None:
    codes, classes = taught.sample_codes(13), np.arange(13) % 10
    whole = taught.inverse_transform(codes, classes)
    for row in (0, 7, 12):
        np.testing.assert_array_equal(taught.inverse_transform(codes[row : row + 1], int(classes[row]))[0], whole[row])


def test_one_picture_in_ten_has_its_class_kept_back_from_the_decoder() -> None:
    model = ConditionalVAE(**TINY).fit(X[:300], Y[:300])
    data, heard = model._resident(Pictures.from_array(X[:600, None], Y[:600], classes=model.classes_)), []
    real = model.log_likelihood

    def spied(x: torch.Tensor, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        heard.append(y)
        return real(x, z, y)

    model.log_likelihood = spied  # type: ignore[method-assign]
    for draw in range(3):
        model.loss(data.batch(torch.arange(600), "law", draw))
    model.loss(data.batch(torch.arange(600), "law", 0))
    shares = [float((told == -1).float().mean()) for told in heard]
    assert all(0.05 < share < 0.15 for share in shares)
    assert torch.equal(heard[0], heard[3])
    assert not torch.equal(heard[0], heard[1])


def test_without_labels_it_is_the_vae_to_the_bit_and_says_so() -> None:
    plain, same = VAE(**TINY).fit(X[:100]), ConditionalVAE(**TINY).fit(X[:100])
    weights = same.net_.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in plain.net_.state_dict().items())
    assert "no picture has a label" in same.remarks_[-1]
    with pytest.raises(UsageError, match="have no labels"):
        same.sample(2, y=0)


def test_classes_are_known_when_it_is_loaded(taught: ConditionalVAE, tmp_path: Path) -> None:
    taught.save(tmp_path)
    asked = np.arange(20) % 10
    np.testing.assert_array_equal(load(tmp_path).sample(20, y=asked), taught.sample(20, y=asked))


def test_validation_pictures_with_classes_of_their_own_count_in_the_model_s() -> None:
    held = Pictures.from_array(X[300:340, None], Y[300:340] % 2, classes=("7", "owl"))
    ConditionalVAE(**TINY).fit(X[:100], Y[:100], validation=held)
    opened = ConditionalVAE(**TINY).fit(X[:100], Y[:100])._fitting(held)
    assert set(opened.labels) == {7, -1}


def test_densities_are_those_of_a_picture_of_no_known_class(taught: ConditionalVAE) -> None:
    found = importance_weighted_bound(taught, X[1200:1240], (1, 20))
    assert found.nats(20).value < found.nats(1).value
    x = taught.tensor(X[1200:1240])
    with torch.no_grad():
        z = taught.encode(x).mean
        told = taught.log_likelihood(x, z, torch.from_numpy(Y[1200:1240]))
        assert told.mean() > taught.log_likelihood(x, z).mean(), "who is told the class draws better"


def test_a_net_whose_code_is_maps_is_refused() -> None:
    with pytest.raises(UsageError, match="code is maps. Use --net conv"):
        ConditionalVAE(net="densenet", latent=2).fit(X[:20], Y[:20])


# -- on the command line ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conditional") / "run"
    words = ["fit", "digits", "--model", "conditional-vae", "--net", "mlp", "--latent", "3", "--epochs", "1", "--quiet"]
    assert main([*words, "--out", str(folder)]) == 0
    return folder


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        (["--class", "3", "-n", "4"], [3, 3, 3, 3]),
        (["--class", "3,5", "-n", "4"], [3, 3, 5, 5]),
        (["--class", "3", "--class", "0", "-n", "3"], [3, 3, 0]),
        ([], np.repeat(np.arange(10), 8)),
        (["-n", "20"], np.repeat(np.arange(10), 2)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else None,
)
def test_sample_draws_the_classes_that_are_named_or_all_evenly(
    run: Path, tmp_path: Path, words: list[str], classes: Any
) -> None:
    assert main(["sample", str(run), *words, "-o", str(tmp_path / "s.npy")]) == 0
    drawn = np.load(tmp_path / "s.npy", allow_pickle=False)
    np.testing.assert_array_equal(drawn, load(run).sample(len(classes), y=np.asarray(classes)))
    assert main(["sample", str(run), *words, "--like", "digits", "-o", str(tmp_path / "s.png")]) == 0
    with Image.open(tmp_path / "s.png") as image:
        assert image.width > 50


def test_a_wrong_class_is_one_sentence_that_names_the_classes(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["sample", str(run), "--class", "owl", "-o", str(tmp_path / "s.png")]) == 2
    assert capsys.readouterr().err.strip() == (
        "isthmus: there is no class 'owl'. The classes are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9."
    )
    assert not (tmp_path / "s.png").exists()


def test_other_models_draw_no_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "digits", "--model", "pca", "--latent", "2", "--out", str(tmp_path / "pca")]) == 0
    capsys.readouterr()
    assert main(["sample", str(tmp_path / "pca"), "--class", "3", "-o", str(tmp_path / "s.png")]) == 2
    assert "PCA does not draw by class" in capsys.readouterr().err
