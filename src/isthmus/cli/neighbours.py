"""Find the pictures of a run whose codes are nearest to that of a picture, as a table and a sheet."""

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from isthmus.cli._pictures import add_pictures
from isthmus.cli._seen import Seen, asked_of, check_draws_pictures, row_of, seen
from isthmus.cli._talk import image_out, print_json, say, table, tick
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


class Near(NamedTuple):
    """One line of the table."""

    asked: str
    rank: int
    id: str
    label: str
    distance: float


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("asked", metavar="PICTURE|ID", nargs="+", help="ids of pictures, or files")
    add_pictures(parser, required=False, flag="--among")
    parser.add_argument("-k", type=int, default=8, metavar="N", help="how many neighbours of each (default: 8)")
    parser.add_argument("-o", "--out", metavar="FILE", help="a .png: each picture, then its neighbours")
    parser.add_argument("--csv", metavar="FILE", help="the table as a file: asked, rank, id, label, distance")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from isthmus.files import write_atomically

    looked = seen(arguments, most=None)
    if arguments.out:
        check_draws_pictures(looked.model)
    if not 1 <= arguments.k < len(looked.pictures):
        raise UsageError(f"{arguments.k} neighbours among {len(looked.pictures):,} pictures", "Give another -k.")
    asked = [asked_of(looked.run, looked.pictures, name) for name in arguments.asked]
    distances, rows = _nearest(looked, asked, arguments)
    found = [
        Near(name, rank, str(looked.pictures.ids[row]), _label(looked.pictures, row), float(distance))
        for name, far, near in zip(arguments.asked, distances, rows, strict=True)
        for rank, (distance, row) in enumerate(zip(far, near, strict=True), 1)
    ]
    _tell(found, arguments.json)
    if arguments.csv:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows([Near._fields, *found])
        write_atomically(Path(arguments.csv), text.getvalue().encode())
        say(f"wrote {arguments.csv}")
    if arguments.out:
        image_out(_sheet(looked, asked, arguments.asked, np.asarray(rows), found), arguments.out)
    return 0


def _nearest(looked: Seen, asked: list[Any], arguments: argparse.Namespace) -> tuple[list[Any], list[Any]]:
    """For each its neighbours without itself, whether it was asked for by id or by a copy of its file."""
    import numpy as np

    from isthmus.stats.knn import neighbours

    codes = np.concatenate([looked.model.transform(one) for one in asked])
    with tick("comparing codes") as told:
        found = neighbours(codes, looked.codes, arguments.k + 1, tick=told)
    distances, rows = [], []
    for name, one, far, near in zip(arguments.asked, asked, *found, strict=True):
        itself = row_of(looked.pictures, name)
        if itself is None:
            itself = next((row for row in near if _same(looked.pictures, row, one)), None)
        kept = np.flatnonzero(near != itself)[: arguments.k] if itself is not None else np.arange(arguments.k)
        distances.append(far[kept])
        rows.append(near[kept])
    return distances, rows


def _same(pictures: Any, row: int, one: Any) -> bool:
    import numpy as np

    return bool(np.array_equal(pictures.pixels[row].reshape(-1), one.pixels[0].reshape(-1)))


def _label(pictures: Any, row: int) -> str:
    return str(pictures.classes[pictures.labels[row]]) if pictures.labels[row] >= 0 else ""


def _tell(found: list[Near], as_json: bool) -> None:
    if as_json:
        print_json(*(one._asdict() for one in found))
        return
    rows = [[one.asked, str(one.rank), one.id, one.label, f"{one.distance:.4g}"] for one in found]
    sys.stdout.write(table(["asked", "rank", "id", "label", "distance"], rows) + "\n")


def _sheet(looked: Seen, asked: list[Any], names: Sequence[str], rows: Any, found: list[Near]) -> Any:
    import numpy as np

    from isthmus.contract import shown
    from isthmus.report.walks import Likeness, likeness_sheet

    likenesses = []
    for one, name, near in zip(asked, names, rows, strict=True):
        pictures = np.concatenate([shown(looked.model, one), shown(looked.model, looked.pictures.take(near))])
        mine = [line for line in found if line.asked == name][: len(near)]
        captions = [[str(one.ids[0]), _label(one, 0), "asked"]]
        captions += [[line.id, line.label, f"{line.distance:.3g}"] for line in mine]
        likenesses.append(Likeness(pictures, captions))
    return likeness_sheet(
        likenesses,
        title="Pictures with the nearest codes",
        subtitle=f"Of {len(looked.pictures):,} pictures; under each its id, its label and how far its code is.",
    )
