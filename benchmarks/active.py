"""How many labels it takes from zero, chosen by `suggest`, by chance, or as centres of k-means: the same classifier.

    python -m benchmarks.active mnist --target 0.95
    python -m benchmarks.active fashion-mnist --target 0.80

Labels are asked for in batches and the whole test split is told after each; the figure is the median over trials, which
differ in their seed. The encoder is trained once, without labels. Test accuracy is what ends a trial, as in the papers;
nothing is chosen by it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.record import commit, said
from benchmarks.splits import encoder, train_and_test
from isthmus.classify.features import Features
from isthmus.classify.heads._head import Pile
from isthmus.classify.heads.blend import Blend
from isthmus.classify.suggest import suggest
from isthmus.files import write_atomically
from isthmus.run import machine

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
BARS = {"mnist": 25}
Choose = Callable[[Pile, np.ndarray, int, int], list[int]]


def _suggested(pile: Pile, labels: np.ndarray, n: int, seed: int) -> list[int]:
    return [one.row for one in suggest(pile, labels, n, seed)]


def _by_chance(pile: Pile, labels: np.ndarray, n: int, seed: int) -> list[int]:
    generator = np.random.default_rng([seed, int((labels >= 0).sum())])
    return [int(row) for row in generator.choice(np.flatnonzero(labels < 0), n, replace=False)]


def _centres(pile: Pile, labels: np.ndarray, n: int, seed: int) -> list[int]:
    """The pictures nearest to the centres of as many groups as there will be labels; those labelled are passed over."""
    from sklearn.cluster import KMeans

    free = np.flatnonzero(labels < 0)
    some = np.sort(np.random.default_rng(seed).choice(free, min(20_000, len(free)), replace=False))
    made = KMeans(int((labels >= 0).sum()) + n, n_init=1, random_state=seed).fit(pile.rows[some])
    near = made.transform(pile.rows[some]).argmin(axis=0)
    order = np.random.default_rng(seed).permutation(len(near))
    return [int(some[near[place]]) for place in order[:n]]


WAYS: dict[str, Choose] = {"suggest": _suggested, "chance": _by_chance, "k-means centres": _centres}


def main(argv: list[str] | None = None) -> int:
    """One data set, all ways; one record a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--target", type=float, required=True, help="test accuracy at which a trial ends")
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--batch", type=int, default=5, help="labels asked for at once")
    parser.add_argument("--most", type=int, default=200, help="labels after which a trial is given up")
    parser.add_argument("--pretraining", type=int, default=0, help="seed of the encoder")
    parser.add_argument("--kept", type=Path, help="a folder in which encoders are kept, and found again")
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    train, test = train_and_test(given.data)
    model, trained = encoder(given.data, train, given.pretraining, given.kept)
    started = time.process_time()
    features = Features.learn(model, train)
    pile, asked = features.pile(train), features.pile(test)
    pile.graph()
    prepared = trained + time.process_time() - started
    records = []
    for name, choose in WAYS.items():
        started = time.process_time()
        found = [_trial(choose, pile, asked, train.labels, test.labels, seed, given) for seed in range(given.trials)]
        median = float(np.median(found))
        bar = BARS.get(given.data) if name == "suggest" else None
        records.append(
            {
                "name": f"labels to {given.target:.0%}, chosen by {name}",
                "value": median,
                "interval": [min(found), max(found)],
                "interval_is": "fewest and most over trials; a trial that never got there counts as the most allowed",
                "n": len(test),
                "split": "test",
                "data": given.data,
                "seed": given.pretraining,
                "command": said("active", words, given.kept),
                "machine": machine(),
                "bar": None if bar is None else f"<= {bar}",
                "met": None if bar is None else median <= bar,
                "per_seed": found,
                "cpu_seconds": {"encoder": round(prepared, 1), "trials": round(time.process_time() - started, 1)},
                "commit": commit(),
            }
        )
        print(f"{records[-1]['name']}: {median:g} {found}", flush=True)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    write_atomically(RESULTS / f"active-{given.data}.jsonl", lines.encode())
    return 0


def _trial(
    choose: Choose,
    pile: Pile,
    asked: Pile,
    truth: np.ndarray,
    test: np.ndarray,
    seed: int,
    given: argparse.Namespace,
) -> int:
    """Labels given when the target was first met."""
    labels = np.full(len(truth), -1)
    while (count := int((labels >= 0).sum())) < given.most:
        rows = choose(pile, labels, given.batch, seed)
        labels[rows] = truth[rows]
        present = np.unique(labels[labels >= 0])
        if len(present) < 2:
            continue
        place = np.where(labels >= 0, np.searchsorted(present, labels), -1)
        told = present[Blend().fit(pile, place, len(present)).probabilities(asked).argmax(axis=1)]
        if (told == test).mean() >= given.target:
            return count + given.batch
    return int(given.most)


if __name__ == "__main__":
    raise SystemExit(main())
