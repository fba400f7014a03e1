"""Laws over every way to place rows that is found, and the grid of t-SNE beside every pair looked at."""

from typing import Any

import numpy as np
import pytest

from isthmus import discover
from isthmus.errors import DataError, UsageError
from isthmus.look.projections._projection import Projection
from isthmus.look.projections._repulsion import Repulsion, exact_repulsion
from isthmus.look.projections.tsne import _alike
from isthmus.stats import knn_accuracy

NAMES = discover.names("look.projections")
QUICK: dict[str, dict[str, Any]] = {"umap": {"epochs": 60}, "tsne": {"epochs": 120}}


def made(name: str, **fields: Any) -> Projection:
    found: Projection = discover.find("look.projections", name, "Projection")(**(QUICK.get(name, {}) | fields))
    return found


def clouds(name: str, each: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Three Gaussian clouds, of two dimensions for codes that are places, else of ten."""
    wide = 2 if name == "latent" else 10
    noise = np.random.default_rng(0).standard_normal((3, each, wide))
    centres = 8 * np.eye(3, wide)[:, None]
    return (noise + centres).reshape(-1, wide).astype(np.float32), np.repeat(np.arange(3), each)


def test_these_are_found() -> None:
    assert NAMES == ["latent", "pca", "tsne", "umap"]


@pytest.mark.parametrize("name", NAMES)
def test_places_are_finite_centred_the_same_for_a_seed_and_keep_clouds_apart(name: str) -> None:
    rows, cloud = clouds(name)
    before = rows.copy()
    places = made(name).place(rows)
    assert (rows == before).all()
    assert places.shape == (180, 2) and places.dtype == np.float32 and np.isfinite(places).all()
    assert (places == made(name).place(rows)).all()
    if name == "latent":
        assert (places == rows).all()
    else:
        assert np.abs(places.mean(axis=0)).max() < 1e-3
    assert knn_accuracy(places[::2], cloud[::2], places[1::2], cloud[1::2]).value == 1
    if name in ("umap", "tsne"):
        assert not (places == made(name, seed=1).place(rows)).all()


@pytest.mark.parametrize("name", NAMES)
def test_work_is_told_shown_and_can_be_stopped(name: str) -> None:
    rows, _ = clouds(name)
    told: list[tuple[int, int, str]] = []
    shown: list[np.ndarray] = []
    places = made(name).place(rows, lambda *now: told.append(now), shown.append)
    assert all(0 <= done <= total for done, total, _ in told)
    assert {what for _, _, what in told} <= {"finding neighbours", made(name).words}
    assert told[-1][0] == told[-1][1]
    assert all(one.shape == places.shape and np.isfinite(one).all() for one in shown)
    assert (shown[-1] == places).all()

    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(name).place(rows, stop)


@pytest.mark.parametrize("name", NAMES)
def test_equal_rows_and_small_piles_have_places(name: str) -> None:
    rows, _ = clouds(name)
    rows[20:60] = rows[0]
    assert np.isfinite(made(name).place(rows)).all()
    assert np.isfinite(made(name).place(rows[:7])).all()
    pair = np.repeat(rows[[0, 100]], 10, axis=0)
    assert np.isfinite(made(name).place(pair)).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_mapped_is_said_in_a_sentence(name: str) -> None:
    rows, _ = clouds(name)
    with pytest.raises(DataError, match="too few"):
        made(name).place(rows[:2])
    with pytest.raises(DataError, match="equal"):
        made(name).place(np.ones_like(rows))
    rows[3] = np.nan
    with pytest.raises(DataError, match="1 of 180 rows are NaN"):
        made(name).place(rows)


@pytest.mark.parametrize(("name", "field"), [("umap", "neighbours"), ("tsne", "perplexity"), ("tsne", "epochs")])
def test_a_field_below_its_bound_is_refused(name: str, field: str) -> None:
    with pytest.raises(UsageError, match=field):
        made(name, **{field: 0}).place(clouds(name)[0])


def test_nothing_lies_farther_apart_than_the_maps_own_unit() -> None:
    with pytest.raises(UsageError, match="min_dist is 2"):
        made("umap", min_dist=2).place(clouds("umap")[0])


def test_a_code_of_three_numbers_is_no_place() -> None:
    with pytest.raises(UsageError, match="code of 3 numbers"):
        made("latent").place(np.random.default_rng(0).random((9, 3)))


@pytest.mark.parametrize("spread", [1e-4, 0.1, 1.0, 5.0, 20.0])
def test_the_grid_pushes_as_every_pair_does(spread: float) -> None:
    places = np.random.default_rng(0).standard_normal((800, 2)) * spread
    apart, total = exact_repulsion(places)
    found, found_total = Repulsion()(places)
    assert np.linalg.norm(found - apart) < 0.02 * np.linalg.norm(apart)
    assert found_total == pytest.approx(total, rel=0.01)


def test_the_grid_is_kept_and_remade_as_the_map_grows() -> None:
    push, generator = Repulsion(), np.random.default_rng(0)
    for spread in (1.0, 1.01, 6.0, 30.0, 0.5):
        places = generator.standard_normal((300, 2)) * spread
        assert np.linalg.norm(push(places)[0] - exact_repulsion(places)[0]) < 0.03 * np.linalg.norm(push(places)[0])


def test_perplexity_is_what_was_asked_for() -> None:
    distances = np.sort(np.random.default_rng(0).random((50, 60)), axis=1)
    weights = _alike(distances, 20.0)
    entropy = -(weights * np.log(weights.clip(1e-300))).sum(axis=1)
    np.testing.assert_allclose(np.exp(entropy), 20, rtol=1e-6)
    np.testing.assert_allclose(_alike(np.zeros((4, 10)), 3.0), 0.1)


def test_our_tsne_keeps_neighbours_as_scikit_learns_does() -> None:
    from sklearn.datasets import load_digits
    from sklearn.manifold import TSNE

    rows, labels = load_digits(return_X_y=True)
    rows, labels = rows[:700].astype(np.float32), labels[:700]
    theirs = TSNE(random_state=0, max_iter=300).fit_transform(rows)
    ours = made("tsne", epochs=300).place(rows)
    scores = [knn_accuracy(p[:350], labels[:350], p[350:], labels[350:]).value for p in (ours, theirs)]
    assert scores[0] > scores[1] - 0.02
