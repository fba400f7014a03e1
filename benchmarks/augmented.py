"""Whether pictures out of a latent space help where classes are rare, each way measured against doing nothing.

    python -m benchmarks.augmented fashion-mnist --model conv-vae
    python -m benchmarks.augmented fashion-mnist --model contrastive

Each draw takes two classes at random, gives them 5 labels and all others 50. A way adds rows to the labelled ones, the
same head is fitted on the features of all, and the last 10,000 training pictures judge. The model has seen the training
pictures without labels. What is decoded is rounded to bytes and encoded again, as a real picture is. Ways that fill up
the rare classes bring them to 50; their control are plain duplicates, which is what weighing comes to, and their
ceiling are real labels instead. Ways for all labelled pictures add copies of each; their control are plain copies.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.features import ends, parts
from benchmarks.record import commit
from isthmus import discover, models
from isthmus.classify.features import Features
from isthmus.classify.heads._head import Pile
from isthmus.contract import some_of
from isthmus.files import write_atomically
from isthmus.images.pictures import Pictures
from isthmus.keys import stream
from isthmus.run import machine
from isthmus.stats.intervals import mean_interval, paired_difference
from isthmus.train.watchers import Lines

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
SPREAD_FROM = 10_000
BESIDE = "nothing"
CONTROLS = {"all": "all: copies", "rare": "rare: duplicates"}
SCORES = ("balanced accuracy", "recall of the rare classes")


@dataclass
class Space:
    """A model, what its features are, and how widely the pile's codes spread in each dimension."""

    model: Any
    features: Features
    spread: np.ndarray

    def seen(self, codes: np.ndarray) -> np.ndarray:
        """Rows of the pictures that are decoded from these codes."""
        return self.features.of(self.model.inverse_transform(codes.astype(np.float32)))


