"""Which encoder's frozen features serve few labels: fitted without labels, then the same heads on the same draws.

    python -m benchmarks.features fashion-mnist
    python -m benchmarks.features fashion-mnist --models contrastive denoising-masked --split test
    python -m benchmarks.features fashion-mnist --net pooled --models untrained autoencoder denoising-masked

Models are fitted on the training pictures but the last 10,000, which judge; the test split is looked at only where it
is asked for. All have 64 numbers a code and, but for PCA and `contrastive`, the network `conv`. Beside every row stands
its difference, draw by draw, from that of PCA. Records are written after each model, and replace their namesakes.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit
from benchmarks.splits import train_and_test
from isthmus import PCA, VAE, Autoencoder, Contrastive, Denoising, discover
from isthmus.classify.curve import Curve, label_curve
from isthmus.contract import evenly
from isthmus.files import write_atomically
from isthmus.images.pictures import Pictures
from isthmus.run import machine
from isthmus.stats.intervals import Interval, mean_interval, paired_difference
from isthmus.train.watchers import Lines

__all__ = ["MODELS", "ends", "main", "parts"]

RESULTS = Path(__file__).parent.parent / "results" / "few-labels"
HELD = 10_000
LATENT = 64
BESIDE = "pca"

MODELS: dict[str, Callable[[str, int], Any]] = {
    "pca": lambda net, seed: PCA(latent=LATENT, seed=seed),
    "untrained": lambda net, seed: Autoencoder(net=net, latent=LATENT, epochs=0, seed=seed),
    "autoencoder": lambda net, seed: Autoencoder(net=net, latent=LATENT, seed=seed),
    "vae": lambda net, seed: VAE(net=net, latent=LATENT, seed=seed),
    "denoising-noise": lambda net, seed: Denoising(net=net, latent=LATENT, noise=0.3, seed=seed),
    "denoising-masked": lambda net, seed: Denoising(net=net, latent=LATENT, noise=0, masked=0.5, patch=4, seed=seed),
    "contrastive": lambda net, seed: Contrastive(latent=LATENT, seed=seed),
}


def main(argv: list[str] | None = None) -> int:
    """One data set, all models; a record for each model, head and number of labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--net", default="conv", help="of the autoencoders")
    parser.add_argument("--heads", nargs="+", default=["blend", "linear"])
    parser.add_argument("--counts", type=int, nargs="+", default=[40, 100, 1000], help="numbers of labels")
    parser.add_argument("--draws", type=int, nargs="+", default=[0, 1, 2], help="seeds of the labels")
    parser.add_argument("--seed", type=int, default=0, help="of the encoders")
    parser.add_argument("--split", default="validation", choices=("validation", "test"), help="what judges")
    parser.add_argument("--pictures", type=int, help="a try: learn from, and judge by, so many")
    parser.add_argument("--epochs", type=float, help="a try: passes over the pictures; tries have a file of their own")
    parser.add_argument("--threads", type=int, default=1)
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    given.command = " ".join(["python -m benchmarks.features", *words])
    torch.set_num_threads(given.threads)
    pile, held = parts(given.data, given.split, given.pictures)
    tried = given.pictures is not None or given.epochs is not None
    path = RESULTS / f"features-{given.data}{'-try' if tried else ''}.jsonl"
    records = _read(path)
    heads = {name: discover.find("classify.heads", name, "Head")() for name in given.heads}
    for name in _order(given, records):
        started = time.process_time()
        model = _made(name, given).fit(pile, watchers=[Lines()])
        fitted = time.process_time()
        curve = label_curve(model, pile, held, given.counts, given.draws, heads, beside=())
        seconds = {"fit": round(fitted - started, 1), "judge": round(time.process_time() - fitted, 1)}
        for head in heads:
            for count in given.counts:
                record = _record(name, head, count, curve, records, given) | {"cpu_seconds": seconds}
                records = {**records, _key(record): record}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, "".join(json.dumps(record) + "\n" for record in records.values()).encode())
    return 0


def _made(name: str, given: argparse.Namespace) -> Any:
    """With fewer epochs where a try asks for them."""
    model = MODELS[name](given.net, given.seed)
    trained = [field for field in ("epochs", "decoder_epochs") if field in model.get_params()]
    shorter = given.epochs is not None and name != "untrained"
    return model.set_params(**dict.fromkeys(trained, given.epochs)) if shorter else model


def parts(data: str, split: str, most: int | None = None) -> tuple[Pictures, Pictures]:
    """Pictures to learn from and those that judge: the last 10,000 training pictures, or a fifth of a small set's."""
    train, test = train_and_test(data)
    held = min(HELD, len(train) // 5)
    rows = np.arange(len(train))
    pile, judge = (train, test) if split == "test" else (train.take(rows[:-held]), train.take(rows[-held:]))
    if most is None:
        return pile, judge
    return pile.take(evenly(len(pile), most)), judge.take(evenly(len(judge), most))


def ends(interval: Interval) -> list[float] | None:
    """One draw has no spread: JSON has no word for it but null."""
    return None if math.isnan(interval.low) else [interval.low, interval.high]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run left, by what it is of."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return {_key(record): record for record in map(json.loads, lines)}


def _key(record: dict[str, Any]) -> str:
    return json.dumps([record[word] for word in ("name", "split", "seed", "draws", "pictures", "epochs")])


def _order(given: argparse.Namespace, records: dict[str, dict[str, Any]]) -> list[str]:
    """PCA before all others, for they are set beside it, unless an earlier run has left its rows."""
    wanted = [_beside(head, count, given) for head in given.heads for count in given.counts]
    needed = BESIDE in given.models or not all(key in records for key in wanted)
    return [BESIDE] * needed + [name for name in given.models if name != BESIDE]


def _beside(head: str, count: int, given: argparse.Namespace) -> str:
    return _key({"name": _name(BESIDE, head, count, given)} | vars(given))


def _name(model: str, head: str, count: int, given: argparse.Namespace) -> str:
    other = given.net != "conv" and model not in (BESIDE, "contrastive")
    return f"accuracy at {count} labels, {head} on {model}{f' ({given.net})' if other else ''}"


def _record(
    model: str,
    head: str,
    count: int,
    curve: Curve,
    records: dict[str, dict[str, Any]],
    given: argparse.Namespace,
) -> dict[str, Any]:
    values = curve.accuracy[head][given.counts.index(count)]
    found, baseline = mean_interval(values), None
    name, more = _name(model, head, count, given), ""
    if model != BESIDE:
        beside = np.array(records[_beside(head, count, given)]["per_seed"])
        gain = paired_difference(values, beside)
        baseline = {"name": BESIDE, "value": float(beside.mean()), "gain": gain.value, "interval": ends(gain)}
        between = f", {100 * gain.low:+.2f} to {100 * gain.high:+.2f}" if ends(gain) else ""
        more = f" ({100 * gain.value:+.2f} on {BESIDE}{between})"
    print(f"{name}: {100 * found.value:.2f}{more}", flush=True)
    return {
        "name": name,
        "value": found.value,
        "interval": ends(found),
        "interval_is": "95 %, Student's, over draws of labels; that of the baseline is of the difference draw by draw",
        "n": curve.n,
        "split": given.split,
        "data": given.data,
        "seed": given.seed,
        "draws": given.draws,
        "pictures": given.pictures,
        "epochs": given.epochs,
        "command": given.command,
        "machine": machine(),
        "bar": None,
        "met": None,
        "baseline": baseline,
        "per_seed": values.tolist(),
        "commit": commit(),
    }


if __name__ == "__main__":
    raise SystemExit(main())
