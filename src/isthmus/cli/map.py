"""Draw a map of the pictures, score it, and keep it; or place other pictures on one."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.cli._mapped import default_name, map_records, map_table_of, own_pictures, place_on, rows_for
from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._talk import image_out, print_json, say, stages
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    from isthmus import discover
    from isthmus.cli._fields import add_projection_fields, value_of

    parser.usage = "isthmus map RUN [PATH] [--by umap] [--name NAME] [flags]"
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    ways = discover.names("look.projections")
    group = parser.add_argument_group("the map")
    text = "how places are found (default: latent for a code of two numbers, else umap)"
    group.add_argument("--by", choices=ways, help=text)
    text = "what is mapped (default: codes)"
    group.add_argument("--of", choices=("codes", "pixels", "features"), help=text)
    group.add_argument(
        "--name", help="of the map in the run folder (default: as --by, with --of where it is not codes)"
    )
    group.add_argument("-o", "--out", metavar="PNG", help="the picture, once more; with PATH also a table beside it")
    parser.add_argument("--json", action="store_true", help="one record a line")
    by = value_of("--by", words) or "umap"
    if by in ways:
        add_projection_fields(parser, by)


def run(arguments: argparse.Namespace) -> int:
    from isthmus.contract import check_encodes
    from isthmus.look.maps import check_name
    from isthmus.models._loading import load
    from isthmus.run import Run

    if arguments.name is not None:
        check_name(arguments.name)
    if arguments.out and Path(arguments.out).suffix.lower() != ".png":
        raise UsageError(f"{arguments.out} does not end in .png", "Give the name of a PNG file.")
    folder, model = Run.open(arguments.run_folder), load(arguments.run_folder)
    check_encodes(model)
    if arguments.path:
        return place_on(model, folder, of_run(folder, arguments), arguments)
    return _draw(model, folder, arguments)


def _draw(model: Any, folder: Any, arguments: argparse.Namespace) -> int:
    """PCA first, which is there at once, and what was asked for."""
    from isthmus.cli._fields import projection_from
    from isthmus.look.projections.pca import Pca

    of = arguments.of or "codes"
    two = of == "codes" and tuple(model.latent_shape_) == (2,)
    by = arguments.by or ("latent" if two else "umap")
    asked = projection_from(arguments, by)
    asked.check_params()
    pictures, stamp = own_pictures(folder, arguments)
    with stages() as told:
        rows, extra = rows_for(model, pictures, of, told)
    wanted = [(by, asked, arguments.name or default_name(by, of))]
    plain = default_name("pca", of)
    if by not in ("pca", "latent") and wanted[0][2] != plain:
        wanted.insert(0, ("pca", Pca(seed=asked.seed), plain))
    records = []
    for way, projection, name in wanted:
        made = _kept(folder, pictures, rows, projection, name, of, extra, stamp)
        records.append(map_records(made, folder, f"isthmus map RUN --by {way}"))
        with folder.writing():
            folder.record(*records[-1])
        if not arguments.json:
            print(map_table_of(made, records[-1]), flush=True)
        say(f"wrote {folder.path}/maps/{name}.png, .csv, .json and .safetensors")
    if arguments.json:
        print_json(*(record.to_json() for part in records for record in part))
    if arguments.out:
        from PIL import Image

        with Image.open(folder.path / "maps" / f"{wanted[-1][2]}.png") as image:
            image_out(image, arguments.out)
    return 0


def _kept(
    folder: Any, pictures: Any, rows: Any, projection: Any, name: str, of: str, extra: dict[str, Any], stamp: str
) -> Any:
    import numpy as np

    from isthmus.look.maps import draw, save_map

    held = np.zeros(len(pictures), bool) if pictures.split is None else np.asarray(pictures.split == "test")
    with stages() as told:
        made = draw(
            rows,
            [str(one) for one in pictures.ids],
            pictures.labels,
            held,
            projection,
            name=name,
            of=of,
            seed=projection.seed,
            extra=extra,
            told=told,
        )
    with folder.writing():
        save_map(made, folder, pictures.labels, pictures.classes, stamp=stamp)
    return made
