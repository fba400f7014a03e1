"""Recipes on the digits: rows beside the paper's, nothing made twice, and every refusal in one sentence."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus import Autoencoder, cli, recipes
from isthmus.classify.heads.code import Code
from isthmus.classify.heads.redrawn import Redrawn
from isthmus.classify.heads.taught import Taught
from isthmus.classify.heads.tuned import Tuned
from isthmus.errors import RunError, UsageError
from isthmus.images.pictures import Pictures
from isthmus.recipes import paper_000, paper_004
from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD, alike, gain, more, no_more, number, points
from isthmus.recipes._pictures import padded, parts_of
from isthmus.recipes._recipe import Part, Recipe, Row, Scale, Task, within
from isthmus.recipes._working import packed, pile_of, unpacked
from isthmus.stats.intervals import Interval


def silent(share: float, what: str) -> None:
    assert 0 <= share <= 1 + 1e-9 and what


@dataclasses.dataclass(frozen=True)
class Tiny:
    most: int = 3


def toy(calls: list[tuple[str, int]], sizes: Tiny | None = None) -> Recipe:
    """A recipe that measures nothing but that it was asked."""

    def measure(task: Task) -> dict[str, Any]:
        task.told(0.5, "measuring")
        if task.seed > task.sizes.most:
            raise KeyboardInterrupt
        calls.append((task.case, task.seed))
        return {"value": task.seed + len(task.case)}

    def judge(measured: Any, sizes: Tiny) -> list[Row]:
        return [
            number(case, 1.0, {s: one["value"] for s, one in seeds.items()}, tolerance=0.5)
            for case, seeds in measured.items()
        ]

    parts = (Part("one", "says one", ("a",), judge), Part("two", "says two", ("a", "bb"), judge))
    return Recipe(
        "toy", "A toy", {"quick": Scale(sizes or Tiny(), (0,), None)}, dict.fromkeys(["a", "bb"], measure), parts
    )


def run(recipe: Recipe, folder: Path, seeds: tuple[int, ...] = (0,), parts: int = 2) -> list[dict[str, Any]]:
    return recipe.run(recipe.parts[:parts], "quick", seeds, folder, "isthmus recipe run toy", silent)


# -- nothing is made twice --------------------------------------------------------------------------------------------


def test_what_is_finished_is_not_run_again_and_parts_share_it(tmp_path: Path) -> None:
    calls: list[tuple[str, int]] = []
    run(toy(calls), tmp_path, (0, 1), parts=1)
    assert calls == [("a", 0), ("a", 1)]
    first, second = run(toy(calls), tmp_path, (0, 1))
    assert calls[2:] == [("bb", 0), ("bb", 1)]
    assert first["part"] == "toy/one" and first["rows"][0]["per_seed"] == {"0": 1.0, "1": 2.0}
    assert [row["what"] for row in second["rows"]] == ["a", "bb"]


def test_a_case_may_have_fewer_seeds_and_a_part_may_draw(tmp_path: Path) -> None:
    calls: list[tuple[str, int]] = []
    recipe = toy(calls)
    scales = {"quick": dataclasses.replace(recipe.scales["quick"], fewer={"bb": 1})}
    part = dataclasses.replace(
        recipe.parts[1], draw=lambda measured, sizes: {n: Image.new("L", (3, 3)) for n in measured}
    )
    found = run(dataclasses.replace(recipe, scales=scales, parts=(part,)), tmp_path, (0, 1, 2))
    assert calls == [("a", 0), ("a", 1), ("a", 2), ("bb", 0)]
    assert [list(row["per_seed"]) for row in found[0]["rows"]] == [["0", "1", "2"], ["0"]]
    assert sorted(file.name for file in (tmp_path / "toy-quick").glob("*.png")) == ["two-a.png", "two-bb.png"]


def test_an_interrupted_recipe_keeps_the_seeds_that_were_finished(tmp_path: Path) -> None:
    calls: list[tuple[str, int]] = []
    with pytest.raises(KeyboardInterrupt):
        run(toy(calls), tmp_path, (0, 9), parts=1)
    run(toy(calls), tmp_path, (0, 1), parts=1)
    assert calls == [("a", 0), ("a", 1)]


def test_what_is_kept_says_where_it_comes_from(tmp_path: Path) -> None:
    run(toy([]), tmp_path)
    for name in ("a-seed-0.json", "one.json"):
        kept = json.loads((tmp_path / "toy-quick" / name).read_text())
        assert {"commit", "machine", "command", "versions", "made", "cpu_seconds"} <= set(kept), name


def test_expected_numbers_are_set_beside_what_came(tmp_path: Path) -> None:
    recipe = toy([])
    expected = {"one": {"a": (1.5, 0.6)}, "two": {"a": (1.5, 0.4)}}
    scales = {"quick": dataclasses.replace(recipe.scales["quick"], expected=expected)}
    first, second = run(dataclasses.replace(recipe, scales=scales), tmp_path)
    assert first["rows"][0]["expected"] == [1.5, 0.6] and first["rows"][0]["as_expected"] is True
    assert [row.get("as_expected") for row in second["rows"]] == [False, None]


@pytest.mark.parametrize("recipe", recipes.recipes(), ids=lambda recipe: recipe.paper)
def test_what_is_expected_is_what_this_project_found(recipe: Recipe) -> None:
    """The numbers in a recipe are those of the results that are kept beside the code."""
    for name, scale in recipe.scales.items():
        for part, rows in scale.expected.items():
            file = Path(__file__).parents[1] / "results" / "recipes" / f"{recipe.paper}-{name}" / f"{part}.json"
            found = {row["what"]: row["ours"] for row in json.loads(file.read_text("utf-8"))["rows"]}
            for what, (value, tolerance) in rows.items():
                assert tolerance > 0 and abs(found[what] - value) <= tolerance, f"{recipe.paper}/{part}: {what}"


def test_another_format_other_sizes_and_a_second_writer_are_refused(tmp_path: Path) -> None:
    from isthmus.run import Run

    run(toy([]), tmp_path)
    with pytest.raises(RunError, match="other sizes than quick has now"):
        run(toy([], Tiny(5)), tmp_path)
    with Run(tmp_path / "toy-quick").writing(), pytest.raises(RunError, match="another process is writing"):
        run(toy([]), tmp_path)
    file = tmp_path / "toy-quick" / "recipe.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 99}))
    with pytest.raises(RunError, match="format 99; this version reads format 1"):
        run(toy([]), tmp_path)


def test_shares_of_the_work_add_up() -> None:
    said: list[tuple[float, str]] = []
    inner = within(lambda share, what: said.append((share, what)), 0.5, 1.0, "outer")
    within(inner, 0.0, 0.5)(1.0, "inner")
    assert said == [(0.75, "outer: inner")]


# -- claims -----------------------------------------------------------------------------------------------------------


def about(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half, 10)


def test_a_claim_is_held_confounded_or_not() -> None:
    there, nothing = about(0.02, 0.01), about(0.002, 0.01)
    assert more(there) == HELD and more(there, there) == HELD
    assert more(there, nothing) == CONFOUNDED
    assert more(nothing) == more(nothing, there) == more(about(-0.1, 0.01)) == NOT_HELD
    assert more(about(0.1, float("nan"))) == NOT_HELD, "a single draw proves nothing"


def test_no_better_means_that_better_is_ruled_out() -> None:
    assert no_more(about(-0.02, 0.01)) == HELD and no_more(about(0, 0.004)) == HELD
    assert no_more(about(0, 0.2)) == NOT_HELD and no_more(about(0.02, 0.01)) == NOT_HELD


def test_alike_and_tolerances() -> None:
    assert alike({"a": 10.0, "b": 10.4}, 0.05) == HELD and alike({"a": 10.0, "b": 11}, 0.05) == NOT_HELD
    assert number("accuracy", 88.0, {0: 87.5}, tolerance=0.6).verdict == HELD
    assert number("accuracy", 88.0, {0: 87.0}, tolerance=0.6).verdict == NOT_HELD
    assert number("error", 0.3, {0: 0.33}, tolerance=0.02, lower=True).verdict == NOT_HELD
    assert number("error", 0.3, {0: 0.1}).verdict is None


def test_several_trainings_widen_the_interval_of_a_difference() -> None:
    generator = np.random.default_rng(0)
    base = generator.random((1, 500)) < 0.8
    one = gain(base, np.zeros_like(base))
    spread = np.concatenate([base, generator.random((1, 500)) < 0.6])
    assert gain(spread, np.zeros_like(spread)).high - gain(spread, np.zeros_like(spread)).low > one.high - one.low
    assert "no interval" in points(gain(np.ones((1, 1)), np.zeros((1, 1))))


def test_flags_are_kept_in_few_letters() -> None:
    right = np.random.default_rng(0).random(1001) < 0.5
    np.testing.assert_array_equal(unpacked(packed(right), 1001), right)


# -- pictures and heads -----------------------------------------------------------------------------------------------


def test_parts_are_apart_and_a_set_without_a_test_gives_one() -> None:
    train, watched, test = parts_of("digits", 200, 300)
    ids = [set(part.ids) for part in (train, watched, test)]
    assert not (ids[0] & ids[1] or ids[0] & ids[2] or ids[1] & ids[2])
    assert abs(len(watched) - 200) < 10 and abs(len(test) - 300) < 10 and set(test.labels) == set(range(10))


def test_padding_keeps_the_picture_in_the_middle(digits: np.ndarray) -> None:
    wide = padded(Pictures.from_array(digits[:3, None]), 13).pixels
    assert wide.shape == (3, 1, 13, 13)
    np.testing.assert_array_equal(wide[:, 0, 2:10, 2:10], digits[:3])
    assert wide.sum() == digits[:3].sum()


@pytest.fixture(scope="module")
def model(digits: np.ndarray) -> Autoencoder:
    return Autoencoder(net="conv", latent=8, epochs=1, precision="float32").fit(digits[:300])


@pytest.mark.parametrize("head", [Tuned(at="code"), Code(), Redrawn(redraw=False, channels=(4,))])
def test_patience_stops_early_on_labels_held_out(head: Any, model: Autoencoder, digits: np.ndarray) -> None:
    from sklearn.datasets import load_digits

    labels, steps = load_digits().target[:300], []
    pile = pile_of(model, digits[:300], lambda share, what: steps.append(share))
    # a step this large spoils what the first passes have learnt
    head = head.fresh().set_params(patience=1, looks=300 * 60, views="none", learning_rate=0.3)
    told = head.fit(pile, labels, 10).probabilities(pile_of(model, digits[:300]))
    assert told.shape == (300, 10) and np.isfinite(told).all()
    assert max(steps) < 1, "it went on to the end"


def test_patience_is_refused_where_it_means_nothing(model: Autoencoder, digits: np.ndarray) -> None:
    with pytest.raises(UsageError, match="Leave patience out"):
        Taught(patience=2).fit(pile_of(model, digits[:20]), np.arange(20) % 10, 10)


# -- the papers -------------------------------------------------------------------------------------------------------


TOYS = {
    "004": paper_004.Sizes(
        "digits",
        validation=300,
        test=300,
        pictures=200,
        watched=200,
        latent=4,
        optimised=3,
        studied=1,
        trials=2,
        stopped=2,
        drawn=1,
        mapped=200,
        random=200,
        ours={"epochs": 1.0},
        labels=100,
        epochs=1,
        passes=1,
        patience=1,
    ),
    "000": paper_000.Sizes(
        "digits",
        pictures=200,
        validation=50,
        test=60,
        latent=2,
        blocks=(1, 1, 1),
        growth=2,
        first=4,
        training={"epochs": 2, "precision": "float32"},
        counts=(20, 40),
        draws=2,
        passes=5,
        looks=64,
    ),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every paper at a toy scale, for the command line too."""
    for name, module in (("004", paper_004), ("000", paper_000)):
        scales = {"quick": Scale(TOYS[name], (0,), 1)}
        monkeypatch.setattr(module, "RECIPE", dataclasses.replace(module.RECIPE, scales=scales))
    yield


