"""Paper 002's recipe: verdicts on made-up numbers, what is known of what is measured, and every figure on toys."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus import cli, models, recipes
from isthmus.measure import oracle
from isthmus.nets.mlp import MLP
from isthmus.recipes import paper_002
from isthmus.recipes._between import nearest, pairs_of
from isthmus.recipes._bottlenecks import _by_size, _span, looks_at
from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD
from isthmus.recipes._kicks import judged
from isthmus.recipes._layer_claims import ACTIVATIONS, BESIDE, linear, reached, redrawing
from isthmus.recipes._layers import GRID, KINDS, Bench, Looks
from isthmus.recipes._manifold_claims import MAPPED, case_of, elbow, hypothesis, regular
from isthmus.recipes._recipe import Scale
from isthmus.recipes._working import numbers_of, packed, packed_numbers
from isthmus.stats.spectrum import principal_angles, principal_components

N = 500
TOY = paper_002.Sizes(
    data="digits",
    test=300,
    hidden=(20, 20),
    channels=(4,),
    steps=30,
    marks=(10, 20, 30),
    batch=50,
    mapped=100,
    voters=100,
    pairs=50,
    judged=300,
    dense=20,
    draws=5,
    kicks=10,
    films=200,
)
PAPER = paper_002.RECIPE.scales["paper"].sizes


# -- what was measured, made up ---------------------------------------------------------------------------------------


def made(mse: float, *, steps: int = 100, fall: float = 0.0, degrees: float = 1.0, right: float = 0.8) -> Any:
    """`fall` is the share by which the error fell between the last two marks, `steps` when it got that low."""
    noise = np.random.default_rng(0).normal(size=N) * 0.001
    marks = {"10": 2 * mse, "20": mse / (1 - fall), "30": mse}
    return {
        "MSE": mse,
        "errors": packed_numbers(mse + noise - noise.mean()),
        "remarks": [],
        "known": 0.5,
        "latent": 5,
        "degrees": [0.0, degrees],
        "marks": {step: {"MSE": value, "known": 0.4, "degrees": [degrees]} for step, value in marks.items()},
        "curve": {"1": 9 * mse, str(steps): mse, "1000": mse},
        "manifold": between(0.5, right),
    }


def between(far: float, right: float) -> Any:
    return {
        "far": packed_numbers(far + np.random.default_rng(1).normal(size=N) * 0.01),
        "far, an end redrawn": 0.4,
        "sure": 0.9,
        "again": 0.01,
        "dimension": [4.5, 4.0, 5.0],
        "trustworthiness": 0.9,
        "5-NN accuracy": [right, right - 0.02, right + 0.02],
        "right": packed(np.arange(N) < round(right * N)),
        "n": N,
    }


def measured(**changed: Any) -> Any:
    """Linear like PCA and slow, the others alike and at less than half."""
    usual = {"linear": made(0.0451, steps=500), "linear-sgd": made(0.06, steps=900), "ours": made(0.02)}
    usual |= {name: made(0.025 + 0.0005 * k) for k, name in enumerate(ACTIVATIONS)} | {"vae": made(0.03)}
    usual |= {f"size-{size}": made(0.06 / size) for size in GRID}
    curve = [0.067 * 0.98**k for k in range(200)]
    usual[BESIDE] = made(0.045) | {
        "PCA": curve,
        "pixels": between(0.7, 0.9) | {"far, themselves": 0.3},
        "dimensions": {"by pictures": {"5000": [13.0, 12.5, 13.5]}, "by class": {"1": [8.0, 7.5, 8.5]}},
        "manifold": between(0.7, 0.6),
    }
    usual |= {name.replace("_", "-"): one for name, one in changed.items()}
    return {name: {0: one} if name == BESIDE else {0: one, 1: one} for name, one in usual.items()}


def verdict(rows: Any, begins: str) -> str | None:
    (row,) = [row for row in rows if row.what.startswith(begins)]
    assert row.words
    return row.verdict


def test_linear_is_pca_where_its_error_and_its_plane_are() -> None:
    def of(begins: str, **changed: Any) -> str | None:
        return verdict(linear(measured(**changed), PAPER), begins)

    assert of("the linear autoencoder has PCA's error") == HELD
    assert of("the linear autoencoder has PCA's error", linear=made(0.047)) == NOT_HELD
    assert of("its code spans") == HELD
    assert of("its code spans", linear=made(0.045, degrees=9)) == NOT_HELD


def test_linear_is_slow_only_if_the_same_rule_trains_it() -> None:
    what = "linear takes longer"
    assert verdict(linear(measured(), PAPER), what) == HELD
    assert verdict(linear(measured(linear=made(0.045, steps=50)), PAPER), what) == CONFOUNDED
    quick = measured(linear=made(0.045, steps=50), linear_sgd=made(0.045, steps=50))
    assert verdict(linear(quick, PAPER), what) == NOT_HELD
    assert reached(measured(), "linear", 0.05) == 500 and reached(measured(), "linear-sgd", 0.05) == np.inf


def test_much_better_than_linear_must_be_better_than_any_plane() -> None:
    what = "ELU is much better than linear"
    assert verdict(redrawing(measured(), PAPER), what) == HELD
    assert verdict(redrawing(measured(elu=made(0.040)), PAPER), what) == NOT_HELD
    assert verdict(redrawing(measured(elu=made(0.046), linear=made(0.09)), PAPER), what) == CONFOUNDED


def test_what_is_apart_is_told_from_what_has_not_yet_come_together() -> None:
    what = "sigmoid, ReLU and ELU are virtually"
    assert verdict(redrawing(measured(), PAPER), what) == HELD
    assert verdict(redrawing(measured(sigmoid=made(0.032)), PAPER), what) == NOT_HELD
    assert verdict(redrawing(measured(sigmoid=made(0.032, fall=0.2)), PAPER), what) == CONFOUNDED


def test_half_of_pca_is_below_half_of_pca() -> None:
    what = "a non-linear code of five numbers"
    assert verdict(redrawing(measured(), PAPER), what) == HELD
    assert verdict(redrawing(measured(ours=made(0.0225)), PAPER), what) == NOT_HELD


def test_an_elbow_is_where_a_curve_bends_and_a_straight_line_has_none() -> None:
    assert elbow({2: 1.0, 10: 0.1, 100: 0.05}) == 10
    assert elbow({2: 1.0, 20: 0.5, 200: 0.0}) is None
    assert elbow({size: 1 / size for size in GRID}) == 10


def test_the_hypothesis_needs_two_witnesses() -> None:
    def of(told: list[float], **changed: Any) -> str | None:
        found = measured(**changed)
        found[BESIDE][0]["dimensions"]["by pictures"]["5000"] = told
        return verdict(hypothesis(found, PAPER), "the dimension is above 10")

    bent = {"size_10": made(0.012), "size_20": made(0.004), "size_50": made(0.0035), "size_100": made(0.003)}
    assert of([13.0, 12.5, 13.5], **bent) == HELD
    assert of([9.0, 8.5, 9.5], **bent) == CONFOUNDED
    assert of([13.0, 12.5, 13.5], **bent | {"size_100": made(0.012)}) == CONFOUNDED, "worse than PCA"
    flat = {f"size_{size}": made(0.04 - 0.0001 * size) for size in GRID}
    assert of([9.0, 8.5, 9.5], **flat) == NOT_HELD


def test_middles_must_beat_those_of_pixels_and_those_of_a_plane() -> None:
    def of(case: str, far: float, plane: float = 0.7) -> str | None:
        found = measured(**{case: made(0.025) | {"manifold": between(far, 0.8)}})
        found[BESIDE][0]["manifold"] = between(plane, 0.6)
        return verdict(regular(found, PAPER), f"{KINDS[case].said}: the middle of two codes is nearer")

    assert of("elu", 0.5) == HELD
    assert of("elu", 0.8) == NOT_HELD
    assert of("elu", 0.6, plane=0.5) == CONFOUNDED
    same = measured()
    assert verdict(regular(same, PAPER), "asked for: neighbours of the VAE") == NOT_HELD
    better = measured(vae=made(0.03, right=0.9))
    assert verdict(regular(better, PAPER), "asked for: neighbours of the VAE") == HELD
    assert verdict(regular(better, PAPER), "five numbers classify as well") == HELD
    assert verdict(regular(same, PAPER), "five numbers classify as well") == NOT_HELD


def test_a_ball_is_known_where_every_number_of_it_is() -> None:
    def ball(least: float, alone: float, dimension: float) -> Any:
        told = {"straight": {key: [0.5, 0.4, 0.6] for key in "ab"}, "MSE": [0.1, 0.1, 0.1]}
        told |= {"bent": {"a": [0.99, 0.98, 1.0], "b": [least, least - 0.01, least + 0.01]}}
        one = {"numbers": ["a", "b"], "alone": {"a": 0.95, "b": alone}, "told": {"autoencoder": told, "PCA": told}}
        return {"ball": {0: one | {"dimension": {key: [dimension, 1.0, 3.0] for key in ("films", "codes")}}}}

    for begins, good, bad in (
        ("a code of as many", (0.95, 0.5, 2.1), (0.85, 0.5, 2.1)),
        ("each dimension", (0.95, 0.95, 2.1), (0.95, 0.5, 2.1)),
        ("how many dimensions the films", (0.95, 0.5, 2.1), (0.95, 0.5, 2.6)),
    ):
        assert verdict(judged(ball(*good), PAPER), begins) == HELD
        assert verdict(judged(ball(*bad), PAPER), begins) == NOT_HELD


# -- what measures ----------------------------------------------------------------------------------------------------


def test_the_papers_steps_are_steps() -> None:
    bench = Bench(dataclasses.replace(TOY, steps=37), 0, Path())
    seen = Looks((1, 37, 38), lambda model: {"latent": model.latent})
    train = bench.pictures[0]
    bench.made(KINDS["relu"], 37, len(train)).fit(train, watchers=[seen])
    assert seen.found == {1: {"latent": 5}, 37: {"latent": 5}}
    assert looks_at(50_000)[0] == 500 and looks_at(50_000)[-1] == 50_000
    model = bench.made(KINDS["sigmoid"], 37, len(train))
    assert (model.optimiser, model.learning_rate, model.batch_size, model.schedule) == ("adam", 1e-3, 50, "constant")
    assert isinstance(model.net, MLP) and model.net.activation == "sigmoid"
    assert PAPER.steps == 50_000 and PAPER.marks == (10_000, 30_000, 50_000) and PAPER.hidden == (500, 500)


def test_a_linear_decoder_spans_what_its_columns_do() -> None:
    model = models.make("linear", latent=3, hidden=(6,), epochs=0).fit(np.random.default_rng(0).random((20, 5, 5)))
    weights = [p.detach() for name, p in model.net_["decoder"].named_parameters() if name.endswith("weight")]
    assert principal_angles(_span(model), (weights[1] @ weights[0]).T).max() < 1e-2


def test_pca_by_size_is_pca_of_each_size() -> None:
    generator = np.random.default_rng(0)
    x = generator.random((200, 6)).astype(np.float32)
    new = x[:50] + generator.normal(size=(50, 6)).astype(np.float32)
    import torch

    found = _by_size(principal_components(x, 6), torch.from_numpy(new))
    for size in (1, 3, 6):
        back = principal_components(x, size).reconstruct(torch.from_numpy(new))
        assert found[size] == pytest.approx(float((back - torch.from_numpy(new)).square().mean()), rel=1e-3, abs=1e-6)
    assert found[0] == pytest.approx(float(np.square(new - x.mean(0)).mean()), rel=1e-4)


def test_a_pair_is_not_its_own_neighbour() -> None:
    real = np.array([[0.0], [1.0], [5.0], [6.0]])
    pairs = np.array([[0], [1]])
    assert nearest(np.array([[0.9]]), real, pairs) == pytest.approx([4.1])
    drawn = pairs_of(11, 100, 0)
    assert drawn.shape == (2, 5) and len(np.unique(drawn)) == 10


def test_numbers_survive_as_text() -> None:
    values = np.random.default_rng(0).random(100) * 0.1
    np.testing.assert_allclose(numbers_of(packed_numbers(values)), values, rtol=1e-3, atol=1e-6)


# -- the whole, on toys -----------------------------------------------------------------------------------------------


def test_every_part_runs_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = {"quick": Scale(TOY, (0,), 1)}
    monkeypatch.setattr(paper_002, "RECIPE", dataclasses.replace(paper_002.RECIPE, scales=scales))
    for name in ("_EPOCHS", "_PICTURES"):
        monkeypatch.setattr(oracle, name, 1)
    assert cli.main(["recipe", "run", "002", "-o", str(tmp_path), "--json"]) == 0
    parts = {line["part"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(parts) == [f"002/{part.name}" for part in recipes.chosen("002")[1]]
    for part in parts.values():
        assert part["rows"] and {row["verdict"] for row in part["rows"]} <= {HELD, NOT_HELD, CONFOUNDED, None}
        assert all(row["words"] or row["verdict"] is None for row in part["rows"]), "a verdict says why"
    folder = tmp_path / "002-quick"
    drawn = {file.name for file in folder.glob("*.png")}
    assert {"figure-2-linear.png", "figure-3-redrawn.png", "figure-3-steps.png", "figure-5-redrawn.png"} <= drawn
    assert {"hypothesis-error.png", "manifold-middles.png", "ball-films.png", "section-6-redrawn.png"} <= drawn
    kept = json.loads((folder / "linear-seed-0.json").read_text())["found"]
    assert list(kept["marks"]) == ["10", "20", "30"] and len(numbers_of(kept["errors"])) == 300
    assert {case_of(size) for size in GRID} | set(MAPPED) < set(KINDS)
