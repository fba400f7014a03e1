"""A run in the layout of model hubs: its weights and heads as they are, its description without places, and a card."""

import shutil
from pathlib import Path
from typing import Any

from isthmus.card import public, public_head
from isthmus.errors import RunError
from isthmus.export.heads import check_heads, names_of_heads
from isthmus.files import whole_folder
from isthmus.models._saving import paths_of
from isthmus.report.card import run_card
from isthmus.run import Run

__all__ = ["export_hub"]

_LEFT = ("machine", "command")


def export_hub(run: Run, out: Path, heads: list[str] | None = None, license: str | None = None) -> list[str]:
    """The names of the files; the folder is there when all are, and loads as the same model to the last bit."""
    from isthmus.models._loading import load

    check_heads(run, heads)
    model = load(run.path, "cpu")
    with whole_folder(out) as folder:
        made = Run(folder)
        made.write_json("config.json", public(run.read_json("run.json"), paths_of(model)))
        shutil.copyfile(run.file("weights.safetensors"), folder / "model.safetensors")
        for name in names_of_heads(run) if heads is None else heads:
            _copy_head(run, made, name)
        for record in run.read_lines("metrics.jsonl"):
            made.append("metrics.jsonl", {key: value for key, value in record.items() if key not in _LEFT})
        made.write("README.md", run_card(made, license).encode())
        _check_same(model, load(folder, "cpu"))
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _copy_head(run: Run, made: Run, name: str) -> None:
    """Without ids of pictures; with the rows of features that it compares pictures with, if it keeps any."""
    made.write_json(f"heads/{name}.json", public_head(run.read_json(f"heads/{name}.json")))
    shutil.copyfile(run.path / f"heads/{name}.safetensors", made.path / f"heads/{name}.safetensors")


def _check_same(model: Any, other: Any) -> None:
    mine, theirs = model.net_.state_dict(), other.net_.state_dict()
    alike = model.scaling_ == other.scaling_ and mine.keys() == theirs.keys()
    if not alike or not all(value.equal(theirs[key]) for key, value in mine.items()):
        raise RunError("what was written loads as another model", "Nothing was kept; please report this.")
