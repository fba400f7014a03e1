"""Find a latent size (and beta, learning rate, width) for pictures: a recommendation with its reason."""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from isthmus.cli._pictures import add_pictures, opened
from isthmus.cli._talk import bar, print_json, say, table

__all__ = ["arguments", "run"]

_DEFAULT = "conv-vae"
_SHOWN = 12
_HEADS = {"error": "error", "rate": "nats", "active": "active", "accuracy": "5-NN", "code": "numbers", "seconds": "s"}


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """A field that is given is not searched; the flags depend on the model, as those of `fit` do."""
    from isthmus import discover, models
    from isthmus.cli._fields import add_fields, value_of

    parser.usage = "isthmus tune PATH [--trials N] [--minutes X] [--search RANGES] [--model NAME] [flags]"
    add_pictures(parser, axes=False)
    names = models.names()
    parser.add_argument("--model", choices=names, default=_DEFAULT, metavar="NAME", help="what is tuned")
    parser.add_argument("--out", default="runs/tuning", metavar="STUDY", help="the study folder (default: runs/tuning)")
    parser.add_argument("--trials", type=int, default=50, metavar="N", help="of the whole study (default: 50)")
    parser.add_argument(
        "--minutes", type=float, metavar="X", help="of this call: trials are shortened to fit into them"
    )
    parser.add_argument(
        "--search",
        default="",
        metavar="RANGES",
        help='added to what is searched, or instead of it: "latent=4..64 log, net_activation=relu|silu, width=1|2"',
    )
    parser.add_argument(
        "--objectives", type=_names, default=(), metavar="NAME,...", help="error, rate, active, accuracy, code, seconds"
    )
    parser.add_argument("--keep", type=float, default=0.95, metavar="SHARE", help="of what the best code explains")
    parser.add_argument(
        "--pruning", action=argparse.BooleanOptionalAction, default=True, help="give up hopeless trials"
    )
    parser.add_argument("--storage", metavar="URL", help="a database for the trials (default: a file in the folder)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    parser.add_argument("--json", action="store_true", help="one record a line")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    model, net = value_of("--model", words) or _DEFAULT, value_of("--net", words)
    if model in names:
        add_fields(parser, model, net if net in discover.names("nets") else None)


def run(arguments: argparse.Namespace) -> int:
    import torch

    from isthmus.cli._fields import estimator_from
    from isthmus.tune import tune
    from isthmus.tune.storage import optuna

    optuna()  # before minutes go into reading pictures
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    model = estimator_from(arguments)
    fields = model.get_params(deep=False)
    given = {name for name in vars(arguments) if name in fields or name.startswith("net_")}
    pictures = opened(arguments)
    try:
        with _progress(arguments) as (told, ended):
            answer = tune(
                model,
                pictures,
                out=arguments.out,
                trials=arguments.trials,
                minutes=arguments.minutes,
                search=arguments.search,
                fixed=given,
                objectives=arguments.objectives,
                keep=arguments.keep,
                prune=arguments.pruning,
                url=arguments.storage,
                told=told,
                ended=ended,
            )
    except KeyboardInterrupt:
        say(f"finished trials are in {arguments.out}; the same command goes on")
        raise
    if arguments.json:
        print_json(*answer.records())
    else:
        print(_told(answer))
    say(f"wrote {arguments.out}/plot.png, trials.csv and answer.json")
    say(f"next: {answer.command.replace('PATH', shlex.quote(arguments.path))}")
    return 0


def _told(answer: Any) -> str:
    """The answer, the front by size, and what was found anew."""
    from isthmus.contract import evenly

    names = [name for name in _HEADS if name in answer.chosen.measured]
    if "rate" not in names:  # points have no prior that a unit could collapse to
        names.remove("active")
    shown = sorted(answer.front, key=lambda row: (row.measured["code"], row.measured["error"]))
    if len(shown) > _SHOWN:  # a long front is shown in even steps
        shown = [shown[row] for row in evenly(len(shown), _SHOWN)]
    must = [row for row in {r.number: r for r in (answer.chosen, answer.default)}.values() if row not in shown]
    shown = sorted([*shown, *must], key=lambda row: (row.measured["code"], row.measured["error"]))
    searched = list(answer.chosen.values)
    head = ["trial", *searched, *(_HEADS[name] for name in names), "PCA", ""]
    rows = [[str(row.number), *_cells(row, searched, names, answer)] for row in shown]
    counts = {state: sum(row.state == state for row in answer.rows) for state in ("finished", "given up", "failed")}
    said = [answer.reason, "", table(head, rows)]
    said.append(", ".join(f"{count} {state}" for state, count in counts.items() if count) + "; shown is the front")
    if answer.share < 1:
        said.append(f"a trial has {answer.epochs:g} epochs, {answer.share:.0%} of what fit takes, to fit into the time")
    if answer.beside.dimension is not None:
        said.append(f"intrinsic dimension of the pictures: {answer.beside.dimension:.1f}")
    if answer.beside.pca_at(answer.chosen.measured["code"]) < answer.chosen.measured["error"]:
        said.append("PCA of as many numbers redraws better: train for longer, by more --minutes or fewer --trials")
    if answer.fresh is not None:
        errors, gain = answer.fresh.errors, answer.fresh.gain
        said.append(
            f"trained anew, {len(answer.fresh.per_seed)} seeds, other pictures: "
            f"recommended {errors['recommended']:.4g}, default {errors['default']:.4g}; "
            f"difference {gain:.2g}, n = {gain.n:,}"
        )
    return "\n".join(said)


def _cells(row: Any, searched: list[str], names: list[str], answer: Any) -> list[str]:
    from isthmus.tune.space import written

    names_of = {"recommended": answer.chosen.number, "default": answer.default.number}
    mark = ", ".join(name for name, number in names_of.items() if number == row.number)
    found = [written(row.values.get(name, "")) for name in searched]
    found += [f"{row.measured[name]:.{4 if name == 'error' else 3}g}" for name in names]
    return [*found, f"{answer.beside.pca_at(row.measured['code']):.4g}", mark]


@contextmanager
def _progress(arguments: argparse.Namespace) -> Iterator[tuple[Callable[..., None] | None, Callable[..., None] | None]]:
    """A bar on a terminal, with the minutes that are left; elsewhere a line for each trial."""
    if arguments.quiet:
        yield None, None
    elif not sys.stderr.isatty():
        yield None, lambda row: say(_line(row))
    else:
        began = time.monotonic()
        with bar() as shown:
            task = shown.add_task("", total=arguments.trials)

            def told(done: float, total: int, what: str) -> None:
                left = ""
                if arguments.minutes:
                    left = f" ({max(0.0, arguments.minutes - (time.monotonic() - began) / 60):.1f} of the minutes left)"
                shown.update(task, completed=done, total=total, description=what + left)

            yield told, lambda row: shown.console.print(_line(row), highlight=False)


def _line(row: Any) -> str:
    from isthmus.tune.space import written

    setting = ", ".join(f"{name} {written(value)}" for name, value in row.values.items())
    if not row.finished:
        return f"trial {row.number}: {setting}: {row.state}, {row.why}"
    told = ", ".join(
        f"{name} {row.measured[name]:.4g}" for name in ("error", "rate", "accuracy") if name in row.measured
    )
    return f"trial {row.number}: {setting}: {told} ({row.measured['seconds']:.1f} s)"


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_names.__name__ = "list of names"
