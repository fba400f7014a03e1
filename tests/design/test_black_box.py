"""Search where nobody knows why: optimisers against random draws, and every way in which a user's score can fail."""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isthmus import discover
from isthmus.design.black_box._objective import Objective
from isthmus.design.black_box._optimiser import AskTell, Box
from isthmus.design.maximise import Sought, attribute_of, margin_of, maximise, units_of
from isthmus.design.wishes import Range, Seen
from isthmus.errors import UsageError

NAMES = [name for name in discover.names("design.black_box") if name != "bayes"]
LEARNS = [name for name in NAMES if name != "random"]
DIMENSIONS = 6
TOP = torch.tensor([0.9, -0.7, 0.5, -0.3, 0.8, -0.6])


def codes(seed: int = 0, n: int = 400) -> torch.Tensor:
    return torch.randn(n, DIMENSIONS, generator=torch.Generator().manual_seed(seed))


def optimiser(name: str, **fields: Any) -> AskTell:
    made: AskTell = discover.find("design.black_box", name, "Optimiser")(**fields)
    return made


def near_the_top(z: np.ndarray) -> np.ndarray:
    """A known optimum: 0 at TOP, less everywhere else."""
    return np.asarray(-((z - TOP.numpy()) ** 2).sum(axis=1))


def look(name: str, seed: int = 0, score: Callable[..., Any] = near_the_top, **how: Any) -> Sought:
    how = {"budget": 80, "batch": 8, "within": codes()} | how
    return maximise(lambda z: z, Objective(score), optimiser(name, seed=seed), codes(seed + 1, 12), **how)


# -- optimisers -------------------------------------------------------------------------------------------------------


def test_they_are_found_by_name() -> None:
    assert NAMES == ["evolution", "random", "trust"]


@pytest.mark.parametrize("name", LEARNS)
def test_what_learns_beats_random_draws_in_the_median(name: str) -> None:
    ours, baseline = ([look(kind, seed).curve[-1] for seed in range(3)] for kind in (name, "random"))
    assert np.median(ours) > np.median(baseline) / 2  # both are below 0: at most half as far from the top


@pytest.mark.parametrize("name", LEARNS)
def test_the_least_is_found_as_the_most_is(name: str) -> None:
    most, least = look(name), look(name, score=lambda z: -near_the_top(z), minimise=True)
    assert [-s for s in least.scores] == pytest.approx(most.scores)
    assert least.best == most.best
    assert least.curve[-1] == pytest.approx(-most.curve[-1])


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_asks_the_same_and_another_does_not(name: str) -> None:
    first, again, other = look(name, 3), look(name, 3), look(name, 4)
    assert torch.equal(torch.stack(first.codes), torch.stack(again.codes))
    assert not torch.equal(torch.stack(first.codes), torch.stack(other.codes))


@pytest.mark.parametrize("name", NAMES)
def test_codes_stay_where_the_data_are(name: str) -> None:
    far = look(name, score=lambda z: z.sum(axis=1))
    box = Box.around(codes().double(), 1.25)
    beyond = torch.stack(far.codes[12:]).double()
    assert bool(((beyond >= box.low - 1e-5) & (beyond <= box.high + 1e-5)).all())


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_asked_for_is_never_scored(name: str) -> None:
    def half(x: torch.Tensor) -> torch.Tensor:
        return x[:, 0] < 0.0  # the top lies on the other side

    found = look(name, feasible=half)
    assert found.stopped == "budget"
    assert max(float(code[0]) for code in found.codes) < 0
    assert found.scored == 80 < found.drawn
    if name != "random":
        best = found.codes[found.best or 0]
        assert float((best[1:] - TOP[1:]).norm()) < 1.0


def test_a_margin_leads_to_where_something_is_allowed() -> None:
    def corner(x: torch.Tensor) -> torch.Tensor:
        return x[:, :3].amin(1) - 1.0

    found = look("trust", feasible=corner, budget=30)
    assert found.stopped == "budget"
    assert all(float(code[:3].amin()) >= 1 for code in found.codes)


