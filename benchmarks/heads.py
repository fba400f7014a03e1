"""What heads cost: fitted on 60,000 pictures that are encoded already and 1,000 labels, and asked about 10,000.

    python -m benchmarks.heads fashion-mnist --kept runs

The graph is made of all pictures once, whatever the labels are, and stands in a record of its own; so does the pass of
the encoder over the 10,000 (features of picture and mirror image), beside which telling them stands.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.record import commit
from benchmarks.splits import encoder, train_and_test
from isthmus import discover
from isthmus.classify.draws import only
from isthmus.classify.features import Features
from isthmus.files import write_atomically
from isthmus.run import machine

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
LABELS, BAR = 1000, 2.0


def main(argv: list[str] | None = None) -> int:
    """One data set; two records a head, one for the graph and one for the encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--heads", nargs="+", default=["blend", "graph", "kernel", "linear"])
    parser.add_argument("--kept", type=Path, help="a folder in which encoders are kept, and found again")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    train, test = train_and_test(given.data)
    model, _ = encoder(given.data, train, 0, given.kept)
    features = Features.learn(model, train)
    pile = features.pile(train)
    passing, asked = _timed(lambda: features.pile(test))
    making, _ = _timed(pile.graph)
    labels = only(train, LABELS, 0)
    found = {"encoder's pass over the pictures asked about": (passing, None), "graph of the pile": (making, None)}
    for name in given.heads:
        head = discover.find("classify.heads", name, "Head")()
        fitting, _ = _timed(partial(head.fit, pile, labels, len(train.classes)))
        telling, _ = _timed(partial(head.probabilities, asked.part(slice(None))))  # a new pile remembers no neighbours
        found[f"fit, {name}"] = (fitting, BAR)
        found[f"tell, {name}"] = (telling, None)
    records = [_record(name, seconds, bar, given.data, len(pile), len(asked)) for name, (seconds, bar) in found.items()]
    write_atomically(RESULTS / f"heads-{given.data}.jsonl", "".join(json.dumps(r) + "\n" for r in records).encode())
    return 0


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    made = work()
    return round(time.process_time() - started, 3), made


def _record(name: str, seconds: float, bar: float | None, data: str, pile: int, asked: int) -> dict[str, Any]:
    print(f"{name}: {seconds:.2f} CPU-seconds", flush=True)
    return {
        "name": f"CPU-seconds, {name}",
        "value": seconds,
        "interval": None,
        "n": asked,
        "split": f"{pile:,} pictures, {LABELS:,} labels",
        "data": data,
        "seed": 0,
        "command": f"python -m benchmarks.heads {data}",
        "machine": machine(),
        "bar": None if bar is None else f"<= {bar}",
        "met": None if bar is None else seconds <= bar,
        "baseline": None,
        "per_seed": [seconds],
        "cpu_seconds": seconds,
        "commit": commit(),
    }


if __name__ == "__main__":
    raise SystemExit(main())
