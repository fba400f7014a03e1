"""Tell the class or number of each picture, how sure that is, and what looks like nothing known."""

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._numbers import predict_numbers
from isthmus.cli._pictures import add_pictures, of_run
from isthmus.cli._talk import say, stages

__all__ = ["arguments", "run"]

_UNUSUAL = 0.01


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument("-o", "--out", required=True, metavar="CSV", help="where to write the predictions")
    parser.add_argument("--name", default="labels", help="of the classifier in the run folder (default: labels)")


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from isthmus.classify.numbers.saving import KIND, kind_of
    from isthmus.classify.saving import load_classifier
    from isthmus.files import write_atomically
    from isthmus.models._loading import load
    from isthmus.run import Run
    from isthmus.stats.conformal import sets_of

    folder, model = Run.open(arguments.run_folder), load(arguments.run_folder)
    if kind_of(folder, arguments.name) == KIND:
        return predict_numbers(arguments, folder, model)
    classifier = load_classifier(folder, model, arguments.name)
    pictures = of_run(folder, arguments)
    with stages() as told:
        seen = classifier.look(pictures, told)
        probabilities, typical = classifier.predict_proba(seen), classifier.typical(seen)
    sets = None if classifier.threshold_ is None else sets_of(probabilities, classifier.threshold_)
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["id", "class", "probability", "may_be", "typical", "note"])
    for row, name in enumerate(pictures.ids):
        best = int(probabilities[row].argmax())
        may_be = "" if sets is None else "|".join(classifier.classes_[c] for c in np.flatnonzero(sets[row]))
        note = "looks like nothing known" if typical[row] < _UNUSUAL else ""
        sure = f"{probabilities[row, best]:.4f}"
        lines.writerow([name, classifier.classes_[best], sure, may_be, f"{typical[row]:.4f}", note])
    write_atomically(Path(arguments.out), text.getvalue().encode())
    strange = int((typical < _UNUSUAL).sum())
    say(f"wrote {arguments.out}: {len(pictures):,} pictures, of which {strange:,} look like nothing known")
    if classifier.threshold_ is None:
        say(f"note: may_be is empty: {classifier.no_sets_}")
    return 0
