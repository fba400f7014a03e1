"""Designs as files: a table, pictures, codes, a contact sheet and strips of how they came about."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus.design.designs import Designs
from isthmus.design.wishes import Wish
from isthmus.errors import UsageError
from isthmus.files import write_atomically
from isthmus.images.writing import write_pictures
from isthmus.report.axes import png
from isthmus.report.film import Strip, contact_sheet, film_strips

__all__ = ["free_folder", "save_designs", "words_of"]

_SHOWN, _STRIPS = 100, 8


def free_folder(folder: Path) -> Path:
    """The next of `0`, `1`, `2` ... in a folder such as `RUN/designs`."""
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal() and path.name.isascii()]
    return folder / str(max(taken, default=-1) + 1)


def save_designs(made: Designs, model: Any, folder: Path, about: dict[str, Any]) -> None:
    """Everything that a folder of designs holds; `design.json` comes last, and says that the rest is there."""
    if (folder / "design.json").exists():
        raise UsageError(f"{folder} already holds designs", "Give another folder.")
    rows = made.rows()
    write_pictures(folder, model.scaling_.inverse(made.pictures.view(len(made), *model.shape_)), model.scaling_)
    write_atomically(folder / "designs.csv", _table(rows))
    held = io.BytesIO()
    np.savez(held, codes=made.codes, success=made.success)
    write_atomically(folder / "codes.npz", held.getvalue())
    _draw(made, rows, folder, about)
    described = about | {"notes": list(made.notes), "designs": rows}
    write_atomically(folder / "design.json", (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode())


def words_of(row: dict[str, Any], wishes: tuple[Wish, ...]) -> str:
    """What the judge finds in a design, in a few words."""
    parts = [row["class"]] if "class" in row else []
    names = [wish.number for wish in wishes if wish.number is not None]
    parts += [f"{name} {row[name]:.3g}" if row[name] is not None else f"no {name}" for name in names if name in row]
    return ", ".join(parts)


def _table(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    lines = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    lines.writeheader()
    for row in rows:
        lines.writerow({name: "|".join(value) if isinstance(value, list) else value for name, value in row.items()})
    return text.getvalue().encode()


def _draw(made: Designs, rows: list[dict[str, Any]], folder: Path, about: dict[str, Any]) -> None:
    def seen(pictures: torch.Tensor) -> torch.Tensor:
        return pictures if pictures.ndim == 4 else pictures[:, None, None]

    said = [words_of(row, tuple(made.wishes)) for row in rows]
    order = sorted(range(len(made)), key=lambda i: not made.success[i])[:_SHOWN]
    more = f" The first {len(order)} are shown." if len(order) < len(made) else ""
    chosen = f" {len(made)} of {about['of']} were chosen by hand." if "of" in about else ""
    sheet = contact_sheet(
        seen(made.pictures[order]),
        [said[i] for i in order],
        [bool(made.success[i]) for i in order],
        title=about["want"],
        subtitle=f"{about['verdict']}.{chosen}{more} Under each what the judge finds; green where every wish is met.",
    )
    write_atomically(folder / "sheet.png", png(sheet))
    strips = [
        Strip(seen(film), (said[i], f"{rows[i]['steps']} steps"), bool(made.success[i]))
        for i, film in list(made.films.items())[:_STRIPS]
    ]
    if strips:
        title = f"{about['want']}: from start to design"
        write_atomically(folder / "films.png", png(film_strips(strips, title=title)))
