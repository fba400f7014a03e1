"""The papers, one command each: run a table or figure, and set the paper's numbers beside ours."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.cli._talk import bar, print_json, say, table
from isthmus.errors import RunError, UsageError

__all__ = ["arguments", "run"]

_ROOT = "runs/recipes"


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    inner = parser.add_subparsers(metavar="WHAT", required=True)
    line = "what there is: what it claims, what it costs, and what came of it the last time"
    one = inner.add_parser("list", help=line, description=line)
    one.add_argument("-o", "--out", default=_ROOT, metavar="FOLDER", help=f"where results are (default: {_ROOT})")
    one.add_argument("--json", action="store_true", help="one part a line")
    one.set_defaults(run=_list)
    line = "run recipes or parts of them; what is finished already is not run again"
    two = inner.add_parser("run", help=line, description=line)
    two.add_argument("names", nargs="+", metavar="NAME", help="a paper (004), a part (004/table-7), or all")
    two.add_argument(
        "--scale", default="quick", metavar="NAME", help="quick (minutes, the default), study (hours) or paper"
    )
    two.add_argument("--seeds", type=_numbers, metavar="N,N,...", help="of the trainings (default: the scale's own)")
    two.add_argument("--jobs", type=int, metavar="N", help="papers at once (default: as many as there are cores)")
    two.add_argument("--threads", type=int, metavar="N", help="processor threads of each (default: all cores, shared)")
    two.add_argument("-o", "--out", default=_ROOT, metavar="FOLDER", help=f"where results go (default: {_ROOT})")
    two.add_argument("--json", action="store_true", help="one part a line, with all its rows and where they come from")
    two.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import torch

    orders = _orders(arguments)
    cores = torch.get_num_threads()
    jobs = max(1, min(arguments.jobs or cores, len(orders)))
    threads = arguments.threads or max(1, cores // jobs)
    with _Shown() as told:
        found = _alone(orders[0], threads, told) if len(orders) == 1 else _together(orders, jobs, threads, told)
    if arguments.json:
        print_json(*found)
    else:
        print("\n\n".join(_told(part) for part in found))
    folders = dict.fromkeys(f"{part['part'].partition('/')[0]}-{part['scale']}" for part in found)
    say(f"\nkept in {', '.join(str(Path(arguments.out) / folder) for folder in folders)}")
    return 0


def _orders(arguments: argparse.Namespace) -> list[Any]:
    """What was asked for, each name looked up before anything is run."""
    from isthmus.recipes import chosen, recipes
    from isthmus.recipes._together import Order

    asked = [recipe.paper for recipe in recipes()] if "all" in arguments.names else arguments.names
    orders = []
    for name in dict.fromkeys(asked):
        recipe, _ = chosen(name)
        if arguments.scale not in recipe.scales:
            known = f"Choose one of: {', '.join(recipe.scales)}."
            raise UsageError(f"recipe {recipe.paper} has no scale {arguments.scale!r}", known)
        scale = recipe.scales[arguments.scale]
        seeds = tuple(dict.fromkeys(arguments.seeds or scale.seeds))
        if min(seeds) < 0:
            raise UsageError(f"the seed {min(seeds)} is negative", "Give whole numbers of at least 0.")
        command = f"isthmus recipe run {name} --scale {arguments.scale} --seeds {','.join(map(str, seeds))}"
        orders.append(Order(name, arguments.scale, seeds, Path(arguments.out), command, scale.seconds))
    papers = [order.name.partition("/")[0] for order in orders]
    if len(set(papers)) < len(papers):
        raise UsageError("one paper is named twice", "Give it whole, or run its parts one after the other.")
    return orders


def _alone(order: Any, threads: int, told: Any) -> list[dict[str, Any]]:
    import torch

    from isthmus.recipes import chosen

    torch.set_num_threads(threads)
    recipe, parts = chosen(order.name)
    return recipe.run(parts, order.scale, order.seeds, order.root, order.command, told)


def _together(orders: list[Any], jobs: int, threads: int, told: Any) -> list[dict[str, Any]]:
    """What failed is said at the end, when all else is done."""
    from isthmus.recipes._together import together

    outcomes = together(orders, jobs, threads, told)
    failed = [f"{order.name}: {one.failure}" for order, one in zip(orders, outcomes, strict=True) if one.failure]
    found = [part for one in outcomes for part in one.parts]
    if failed:
        done = f"{len(orders) - len(failed)} of {len(orders)} recipes are done and kept in {orders[0].root}"
        raise RunError(f"{done}; {' '.join(failed)}", "Mend that and give the same command again.")
    return found


def _list(arguments: argparse.Namespace) -> int:
    from isthmus.recipes import recipes
    from isthmus.recipes._recipe import last

    for recipe in recipes():
        costs = {name: scale.cost for name, scale in recipe.scales.items()}
        if not arguments.json:
            print(f"{recipe.paper}  {recipe.title}\n     cost: {'; '.join(f'{k}: {v}' for k, v in costs.items())}")
        for part in recipe.parts:
            found = last(recipe, part, Path(arguments.out))
            name = f"{recipe.paper}/{part.name}"
            if arguments.json:
                print_json({"part": name, "claim": part.claim, "cost": costs, "last": found})
            else:
                print(f"     {name}: {part.claim}\n       last result: {_summary(found)}")
    return 0


def _summary(found: dict[str, Any] | None) -> str:
    """How many claims and numbers held."""
    if found is None:
        return "not run"
    verdicts = [row["verdict"] for row in found["rows"] if row["verdict"]]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    trained = _counted(len(found["seeds"]), "seed")
    return f"{counts or 'numbers only'} ({found['scale']} scale, {trained}, {found['made']})"


def _told(part: dict[str, Any]) -> str:
    """A part as a table, and under it what was found, in words."""
    cells = []
    for row in part["rows"]:
        interval = "" if row["interval"] is None else f"{row['interval'][0]:.4g} .. {row['interval'][1]:.4g}"
        paper = "" if row["paper"] is None else f"{row['paper']:g}"
        ours = "" if row["ours"] is None else f"{row['ours']:.4g}"
        cells.append([row["what"], paper, ours, interval, row["verdict"] or ""])
    said = [row for row in part["rows"] if row["words"]]
    kinds = [row["verdict"] or ("a note" if row["ours"] is None else "a number") for row in said]
    words = [f"- {row['what']}: {kind}; {row['words']}." for row, kind in zip(said, kinds, strict=True)]
    head = f"{part['part']}, {part['scale']} scale, seeds {', '.join(map(str, part['seeds']))}: {part['claim']}"
    return "\n".join([head, table(["", "paper", "ours", "95 % interval", "verdict"], cells), *words, *_expected(part)])


def _expected(part: dict[str, Any]) -> list[str]:
    """Whether the numbers that this project found came again, and which did not."""
    rows = [row for row in part["rows"] if "expected" in row]
    if not rows:
        return []
    other = [
        f"- {row['what']}: {row['ours']:.4g}, where {row['expected'][0]:.4g} ± {row['expected'][1]:.2g} was expected."
        for row in rows
        if not row["as_expected"]
    ]
    return [f"{len(rows) - len(other)} of {len(rows)} expected numbers came out as expected.", *other]


class _Shown:
    """Progress with the time left: a bar on a terminal, a line now and then elsewhere."""

    def __enter__(self) -> Any:
        self.started, self.spoke = time.monotonic(), time.monotonic()
        self.bar = bar() if sys.stderr.isatty() else None
        if self.bar is None:
            return self._line
        self.bar.start()
        self.task = self.bar.add_task("", total=1000)
        return lambda share, what: self.bar.update(self.task, completed=round(1000 * share), description=what)

    def __exit__(self, *how: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def _line(self, share: float, what: str) -> None:
        now = time.monotonic()
        if now - self.spoke >= 30 and share > 0:
            self.spoke = now
            left = (now - self.started) * (1 - share) / share
            say(f"{100 * share:.0f} %, about {_minutes(left)} left: {what}")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


# argparse names a type by its function when a value is refused
_numbers.__name__ = "list of whole numbers"


def _minutes(seconds: float) -> str:
    """In words, never none."""
    return _counted(max(1, round(seconds / 60)), "minute")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
