"""Judge a model on pictures it was not trained on, beside PCA and predictors that know nothing."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._ends import draw_ends, draw_samples
from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._records import record_of, record_table
from isthmus.cli._talk import image_out, print_json, say, tick
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_WIDE = 1000


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument(
        "--samples",
        type=int,
        metavar="K",
        help="draws a picture for the likelihood (default: 100; 1 for a code of more than 1,000 numbers)",
    )
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32", help="of those draws")
    parser.add_argument(
        "--pixel-density", action="store_true", help="how pixels at nine places are distributed, redrawn and before"
    )
    parser.add_argument(
        "--judge",
        action="store_true",
        help="ask an independent classifier, trained on the run's labelled pictures, about redrawn and drawn ones",
    )
    parser.add_argument("--json", action="store_true", help="one record a line")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.cli._judged import judge_for, judged
    from isthmus.models._loading import load
    from isthmus.run import Run

    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    if not (model.encodes or arguments.judge):
        raise UsageError(f"{type(model).__name__} does not encode: it draws pictures and reads none", "Add --judge.")
    test = of_run(folder, arguments, which="test")
    training = _training(folder, arguments)
    # Before anything that takes long: whoever cannot be judged is told so at once.
    judge = judge_for(model, folder, training, test) if arguments.judge else None
    common = _common(model, folder, arguments)
    records = _records(model, folder, training, test, arguments, common) if model.encodes else []
    if len(model.shape_) == 3:
        draw_samples(model, folder)
    if judge is not None:
        records += judged(model, folder, judge, common)
    folder.record(*records)
    if arguments.json:
        print_json(*(record.to_json() for record in records))
        return 0
    print(record_table("on pictures not trained on", records))
    for record in records:
        if "verdict" in record.extra:
            print(record.extra["verdict"])
    return 0


def _common(model: Any, folder: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """What all records of one call share."""
    command = " ".join(["isthmus", "evaluate", "RUN", *(["PATH"] if arguments.path else [])])
    own = folder.read_json("run.json").get("data") or {}
    data = "given" if arguments.path else own.get("name") if own.get("kind") == "set" else "the run's own"
    split = "given" if arguments.path else "test"
    return {"split": split, "data": data, "seed": model.seed, "command": command}


def _records(
    model: Any, folder: Any, training: Any, test: Any, arguments: argparse.Namespace, common: dict[str, Any]
) -> list[Any]:
    import numpy as np

    from isthmus.measure.reconstruction import reconstruction

    records = []
    with tick("reconstruction") as told:
        found = reconstruction(model, test, test if training is None else training, tick=told)
    for name, interval in found.rows().items():
        records.append(record_of(f"MSE, {name}", interval, **common))
    records[0].extra["verdict"] = f"Reconstruction is {found.verdict()}."
    if len(model.shape_) == 3:
        draw_ends(model, folder, test, found.per_picture)
    if arguments.pixel_density:
        records += _pixels(model, folder, test, common)
    if model.has_density:
        from isthmus.measure.density import importance_weighted_bound

        draws = arguments.samples or (1 if np.prod(model.latent_shape_) > _WIDE else 100)
        with tick("likelihood") as told:
            density = importance_weighted_bound(model, test, draws, precision=arguments.precision, tick=told)
        records += [record_of(name, interval, **common) for name, interval in density.rows().items()]
        if not hasattr(model, "log_prior"):  # a KL to the standard normal says nothing where the prior is another
            records += _code(model, folder, test, common)
    return records


def _code(model: Any, folder: Any, test: Any, common: dict[str, Any]) -> list[Any]:
    """What the dimensions of the code carry; those of a code of maps are summed map by map."""
    from isthmus.measure.codes import codes
    from isthmus.report.bars import kl_bars

    with tick("code") as told:
        seen = codes(model, test, tick=told)
    kl, active = seen.by_map()
    unit = "dimension" if len(seen.shape) == 1 else "map"
    total = record_of("KL, nats", seen.kl_total, **common)
    total.extra = {f"per_{unit}": [round(float(v), 5) for v in kl], "verdict": f"Code: {seen.verdict()}."}
    image_out(kl_bars(kl, active, unit=unit), str(folder.path / "kl.png"))
    return [total, record_of("active units", seen.active_units, seen.n, **common)]


def _pixels(model: Any, folder: Any, test: Any, common: dict[str, Any]) -> list[Any]:
    """The densities of nine pixels, drawn, and how far redrawn ones are from the pictures' in numbers."""
    from isthmus.measure.pixel_density import pixel_density
    from isthmus.report.densities import densities

    with tick("pixel density") as told:
        found = pixel_density(model, test, tick=told)
    subtitle = f"{len(found.truth):,} pictures not trained on. W1: Wasserstein distance; KS: Kolmogorov-Smirnov."
    title = "Pixels at nine places: the pictures and what the model redraws"
    image = densities(found.truth, found.redrawn, found.notes(), title=title, subtitle=subtitle)
    image_out(image, str(folder.path / "pixel-density.png"))
    common = common | {"command": f"{common['command']} --pixel-density"}
    distances = (("Wasserstein", found.wasserstein), ("Kolmogorov-Smirnov", found.kolmogorov_smirnov))
    records = []
    for number, (name, interval) in enumerate(distances):
        records.append(record_of(f"pixel density, {name}", interval, **common))
        records[-1].extra = {
            "halves": round(found.halves[number], 6),
            "mean_picture": round(found.mean_picture[number], 6),
            "rows": found.rows,
            "columns": found.columns,
            "per_channel_and_place": found.by_place[number].round(6).tolist(),
        }
    records[0].extra["verdict"] = f"Pixels: {found.verdict()}."
    return records


def _training(folder: Any, arguments: argparse.Namespace) -> Any:
    """The run's own training pictures, for PCA to be fitted on; without them PCA learns from what it is tested on."""
    from isthmus.errors import IsthmusError

    try:
        foreign = {"path": None} | ({"labels": None} if arguments.path else {})  # a table given with PATH is of PATH
        own = argparse.Namespace(**(vars(arguments) | foreign))
        return of_run(folder, own, which="train")
    except IsthmusError as error:
        say(f"note: PCA is fitted on the test pictures themselves, which favours it ({error.what})")
        return None
