"""Rank pictures by how odd they look beside normal ones, with a promise of how few alarms are false."""

import argparse
import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.cli._normal import Ranking, compared, learnt, other_pictures, recalled
from isthmus.cli._pictures import add_pictures
from isthmus.cli._talk import image_out, print_json, say, stages, table
from isthmus.errors import UsageError
from isthmus.files import write_atomically

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    from isthmus.classify.oddness import WAYS

    parser.add_argument("run_folder", metavar="RUN")
    add_pictures(parser, required=False)
    parser.add_argument("--by", choices=WAYS, help="what makes a picture odd (default: blend, or as learnt before)")
    parser.add_argument(
        "--alarms", type=float, metavar="P", help="how often a normal picture may be flagged (default: 0.01)"
    )
    parser.add_argument("--normal", type=_words, metavar="CLASS,...", help="learn from these alone; all others are odd")
    parser.add_argument("-n", type=int, default=24, metavar="N", help="how many to show, oddest first (default: 24)")
    parser.add_argument("-o", "--out", metavar="CSV", help="the ranking (default: anomalies.csv in the run folder)")
    parser.add_argument("--maps", metavar="DIR", help="a heat map of each that is shown, as PNG files")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the pictures held out (default: 0)")
    parser.add_argument("--json", action="store_true", help="one record a line")


def run(arguments: argparse.Namespace) -> int:
    from isthmus.contract import check_encodes
    from isthmus.models._loading import load
    from isthmus.run import Run

    _check(arguments)
    model, folder = load(arguments.run_folder), Run.open(arguments.run_folder)
    check_encodes(model)
    with stages() as told:
        known = recalled(folder, model, arguments) or learnt(folder, model, arguments, told)
        asked = other_pictures(folder, arguments) if arguments.path else known.own
        ranking = Ranking.of(known.detector, asked, told)
        comparison = compared(model, known, ranking, folder, arguments, told)
    records = _records(known, ranking, comparison, arguments)
    folder.record(*records)
    out = Path(arguments.out) if arguments.out else folder.path / "anomalies.csv"
    write_atomically(out, _csv(ranking.lines(len(asked))).encode())
    if arguments.json:
        print_json(*(record.to_json() for record in records))
    else:
        if comparison is not None:
            print(comparison.verdict(known.detector.title))
            print(_areas(comparison))
        print(_oddest(ranking.lines(arguments.n)))
    say(_promise(known, ranking))
    say(f"wrote {out}")
    _draw(known, ranking, arguments, folder)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.n < 1:
        raise UsageError(f"{arguments.n} pictures were asked for", "Ask for at least 1.")
    if arguments.alarms is not None and not 0 < arguments.alarms < 1:
        raise UsageError(f"--alarms is {arguments.alarms:g}", "Give a rate between 0 and 1, such as 0.01.")


def _records(known: Any, ranking: Any, comparison: Any, arguments: argparse.Namespace) -> list[Any]:
    """How many are flagged; where labels say what is odd, how well it is told, and how often an alarm is false."""
    from isthmus.run import Record
    from isthmus.stats.intervals import wilson_interval

    detector, n = known.detector, len(ranking.flagged)
    data = "given" if arguments.path else "the run's own"
    how = {"data": data, "command": "isthmus anomalies", "seed": detector.seed}
    about = {"by": detector.by, "alarms": detector.alarms, "normal": list(known.classes)}
    split = "given" if arguments.path else "all"
    share = wilson_interval(int(ranking.flagged.sum()), n)
    found: list[tuple[str, Any, dict[str, Any]]] = [("flagged, share of all", share, {"split": split})]
    if comparison is not None:
        odd, flagged = comparison.odd, detector.flagged(comparison.scores[detector.title])
        gain, judged = comparison.gain(detector.title), {"split": comparison.split, "odd": int(odd.sum())}
        beside = {"baseline": comparison.best_baseline(), "over_baseline": _ends(gain) and [gain.value, *_ends(gain)]}
        for name in comparison.scores:
            extra = judged | (beside if name == detector.title else {})
            found.append((f"AUROC, {name}", comparison.area(name), extra))
        for name, rows in (("false alarms, share of normal", ~odd), ("found, share of odd", odd)):
            found.append((name, wilson_interval(int(flagged[rows].sum()), int(rows.sum())), dict(judged)))
    return [
        Record(name, value.value, _ends(value) or None, value.n, extra.pop("split"), **how, extra=about | extra)
        for name, value, extra in found
    ]