def test_where_nothing_is_allowed_the_search_says_so_and_ends() -> None:
    found = look("random", feasible=lambda x: torch.zeros(len(x), dtype=torch.bool))
    assert found.scored == 0 and found.best is None
    assert "no picture that was drawn is one that was asked for" in found.stopped


@pytest.mark.parametrize("name", LEARNS)
def test_scores_that_are_known_are_started_from(name: str) -> None:
    known = codes(9, 100)
    scores = torch.from_numpy(near_the_top(known.numpy()))
    found = look(name, known=(known, scores), budget=40)
    assert found.scored == 40
    assert not torch.equal(found.codes[0], codes(1, 12)[0])  # no start is asked where so much is known
    assert found.curve[-1] > float(scores.max())


def test_few_dimensions_and_one_start_are_enough() -> None:
    for name in NAMES:
        start = torch.zeros(1, 1)
        found = maximise(lambda z: z, Objective(lambda z: -abs(z[:, 0] - 0.5)), optimiser(name), start, budget=12,
                         within=torch.linspace(-2, 2, 50)[:, None])  # fmt: skip
        assert found.scored == 12


def test_starts_that_are_no_codes_are_refused() -> None:
    with pytest.raises(UsageError, match="are no codes"):
        optimiser("random").begin(torch.zeros(0, 3))
    with pytest.raises(UsageError, match="buys nothing"):
        look("random", budget=0)


def test_botorch_is_asked_for_in_one_sentence() -> None:
    if "bayes" not in discover.names("design.black_box"):
        pytest.fail("bayes is gone")
    try:
        import botorch  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"pip install 'isthmus\[bayes\]'"):
            look("bayes")
    else:
        assert look("bayes", budget=24).curve[-1] > look("random", budget=24).curve[-1]


def test_evolution_against_the_package_of_its_author() -> None:
    cma = pytest.importorskip("cma", reason="the package cma is not installed: nothing to compare with")
    strategy = cma.CMAEvolutionStrategy(codes(1, 1)[0].numpy(), 0.5, {"seed": 1, "verbose": -9, "popsize": 9})
    while strategy.countevals < 300:
        asked = strategy.ask()
        strategy.tell(asked, list(-near_the_top(np.array(asked))))
    ours = np.median([look("evolution", seed, budget=300).curve[-1] for seed in range(3)])
    assert -ours < 100 * strategy.best.f + 1e-3


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_every_batch_is_kept_as_plain_json() -> None:
    lines: list[dict[str, Any]] = []
    progress: list[tuple[int, int]] = []
    found = look("trust", budget=20, keep=lines.append, told=lambda done, all_: progress.append((done, all_)))
    again = [json.loads(json.dumps(line, allow_nan=False)) for line in lines]
    assert [line["batch"] for line in again] == [1, 2, 3]
    assert [s for line in again for s in line["scores"]] == found.scores
    assert [z for line in again for z in line["codes"]] == [code.tolist() for code in found.codes]
    assert again[-1]["best"] == found.curve[-1] and again[-1]["scored"] == 20
    assert progress == [(8, 20), (16, 20), (20, 20)]


def test_an_interrupt_gives_back_what_was_found() -> None:
    calls, lines = [0], list[dict[str, Any]]()

    def score(picture: np.ndarray) -> float:
        calls[0] += 1
        if calls[0] == 14:
            raise KeyboardInterrupt
        return float(near_the_top(picture[None])[0])

    found = look("random", score=score, keep=lines.append)
    assert found.stopped == "interrupted"
    assert found.scored == 13 == sum(len(line["scores"]) for line in lines)
    assert np.isfinite(found.scores).all()


def test_a_failed_score_is_noted_and_never_chosen() -> None:
    found = look("trust", score=lambda z: np.where(z[:, 0] > 0.3, np.nan, near_the_top(z)))
    assert found.said and found.stopped == "budget"
    assert "<lambda>, picture" in next(iter(found.said.values()))
    assert set(found.said) == set(np.flatnonzero(np.isnan(found.scores)))
    assert found.best not in found.said and not set(found.order) & set(found.said)
    assert np.isfinite(found.curve[-1])


