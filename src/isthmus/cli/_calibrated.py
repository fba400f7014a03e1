"""Whether a classifier is right as often as it says, on test pictures: numbers for the record and a figure."""

from typing import Any

from isthmus.cli._records import record_of
from isthmus.cli._talk import image_out

__all__ = ["calibration"]

_BINS = 10


def calibration(classifier: Any, seen: Any, truth: Any, run: Any, how: dict[str, Any]) -> list[Any]:
    """Of test pictures that were looked at already; `truth` are names, of which unknown ones are left out."""
    import numpy as np

    from isthmus.stats import mean_interval, wilson_interval
    from isthmus.stats.calibration import brier_score, expected_calibration_error, negative_log_likelihood
    from isthmus.stats.conformal import sets_of

    place = {str(name): number for number, name in enumerate(classifier.classes_)}
    labels = np.array([place.get(str(name), -1) for name in truth])
    known = labels >= 0
    if not known.any():
        return []
    told, labels, common = classifier.predict_proba(seen)[known], labels[known], how | {"command": "isthmus classify"}
    records = [
        record_of("calibration error", expected_calibration_error(told, labels), len(labels), **common),
        record_of("negative log-likelihood, nats", negative_log_likelihood(told, labels), **common),
        record_of("Brier score", brier_score(told, labels), **common),
    ]
    if classifier.threshold_ is not None:
        sets = sets_of(told, classifier.threshold_)
        held = wilson_interval(int(sets[np.arange(len(labels)), labels].sum()), len(labels))
        records.append(record_of(f"sets that should hold the truth in {classifier.level:.0%} do", held, **common))
        records.append(record_of("classes in a set", mean_interval(sets.sum(axis=1)), **common))
    _draw(told, labels, run, records[0].value)
    return records


def _draw(told: Any, labels: Any, run: Any, error: float) -> None:
    import numpy as np

    from isthmus.report.curves import curves

    sure, right = told.max(axis=1), told.argmax(axis=1) == labels
    bins = np.clip((sure * _BINS).astype(int), 0, _BINS - 1)
    full = np.unique(bins)
    x, y = ([float(values[bins == one].mean()) for one in full] for values in (sure, right))
    image = curves(
        {"right": (x, y), "as sure as right": ([0.0, 1.0], [0.0, 1.0])},
        title="How often it is right where it is this sure",
        subtitle=f"{len(labels):,} test pictures, calibration error {error:.1%}",
        x_label="sure",
        y_label="right",
        log=False,
    )
    image_out(image, str(run.path / "calibration.png"))