def _ends(interval: Any) -> Any:
    """JSON has no word for what a single picture cannot say: then there are no ends."""
    import math

    return () if math.isnan(interval.low) else (interval.low, interval.high)


def _areas(comparison: Any) -> str:
    areas = {name: comparison.area(name) for name in comparison.scores}
    rows = [[name, f"{area.value:.3f}", f"{area.low:.3f} .. {area.high:.3f}"] for name, area in areas.items()]
    odd = int(comparison.odd.sum())
    return table([f"{odd:,} odd, {len(comparison.odd) - odd:,} normal pictures", "AUROC", "95 %"], rows) + "\n"


def _oddest(lines: list[tuple[str, float, float, bool]]) -> str:
    rows = [[name, f"{score:.4g}", f"{p:.2g}", "flagged" if flagged else ""] for name, score, p, flagged in lines]
    return table(["the oddest", "score", "p", ""], rows)


def _csv(lines: list[tuple[str, float, float, bool]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "score", "p", "flagged"])
    writer.writerows([name, f"{score:.6g}", f"{p:.6g}", "yes" if flagged else ""] for name, score, p, flagged in lines)
    return text.getvalue()


def _promise(known: Any, ranking: Any) -> str:
    promise, n, detector = known.detector.promise_, len(ranking.flagged), known.detector
    low, high = round(n * promise.low), round(n * promise.high)
    return (
        f"flagged: {int(ranking.flagged.sum()):,} of {n:,}; were all of them normal, {low:,} to {high:,} would be "
        f"(a rate of {promise.value:.2g}, asked {detector.alarms:.2g}, learnt from {promise.n:,} normal pictures)"
    )


def _draw(known: Any, ranking: Any, arguments: argparse.Namespace, folder: Any) -> None:
    """The sheet, and with --maps a file for each heat map."""
    from isthmus.contract import shown
    from isthmus.report.axes import png
    from isthmus.report.heat import Card, enlarged, glowing, heat_sheet

    model, heat = known.detector.model, known.heat
    if len(model.shape_) != 3:
        say("note: rows of a table are no pictures, so there is no sheet of them")
        return
    some, lines = ranking.asked.take(ranking.order[: arguments.n]), ranking.lines(arguments.n)
    pictures, redrawn, warmth = shown(model, some), None, None
    if heat is not None:
        redrawn, warmth = heat.of(some)
    cards = [Card(name, f"score {score:.3g}, p {p:.2g}", flagged) for name, score, p, flagged in lines]
    title = (
        f"The {len(lines):,} oddest of {len(ranking.flagged):,} pictures, by {type(known.detector.judge_.way).title}"
    )
    beside = "" if warmth is None else "Each picture, what the model expected, and where they differ. "
    top = heat.top if heat is not None else 2.0
    image = heat_sheet(
        pictures,
        redrawn,
        warmth,
        cards,
        top=top,
        title=title,
        subtitle=f"{beside}{_promise(known, ranking).capitalize()}.",
    )
    image_out(image, str(folder.path / "anomalies.png"))
    if arguments.maps and warmth is not None:
        place = Path(arguments.maps)
        for number, (picture, line) in enumerate(zip(glowing(pictures, warmth, top), lines, strict=True), 1):
            name = re.sub(r"[^A-Za-z0-9._-]+", "-", line[0])
            write_atomically(place / f"{number:03d}-{name}.png", png(enlarged(picture)))
        say(f"wrote {len(lines)} heat maps in {place}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


# argparse names a type by its function when a value is refused
_words.__name__ = "list of names"
