"""Set runs beside each other on pictures that none of them has learnt from: a table, a plot, a verdict."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from isthmus.cli._records import record_of
from isthmus.cli._talk import image_out, print_json, say, table, tick
from isthmus.errors import IsthmusError, UsageError

__all__ = ["arguments", "run"]

_FEWEST = 2


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="at least two runs of the same pictures")
    parser.add_argument("--on", metavar="PATH", help="pictures that judge, in place of those that all held out")
    parser.add_argument("-o", "--out", metavar="PNG", help="a plot of the squared errors")
    parser.add_argument("--json", action="store_true", help="one record a line")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.measure.compared import compared, verdict
    from isthmus.run import machine

    contenders, judges, split = _contenders(arguments)
    with contextlib.ExitStack() as shown:
        found = compared(contenders, judges, lambda name: shown.enter_context(_ticking(name)))
    names = [one.name for one in found]
    if arguments.json:
        common = {"split": split, "data": _data(arguments), "command": _command(arguments), "machine": machine()}
        for one in found:
            for what, value in one.rows().items():
                record = record_of(what, value, len(judges), **common)
                print_json(record.to_json() | {"run": one.name, "beside": [name for name in names if name != one.name]})
    else:
        print(_table(found))
        print(f"\n{verdict(found)}")
    say(f"{len(judges):,} pictures judge: {split}.")
    if len({one.kind for one in found if one.kind}) > 1:
        say("note: nats of models of 0/1 pixels and of grey ones are different quantities: compare those of one kind.")
    if arguments.out:
        _draw(found, len(judges), arguments.out)
    return 0


@contextlib.contextmanager
def _ticking(name: str) -> Iterator[Any]:
    with tick(f"measuring {name}") as one:
        yield one


def _contenders(arguments: argparse.Namespace) -> tuple[list[Any], Any, str]:
    """Models with the pictures that they learnt from, the pictures that judge, and what these are."""
    import numpy as np

    from isthmus.models._loading import pictures_of
    from isthmus.run import Run

    runs = {name: Run.open(path) for name, path in _named(arguments.runs).items()}
    able = {name: model for name, run in runs.items() if (model := _model(name, run)) is not None}
    if len(able) < _FEWEST:
        raise UsageError(f"{len(able)} of {len(runs)} runs can be compared", "Give at least two that encode pictures.")
    marks = {name: (runs[name].read_json("run.json").get("data") or {}).get("fingerprint") for name in able}
    first = next(iter(able))
    other = next((name for name, mark in marks.items() if mark != marks[first]), None)
    if other is not None:
        what = f"{first} and {other} were not fitted on the same pictures and labels"
        raise UsageError(what, "Fit both on the same, as the comparison would be of the pictures too.")
    pictures = pictures_of(runs[first])
    splits = {name: _split(runs[name], pictures) for name in able}
    train = {name: pictures.take(split == "train") for name, split in splits.items()}
    if arguments.on:
        judges, said = _given(arguments.on, runs[first]), Path(arguments.on).name
    else:
        held = np.all([split == "test" for split in splits.values()], axis=0)
        said = "of the test split of every run"
        if not held.any():
            raise UsageError("there is no picture that all of these runs held out", "Give others: --on PATH.")
        judges = pictures.take(held)
    return [_contender(name, model, runs[name], train[name]) for name, model in able.items()], judges, said


def _named(paths: Sequence[str]) -> dict[str, str]:
    """Runs by the shortest ends of their paths that tell them apart."""
    whole = list(dict.fromkeys(str(Path(path).resolve()) for path in paths))
    if len(whole) < _FEWEST:
        raise UsageError(f"{len(whole)} run is nothing to compare", "Give at least two.")
    for length in range(1, max(len(Path(path).parts) for path in whole) + 1):
        names = ["/".join(Path(path).parts[-length:]) for path in whole]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, whole, strict=True))


def _model(name: str, run: Any) -> Any:
    """The model of a run; None, and why, where it cannot take part."""
    from isthmus.models._loading import load

    try:
        model = load(run.path)
    except IsthmusError as error:
        say(f"left out: {name}: {error.what}")
        return None
    if not model.encodes:
        say(f"left out: {name}: {type(model).__name__} draws pictures and reads none")
        return None
    return model


def _split(run: Any, pictures: Any) -> Any:
    from isthmus.models._loading import splits_of

    if not run.has("splits.csv"):
        raise UsageError(f"{run.path} kept no test pictures", "Fit it again with: isthmus fit.")
    return splits_of(run, pictures)


def _given(path: str, run: Any) -> Any:
    from isthmus.cli._pictures import of_run

    return of_run(run, argparse.Namespace(path=path))


def _contender(name: str, model: Any, run: Any, train: Any) -> Any:
    from isthmus.measure.compared import Contender

    history = run.read_lines("history.jsonl")
    seconds = float(history[-1]["seconds"]) if history else None
    weights = sum(parameter.numel() for parameter in model.net_.parameters())
    kind = None
    if model.has_density:
        kind = "0/1 pixels" if getattr(model, "binary_likelihood", False) else "grey pixels"
    return Contender(name, model, train, weights, seconds, kind)


def _table(found: Sequence[Any]) -> str:
    """A row a run, the best first."""
    head = ["run", "squared error", "behind the best", "PCA", "5-NN", "nats", "code", "active", "weights", "seconds"]
    rows = []
    for one in found:
        behind = "" if one.behind is None else f"{one.behind.low:.2g} .. {one.behind.high:.2g}"
        rows.append(
            [
                one.name,
                f"{one.redrawn.mse.value:.5f}",
                behind,
                f"{one.redrawn.pca.value:.5f}",
                "" if one.neighbours is None else f"{one.neighbours.value:.3f}",
                "" if one.nats is None else f"{one.nats.value:.1f}",
                f"{one.numbers:,}",
                f"{one.active:,}",
                f"{one.weights:,}",
                "" if one.seconds is None else f"{one.seconds:.0f}",
            ]
        )
    return table(head, rows)


def _draw(found: Sequence[Any], judges: int, path: str) -> None:
    from isthmus.report.bars import bars

    values: dict[str, Any] = {}
    for one in found:
        values[one.name] = one.redrawn.mse
        values.setdefault(f"PCA, {one.redrawn.latent} numbers", one.redrawn.pca)
    subtitle = f"{judges:,} pictures that no run learnt from, with 95 % intervals"
    image_out(bars(values, title="Squared error a pixel", subtitle=subtitle), path)


def _data(arguments: argparse.Namespace) -> str | None:
    """The name of the set or folder that the first run was made from."""
    from isthmus.run import Run

    name = (Run(arguments.runs[0]).read_json("run.json").get("data") or {}).get("name")
    return None if name is None else str(name)


def _command(arguments: argparse.Namespace) -> str:
    named = " ".join(Path(path).name for path in arguments.runs)
    return f"isthmus compare {named}" + (f" --on {Path(arguments.on).name}" if arguments.on else "")
