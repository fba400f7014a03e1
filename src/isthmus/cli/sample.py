"""Draw new pictures from the model, of chosen classes where it knows any, or pictures like one that is given."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._talk import image_out, stages
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_USUAL, _A_CLASS, _ROWS, _CODES = 64, 8, 320, 10_000


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
    parser.add_argument(
        "--from-pictures",
        action="store_true",
        help="from where codes of the run's own pictures lie (a mixture of Gaussians fitted to them, draws less likely"
        " than a hundredth of those codes left out), not from the model's prior",
    )
    parser.add_argument("--spread", type=float, default=1.0, metavar="X", help="how far around it (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other seeds, other pictures")
    parser.add_argument(
        "-o", "--out", required=True, metavar="FILE", help="a .png, or .npy for the pictures themselves"
    )


def run(arguments: argparse.Namespace) -> int:
    import io
    from pathlib import Path

    import numpy as np

    from isthmus.contract import check_encodes, decoded
    from isthmus.files import write_atomically
    from isthmus.models._loading import load

    if arguments.n is not None and arguments.n < 1:
        raise UsageError(f"-n is {arguments.n}", "Ask for at least one picture.")
    model = load(arguments.run_folder)
    if arguments.like and arguments.from_pictures:
        raise UsageError("--like and --from-pictures are two places to draw from", "Give one of them.")
    if arguments.like or arguments.from_pictures:
        check_encodes(model)
    if arguments.like and arguments.classes and hasattr(model, "drawn_classes"):
        raise UsageError("the class of this model is in its code, which --like gives", "Give --class or --like.")
    if arguments.from_pictures:
        codes, y, names = _from_pictures(model, arguments)
    else:
        n, y = _wanted(model, arguments)
        codes, names = model.sample_codes(n, arguments.seed, y), None if y is None else [model.classes_[c] for c in y]
        if arguments.like:
            codes = _around(model, arguments, codes, n)
    if Path(arguments.out).suffix == ".npy":
        held = io.BytesIO()
        np.save(held, model.inverse_transform(codes, y))
        write_atomically(Path(arguments.out), held.getvalue())
    else:
        image_out(_sheet(decoded(model, codes, y), names), arguments.out)
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


def _sheet(pictures: Any, names: list[str] | None) -> Any:
    """A row for each class where all have equally many; else each picture over the name of its own."""
    import numpy as np

    from isthmus.report.grid import comparison_grid, picture_grid

    if names is None:
        return picture_grid(pictures)
    rows = {name: pictures[np.array([other == name for other in names])] for name in dict.fromkeys(names)}
    if len({len(row) for row in rows.values()}) == 1:
        return comparison_grid(rows)
    return picture_grid(pictures, labels=names)


def _from_pictures(model: Any, arguments: argparse.Namespace) -> tuple[Any, Any, list[str] | None]:
    """Codes from a density of codes, of each class from that of its own; then classes as the model counts them."""
    import numpy as np

    from isthmus.cli._pictures import of_run
    from isthmus.cli._seen import encoded
    from isthmus.contract import some_of
    from isthmus.keys import stream
    from isthmus.look.drawing import draw_codes
    from isthmus.models._classes import class_numbers, drawn_classes
    from isthmus.run import Run

    pictures = of_run(Run.open(arguments.run_folder), argparse.Namespace(path=None))
    if pictures.split is not None and (pictures.split == "train").any():
        pictures = pictures.take(pictures.split == "train")
    some = some_of(pictures, _CODES)
    codes = encoded(model, some)
    wanted = [name for given in arguments.classes or () for name in _names(given, some.classes)]
    wanted = list(dict.fromkeys(wanted)) or [name for name in drawn_classes(model) if name in some.classes]
    if not wanted:
        with stages() as told:
            return draw_codes(codes, arguments.n or _USUAL, arguments.seed, told=told).codes, None, None
    n = arguments.n or len(wanted) * min(_A_CLASS, max(1, _ROWS // len(wanted)))
    names = [wanted[i * len(wanted) // n] for i in range(n)]
    drawn = []
    for name in dict.fromkeys(names):
        seed = stream(arguments.seed, name) % 2**31  # with one seed for all, what is odd in a row is odd in every row
        drawn.append(draw_codes(codes, names.count(name), seed, _of_class(some, name)).codes)
    y = class_numbers(model, np.array(names, object), n) if model.conditional else None
    return np.concatenate(drawn), y if y is None else y.numpy(), names


def _of_class(pictures: Any, name: str) -> Any:
    """Rows of the pictures that are known to be of this class."""
    import numpy as np

    known = [str(pictures.classes[c]) for c in np.unique(pictures.labels[pictures.labels >= 0])]
    rows = np.flatnonzero(pictures.labels == pictures.classes.index(name)) if name in known else np.empty(0, int)
    if len(rows) < 2:
        remedy = f"The classes are: {', '.join(known)[:200]}." if known else "Label some, or leave out --class."
        raise UsageError(f"there are {len(rows)} pictures of class {name!r} to draw like", remedy)
    return rows


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