@pytest.mark.parametrize("name", sorted(TOYS))
def test_a_paper_runs_from_the_command_line(
    name: str, small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["recipe", "run", name, "-o", str(tmp_path)]
    assert cli.main([*words, "--json"]) == 0
    parts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [part["part"] for part in parts] == [f"{name}/{part.name}" for part in recipes.chosen(name)[1]]
    for part in parts:
        assert part["rows"] and {row["verdict"] for row in part["rows"]} <= {HELD, NOT_HELD, CONFOUNDED, None}
        assert all(row["words"] or row["verdict"] is None for row in part["rows"]), "a verdict says why"
    assert cli.main(words) == 0, "a second time costs nothing"
    assert "verdict" in capsys.readouterr().out
    assert cli.main(["recipe", "list", "-o", str(tmp_path)]) == 0
    listed = capsys.readouterr().out
    assert "last result: not run" in listed and "(quick scale, 1 seed" in listed


def test_a_training_of_paper_000_is_found_again(small: None, tmp_path: Path) -> None:
    recipe, parts = recipes.chosen("000/figure-3")
    run_folder = tmp_path / "000-quick" / "code-8x8-seed-0"
    recipe.run(parts, "quick", (0,), tmp_path, "", silent)
    assert (run_folder / "history.jsonl").is_file()


def test_every_recipe_says_what_it_claims_and_costs() -> None:
    found = recipes.recipes()
    assert [recipe.paper for recipe in found] == sorted(recipe.paper for recipe in found)
    for recipe in found:
        assert {"quick", "paper"} <= set(recipe.scales) <= {"quick", "study", "paper"} and recipe.parts
        assert {case for part in recipe.parts for case in part.cases} <= set(recipe.measures)
        assert all(part.claim for part in recipe.parts) and all(scale.cost for scale in recipe.scales.values())


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["004/table-77"], "Did you mean 004/table-7"),
        (["nonsense"], "See: isthmus recipe list"),
        (["004", "--scale", "huge"], "Choose one of: quick, paper"),
        (["004", "--seeds", "one"], "list of whole numbers"),
        (["004", "--seeds=-1"], "at least 0"),
    ],
)
def test_bad_calls_are_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = cli.main(["recipe", "run", *words, "-o", str(tmp_path)])
    except SystemExit as stop:  # argparse
        code = int(str(stop.code))
    assert code == 2 and said in capsys.readouterr().err


