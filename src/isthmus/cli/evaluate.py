"""Judge a model on pictures it was not trained on, beside PCA and predictors that know nothing."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._talk import image_out, print_json, say, table, tick

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
    parser.add_argument("--json", action="store_true", help="one record a line")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.contract import check_encodes
    from isthmus.models._loading import load
    from isthmus.run import Run

    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    check_encodes(model)
    test = of_run(folder, arguments, which="test")
    records = _records(model, folder, test, arguments)
    folder.record(*records)
    if arguments.json:
        print_json(*(record.to_json() for record in records))
        return 0
    rows = [[r.name, f"{r.value:.5g}", _interval(r.interval), f"{r.n:,}"] for r in records]
    print(table(["on pictures not trained on", "value", "95 % interval", "n"], rows))
    for record in records:
        if "verdict" in record.extra:
            print(record.extra["verdict"])
    return 0


def _records(model: Any, folder: Any, test: Any, arguments: argparse.Namespace) -> list[Any]:
    import numpy as np

    from isthmus.measure.reconstruction import reconstruction

    training = _training(folder, arguments)
    command = " ".join(["isthmus", "evaluate", "RUN", *(["PATH"] if arguments.path else [])])
    own = folder.read_json("run.json").get("data") or {}
    data = "given" if arguments.path else own.get("name") if own.get("kind") == "set" else "the run's own"
    split = "given" if arguments.path else "test"
    common = {"split": split, "data": data, "seed": model.seed, "command": command}
    records = []
    with tick("reconstruction") as told:
        found = reconstruction(model, test, test if training is None else training, tick=told)
    for name, interval in found.rows().items():
        records.append(_record(f"MSE, {name}", interval, **common))
    records[0].extra["verdict"] = f"Reconstruction is {found.verdict()}."
    if arguments.pixel_density:
        records += _pixels(model, folder, test, common)
    if model.has_density:
        from isthmus.measure.density import importance_weighted_bound

        draws = arguments.samples or (1 if np.prod(model.latent_shape_) > _WIDE else 100)
        with tick("likelihood") as told:
            density = importance_weighted_bound(model, test, draws, precision=arguments.precision, tick=told)
        records += [_record(name, interval, **common) for name, interval in density.rows().items()]
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
    total = _record("KL, nats", seen.kl_total, **common)
    total.extra = {f"per_{unit}": [round(float(v), 5) for v in kl], "verdict": f"Code: {seen.verdict()}."}
    image_out(kl_bars(kl, active, unit=unit), str(folder.path / "kl.png"))
    return [total, _plain("active units", seen.active_units, seen.n, **common)]


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
        records.append(_record(f"pixel density, {name}", interval, **common))
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
        own = argparse.Namespace(**(vars(arguments) | {"path": None}))
        return of_run(folder, own, which="train")
    except IsthmusError as error:
        say(f"note: PCA is fitted on the test pictures themselves, which favours it ({error.what})")
        return None


def _record(name: str, interval: Any, **common: Any) -> Any:
    from isthmus.run import Record

    return Record(name, interval.value, (interval.low, interval.high), interval.n, **common)


def _plain(name: str, value: float, n: int, **common: Any) -> Any:
    from isthmus.run import Record

    return Record(name, value, None, n, **common)


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.5g} .. {interval[1]:.5g}"