@dataclass
class Draw:
    """Labelled pictures as rows and as codes; `missing` are the labels that would make rare classes common."""

    rows: np.ndarray
    codes: np.ndarray
    labels: np.ndarray
    rare: np.ndarray
    missing: np.ndarray
    real: np.ndarray
    copies: int

    def one_of_each(self, labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """For every label the place of a labelled picture of that class: each once, then each again."""
        places = np.empty(len(labels), np.int64)
        for c in np.unique(labels):
            own, wanted = np.flatnonzero(self.labels == c), np.flatnonzero(labels == c)
            rounds = -(-len(wanted) // len(own))
            places[wanted] = np.concatenate([random.permutation(own) for _ in range(rounds)])[: len(wanted)]
        return places


Added = tuple[np.ndarray, np.ndarray]
"""Rows and their labels."""
Found = dict[tuple[str, str], list[tuple[float, ...]]]
"""By way and head: the scores, draw after draw."""
Way = Callable[[Draw, Space, np.random.Generator], Added]


def _nothing(draw: Draw, space: Space, random: np.random.Generator) -> Added:
    return draw.rows[:0], draw.labels[:0]


def _duplicates(draw: Draw, space: Space, random: np.random.Generator) -> Added:
    return draw.rows[draw.one_of_each(draw.missing, random)], draw.missing


def _copies(draw: Draw, space: Space, random: np.random.Generator) -> Added:
    return np.tile(draw.rows, (draw.copies, 1)), np.tile(draw.labels, draw.copies)


def _real(draw: Draw, space: Space, random: np.random.Generator) -> Added:
    return draw.real, draw.missing


def _shaken(share: float) -> Way:
    """Every labelled picture redrawn with noise on its code, `share` of the spread of all codes."""

    def way(draw: Draw, space: Space, random: np.random.Generator) -> Added:
        codes = np.tile(draw.codes, (draw.copies, 1))
        noise = share * space.spread * random.standard_normal(codes.shape)
        return space.seen(codes + noise), np.tile(draw.labels, draw.copies)

    return way


def _shaken_rare(share: float) -> Way:
    def way(draw: Draw, space: Space, random: np.random.Generator) -> Added:
        codes = draw.codes[draw.one_of_each(draw.missing, random)]
        return space.seen(codes + share * space.spread * random.standard_normal(codes.shape)), draw.missing

    return way


def _gaussian(draw: Draw, space: Space, random: np.random.Generator) -> Added:
    """Around the mean of the class; five codes say little of its shape, so it leans on that of all classes."""
    size, classes = draw.codes.shape[1], np.unique(draw.labels)
    centred = np.concatenate([draw.codes[draw.labels == c] - draw.codes[draw.labels == c].mean(0) for c in classes])
    usual = centred.T @ centred / (len(centred) - len(classes))
    codes = np.empty((len(draw.missing), size))
    for c in draw.rare:
        own, wanted = draw.codes[draw.labels == c].astype(float), draw.missing == c
        shape = (len(own) * np.cov(own.T, bias=True) + size * usual) / (len(own) + size)
        codes[wanted] = random.multivariate_normal(own.mean(0), shape, int(wanted.sum()), method="eigh")
    return space.seen(codes), draw.missing


def _mixed(draw: Draw, random: np.random.Generator, what: np.ndarray) -> np.ndarray:
    """Somewhere between a labelled picture and another one of its class."""
    first = draw.one_of_each(draw.missing, random)
    own = [np.flatnonzero(draw.labels == draw.labels[place]) for place in first]
    second = [random.choice(places[places != place]) for place, places in zip(first, own, strict=True)]
    return what[first] + random.random((len(first), 1)) * (what[second] - what[first])


def _mixed_codes(draw: Draw, space: Space, random: np.random.Generator) -> Added:
    return space.seen(_mixed(draw, random, draw.codes)), draw.missing


def _mixed_rows(draw: Draw, space: Space, random: np.random.Generator) -> Added:
    return _mixed(draw, random, draw.rows), draw.missing


def ways(shares: list[float]) -> dict[str, Way]:
    """By name; `nothing` comes first, and all others are set beside it."""
    return {
        BESIDE: _nothing,
        "all: copies": _copies,
        **{f"all: latent noise {share:g}": _shaken(share) for share in shares},
        "rare: duplicates": _duplicates,
        **{f"rare: latent noise {share:g}": _shaken_rare(share) for share in shares},
        "rare: Gaussian of the class": _gaussian,
        "rare: mixed codes": _mixed_codes,
        "rare: mixed rows, no decoder": _mixed_rows,
        "rare: real labels instead": _real,
    }


def main(argv: list[str] | None = None) -> int:
    """One data set and model, all ways; a record for each way, head and score."""
    words = sys.argv[1:] if argv is None else argv
    given = _given(words)
    given.command = " ".join(["python -m benchmarks.augmented", *words])
    torch.set_num_threads(given.threads)
    pile, held = parts(given.data, given.split, given.pictures)
    started = time.process_time()
    space = _space(pile, given)
    asked = space.features.pile(held)
    given.encoder_seconds = round(time.process_time() - started, 1)
    started = time.process_time()
    known = ways(given.noise)
    found: Found = {(way, head): [] for way in known for head in given.heads}
    for seed in range(given.draws):
        draw = _draw(pile, space, given, seed)
        for name, way in known.items():
            rows, labels = way(draw, space, np.random.default_rng(stream(seed, "augmented", name)))
            both = Pile(np.concatenate([draw.rows, rows])), np.concatenate([draw.labels, labels])
            for head in given.heads:
                told = discover.find("classify.heads", head, "Head")().fit(*both, len(pile.classes))
                found[name, head].append(_scores(told.probabilities(asked).argmax(1), held.labels, draw.rare))
        print(f"draw {seed}: rare are {', '.join(pile.classes[c] for c in draw.rare)}", flush=True)
        _write(found, given, len(held), round(time.process_time() - started, 1))
    for name, head in found:
        _say(name, head, found)
    return 0


def _given(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="conv-vae", choices=models.names())
    parser.add_argument("--latent", type=int, default=64)
    parser.add_argument("--epochs", type=float, help="passes over the pictures (default: the model's own)")
    parser.add_argument("--heads", nargs="+", default=["linear", "kernel"])
    parser.add_argument("--common", type=int, default=50, help="labels of a common class")
    parser.add_argument("--rare", type=int, default=5, help="labels of a rare one, at least 2")
    parser.add_argument("--rare-classes", type=int, default=2)
    parser.add_argument("--noise", type=float, nargs="+", default=[0, 0.25, 0.5, 1], help="shares of the codes' spread")
    parser.add_argument("--copies", type=int, default=4, help="added for each labelled picture")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the model")
    parser.add_argument("--split", default="validation", choices=("validation", "test"), help="what judges")
    parser.add_argument("--pictures", type=int, help="a try: learn from, and judge by, so many; a file of its own")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(words)
    if given.rare < 2:
        parser.error("--rare is below 2: nothing lies between one picture and itself")
    return given


def _space(pile: Pictures, given: argparse.Namespace) -> Space:
    fields = {} if given.epochs is None else {"epochs": given.epochs}
    model = models.make(given.model, latent=given.latent, seed=given.seed, **fields).fit(pile, watchers=[Lines()])
    return Space(model, Features.learn(model, pile), model.transform(some_of(pile, SPREAD_FROM)).std(0))


def _draw(pile: Pictures, space: Space, given: argparse.Namespace, seed: int) -> Draw:
    """A larger number of labels holds the smaller: the rare classes' real labels go on where the few end."""
    random = np.random.default_rng(stream(seed, "unbalanced"))
    order = random.permutation(len(pile.classes))
    rare, some, others = np.sort(order[: given.rare_classes]), [], []
    for c in range(len(pile.classes)):
        drawn = random.permutation(np.flatnonzero(pile.labels == c))[: given.common]
        few = given.rare if c in rare else given.common
        some.append(drawn[:few])
        others.append(drawn[few:])
    labelled, real = (pile.take(np.concatenate(rows)) for rows in (some, others))
    rows, codes = space.features.of(labelled), space.model.transform(labelled)
    return Draw(rows, codes, labelled.labels, rare, real.labels, space.features.of(real), given.copies)


def _scores(told: np.ndarray, truth: np.ndarray, rare: np.ndarray) -> tuple[float, ...]:
    recall = {c: float((told[truth == c] == c).mean()) for c in np.unique(truth)}
    return float(np.mean(list(recall.values()))), float(np.mean([recall[c] for c in rare]))


def _write(found: Found, given: argparse.Namespace, n: int, cpu: float) -> None:
    """The records of the draws so far: an interrupted run leaves what it has."""
    common = {
        "n": n,
        "split": given.split,
        "data": given.data,
        "seed": given.seed,
        "draws": len(next(iter(found.values()))),
        "pictures": given.pictures,
        "command": given.command,
        "machine": machine(),
        "bar": None,
        "met": None,
        "cpu_seconds": {"encoder": given.encoder_seconds, "draws": cpu},
        "commit": commit(),
    }
    records = [
        _record(name, head, place, found, given.model) | common
        for head in given.heads
        for place in range(len(SCORES))
        for name in dict.fromkeys(way for way, _ in found)
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"augmented-{given.data}-{given.model}{'-try' if given.pictures else ''}.jsonl"
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in records).encode())


def _record(name: str, head: str, place: int, found: Found, model: str) -> dict[str, Any]:
    values = np.array(found[name, head])[:, place]
    mean, control = mean_interval(values), CONTROLS.get(name.split(":")[0])
    return {
        "name": f"{SCORES[place]}, {name}, {head} on {model}",
        "value": mean.value,
        "interval": ends(mean),
        "interval_is": "95 %, Student's, over draws; those of baseline and control are of the difference draw by draw",
        "baseline": None if name == BESIDE else _against(values, BESIDE, head, place, found),
        "control": None if control in (None, name) else _against(values, str(control), head, place, found),
        "per_seed": values.tolist(),
    }


def _against(values: np.ndarray, other: str, head: str, place: int, found: Found) -> dict[str, Any]:
    beside = np.array(found[other, head])[:, place]
    gain = paired_difference(values, beside)
    return {"name": other, "value": float(beside.mean()), "gain": gain.value, "interval": ends(gain)}


def _say(name: str, head: str, found: Found) -> None:
    """Both scores, and what they gain on doing nothing and on the way's control."""
    print(f"{head}, {name}")
    for place, score in enumerate(SCORES):
        record = _record(name, head, place, found, "")
        gains = [_words(record[key]) for key in ("baseline", "control") if record[key]]
        print(f"    {score} {100 * record['value']:.1f}{''.join(f'; {gain}' for gain in gains)}")


def _words(against: dict[str, Any]) -> str:
    between = " to ".join(f"{100 * end:+.1f}" for end in against["interval"] or ())
    return f"{100 * against['gain']:+.1f} on {against['name']}{f' ({between})' if between else ''}"


if __name__ == "__main__":
    raise SystemExit(main())
