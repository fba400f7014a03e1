"""Redrawn pictures are judged by class, edges, features, and the mean picture of each class."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

from isthmus.errors import DataError
from isthmus.measure import Oracle, RedrawnQuality, reconstruction, redrawn_quality
from isthmus.measure import oracle as module
from isthmus.measure.redrawn import ratio_of_means
from isthmus.models.pca import PCA

TRAIN = 1000


def digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order] / 16).reshape(-1, 8, 8).astype(np.float32), y[order]


X, Y = digits()
TEST, TRUTH = X[TRAIN:], Y[TRAIN:]


@pytest.fixture(scope="module")
def judge() -> Oracle:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PICTURES", 8000)
        return Oracle().fit(X[:TRAIN], Y[:TRAIN])


def judged(judge: Oracle, redrawn: Any, **how: Any) -> RedrawnQuality:
    return redrawn_quality(redrawn, TEST, TRUTH, judge, X[:TRAIN], Y[:TRAIN], **how)


def means() -> np.ndarray:
    return np.stack([X[:TRAIN][Y[:TRAIN] == c].mean(axis=0) for c in range(10)])


def test_what_comes_back_unchanged_is_perfect(judge: Oracle) -> None:
    found = judged(judge, TEST.copy())
    assert found.sharpness is not None
    assert (found.sharpness.value, found.sharpness.low, found.sharpness.high) == (1, 1, 1)
    assert found.same_answer.value == 1
    assert found.agreement == found.oracle_accuracy
    assert found.agreement.value > 0.95
    assert found.mse.value == 0
    assert found.fcd.high == pytest.approx(0, abs=1e-6)
    assert 0 < found.fcd_floor < found.fcd_ceiling
    assert found.alarms() == ()
    assert found.verdict().endswith("no class is redrawn worse than by its own mean picture")
    names = ["agreement", "oracle accuracy", "same answer", "sharpness", "fcd", "fcd floor", "fcd ceiling", "mse"]
    assert list(found.rows()) == names
    np.testing.assert_array_equal(found.answers[:, 0], judge.predict(TEST))


def test_blurred_pictures_are_less_sharp_and_noisy_ones_more(judge: Oracle) -> None:
    blurred = F.avg_pool2d(torch.as_tensor(TEST)[:, None], 3, 1, 1)[:, 0]
    noisy = TEST + np.random.default_rng(0).normal(0, 0.2, TEST.shape).astype(np.float32)
    soft, rough = judged(judge, blurred), judged(judge, noisy)
    assert soft.sharpness.high < 1 < rough.sharpness.low
    assert soft.fcd.low > 0
    assert soft.mse.value == pytest.approx(np.square(blurred.numpy() - TEST).mean(), rel=1e-5)
    assert rough.mse.value < np.square(noisy - TEST).mean(), "what lies beyond [0, 1] is cut before it is judged"


def test_pictures_of_another_class_agree_as_often_as_chance_does(judge: Oracle) -> None:
    swapped = TEST[np.random.default_rng(1).permutation(len(TEST))]
    found = judged(judge, swapped)
    assert found.agreement.low < 0.1 < found.agreement.high
    assert found.same_answer.value < 0.2
    assert found.sharpness.value == pytest.approx(1, abs=1e-5)
    assert len(found.alarms()) == 10
    assert "and 4 more" in found.verdict()


def test_filled_zeros_are_named_by_the_error_of_their_class(judge: Oracle) -> None:
    hole = np.hypot(*np.mgrid[-3.5:4, -3.5:4]) < 1.6
    better = 0.5 * TEST + 0.5 * means()[TRUTH]
    filled = np.where((TRUTH == 0)[:, None, None], np.maximum(TEST, hole), better).astype(np.float32)
    found = judged(judge, filled, classes=[f"digit {c}" for c in range(10)])
    (alarm,) = found.alarms()
    assert (alarm.name, alarm.n) == ("digit 0", int((TRUTH == 0).sum()))
    assert "digit 0 (" in found.verdict()
    others = [one.ratio for one in found.by_class if one.name != "digit 0"]
    assert others == pytest.approx([0.25] * 9)


def test_the_mean_picture_of_each_class_has_a_ratio_of_one(judge: Oracle) -> None:
    found = judged(judge, means()[TRUTH])
    assert [one.ratio for one in found.by_class] == pytest.approx([1] * 10, rel=1e-4)
    assert found.alarms() == ()


def test_a_model_is_judged_as_its_pictures_are(judge: Oracle) -> None:
    model = PCA(latent=6).fit(X[:TRAIN])
    told: list[tuple[int, int]] = []
    found = judged(judge, model, tick=lambda *at: told.append(at), batch=300)
    assert told[-1] == (len(X), len(X))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    by_hand = judged(judge, model.inverse_transform(model.transform(TEST)))
    assert found.agreement == by_hand.agreement
    assert found.mse.value == pytest.approx(by_hand.mse.value, rel=1e-4)
    assert found.fcd.value == pytest.approx(by_hand.fcd.value, rel=1e-3)
    clipped = reconstruction(model, TEST, X[:TRAIN], clip=True)
    assert found.mse.value == pytest.approx(clipped.mse.value, rel=1e-5)


def test_pictures_without_a_label_count_but_for_the_class(judge: Oracle) -> None:
    some = np.where(np.arange(len(TRUTH)) % 3 == 0, TRUTH, -1)
    learnt = np.where(Y[:TRAIN] == 3, -1, Y[:TRAIN])
    found = redrawn_quality(TEST.copy(), TEST, some, judge, X[:TRAIN], learnt)
    assert found.agreement.n == (some >= 0).sum()
    assert found.same_answer.n == found.mse.n == len(TEST)
    assert np.isnan(next(one.ratio for one in found.by_class if one.name == "3"))


@pytest.mark.parametrize("shape", [(12,), (16,), (2, 5)])
def test_a_table_has_no_edges(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PICTURES", 100)
    monkeypatch.setattr(module, "_EPOCHS", 1)
    x, y = np.random.default_rng(0).random((100, *shape)).astype(np.float32), np.arange(100) % 2
    found = redrawn_quality(x[::-1].copy(), x, y, Oracle().fit(x, y), x, y)
    assert found.sharpness is None
    assert "sharpness" not in found.rows()
    assert "sharp" not in found.verdict()


def test_what_cannot_be_judged_is_refused(judge: Oracle) -> None:
    def asked(n: int, labels: np.ndarray, redrawn: Any = None) -> None:
        redrawn_quality(TEST[:n] if redrawn is None else redrawn, TEST[:n], labels, judge, X[:TRAIN], Y[:TRAIN])

    for n, labels, sentence in (
        (64, TRUTH[:64], "64 pictures do not make a distance in 64 features"),
        (80, np.full(80, -1), "have no labels"),
        (80, np.zeros(80, int), "of one class"),
        (80, TRUTH[:79], "79 labels and 80 pictures"),
    ):
        with pytest.raises(DataError, match=sentence):
            asked(n, labels)
    with pytest.raises(DataError, match="are not of the"):
        asked(80, TRUTH[:80], TEST[:70])


def test_a_ratio_of_means_scatters_as_its_interval_says() -> None:
    def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
        below = np.random.default_rng(seed).gamma(3, size=200)
        return 0.5 * below + np.random.default_rng(seed + 1000).gamma(2, size=200), below

    found = ratio_of_means(*pair(0))
    scatter = np.std([ratio_of_means(*pair(seed)).value for seed in range(300)])
    assert (found.high - found.value) / 1.972 == pytest.approx(scatter, rel=0.2)
    assert ratio_of_means(np.zeros(3), np.zeros(3)) is None