# -- a user's file ----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "score.py"
        path.write_text(textwrap.dedent(text))
        return path

    return write


Write = Callable[[str], Path]
PICTURES = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3)


def test_a_file_scores_all_pictures_at_once_in_their_own_units(file: Write) -> None:
    with Objective.from_file(file("def score(pictures):\n    return pictures.sum(axis=(1, 2))")) as objective:
        assert objective(PICTURES).scores.tolist() == PICTURES.sum(axis=(1, 2)).tolist()
        assert objective(PICTURES[:1]).scores.tolist() == [36]
    assert objective.scored == 5


def test_a_parameter_called_picture_is_given_one(file: Write) -> None:
    with Objective.from_file(
        file("def score(picture):\n    assert picture.shape == (3, 3)\n    return picture[0, 0]")
    ) as objective:
        assert objective(PICTURES).scores.tolist() == [0, 9, 18, 27]


def test_it_finds_what_lies_beside_it_and_leaves_nothing_there(file: Write, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("factor = 2")
    path = file("import random, helper\ndef score(pictures):\n    return [helper.factor] * len(pictures)")
    with Objective.from_file(path) as objective:
        assert objective(PICTURES).scores.tolist() == [2] * 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["helper.py", "score.py"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def other(x): ...", "no function called score"),
        ("def score(x):\n  return (1", r"line 2: SyntaxError: '\(' was never closed"),
        ("import os\nimport no_such_thing", "line 2: ModuleNotFoundError"),
        ("import sys\nsys.exit()", "line 2: SystemExit"),
        ("import os\nos._exit(3)", "its process ended without an answer"),
    ],
)
def test_a_file_that_cannot_work_is_refused_with_the_place(file: Write, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=rf"score\.py.*{said}.*It must have: def score"):
        Objective.from_file(file(text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        Objective.from_file(tmp_path / "score.py")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / int(pictures[0, 0, 0] != 9)", "score.py, line 3, picture 2: ZeroDivisionError: division by zero"),
        ("return [float('nan') if p[0, 0] == 9 else 1 for p in pictures]", "score.py, picture 2: it returned nan"),
        ("return [1e400 if p[0, 0] == 9 else 1 for p in pictures]", "score.py, picture 2: it returned inf"),
        ("return ['a' if p[0, 0] == 9 else 1 for p in pictures]", "it returned ['a'], which is no number"),
        ("return None if 9 in pictures[:, 0, 0] else [1] * len(pictures)", "it returned nothing: a return is missing"),
        (
            "sys.exit(2) if 9 in pictures[:, 0, 0] else 0\n    return [1] * len(pictures)",
            "line 3, picture 2: it called",
        ),
        ("os._exit(2) if 9 == pictures[0, 0, 0] else 0\n    return [1] * len(pictures)", "its process ended"),
    ],
)
def test_one_bad_picture_costs_no_other_its_score(file: Write, body: str, said: str) -> None:
    head = "import os, sys\ndef score(pictures):\n"
    with Objective.from_file(file(f"{head}    {body}")) as objective:
        first = objective(PICTURES[:2] if "_exit" not in body else PICTURES[1:2])
        second = objective(PICTURES[2:])
    (sentence,) = first.said.values()
    assert said in sentence and "\n" not in sentence
    assert np.isfinite(first.scores).tolist() == [True, False][-len(first.scores) :]
    assert np.isfinite(second.scores).all()


@pytest.mark.parametrize("body", ["return pictures", "return 1.0", "return [1, 2]", "return {}"])
def test_another_number_of_scores_than_pictures_is_said(file: Write, body: str) -> None:
    with Objective.from_file(file(f"def score(pictures):\n    {body}")) as objective:
        outcome = objective(PICTURES[:3])
    said = " ".join(outcome.said.values())
    assert "one number" in said or "no number" in said or np.isfinite(outcome.scores).all()


