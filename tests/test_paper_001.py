"""Paper 001's recipe: thresholds and claims on made-up numbers, a killed run that goes on, and every figure on toys."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus import cli, recipes
from isthmus.images.pictures import Pictures
from isthmus.measure import oracle
from isthmus.recipes import _pictures, _redrawing, paper_001
from isthmus.recipes._beta_claims import claims, failed
from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD
from isthmus.recipes._grid import spread, table
from isthmus.recipes._latent import orderly
from isthmus.recipes._recipe import Scale
from isthmus.recipes._thresholds import clearer, drawn, first_where, generative, thresholds
from isthmus.recipes._two_steps import setting_name
from isthmus.recipes._working import packed

ALL = ("mnist", "omniglot", "caltech101-silhouettes", "fashion-mnist", "cifar10")
TOY = paper_001.Sizes(
    whole=("mnist",),
    betas=(0.0, 0.5),
    shown=(0.5, 0.1),
    pictures=200,
    test=100,
    looks=200,
    steps=2,
    channels=(4,),
    hidden=(16, 8),
    first={"batch_size": 32, "precision": "float32", "optimiser": "adam"},
    second={"batch_size": 32, "optimiser": "adam-gan"},
    side=5,
    wide=4,
    instead=dict.fromkeys(ALL, "digits"),
)
N = 2000


# -- what was measured, made up ----------------------------------------------------------------------------------------


def setting(beta: float, gamma: float, agreement: float, fcd: float = 10.0, mse: float = 0.05) -> dict[str, Any]:
    right = np.arange(N) < round(agreement * N)
    return {
        "beta": beta,
        "gamma": gamma,
        "agreement": [agreement, agreement - 0.01, agreement + 0.01],
        "oracle_accuracy": [0.98, 0.97, 0.99],
        "sharpness": [0.5, 0.4, 0.6],
        "fcd": [fcd, fcd - 0.1, fcd + 0.1],
        "fcd_floor": [0.3],
        "fcd_ceiling": [25.0],
        "mse": [mse, mse - 0.001, mse + 0.001],
        "class mean": 0.052,
        "alarms": ["0 (1.5 times)"],
        "right": packed(right),
        "test": N,
        "training": {"decoder": {"features": 0.02, "adversarial": 0.5}, "discriminator": {"told_apart": 0.9}},
    }


def grid(*settings: dict[str, Any], latent: int = 2, accuracy: float = 0.97) -> dict[str, Any]:
    named = {setting_name(one["beta"], one["gamma"]): one for one in settings}
    return {"latent": latent, "encoder": {"accuracy": accuracy}, "mean picture": 0.067, "settings": named}


FALLS = grid(setting(0, 0, 0.96), setting(0.005, 0, 0.95), setting(0.5, 0, 0.6), setting(0.5, 0.1, 0.9))
STAYS = grid(setting(0, 0, 0.96), setting(0.005, 0, 0.95), setting(0.5, 0, 0.96), setting(0.5, 0.1, 0.96))


def verdicts(measured: Any) -> dict[str, str | None]:
    return {row.what.split()[0]: row.verdict for row in claims(measured, paper_001.Sizes())}


# -- thresholds --------------------------------------------------------------------------------------------------------


def test_a_threshold_is_the_first_beta_that_reaches_its_bar_or_none() -> None:
    fcd = {0.0: 10.0, 0.005: 9.5, 0.05: 9.0, 0.5: 3.0}
    assert clearer(fcd) == 0.05 and clearer({0.0: 10.0, 0.5: 9.1}) is None
    agreement = {0.5: 0.5, 0.05: 0.9, 0.0: 0.96}
    assert generative(agreement, 0.97) == 0.05, "betas are taken by size, whatever their order"
    assert generative({0.0: 0.96, 0.5: 0.93}, 0.97) is None
    assert generative({0.0: 0.2, 0.5: 0.1}, 0.97) == 0.0
    assert first_where({}, lambda value: True) is None


@pytest.mark.parametrize(
    ("fcd", "agreement", "verdict", "said"),
    [
        ((10, 8, 4), (0.96, 0.95, 0.5), HELD, "at beta 0.05 first it is below 95% of it"),
        ((10, 9.9, 9.8), (0.96, 0.95, 0.5), NOT_HELD, "not reached: nowhere up to 0.05"),
        ((10, 8, 4), (0.96, 0.95, 0.96), NOT_HELD, "not reached: nowhere up to 0.05"),
        ((10, 8, 4), (0.3, 0.3, 0.3), CONFOUNDED, "at beta 0 already"),
    ],
)
def test_the_three_regimes(fcd: Any, agreement: Any, verdict: str, said: str) -> None:
    found = [setting(b, 0, a, f) for b, a, f in zip((0, 0.005, 0.05), agreement, fcd, strict=True)]
    rows = thresholds({"grid-mnist-2": {0: grid(*found)}, "grid-omniglot-2": {0: grid(setting(0.01, 0.1, 0.2))}}, None)
    assert [row.what for row in rows[:2]] == ["mnist, K_z 2: eps1", "mnist, K_z 2: eps2"]
    assert rows[0].paper == 0.005 and rows[2].verdict == verdict and said in rows[0].words + rows[1].words
    assert len(rows) == 3 + 2 * 3 and all("mnist, K_z 2" in row.what for row in rows), "one setting has no threshold"


def test_a_threshold_says_how_many_trainings_reach_it() -> None:
    several = {
        0: grid(setting(0, 0, 0.9, 10), setting(0.5, 0, 0.9, 4)),
        1: grid(setting(0, 0, 0.9), setting(0.5, 0, 0.9)),
    }
    row = thresholds({"grid-mnist-2": several}, None)[0]
    assert row.ours == 0.5 and row.per_seed == {"0": 0.5} and "1 of 2 trainings" in row.words


def test_curves_are_drawn_where_there_are_any() -> None:
    seeds = {0: grid(*(setting(b, g, 0.9, 10 - b) for g in (0, 0.1) for b in (0, 0.05, 0.5)))}
    found = drawn({"grid-mnist-2": seeds, "grid-cifar10-100": {0: grid(setting(0.01, 0.1, 0.3))}}, None)
    assert list(found) == ["mnist-2"] and found["mnist-2"].width > 500


# -- claims ------------------------------------------------------------------------------------------------------------


def test_agreement_falls_and_gamma_brings_it_back_or_not() -> None:
    found = verdicts({"grid-mnist-2": {0: FALLS, 1: FALLS}})
    assert found["(i)"] == found["(ii)"] == HELD
    found = verdicts({"grid-mnist-2": {0: STAYS}})
    assert found["(i)"] == found["(ii)"] == NOT_HELD


def test_gamma_is_looked_at_where_the_paper_does_if_that_was_measured() -> None:
    both = [setting(b, g, 0.9 - b + g) for b in (0, 0.1, 0.5) for g in (0, 0.1)]
    rows = claims({"grid-mnist-2": {0: grid(*both)}}, paper_001.Sizes())
    assert [row.what for row in rows if row.what.startswith("(ii)")] == [
        "(ii) mnist, K_z 2: gamma raises agreement at beta 0.1"
    ]
    assert not any(
        row.what.startswith("(ii)")
        for row in claims({"grid-mnist-2": {0: grid(*both[:1], *both[2:3])}}, paper_001.Sizes())
    )


@pytest.mark.parametrize(
    ("narrow", "wide", "fair", "verdict"),
    [
        (0.060, 0.050, 0.060, HELD),
        (0.060, 0.050, None, HELD),
        (0.060, 0.0599, 0.060, NOT_HELD),
        (0.060, 0.050, 0.050, CONFOUNDED),
    ],
)
def test_the_larger_code_is_compared_at_its_own_price_too(
    narrow: float, wide: float, fair: float | None, verdict: str
) -> None:
    measured = {
        "grid-mnist-2": {0: grid(setting(0, 0, 0.9, mse=narrow))},
        "grid-mnist-100": {0: grid(setting(0, 0, 0.9, mse=wide), latent=100)},
    }
    if fair:
        measured["price-mnist"] = {0: grid(setting(0, 0, 0.9, mse=fair))}
    assert verdicts(measured)["(iii)"] == verdict


def test_omniglot_fails_against_its_classes_and_their_means() -> None:
    lost, kept = setting(0.01, 0.1, 0.1, mse=0.08), setting(0.01, 0.1, 0.8, mse=0.04)
    assert failed(lost) and not failed(kept) and not failed(setting(0, 0, 0.1, mse=0.04))
    for narrow, wide, verdict in ((lost, kept, HELD), (lost, lost, CONFOUNDED), (kept, kept, NOT_HELD)):
        measured = {"grid-omniglot-2": {0: grid(narrow)}, "grid-omniglot-100": {0: grid(wide, latent=100)}}
        assert verdicts(measured)["(iv)"] == verdict
    assert verdicts({"grid-omniglot-2": {0: grid(lost)}})["(iv)"] == HELD


def test_the_table_has_four_numbers_a_setting_and_says_what_beta_weighs() -> None:
    rows = table({"grid-mnist-2": {0: FALLS, 1: FALLS}}, None)
    assert len(rows) == 1 + 4 * 4 and rows[0].per_seed == {"0": 0.97, "1": 0.97}
    said = {row.what: row.words for row in rows}
    assert "beta times adversarial 0.25, 90% told apart" in said["mnist, K_z 2, beta 0.5, gamma 0: agreement"]
    assert "0 (1.5 times)" in said["mnist, K_z 2, beta 0.5, gamma 0: MSE"]


def test_trainings_widen_an_interval_and_a_number_without_one_stays_alone() -> None:
    one, two = spread([[0.5, 0.4, 0.6]]), spread([[0.5, 0.4, 0.6], [0.7, 0.6, 0.8]])
    assert (one.low, one.high) == pytest.approx((0.4, 0.6)) and two.high - two.low > 0.2
    assert np.isnan(spread([[0.5]]).low)


def test_the_literal_sum_is_held_to_collapse_only_where_nothing_is_carried() -> None:
    said = {"KL": 0.002, "cross-entropy": 2.304, "accuracy": 0.11, "entropy": 2.301, "classes": 10}
    row = paper_001.literal({0: said})
    assert row.verdict == HELD and row.ours == pytest.approx(2.306) and "2.3010" in row.words
    assert paper_001.literal({0: said | {"KL": 4.0}}).verdict == NOT_HELD


def test_an_orderly_map_is_told_from_a_shuffled_one() -> None:
    halves = np.repeat([0, 1], 50).reshape(10, 10)
    found = orderly(halves)
    assert found["seen"] == 2 and found["by chance"] == 0.5 and found["alike"][0] == 1 - 10 / 180
    shuffled = np.random.default_rng(0).permutation(halves.ravel()).reshape(10, 10)
    assert orderly(shuffled)["alike"][1] < 0.5


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_a_column_can_be_the_classes_and_both_sides_have_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    names = np.array([f"alphabet {i % 5}" for i in range(500)], dtype=object)
    own = np.where(np.arange(500) % 5 < 3, "train", "test").astype(object)
    pictures = Pictures.from_array(
        np.zeros((500, 1, 2, 2), np.uint8), np.arange(500), columns={"alphabet": names}, split=own
    )
    monkeypatch.setattr(_pictures, "open_pictures", lambda data: pictures)
    train, _, test = _pictures.parts_of("omniglot", 0, 100, "alphabet")
    assert train.classes == tuple(f"alphabet {i}" for i in range(5))
    assert set(train.labels) == set(test.labels) == set(range(5)), "the set's own test knows other classes"
    assert not set(train.ids) & set(test.ids) and len(train) + len(test) == 500 and abs(len(test) - 100) < 5
    assert len(_pictures.parts_of("omniglot", 0, 100)[2]) <= 105, "without the column all is as it was"


# -- the whole, on toys ------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    scales = {"quick": Scale(TOY, (0,), 1)}
    monkeypatch.setattr(paper_001, "RECIPE", dataclasses.replace(paper_001.RECIPE, scales=scales))
    for name in ("_EPOCHS", "_PICTURES"):
        monkeypatch.setattr(oracle, name, 1)


def test_every_part_runs_from_the_command_line(small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["recipe", "run", "001", "-o", str(tmp_path), "--json"]
    assert cli.main(words) == 0
    parts = {line["part"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(parts) == [f"001/{part.name}" for part in recipes.chosen("001")[1]]
    for part in parts.values():
        assert part["rows"] and {row["verdict"] for row in part["rows"]} <= {HELD, NOT_HELD, CONFOUNDED, None}
        assert all(row["words"] or row["verdict"] is None for row in part["rows"]), "a verdict says why"
    folder = tmp_path / "001-quick"
    for name in ("figure-7-omniglot", "figure-7-literal-mnist", "figure-8-mnist", "figure-10-cifar10"):
        assert (folder / f"{name}-seed-0.png").is_file()
    shown = [setting_name(*one) for one in TOY.settings("mnist")]
    assert sorted(file.stem for file in (folder / "grid-mnist-2-seed-0").glob("*.png")) == sorted(shown)
    kept = sorted(file.parent.name for file in folder.glob("decoders-*/*/weights.safetensors"))
    assert kept == [setting_name(*TOY.shown)] * 2, "other decoders would fill a disk"


def test_a_killed_grid_goes_on_where_it_was(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipes.chosen("001")[0]
    part = dataclasses.replace(recipes.chosen("001/figure-9")[1][0], cases=("grid-mnist-2",))
    real, asked = _redrawing._measured, list[tuple[float, float]]()

    def measured(bench: Any, judge: Any, setting: tuple[float, float], *rest: Any) -> Mapping[str, Any]:
        asked.append(setting)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(bench, judge, setting, *rest)

    monkeypatch.setattr(_redrawing, "_measured", measured)
    with pytest.raises(KeyboardInterrupt):
        recipe.run([part], "quick", (0,), tmp_path, "", lambda share, what: None)
    codes = tmp_path / "001-quick" / "codes-mnist-2-seed-0" / "weights.safetensors"
    before = codes.stat().st_mtime_ns
    recipe.run([part], "quick", (0,), tmp_path, "", lambda share, what: None)
    assert asked == [*TOY.settings("mnist")[:3], *TOY.settings("mnist")[2:]]
    assert codes.stat().st_mtime_ns == before, "the first step was made again"


def test_cases_with_fewer_seeds_get_the_first_of_those_that_are_asked_for() -> None:
    study = paper_001.RECIPE.scales["study"]
    assert tuple(study.seeds_of("grid-mnist-2", (3, 4, 5))) == (3, 4, 5)
    assert tuple(study.seeds_of("grid-mnist-100", (3, 4, 5))) == (3,)
    assert set(study.fewer) <= set(paper_001.RECIPE.measures)
