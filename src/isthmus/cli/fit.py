"""Train a model on pictures into a run folder, or continue one that was interrupted."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.cli._many import add_devices, joined, launch, launches, restarted, tell
from isthmus.cli._pictures import add_pictures, opened, reading_options
from isthmus.cli._talk import print_json, say
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]

_DEFAULT = "conv-vae"


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """The flags depend on the model: `isthmus fit --model vae --help` shows a model's own."""
    from isthmus import discover, models
    from isthmus.cli._fields import add_fields, value_of

    parser.usage = "isthmus fit PATH --out RUN [--model NAME] [flags]\n       isthmus fit --resume RUN"
    add_pictures(parser, required=False, axes=False)
    names = models.names()
    parser.add_argument("--model", choices=names, default=_DEFAULT, metavar="NAME", help=f"one of: {', '.join(names)}")
    parser.add_argument("--out", metavar="RUN", help="the run folder to make")
    parser.add_argument("--resume", metavar="RUN", help="continue this run exactly where it stopped")
    parser.add_argument("--validation", type=float, default=0.1, metavar="SHARE", help="held out to watch training")
    parser.add_argument("--test", type=float, default=0.1, metavar="SHARE", help="held out to judge the model by")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add_devices(parser)
    parser.set_defaults(words=tuple(words))
    parser.add_argument("--json", action="store_true", help="print the run's description as JSON at the end")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    model, net = value_of("--model", words) or _DEFAULT, value_of("--net", words)
    if model in names:
        add_fields(parser, model, net if net in discover.names("nets") else None)


def run(arguments: argparse.Namespace) -> int:
    import torch

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if (arguments.out is None) == (arguments.resume is None):
        raise UsageError("say where the run goes", "Give --out FOLDER for a new run, or --resume FOLDER.")
    if launches(arguments):
        return launch(arguments)
    with joined():
        return _fit(arguments)


def _fit(arguments: argparse.Namespace) -> int:
    from isthmus.ranks import leads

    watchers = _watchers(arguments)
    folder = arguments.out or arguments.resume
    try:
        going_on = arguments.resume or (restarted() and Path(folder, "run.json").exists())
        model = _resumed(arguments, folder, watchers) if going_on else _new(arguments, watchers)
    except KeyboardInterrupt:
        if Path(folder, "checkpoint.safetensors").exists():
            tell(f"continue with: isthmus fit --resume {folder}")
        raise
    if not leads():
        return 0
    if arguments.json:
        from isthmus.run import Run

        print_json(Run(folder).read_json("run.json"))
    for remark in getattr(model, "remarks_", []):
        say(f"note: {remark}")
    say(f"{type(model).__name__} with a code of {'x'.join(map(str, model.latent_shape_))} is in {folder}")
    say(f"next: isthmus evaluate {folder}" if model.encodes else f"next: isthmus sample {folder} -o samples.png")
    return 0


def _new(arguments: argparse.Namespace, watchers: list[Any]) -> Any:
    from isthmus.cli._fields import estimator_from
    from isthmus.images.splits import split

    if arguments.path is None:
        raise UsageError("there are no pictures", "Give a folder, a file, a table or a named set, as in: fit digits.")
    if Path(arguments.out, "weights.safetensors").exists():
        raise UsageError(f"{arguments.out} already holds a finished run", "Choose another --out.")
    if Path(arguments.out, "checkpoint.safetensors").exists():
        raise UsageError(
            f"{arguments.out} holds an unfinished run",
            f"Continue it with --resume {arguments.out}, or choose another --out.",
        )
    model = estimator_from(arguments)
    model.check_params()
    pictures = opened(arguments)
    pictures.split = split(pictures, arguments.validation, arguments.test, model.seed)
    pictures.source["options"] = _portable(reading_options(arguments), arguments.out)
    counts = [f"{(pictures.split == name).sum():,} {name}" for name in ("train", "validation", "test")]
    tell(f"{len(pictures):,} pictures of {'x'.join(map(str, pictures.pixels.shape[1:]))}: {', '.join(counts)}")
    return model.fit(pictures, run=arguments.out, watchers=watchers)


def _resumed(arguments: argparse.Namespace, folder: str, watchers: list[Any]) -> Any:
    from isthmus import models
    from isthmus.models._loading import resume

    if not arguments.resume:  # started again by the launcher: the command is that of the first start
        return resume(folder, watchers=watchers)
    fields = models.make(arguments.model).get_params(deep=False)
    ignored = [name for name in vars(arguments) if name in fields or name.startswith("net_")]
    if ignored:
        flag = f"--{ignored[0]}".replace("_", "-")
        raise UsageError(f"a run goes on with its own fields, {flag} is not one to change", f"Leave out {flag}.")
    return resume(folder, arguments.path, watchers=watchers)


def _watchers(arguments: argparse.Namespace) -> list[Any]:
    import sys

    from isthmus.run import Run
    from isthmus.train.events import TensorBoard
    from isthmus.train.looking import Looking
    from isthmus.train.watchers import Lines, ProgressBar

    shown = [] if arguments.quiet else [ProgressBar() if sys.stderr.isatty() else Lines()]
    folder = Path(arguments.out or arguments.resume)
    return [*shown, TensorBoard(folder / "tensorboard"), Looking(Run(folder))]


def _portable(options: dict[str, Any], out: str) -> dict[str, Any]:
    """Paths in options as seen from the run folder, so that no absolute path is kept."""
    if "labels" in options:
        options["labels"] = Path(os.path.relpath(options["labels"], out)).as_posix()
    return options
