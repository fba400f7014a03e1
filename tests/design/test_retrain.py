"""Retraining on pictures weighed by their score: the weights, what joins, and that the space opens."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from isthmus import PCA, VAE, Pictures, discover, open_pictures
from isthmus.design.black_box._objective import Objective
from isthmus.design.black_box.random import Random
from isthmus.design.maximise import attribute_of
from isthmus.design.retrain import Codes, Pursued, Retraining, pursue, weights_by_rank
from isthmus.errors import DataError

SIDE = 8


def squares(n: int = 120) -> Pictures:
    """Squares of 1 to 4 pixels a side, of 8 x 8."""
    rng = np.random.default_rng(0)
    pixels = np.zeros((n, 1, SIDE, SIDE), np.uint8)
    for picture in pixels:
        side = rng.integers(1, 5)
        top, left = rng.integers(0, SIDE - side + 1, 2)
        picture[0, top : top + side, left : left + side] = 1
    return Pictures.from_array(pixels, columns={"side": pixels.sum(axis=(1, 2, 3)) ** 0.5})


def areas(pictures: Pictures) -> np.ndarray:
    return np.asarray(pictures.pixels.sum(axis=(1, 2, 3)), np.float64)


@pytest.fixture(scope="module")
def model() -> VAE:
    return VAE(net="mlp", latent=3, epochs=20, batch_size=16, seed=0).fit(squares())


def found(model: Any, retraining: Retraining, **how: Any) -> Pursued:
    pictures = squares()
    how = {"budget": 30, "batch": 5} | how
    return pursue(model, pictures, areas(pictures), attribute_of(model, "area"), Random(), retraining, **how)


def test_weights_fall_with_the_rank() -> None:
    weights = weights_by_rank(np.array([3.0, 1.0, np.nan, 2.0]), k=1.0)
    assert weights == pytest.approx(np.array([1 / 3, 1 / 5, 0, 1 / 4]) / (1 / 3 + 1 / 5 + 1 / 4))
    assert weights_by_rank(np.array([3.0, 1.0, 2.0]), 1.0, minimise=True).argmax() == 1
    assert weights_by_rank(np.array([3.0, 1.0, 2.0]), math.inf) == pytest.approx([1 / 3] * 3)
    sharp = weights_by_rank(np.arange(10_000.0), 1e-3)
    assert sharp[-10:].sum() > 0.1  # a thousandth of the pictures has more than a tenth of the weight


def test_without_any_score_there_is_no_rank() -> None:
    with pytest.raises(DataError, match="no picture has a score"):
        weights_by_rank(np.full(3, np.nan), 1e-3)


def test_codes_are_in_deviations_and_decode_to_what_the_model_draws(model: VAE) -> None:
    pictures = squares()
    codes = Codes.of(model, pictures)
    assert torch.allclose(codes.codes.std(0), torch.ones(3), atol=1e-4)
    drawn = codes.decode(codes.codes[:7]).detach()
    assert torch.allclose(drawn, model.decode(torch.from_numpy(model.transform(pictures)[:7])), atol=1e-4)


def test_a_fine_tuned_model_starts_from_the_weights_and_leaves_them(model: VAE) -> None:
    before = {name: value.clone() for name, value in model.net_.state_dict().items()}
    near = model.fine_tuned(squares(), epochs=1.0, learning_rate=1e-6)
    after = near.net_.state_dict()
    assert all(torch.allclose(before[name], after[name], atol=1e-3) for name in before)
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert all(torch.equal(before[name], value) for name, value in model.net_.state_dict().items())
    assert (near.epochs, model.epochs) == (1.0, 20)


@pytest.mark.parametrize("name", sorted(set(discover.names("models")) - {"pca"}))
def test_every_model_that_learns_by_steps_goes_on_from_its_weights(name: str) -> None:
    fields = {"latent": 3, "epochs": 1.0} | ({"decoder_epochs": 1.0} if name == "two-step" else {})
    model = discover.find("models", name, "Model")(**fields).fit(squares(64))
    onward = model.fine_tuned(squares(64), epochs=1.0)
    assert onward.latent_shape_ == model.latent_shape_
    assert set(onward.net_.state_dict()) == set(model.net_.state_dict())


def test_retraining_with_weights_draws_larger_pictures(model: VAE) -> None:
    pictures = squares()
    mean = {}
    for k in (1e-3, math.inf):
        retraining = Retraining(k=k, first=8.0)
        learnt = retraining.retrained(model, pictures, areas(pictures), 0)
        mean[k] = learnt.sample(200).sum(axis=(1, 2)).mean()
    assert mean[1e-3] > 1.2 * mean[math.inf]


def test_what_is_found_joins_and_the_same_seed_finds_the_same(model: VAE) -> None:
    lines: list[dict[str, Any]] = []
    progress: list[tuple[int, int]] = []
    retraining = Retraining(every=10, epochs=2.0, first=2.0)
    first = found(model, retraining, keep=lines.append, told=lambda *at: progress.append(at))
    again = found(model, retraining)
    assert first.calls == 30 == len(first.pictures) and first.known == 0
    assert [one.scored for one in first.rounds] == [10, 10, 10]
    assert first.scores.tolist() == again.scores.tolist()
    assert [line["round"] for line in json.loads(json.dumps(lines))] == [0, 0, 1, 1, 2, 2]
    assert progress == [(done, 30) for done in range(5, 31, 5)]
    assert first.curve[-1] == first.scores[first.best or 0] == first.pictures[first.best or 0].sum()
    assert first.model is not model


def test_no_retraining_is_one_round_of_one_model(model: VAE) -> None:
    plain = found(model, Retraining(every=0))
    assert plain.model is model and len(plain.rounds) == 1


def test_the_black_box_scores_the_data_where_nobody_has(model: VAE) -> None:
    pictures = squares(40)
    got = pursue(model, pictures, None, attribute_of(model, "area"), Random(), Retraining(every=0), budget=5)
    assert (got.known, got.calls) == (40, 5)
    broken = Objective(lambda pictures: 1 / 0)
    with pytest.raises(DataError, match="cannot be scored: <lambda>, line .*division by zero"):
        pursue(model, pictures, None, broken, Random(), Retraining(every=0), budget=5)


def test_a_failure_leaves_what_was_found_and_starts_are_respected(model: VAE) -> None:
    calls = [0]

    def score(pictures: np.ndarray) -> np.ndarray:
        calls[0] += 1
        if calls[0] > 3:
            raise ValueError("gone")
        return np.asarray(pictures.sum(axis=(1, 2)), np.float64)

    pictures = squares()
    got = pursue(model, pictures, areas(pictures), Objective(score), Random(), Retraining(every=10, epochs=0.1),
                 budget=40, batch=5, starts=np.arange(20))  # fmt: skip
    assert "ValueError: gone" in got.stopped
    assert np.isfinite(got.scores).sum() == 15 and got.best is not None


def test_a_model_without_steps_is_fitted_anew() -> None:
    model = PCA(latent=3).fit(squares())
    got = found(model, Retraining(every=10))
    assert got.calls == 30 and isinstance(got.model, PCA) and got.model is not model


def test_shapes_are_made_here_the_same_each_time() -> None:
    pictures, again = open_pictures("shapes"), open_pictures("shapes")
    assert np.array_equal(pictures.pixels, again.pixels)
    assert pictures.pixels.shape == (6000, 1, 64, 64) and np.unique(pictures.pixels).tolist() == [0, 1]
    assert pictures.classes == ("square", "ellipse", "heart")
    assert pictures.columns["area"] == pytest.approx(areas(pictures))
    tall, wide = (pictures.pixels.max(axis=(1, axis)).sum(axis=1) for axis in (3, 2))
    assert max(tall.max(), wide.max()) <= 20 and min(tall.min(), wide.min()) >= 3