def test_a_recipe_without_its_data_says_which_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "nothing"))
    assert cli.main(["recipe", "run", "004/table-7", "-o", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "t10k-images-idx3-ubyte.gz was not downloaded" in said and "ISTHMUS_DATA" in said


def test_a_results_file_that_was_cut_short_is_named(
    small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "004-quick"
    folder.mkdir()
    (folder / "recipe.json").write_text('{"format": 1')
    assert cli.main(["recipe", "run", "004", "-o", str(tmp_path)]) == 1
    assert "recipe.json cannot be read" in capsys.readouterr().err


# -- several at once --------------------------------------------------------------------------------------------------


def test_several_recipes_run_in_processes_of_their_own_and_one_that_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither of these can run; each says why, in the order that they were asked for."""
    from isthmus.recipes._together import Order, together

    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path / "cache"))
    said: list[tuple[float, str]] = []
    (tmp_path / "003-quick").write_text("a file where a folder should be")
    orders = [Order(name, "quick", (0,), tmp_path, "recipe run", None) for name in ("003/figure-4", "nonsense")]
    first, second = together(orders, 2, 1, lambda share, what: said.append((share, what)))
    assert first.parts == [] and "003-quick" in str(first.failure)
    assert second.failure is not None and "there is no recipe or table 'nonsense'" in second.failure
    assert said[-1][0] == 1.0


def test_names_are_looked_up_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, why in (
        (["004", "nonsense"], "there is no recipe or table 'nonsense'"),
        (["004/table-6", "004/table-7"], "one paper is named twice"),
        (["all", "--scale", "study"], "recipe 000 has no scale 'study'"),
    ):
        assert cli.main(["recipe", "run", *words, "-o", str(tmp_path)]) == 2
        assert why in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
