"""A map is drawn, kept and read again; new pictures land where they always land; places lead back to codes."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isthmus import VAE, Pictures, Run, discover
from isthmus.errors import DataError, IsthmusError, MissingError, RunError, UsageError
from isthmus.look import Guidance, Inverse, Map, Strangeness, codes_of, draw, load_map, map_names, pixels_of, save_map
from isthmus.look.maps import weights_of
from isthmus.stats import knn_accuracy
from isthmus.train.checkpoint import load_tensors, save_tensors


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    from sklearn.datasets import load_digits

    return load_digits().data[:1000].astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().target[:1000])


def drawn(rows: np.ndarray, labels: np.ndarray, by: str, **how: Any) -> Map:
    fields = {"umap": {"epochs": 150}, "tsne": {"epochs": 250}}.get(by, {})
    projection = discover.find("look.projections", by, "Projection")(**fields)
    held = np.arange(len(rows)) >= 0.8 * len(rows)
    return draw(rows, [f"p{i}" for i in range(len(rows))], labels, held, projection, **({"name": by} | how))


@pytest.fixture(scope="module")
def maps(rows: np.ndarray, labels: np.ndarray) -> dict[str, Map]:
    found = {by: drawn(rows, labels, by) for by in ("pca", "umap", "tsne")}
    return found | {"latent": drawn(rows[:, 20:22], labels, "latent")}


# -- drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["pca", "umap", "tsne", "latent"])
def test_new_pictures_keep_the_maps_accuracy(
    rows: np.ndarray, labels: np.ndarray, maps: dict[str, Map], by: str
) -> None:
    """Of so few pictures a map knows more than new ones can be told by: those that it maps without labels."""
    made = maps[by]
    assert made.distilled is not None and made.scores.knn is not None and made.distilled.knn is not None
    assert made.scores.n == made.distilled.n == 200
    alone = knn_accuracy(rows[:800], labels[:800], rows[800:], labels[800:]).value
    assert made.distilled.knn.value > min(alone, made.scores.knn.value) - 0.02
    assert made.words == {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE", "latent": "the code itself"}[by]
    if by in ("pca", "latent"):
        assert made.distilled == made.scores


def test_places_do_not_depend_on_labels_and_scores_know_who_is_held_out(rows: np.ndarray, labels: np.ndarray) -> None:
    one, other = drawn(rows, labels, "pca"), drawn(rows, np.full(1000, -1), "pca")
    assert (one.places == other.places).all()
    assert other.scores.knn is None and list(other.scores.rows()) == ["trustworthiness"]
    projection = discover.find("look.projections", "pca", "Projection")()
    free = draw(rows[:90], [str(i) for i in range(90)], labels[:90], np.zeros(90, bool), projection, name="a")
    assert free.distilled is None and free.scores.n == 90 and free.scores.knn.n == 45


def test_what_is_no_map_is_said(rows: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(UsageError, match="no name"):
        drawn(rows, labels, "pca", name="../a")
    with pytest.raises(UsageError, match="not known"):
        drawn(rows, labels, "pca", of="dreams")
    with pytest.raises(DataError, match="too few"):
        drawn(rows[:9], labels[:9], "pca")
    with pytest.raises(DataError, match="no map"):
        drawn(rows, labels[:9], "pca")


# -- new pictures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["pca", "umap"])
def test_a_row_alone_and_among_others_lands_on_the_same_bits(rows: np.ndarray, maps: dict[str, Map], by: str) -> None:
    guidance = maps[by].guidance
    other = rows + np.random.default_rng(0).standard_normal(rows.shape).astype(np.float32)
    whole = guidance.places_of(other)
    for size, offset in ((1, 0), (1, 777), (7, 3), (7, 500), (1000, 0), (333, 100)):
        part = guidance.places_of(other[offset : offset + size])
        assert (part == whole[offset : offset + size]).all()
    assert (guidance.places_of(other[::-1])[::-1] == whole).all()
    assert guidance.places_of(other[:0]).shape == (0, 2)


def test_a_picture_that_the_map_was_learnt_from_lands_on_itself(rows: np.ndarray, maps: dict[str, Map]) -> None:
    for by in ("pca", "umap", "tsne"):
        made = maps[by]
        assert (made.guidance.places_of(rows)[made.voters] == made.places[made.voters]).all()


def test_rows_that_have_no_place_are_refused(maps: dict[str, Map]) -> None:
    with pytest.raises(DataError, match="rows of 3 numbers"):
        maps["umap"].guidance.places_of(np.zeros((1, 3)))
    with pytest.raises(DataError, match="NaN"):
        maps["umap"].guidance.places_of(np.full((1, 64), np.nan))


@pytest.mark.parametrize("net", ["conv", "mlp"])
def test_a_picture_alone_and_among_others_has_the_same_code(net: str, digits: np.ndarray) -> None:
    model = VAE(net=net, latent=5, epochs=1, seed=0).fit(digits[:300])
    assert np.isfinite(model.transform(digits[:2])).all()
    pictures = Pictures.from_array(digits[:200, None])
    told: list[tuple[int, int]] = []
    codes = codes_of(model, pictures, lambda *now: told.append(now))
    assert codes.shape == (200, 5) and codes.dtype == np.float32 and told[-1] == (200, 200)
    np.testing.assert_allclose(codes, model.transform(digits[:200]), atol=1e-4)
    for start, stop in ((0, 1), (37, 38), (63, 70), (101, 200)):
        assert (codes_of(model, pictures.take(np.arange(start, stop))) == codes[start:stop]).all()
    assert pixels_of(model, digits[:3]).shape == (3, 64)
    assert codes_of(model, pictures.take(np.arange(0))).shape == (0, 5)


def test_a_model_that_does_not_encode_has_no_codes() -> None:
    class Drawing:
        encodes = False

    with pytest.raises(MissingError, match="does not encode"):
        codes_of(Drawing(), np.zeros((1, 1, 8, 8)))


# -- back -------------------------------------------------------------------------------------------------------------


def test_a_points_own_place_gives_its_own_code(rows: np.ndarray, maps: dict[str, Map]) -> None:
    inverse = Inverse(maps["umap"].places, rows)
    assert (inverse.codes_at(maps["umap"].places) == rows).all()
    between = inverse.codes_at(maps["umap"].places[:50] + 0.01)
    assert between.shape == (50, 64) and np.isfinite(between).all()
    assert (between >= 0).all() and (between <= 16).all()
    assert np.isfinite(inverse.codes_at([[1e6, -1e6]])).all()
    assert Inverse(maps["umap"].places[:1], rows[:1]).codes_at([[3, 4]]).shape == (1, 64)
    with pytest.raises(DataError, match="NaN"):
        inverse.codes_at([[np.nan, 0]])
    with pytest.raises(DataError, match="pairs"):
        Inverse(maps["umap"].places, rows[:5])


def test_codes_change_without_a_jump_as_a_place_is_moved(rows: np.ndarray, maps: dict[str, Map]) -> None:
    places = maps["umap"].places
    steps = np.linspace(0, 1, 4001)[:, None]
    codes = Inverse(places, rows).codes_at(places[0] * (1 - steps) + places[1] * steps)
    moved = np.linalg.norm(np.diff(codes, axis=0), axis=1)
    assert moved.max() < 0.1 * np.linalg.norm(np.ptp(rows, axis=0))


def test_a_plane_has_an_exact_way_back(rows: np.ndarray, maps: dict[str, Map]) -> None:
    made = maps["pca"]
    back = Inverse(made.places, rows, made.guidance)
    points = np.array([[0, 0], [3.5, -2], [40, 40]])
    np.testing.assert_allclose(made.guidance.places_of(back.codes_at(points)), points, atol=1e-4)
    np.testing.assert_allclose(back.codes_at([[0, 0]])[0], rows[made.voters].mean(axis=0), atol=1e-4)
    latent = maps["latent"]
    codes = Inverse(latent.places, rows[:, 20:22], latent.guidance).codes_at(points)
    assert (codes == points.astype(np.float32)).all()


def test_a_place_is_decoded_and_judged_in_a_moment() -> None:
    generator = np.random.default_rng(0)
    places, codes = generator.random((20_000, 2)), generator.random((20_000, 32)).astype(np.float32)
    inverse, strange = Inverse(places, codes), Strangeness(codes)
    began = time.process_time()
    for place in places[:50]:
        strange.share(inverse.codes_at(place[None] + 1e-3))
    assert (time.process_time() - began) / 50 < 0.01  # in truth well under a millisecond


def test_strangeness_is_the_share_of_pictures_farther_out(rows: np.ndarray) -> None:
    strange = Strangeness(rows)
    shares = strange.share(rows)
    assert (shares > 0).all() and (shares <= 1).all()
    assert abs(np.sort(shares) - np.arange(1, 1001) / 1001).max() < 0.01
    far = rows[:5] + 100
    assert (strange.share(far) == 0).all()
    assert (Strangeness(rows[:15]).share(far) == 0).all(), "of few pictures too nothing far out lies among them"
    assert (Strangeness(rows[:15]).share(rows[:15]) > 0).all()
    assert (strange.distances(far) > strange.distances(rows).max()).all()
    assert (strange.share(rows[:1]) == shares[:1]).all()
    assert Strangeness(rows[:2]).share(rows[:2]).tolist() == [1, 1]
    with pytest.raises(DataError, match="3 numbers"):
        strange.share(np.zeros((1, 3)))
    with pytest.raises(DataError, match="no neighbours"):
        Strangeness(rows[:1])


def test_a_code_that_is_not_read_as_what_it_was_is_strange_wherever_it_lies(rows: np.ndarray) -> None:
    def again(codes: np.ndarray) -> np.ndarray:
        """As a model does that knows these rows alone: whatever is drawn is the nearest of them."""
        return rows[np.square(codes[:, None] - rows).sum(2).argmin(1)] + 0.01 * codes

    near, read = Strangeness(rows), Strangeness(rows, again)
    between = (rows[:50] + rows[50:100]) / 2
    assert (near.share(between) > 0.05).mean() > 0.9  # by distance they are like any other
    assert (read.share(between) < 0.01).all()
    assert np.median(read.share(rows)) > 0.25
    assert (read.share(rows) <= near.share(rows)).all()


# -- kept -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, maps: dict[str, Map], labels: np.ndarray) -> Path:
    run = Run(tmp_path_factory.mktemp("kept") / "run")
    run.write("splits.csv", "".join(["id,split\n", *(f"p{i},train\n" for i in range(1000))]).encode())
    run.write("weights.safetensors", b"weights")
    for made in maps.values():
        save_map(made, run, labels, [f"digit {c}" for c in range(10)])
    return run.path


@pytest.fixture
def folder(tmp_path: Path, kept: Path) -> Run:
    return Run(shutil.copytree(kept, tmp_path / "run"))


def test_a_map_comes_back_as_it_was_kept(folder: Run, maps: dict[str, Map], rows: np.ndarray) -> None:
    assert map_names(folder) == ["latent", "pca", "tsne", "umap"]
    for name, made in maps.items():
        found = load_map(folder, name)
        for key in ("name", "method", "words", "fields", "of", "seed", "ids", "scores", "distilled"):
            assert getattr(found, key) == getattr(made, key)
        assert (found.places == made.places).all() and (found.held == made.held).all()
    new = rows[:9] + 1
    assert (load_map(folder, "umap").guidance.places_of(new) == maps["umap"].guidance.places_of(new)).all()
    table = (folder.path / "maps" / "umap.csv").read_text().splitlines()
    assert table[0] == "id,x,y,label,split" and len(table) == 1001
    assert table[1].startswith("p0,") and table[1].endswith(",digit 0,voter") and table[-1].endswith(",held-out")
    assert (folder.path / "maps" / "umap.png").stat().st_size > 1000


def test_what_the_maker_of_the_rows_needs_is_kept_too(folder: Run, rows: np.ndarray, labels: np.ndarray) -> None:
    made = drawn(rows, labels, "pca", name="more", of="features", extra={"a/b": np.arange(3.0), "c": np.array(True)})
    save_map(made, folder)
    found = load_map(folder, "more").extra
    assert sorted(found) == ["a/b", "c"] and found["a/b"].tolist() == [0, 1, 2] and found["c"].shape == ()


def test_a_map_of_other_pictures_or_another_model_is_refused(folder: Run) -> None:
    folder.write("splits.csv", "".join(["id,split\n", *(f"p{i},train\n" for i in range(998))]).encode())
    with pytest.raises(DataError, match="2 pictures of the map 'umap' are not among the run's any more"):
        load_map(folder, "umap")
    (folder.path / "splits.csv").unlink()
    load_map(folder, "umap")
    folder.write("weights.safetensors", b"others")
    with pytest.raises(DataError, match="other weights"):
        load_map(folder, "umap")


def test_a_map_of_pictures_that_changed_is_refused(folder: Run, maps: dict[str, Map]) -> None:
    load_map(folder, "pca", "now")  # it was kept without a stamp: nobody knows
    save_map(maps["pca"], folder, stamp="then")
    load_map(folder, "pca", "then")
    load_map(folder, "pca")
    with pytest.raises(DataError, match="not as they were when the map 'pca' was drawn"):
        load_map(folder, "pca", "now")


def test_a_map_of_codes_that_are_not_the_runs_any_more_is_not_kept(folder: Run, maps: dict[str, Map]) -> None:
    save_map(maps["pca"], folder, weights=weights_of(folder))
    with pytest.raises(RunError, match="fitted again"):
        save_map(maps["pca"], folder, weights="others")


@pytest.mark.parametrize("name", ["../run", "a/b", "", ".hidden", "a\n", "x" * 200])
def test_a_name_is_the_name_of_a_file(folder: Run, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a map"):
        load_map(folder, name)


def test_a_map_that_is_not_there_is_said_and_how_to_make_it(folder: Run) -> None:
    with pytest.raises(RunError, match="Make one: isthmus map"):
        load_map(folder, "none")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("method", "../../etc"),
        ("method", 3),
        ("of", "dreams"),
        ("seed", "0"),
        ("fields", {"neighbours": 0}),
        ("fields", {"no_such": 1}),
        ("fields", [1]),
        ("scores", None),
        (
            "scores",
            {"knn": {"value": "<b>", "low": 0, "high": 1, "n": 3}, "trustworthiness": 1, "silhouette": None, "n": 1},
        ),
        ("distilled", "good"),
    ],
)
def test_a_hostile_description_is_refused(folder: Run, key: str, value: Any) -> None:
    path = folder.path / "maps" / "umap.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(IsthmusError, match="Make the map again"):
        load_map(folder, "umap")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("places", torch.zeros(3, 2)),
        ("places", torch.full((1000, 2), torch.nan)),
        ("places", torch.zeros(1000, 2, dtype=torch.float64)),
        ("held", torch.zeros(1000)),
        ("ids", torch.zeros(8, dtype=torch.uint8)),
        ("ids", torch.zeros(8)),
        ("guidance/bank", torch.zeros(800, 3)),
        ("guidance/axes", torch.full((64, 64), torch.inf, dtype=torch.float64)),
        ("guidance/reach", torch.zeros(2, dtype=torch.float64)),
        ("guidance/more", torch.zeros(2)),
    ],
)
def test_hostile_arrays_are_refused(folder: Run, key: str, value: torch.Tensor) -> None:
    tensors, _ = load_tensors(folder, "maps/umap.safetensors")
    save_tensors(folder, "maps/umap.safetensors", tensors | {key: value}, {})
    with pytest.raises(RunError, match="Make the map again"):
        load_map(folder, "umap")
    (folder.path / "maps" / "umap.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(RunError, match="damaged"):
        load_map(folder, "umap")


def test_a_guidance_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(DataError, match="does not fit"):
        Guidance.restore({"mean": np.zeros(3), "axes": np.zeros((3, 3))})
    with pytest.raises(DataError, match="no map"):
        Guidance.learn(np.zeros((3, 2)), np.zeros((2, 2)))
