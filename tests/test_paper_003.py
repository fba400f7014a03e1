"""Paper 003's recipe: verdicts on made-up numbers, and every figure on toys."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isthmus import cli, recipes
from isthmus.design import Function, Problem, Seen
from isthmus.design.searches.polyak import Polyak
from isthmus.measure import oracle
from isthmus.recipes import paper_003
from isthmus.recipes._aim_claims import CELLS, claims, effects
from isthmus.recipes._aims import Aimed, Desk
from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD
from isthmus.recipes._clusters import clustered
from isthmus.recipes._recipe import Scale
from isthmus.recipes._sheets import as_text, from_text
from isthmus.recipes._walked import walked
from isthmus.recipes._wells import KINDS, dug
from isthmus.recipes._working import packed

N = 1000
TOY = paper_003.Sizes(
    data="digits",
    pool=1,
    few=100,
    many=300,
    judged=500,
    test=200,
    looks=600,
    guide_looks=20_000,
    threshold=0.3,
    starts=20,
    steps=20,
    attempts=2,
    filmed=5,
    random=80,
    tries=2,
    clusters=12,
    vae={"net": "mlp", "epochs": 1.0},
    gan={"net": "mlp", "epochs": 1.0},
)


def silent(share: float, what: str) -> None:
    assert what


# -- what was measured, made up ---------------------------------------------------------------------------------------


def made(
    guide: float, right: float, random: float = 0.5, near: float = 10.0, walks: dict[str, float] | None = None
) -> Any:
    def told(share: float) -> str:
        return packed(np.arange(N) < round(share * N))

    first = {"guide": told(guide), "oracle": told(right), "sure": told(right)}
    shares = {"long": 0.0, "leapt": 0.0} | (walks or {})
    paths = {"walks": 100, "met": 100} | {f"{key}, {who}": v for key, v in shares.items() for who in ("met", "failed")}
    return {
        "starts": N,
        "first": first,
        "last": first | {"FCD": near},
        "random": {"sure": told(random), "n": N, "FCD": near},
        "clusters": first,
        "filtered": first,
        "attempts": [{"guide": round(guide * N), "both": round(right * N)}],
        "paths": paths,
    }


def measured(**changed: Any) -> Any:
    usual = {case: made(0.8, 0.8) for case in KINDS} | {"pixels": made(1.0, 0.2)}
    return {
        case: {0: one, 1: one} for case, one in (usual | {k.replace("_", "-"): v for k, v in changed.items()}).items()
    }


def verdict(found: Any, begins: str) -> str | None:
    (row,) = [row for row in claims(found, paper_003.Sizes()) if row.what.startswith(begins)]
    assert row.words
    return row.verdict


def test_failures_come_first() -> None:
    order = [row.verdict for row in claims(measured(), paper_003.Sizes())]
    assert order == sorted(order, key=[NOT_HELD, CONFOUNDED, HELD].index)
    assert HELD in order and NOT_HELD in order


def test_more_numbers_are_told_from_more_pictures() -> None:
    what = "20 numbers succeed more often than 5, by the guide"
    by_size = measured(narrow_few=made(0.6, 0.6), narrow_many=made(0.6, 0.6))
    by_count = measured(narrow_few=made(0.6, 0.6), wide_few=made(0.6, 0.6))
    assert verdict(by_size, what) == HELD and verdict(by_count, what) == CONFOUNDED
    assert verdict(measured(), what) == NOT_HELD
    assert verdict(by_size, f"all else equal, {what}") == HELD
    found = effects(measured(narrow_few=made(0.5, 0.5), narrow_many=made(0.6, 0.6)), "guide")
    assert found["numbers"].value == pytest.approx(0.25) and found["pictures"].value == pytest.approx(0.05)
    assert found["interaction"].value == pytest.approx(-0.1)


def test_pixels_satisfy_the_guide_and_not_the_oracle() -> None:
    assert verdict(measured(), "LSO-1 beats input") == HELD
    assert verdict(measured(narrow_few=made(0.9, 0.1)), "LSO-1 beats input") == NOT_HELD
    assert verdict(measured(), "input optimisation almost never") == HELD
    assert verdict(measured(pixels=made(0.9, 0.2)), "input optimisation almost never") == NOT_HELD
    assert verdict(measured(), "a smaller space fails") == HELD
    assert verdict(measured(wide_many=made(1.0, 0.2)), "a smaller space fails") == NOT_HELD, (
        "it must be so in each cell"
    )


def test_a_gan_that_draws_one_good_picture_is_not_better() -> None:
    what = "GAN: its pictures are better"
    assert verdict(measured(gan=made(0.8, 0.8, random=0.95, near=5.0)), what) == HELD
    assert verdict(measured(gan=made(0.8, 0.8, random=0.95, near=50.0)), what) == NOT_HELD
    through = "a search through the GAN"
    assert verdict(measured(gan=made(0.8, 0.8, random=0.8)), through) == HELD
    assert verdict(measured(gan=made(0.8, 0.8, random=0.95)), through) == NOT_HELD


def test_what_a_free_code_does_as_well_is_not_the_priors_doing() -> None:
    what = "a VAE's random codes"
    assert verdict(measured(vae_1=made(0.8, 0.8, random=0.7, near=5.0)), what) == HELD
    assert verdict(measured(vae_1=made(0.8, 0.8, random=0.7, near=50.0)), what) == CONFOUNDED
    both = {"vae_1": made(0.8, 0.8, random=0.7), "gaussian": made(0.8, 0.8, random=0.7)}
    assert verdict(measured(**both), what) == CONFOUNDED
    clear, far = made(0.8, 0.8, random=0.9, near=5.0), made(0.8, 0.8, random=0.9, near=50.0)
    assert verdict(measured(narrow_few=clear, narrow_many=clear), "the smaller code") == HELD
    assert verdict(measured(narrow_few=clear, narrow_many=far), "the smaller code") == CONFOUNDED


def test_the_rest() -> None:
    assert verdict(measured(), "very few retries") == NOT_HELD
    assert verdict(measured(narrow_few=made(0.99, 0.5), wide_many=made(1.0, 0.5)), "very few retries") == HELD
    assert verdict(measured(wide_many=made(1, 1, walks={"leapt": 0.9})), "walks leap") == HELD
    assert verdict(measured(), "walks stand still") == NOT_HELD


# -- what measures ----------------------------------------------------------------------------------------------------


def test_the_error_is_that_of_all_outputs_from_each_starts_own_class() -> None:
    outputs = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.95, 0.0]])
    aimed = Aimed(lambda z, rows: z, lambda x: Seen(x.log()[None]), (), targets=torch.tensor([2, 0, 1]))
    verdict_ = aimed(outputs, torch.tensor([1, 2]))
    torch.testing.assert_close(verdict_.loss, torch.tensor([0.02, 0.0025]))
    assert verdict_.met.tolist() == [False, True]


def test_walks_tell_flat_places_and_leaps() -> None:
    def error(x: torch.Tensor) -> torch.Tensor:
        """A slope down to a plain at 1, or from a step of half the error onwards nothing."""
        return torch.where(x[:, 0] > 0, x[:, 0] + 1, torch.full_like(x[:, 0], 1.0) + 0 * x[:, 0])

    problem = Problem(
        lambda z, rows: z[:, None], lambda x: Seen(), [Function("down", function=lambda x: error(x[:, 0]))]
    )
    found = Polyak(steps=20, share=0.6, cap=9.0).search(problem, torch.tensor([[4.0]]), filmed=[0])
    told = walked(problem, found, 1.0, silent)
    assert told["walks"] == 1 and told["met"] == 0 and told["stuck, met"] is None
    assert told["leapt, failed"] == 1 and told["long, failed"] == 1 and told["stuck, failed"] > 0.8
    assert told["first slope, failed"] == pytest.approx(1.0)


def test_clusters_take_the_guides_names_and_lack_what_nobody_has() -> None:
    generator = np.random.default_rng(0)
    codes = torch.from_numpy(np.concatenate([generator.normal(m, 0.1, (50, 2)) for m in (-3, 3)])).float()
    answers = torch.zeros(100, 3)
    answers[:50, 2], answers[50:, 0] = 1, 1
    drawn, named = clustered(codes, answers, torch.tensor([0, 2, 1]), 2, 0)
    assert named.tolist() == [True, True, False]
    assert (drawn[0] > 2).all() and (drawn[1] < -2).all() and drawn[2].abs().max() < 1


def test_pictures_survive_as_text() -> None:
    x = torch.rand(3, 1, 4, 4)
    np.testing.assert_allclose(from_text(as_text(x), [3, 1, 4, 4]) / 255, x, atol=0.5 / 255 + 1e-6)


def test_nobody_who_is_judged_has_learnt_from_the_oracles_pictures(tmp_path: Path) -> None:
    desk = Desk(TOY, 0, tmp_path)
    whole = desk._parts[0]
    oracles, others = set(whole.ids[-TOY.judged :]), set(whole.ids[: TOY.many])
    assert not oracles & others and not others & set(desk._parts[1].ids) and not oracles & set(desk._parts[1].ids)
    assert len(desk.held_out) == min(TOY.many, len(whole) - TOY.judged - TOY.many)
    quick = paper_003.RECIPE.scales["quick"].sizes
    assert 2 * quick.many <= 60_000 - quick.judged


def test_a_squashed_code_stays_in_its_cube(tmp_path: Path) -> None:
    desk = Desk(TOY, 0, tmp_path)
    well = dug(KINDS["narrow-few"], desk, silent)
    codes = well.codes(desk.test[0])
    assert codes.shape == (len(desk.test[0]), 5) and codes.min() > 0 and codes.max() < 1
    assert not dug(KINDS["gan"], desk, silent).encodes


# -- the whole, on toys -----------------------------------------------------------------------------------------------


def test_every_part_runs_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = {"quick": Scale(TOY, (0,), 1)}
    monkeypatch.setattr(paper_003, "RECIPE", dataclasses.replace(paper_003.RECIPE, scales=scales))
    for name in ("_EPOCHS", "_PICTURES"):
        monkeypatch.setattr(oracle, name, 1)
    assert cli.main(["recipe", "run", "003", "-o", str(tmp_path), "--json"]) == 0
    parts = {line["part"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(parts) == [f"003/{part.name}" for part in recipes.chosen("003")[1]]
    for part in parts.values():
        assert part["rows"] and {row["verdict"] for row in part["rows"]} <= {HELD, NOT_HELD, CONFOUNDED, None}
        assert all(row["words"] or row["verdict"] is None for row in part["rows"]), "a verdict says why"
    folder = tmp_path / "003-quick"
    drawn = {file.name for file in folder.glob("*.png")}
    assert {"figure-4-narrow-few-seed-0.png", "figure-6-searched.png", "figure-7-success.png"} <= drawn
    kept = json.loads((folder / "wide-many-seed-0.json").read_text())["found"]
    assert {"first", "last", "attempts", "random", "filtered", "clusters", "MSE", "paths"} <= set(kept)
    assert set(CELLS) < set(KINDS)
