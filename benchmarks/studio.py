"""The bars of the studio, measured in a real browser.

    python -m benchmarks.studio map
    python -m benchmarks.studio map --points 3000000 --rounds 1

`map` is the map of 1,000,000 points in ten crowded classes on a screen of 1280 x 800 in headless Chromium, drawn on
the processor: how soon it is there once the places are, frames a second while panning and zooming, flat and as
density, the map's own work in each of those frames, picking, and what stalls while 64 x 64 colour pictures stream in
to a map of 100,000. Frames are those the browser asks for, 60 a second at most. About 20 CPU-seconds a round; a page
of its own each round; reported is the median of the rounds, with their range. Needs Playwright, and a Chromium on the
path or in ISTHMUS_CHROMIUM.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import Record, append, commit, met, said
from isthmus.run import machine
from tests.studio.map_page import opened

__all__ = ["main"]

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "studio"

Found = dict[str, list[float]]


def main(argv: list[str] | None = None) -> int:
    """One case; records are printed, and appended where `--out` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=("map",))
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each movement that is measured")
    parser.add_argument("--write", action="store_true", help=f"add the records to {RESULTS.name}/map.jsonl")
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    rounds = _rounds(given)
    records = _map(rounds, given, said("studio", words))
    if given.write:
        append(RESULTS / "map.jsonl", records)
    for record in records:
        low, high = record.interval or (float("nan"),) * 2
        print(f"{record.name}: {record.value:.3g} ({low:.3g} to {high:.3g}); bar {record.bar}, met: {met(record)}")
    return 0


def _rounds(given: argparse.Namespace) -> list[Found]:
    """What the page measures, a fresh page each round."""
    script = (HERE / "studio_map.js").read_text("utf-8")
    asked = {"points": given.points, "pictures": given.pictures, "seconds": given.seconds}
    found: list[Found] = []
    with opened() as (browser, url):
        for number in range(given.rounds):
            page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
            page.set_default_timeout(120_000)
            page.goto(f"{url}/test/map.html")
            ends = time.monotonic() + 20
            while not page.evaluate("Boolean(window.map)") and time.monotonic() < ends:
                time.sleep(0.05)
            found.append(page.evaluate(script[script.index("async (") :], asked))
            page.close()
            print(f"round {number + 1} of {given.rounds}", file=sys.stderr, flush=True)
    return found


def _map(rounds: list[Found], given: argparse.Namespace, command: str) -> list[Record]:
    common: dict[str, Any] = {
        "command": command,
        "machine": machine(),
        "commit": commit(),
        "data": "ten drawn clusters",
    }

    def record(name: str, key: str, of: Any, bar: str | None) -> Record:
        values = [float(of(np.asarray(one[key]))) for one in rounds]
        ends = (min(values), max(values))
        n = given.pictures if key.startswith("pictures") else given.points
        return Record(f"map/{name}", float(np.median(values)), ends, n, bar=bar, per_seed=values, **common)

    records = [record("ready/ms", "ready", np.max, "<= 2000")]
    for mode, bar in (("points", ">= 55"), ("density", ">= 30")):
        for move in ("panning", "zooming"):
            records.append(record(f"{mode}, {move}/frames a second", f"{mode}, {move}, frames a second", np.max, bar))
            work = "<= 15" if mode == "points" else None
            records.append(
                record(f"{mode}, {move}/ms of work a frame", f"{mode}, {move}, work a frame", np.median, work)
            )
    near = "points near, panning"
    stream = "pictures stream in"
    return [
        *records,
        record(f"{near}/ms of work a frame", f"{near}, work a frame", np.median, "<= 15"),
        record("picking/ms, the slowest", "picking", np.max, "<= 5"),
        record("lasso of 200 corners/ms", "lasso of 200 corners", np.max, None),
        record(f"{stream}/frames a second", f"{stream}, frames a second", np.max, None),
        record(f"{stream}/ms of work in a frame, median", f"{stream}, work a frame", np.median, None),
        record(
            f"{stream}/ms of work in a frame, 95 %", f"{stream}, work a frame", lambda x: np.quantile(x, 0.95), "<= 16"
        ),
        record(f"{stream}/ms of work in the longest frame", f"{stream}, work a frame", np.max, "<= 16"),
        record(f"{stream}/ms of the longest gap between frames", f"{stream}, gaps", np.max, None),
        record(f"{stream}/pictures that came", f"{stream}, pictures", np.max, None),
    ]


def _ninety_five(values: np.ndarray) -> float:
    return float(np.quantile(values, 0.95))


if __name__ == "__main__":
    sys.exit(main())
