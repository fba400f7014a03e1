"""The oracle is one recipe: the same seed, the same judge. Samples are judged worse the less they are like real."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from isthmus.errors import DataError, RunError
from isthmus.measure import Oracle, classification_accuracy_score, nearest_training, sample_quality
from isthmus.measure import oracle as module
from isthmus.measure.samples import gaussian_pixels
from isthmus.train.watchers import Watcher


def digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order] / 16).reshape(-1, 8, 8).astype(np.float32), y[order]


@pytest.fixture(scope="module")
def judge() -> Oracle:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PICTURES", 8000)
        x, y = digits()
        return Oracle().fit(x[:1200], np.where(np.arange(1200) % 4 == 0, -1, y[:1200]))


def test_the_oracle_judges_well_and_says_so(judge: Oracle) -> None:
    x, y = digits()
    found = judge.accuracy(x[1200:], y[1200:])
    assert found.value > 0.95
    assert found.n == 597
    assert judge.accuracy(x[1200:], np.where(np.arange(597) < 100, y[1200:], -1)).n == 100
    np.testing.assert_allclose(judge.predict_proba(x[:5]).sum(axis=1), 1, rtol=1e-5)
    assert judge.features(x[:5]).shape == (5, module.FEATURES)
    np.testing.assert_array_equal(judge.predict(x[:9]), judge.predict(x[:9].reshape(9, 64)))


def test_the_oracle_is_its_seed(judge: Oracle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_PICTURES", 1000)
    monkeypatch.setattr(module, "_EPOCHS", 1)
    x, y = digits()
    torch.manual_seed(7)
    first, again, other = (Oracle().fit(x[:300], y[:300], seed).logits(x[:40]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    judge.save(tmp_path / "oracle.safetensors")
    np.testing.assert_array_equal(Oracle.load(tmp_path / "oracle.safetensors").logits(x[:40]), judge.logits(x[:40]))
    (tmp_path / "oracle.safetensors").write_bytes(b"short")
    with pytest.raises(RunError, match="cannot be read"):
        Oracle.load(tmp_path / "oracle.safetensors")


def test_an_oracle_is_kept_as_long_as_its_pictures_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_PICTURES", 200)
    monkeypatch.setattr(module, "_EPOCHS", 1)
    path, (x, y) = tmp_path / "oracle.safetensors", digits()
    trained: list[int] = []

    class Counting(Watcher):
        def on_end(self) -> None:
            trained.append(1)

    def kept(rows: int, labels: np.ndarray, seed: int = 0) -> np.ndarray:
        return Oracle.kept(path, x[:rows], labels[:rows], seed, (Counting(),)).logits(x[:40])

    first = kept(200, y)
    np.testing.assert_array_equal(kept(200, y), first)
    assert len(trained) == 1
    for rows, labels, seed in ((199, y, 0), (199, np.where(np.arange(len(y)) == 5, -1, y), 0), (200, y, 1)):
        kept(rows, labels, seed)
    path.write_bytes(b"short")
    np.testing.assert_array_equal(kept(200, y), first)
    assert len(trained) == 5


@pytest.mark.parametrize("shape", [(1, 1, 5), (3, 7, 4), (7, 90, 20), (17,), (16,), (5, 5)])
def test_any_size_and_any_number_of_channels(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PICTURES", 32)
    monkeypatch.setattr(module, "_EPOCHS", 1)
    x = torch.rand(32, *shape)
    judge = Oracle().fit(x, np.arange(32) % 3)
    assert judge.features(x).shape == (32, module.FEATURES)
    assert np.isfinite(judge.logits(x)).all()


def test_the_oracle_refuses_what_it_cannot_judge(judge: Oracle) -> None:
    with pytest.raises(DataError, match="two classes"):
        Oracle().fit(torch.rand(9, 8, 8), np.full(9, -1))
    with pytest.raises(DataError, match="1 channels and is shown 3"):
        judge.predict(torch.rand(2, 3, 8, 8))
    assert module.as_pictures(np.full((1, 2, 2), 255, np.uint8)).max() == 1
    assert module.as_pictures(np.full((1, 2, 2), 1, np.uint8)).max() == 1


def test_samples_from_real_to_noise(judge: Oracle) -> None:
    x, y = digits()
    train, held, test = x[:900], x[900:1300], x[1300:]
    blurred = np.random.default_rng(0).normal(held, 0.15).clip(0, 1).astype(np.float32)
    kinds = {"real": held, "blurred": blurred, "noise": gaussian_pixels(train, 400).numpy(), "copies": train[:400]}
    found = {name: sample_quality(s, train, test, judge, y[1300:]) for name, s in kinds.items()}
    assert found["real"].n == 400
    assert found["real"].fcd.value < found["blurred"].fcd.value
    assert found["blurred"].fcd.high < found["noise"].fcd.low
    assert found["real"].fcd.value < 3 * found["real"].fcd_floor < found["noise"].fcd.value
    assert found["noise"].fcd.value == pytest.approx(found["noise"].fcd_ceiling, rel=0.3)
    assert found["real"].coverage.value > found["noise"].coverage.value
    assert found["copies"].nearest.value == 0
    assert found["copies"].copies.value == 1
    assert found["real"].copies.value < 0.05
    assert list(found["real"].rows())[:3] == ["fcd", "fcd floor", "fcd ceiling"]
    assert "100% are nearer to a training picture than chance" in found["copies"].verdict()
    assert "copied" not in found["real"].verdict()
    told: list[tuple[int, int, str]] = []
    again = sample_quality(held, train, test, judge, y[1300:], told=lambda *at: told.append(at))
    assert again == found["real"]
    assert told[0][:2] == (0, 5)
    assert told[-1][:2] == (5, 5)
    with pytest.raises(DataError, match="do not determine a covariance"):
        sample_quality(held[:50], train, test, judge, y[1300:])


def test_the_pixel_gaussian_has_the_pictures_moments_however_few_they_are() -> None:
    x = torch.rand(300, 4, 4) * 0.2 + 0.4
    for some in (x, x[:12]):
        drawn = gaussian_pixels(some, 20_000).flatten(1)
        np.testing.assert_allclose(drawn.mean(dim=0), some.flatten(1).mean(dim=0), atol=0.01)
        np.testing.assert_allclose(np.cov(drawn.T), np.cov(some.flatten(1).T), atol=5e-4)


def test_memorised_pictures_are_found() -> None:
    x, _ = digits()
    distances, rows = nearest_training(x[[5, 17]], x[:100])
    assert distances.tolist() == [0, 0]
    assert rows.tolist() == [5, 17]


def test_classification_accuracy_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PICTURES", 5000)
    x, y = digits()
    assert classification_accuracy_score(x[:900], y[:900], x[900:], y[900:]).value > 0.9
    with pytest.raises(DataError, match=r"classes \[9\]"):
        classification_accuracy_score(x[y < 9], y[y < 9], x, y)
