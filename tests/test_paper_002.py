"""Paper 002's recipe: verdicts on made-up numbers, and every figure on toys."""

import dataclasses
import json
from pathlib import Path

import pytest

from isthmus import cli, recipes
from isthmus.measure import oracle
from isthmus.recipes import paper_002
from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD
from isthmus.recipes._recipe import Scale

TOY = paper_002.Sizes(
    data="digits",
    test=300,
    hidden=(20, 20),
    channels=(4,),
    steps=60,
    marks=(20, 40, 60),
    batch=50,
    mapped=200,
    voters=200,
    pairs=100,
    judged=500,
    dense=20,
    draws=5,
    kicks=20,
    films=300,
)


def silent(share: float, what: str) -> None:
    assert 0 <= share <= 1 + 1e-9 and what


# -- the whole, on toys -----------------------------------------------------------------------------------------------


def test_every_part_runs_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = {"quick": Scale(TOY, (0, 1), 1, {"beside": 1})}
    monkeypatch.setattr(paper_002, "RECIPE", dataclasses.replace(paper_002.RECIPE, scales=scales))
    for name in ("_EPOCHS", "_PICTURES"):
        monkeypatch.setattr(oracle, name, 1)
    assert cli.main(["recipe", "run", "002", "-o", str(tmp_path), "--json"]) == 0
    parts = {line["part"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(parts) == [f"002/{part.name}" for part in recipes.chosen("002")[1]]
    for part in parts.values():
        assert part["rows"] and {row["verdict"] for row in part["rows"]} <= {HELD, NOT_HELD, CONFOUNDED, None}
        assert all(row["words"] or row["verdict"] is None for row in part["rows"]), "a verdict says why"