def test_what_it_prints_is_no_answer(file: Write, capfd: pytest.CaptureFixture[str]) -> None:
    text = """
        import os
        print("loading")
        def score(pictures):
            print("{}")
            os.write(1, b"x")
            return pictures[:, 0, 0]
    """
    with Objective.from_file(file(text)) as objective:
        assert objective(PICTURES).scores.tolist() == [0, 9, 18, 27]
    told = capfd.readouterr()
    assert told.out == "" and "loading" in told.err


def test_what_hangs_is_ended_and_started_again(file: Write) -> None:
    text = "import time\ndef score(picture):\n    time.sleep(60 if picture[0, 0] == 9 else 0)\n    return 1"
    started = time.monotonic()
    with Objective.from_file(file(text), seconds=1.0) as objective:
        outcome = objective(PICTURES)
    assert np.isfinite(outcome.scores).tolist() == [True, False, True, True]
    assert outcome.said[1] == "score.py, picture 2: it took longer than 1 seconds and was ended"
    assert time.monotonic() - started < 40


def test_after_five_calls_in_a_row_it_is_given_up_and_what_was_found_is_kept(file: Write) -> None:
    text = """
        left = [9]
        def score(picture):
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("worn out")
            return 1
    """
    lines: list[dict[str, Any]] = []
    with Objective.from_file(file(text)) as objective:
        found = maximise(lambda z: z, objective, optimiser("random"), codes(), budget=40, batch=4, keep=lines.append)
    assert np.isfinite(found.scores).sum() == 9 and found.scored == 14
    assert found.stopped.endswith("at last score.py, line 6, picture 14: RuntimeError: worn out")
    assert sum(len(line["scores"]) for line in lines) == 14
    assert found.best == 0


def test_a_function_that_always_fails_ends_the_search_at_once() -> None:
    def score(pictures: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    found = look("trust", score=score)
    assert found.best is None and found.scored <= 8
    assert (
        "test_black_box" not in found.stopped and "score, line" in found.stopped and "ValueError: no" in found.stopped
    )


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_reaches_the_search_and_not_the_file(file: Write) -> None:
    path = file("import time\ndef score(picture):\n    time.sleep(0.2)\n    return 1")
    program = f"""
import signal, threading, os, torch
from isthmus.design.black_box._objective import Objective
from isthmus.design.black_box.random import Random
from isthmus.design.maximise import maximise
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background was told to ignore it
with Objective.from_file({str(path)!r}) as objective:
    threading.Timer(1.0, lambda: os.killpg(0, signal.SIGINT)).start()
    found = maximise(lambda z: z, objective, Random(), torch.zeros(4, 2), budget=500)
print(found.stopped, 1 <= found.scored < 12)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, start_new_session=True
    )
    assert (done.stdout, done.stderr) == ("interrupted True\n", "")


# -- beside the rest of the house -------------------------------------------------------------------------------------


def test_margins_of_wishes_agree_with_what_is_granted() -> None:
    def guide(x: torch.Tensor) -> Seen:
        return Seen(None, {"area": x.flatten(1).sum(1)[None].expand(2, -1)})

    x = torch.tensor([[1.0], [2.0], [9.0]])
    margins = margin_of(guide, [Range("area<3", name="area", high=3.0)])(x)
    assert (margins >= 0).tolist() == [True, True, False]


def test_an_attribute_is_a_black_box_of_pictures_in_their_own_units(digits: np.ndarray) -> None:
    from isthmus import PCA

    model = PCA(latent=4).fit(digits[:100])
    units = units_of(model)
    pictures = units(model.tensor(digits[:5]))
    assert pictures.dtype == np.uint8 and pictures.shape == (5, 8, 8)
    scores = attribute_of(model, "area")(pictures).scores
    assert scores == pytest.approx(digits[:5].sum(axis=(1, 2)) / float(model.scaling_.high), rel=1e-4)
