"""Say which pictures to label next, and why."""

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from isthmus.cli._labelled import add_labelled, pile_and_test
from isthmus.cli._talk import say, stages
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    add_labelled(parser)
    parser.add_argument("-n", type=int, default=20, metavar="N", help="how many (default: 20)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the groups (default: 0)")
    parser.add_argument("-o", "--out", metavar="CSV", help="a label table to fill in: id, label, reason")


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from isthmus.classify.classifier import Classifier
    from isthmus.classify.draws import units
    from isthmus.classify.features import Features
    from isthmus.classify.suggest import suggest
    from isthmus.contract import check_encodes
    from isthmus.files import write_atomically
    from isthmus.models._loading import load
    from isthmus.run import Run

    out = arguments.out and Path(arguments.out)
    if out and out.exists() and not (arguments.labels and out.samefile(arguments.labels)):
        raise UsageError(f"{out} is there already", f"Add to it with --labels {out}, or choose another name.")
    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    check_encodes(model)
    pictures, _ = pile_and_test(folder, arguments)
    labels, probabilities, found = pictures.labels, None, None
    with stages() as told:
        pile = Features.learn(model, pictures).pile(pictures, told)
        if len(np.unique(labels[labels >= 0])) > 1:
            classifier = Classifier(model=model).fit_pile(pile, labels, pictures.classes, units(pictures))
            probabilities = classifier.predict_proba(pile)
            found = classifier.expected_
    if found is not None:
        say(f"now, by leaving labels out: {found.value:.1%} right ({found.low:.1%} .. {found.high:.1%})")
    chosen = suggest(pile, labels, arguments.n, arguments.seed, probabilities)
    text = _table([(str(pictures.ids[one.row]), "", one.reason) for one in chosen], arguments.labels)
    if arguments.out is None:
        print(text, end="")
    else:
        write_atomically(Path(arguments.out), text.encode())
        say(f"wrote {arguments.out}: fill in the labels, then: isthmus classify {arguments.run_folder} --labels TABLE")
    return 0


def _table(wanted: list[tuple[str, str, str]], labels: str | None) -> str:
    """What was labelled before, then what to label: one table that grows, so that no label is ever lost."""
    from isthmus.images.labels import read_table

    before = read_table(Path(labels)) if labels else None
    kept = (
        [] if before is None else [(i, label, "") for i, label in zip(before.ids, before.labels, strict=True) if label]
    )
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerows([("id", "label", "reason"), *kept, *wanted])
    return text.getvalue()
