"""Pictures that a report shows: those that a model redraws best and worst, and what it draws by itself."""

from typing import Any

from isthmus.cli._talk import image_out

__all__ = ["draw_ends", "draw_samples"]

_EACH, _SAMPLES, _COLUMNS = 6, 32, 16


def draw_ends(model: Any, folder: Any, test: Any, errors: Any) -> None:
    """The best, the middle and the worst of the test pictures by squared error, each above what is made of it."""
    import numpy as np

    from isthmus.contract import decoded, shown
    from isthmus.report.grid import comparison_grid

    order, middle = np.argsort(errors, kind="stable"), len(errors) // 2
    half = _EACH // 2
    rows = np.concatenate([order[:_EACH], order[max(0, middle - half) : middle + half], order[-_EACH:]])
    some = test.take(rows)
    ends = [errors[order[0]], errors[order[middle]], errors[order[-1]]]
    title = "Squared error from {:.2g} over {:.2g} in the middle to {:.2g}".format(*ends)
    pictures = {"picture": shown(model, some), "redrawn": decoded(model, model.transform(some))}
    image_out(comparison_grid(pictures, _EACH, title=title), str(folder.path / "best-median-worst.png"))


def draw_samples(model: Any, folder: Any) -> None:
    """Codes drawn from the prior, decoded; of a model that draws by class, every class in turn."""
    import numpy as np

    from isthmus.contract import decoded
    from isthmus.models._classes import class_numbers, drawn_classes
    from isthmus.report.grid import picture_grid

    named = drawn_classes(model)
    y = np.array([named[place % len(named)] for place in range(_SAMPLES)], object) if named else None
    numbers = class_numbers(model, y, _SAMPLES)
    pictures = decoded(model, model.sample_codes(_SAMPLES, 0, y), None if numbers is None else numbers.numpy())
    image_out(picture_grid(pictures, _COLUMNS, title="Drawn, not chosen"), str(folder.path / "samples.png"))
