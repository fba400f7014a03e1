"""Draw new pictures from the model, of chosen classes where it knows any, or pictures like one that is given."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._talk import image_out
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_USUAL, _A_CLASS, _ROWS = 64, 8, 320


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("-n", type=int, metavar="N", help="how many (default: 64, or 8 of each class)")
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        metavar="NAME,...",
        help="of these classes, equally many; may be given several times (default: all that the model knows)",
    )
    parser.add_argument("--like", metavar="PICTURE", help="around the code of this picture")
    parser.add_argument("--spread", type=float, default=1.0, metavar="X", help="how far around it (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other seeds, other pictures")
    parser.add_argument(
        "-o", "--out", required=True, metavar="FILE", help="a .png, or .npy for the pictures themselves"
    )


def run(arguments: argparse.Namespace) -> int:
    import io
    from pathlib import Path

    import numpy as np

    from isthmus.contract import check_encodes
    from isthmus.files import write_atomically
    from isthmus.models._loading import load

    if arguments.n is not None and arguments.n < 1:
        raise UsageError(f"-n is {arguments.n}", "Ask for at least one picture.")
    model = load(arguments.run_folder)
    if arguments.like:
        check_encodes(model)
        if arguments.classes and hasattr(model, "drawn_classes"):
            raise UsageError("the class of this model is in its code, which --like gives", "Give --class or --like.")
    n, y = _wanted(model, arguments)
    codes = model.sample_codes(n, arguments.seed, y)
    if arguments.like:
        codes = _around(model, arguments, codes, n)
    if Path(arguments.out).suffix == ".npy":
        held = io.BytesIO()
        np.save(held, model.inverse_transform(codes, y))
        write_atomically(Path(arguments.out), held.getvalue())
    else:
        image_out(_sheet(model, codes, y), arguments.out)
    return 0


def _wanted(model: Any, arguments: argparse.Namespace) -> tuple[int, Any]:
    """How many pictures, and the class number of each, class by class; None where the model knows no classes."""
    import numpy as np

    from isthmus.models._classes import class_numbers, drawn_classes

    names = [name for given in arguments.classes or () for name in _names(given, model.classes_)]
    if not names and not arguments.like:
        names = list(drawn_classes(model))
    if not names:
        return arguments.n or _USUAL, None
    count = len(names)
    n = arguments.n or count * min(_A_CLASS, max(1, _ROWS // count))
    chosen = class_numbers(model, names, count)
    return n, np.asarray(chosen)[np.arange(n) * count // n]


def _names(given: str, classes: Sequence[str]) -> list[str]:
    """Names with commas between them, unless it is one name that has commas in it."""
    return [given] if given in classes else [name.strip() for name in given.split(",") if name.strip()]


def _sheet(model: Any, codes: Any, y: Any) -> Any:
    """A row for each class where all have equally many; else each picture over the name of its own."""
    import numpy as np

    from isthmus.contract import decoded
    from isthmus.report.grid import comparison_grid, picture_grid

    pictures = decoded(model, codes, y)
    if y is None:
        return picture_grid(pictures)
    present = list(dict.fromkeys(y.tolist()))
    rows = {model.classes_[number]: pictures[y == number] for number in present}
    if len({len(row) for row in rows.values()}) == 1:
        return comparison_grid(rows)
    return picture_grid(pictures, labels=[model.classes_[number] for number in np.asarray(y)])


def _around(model: Any, arguments: argparse.Namespace, codes: Any, n: int) -> Any:
    """The picture's posterior, widened by --spread; a model without one gets a share of the codes' own spread."""
    import numpy as np
    import torch

    from isthmus.cli._pictures import of_run
    from isthmus.keys import keys_of
    from isthmus.rng import Noise
    from isthmus.run import Run

    like = argparse.Namespace(path=arguments.like)
    pictures = of_run(Run.open(arguments.run_folder), like)
    with torch.no_grad():
        posterior = model.encode(model.tensor(pictures.take(np.arange(1))))
    mean = posterior.mean.flatten(1).float().cpu().numpy()
    if posterior.log_variance is None:
        return mean + 0.25 * arguments.spread * (codes - codes.mean(0))
    noise = Noise(torch.from_numpy(keys_of(map(str, range(n)))), "like", arguments.seed).normal("like", mean.shape[1])
    return (
        mean + arguments.spread * np.exp(0.5 * posterior.log_variance.flatten(1).float().cpu().numpy()) * noise.numpy()
    )
