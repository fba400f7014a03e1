"""The main job on 1,797 real handwritten digits, in under a minute: train, judge, draw, map."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.cli._talk import image_out, say, table
from isthmus.errors import RunError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("--out", metavar="RUN", help="the run folder to make (default: runs/demo, demo-2, ...)")
    parser.add_argument("--epochs", type=float, default=30, metavar="N", help="passes over the digits (default: 30)")


def run(arguments: argparse.Namespace) -> int:
    import torch

    from isthmus import VAE, open_pictures, split
    from isthmus.measure.reconstruction import reconstruction

    torch.set_num_threads(1)  # networks this small only wait for one another on more

    started = time.monotonic()
    out = Path(arguments.out) if arguments.out else _free(Path("runs"))
    say("1,797 handwritten digits of 8x8 pixels (from scikit-learn); a convolutional VAE with a code of 8 numbers")
    digits = open_pictures("digits")
    digits.split = split(digits, seed=0)
    model = VAE(net="conv", latent=8, likelihood="gaussian", epochs=arguments.epochs)
    model.fit(digits, run=out, watchers=_watchers(out))
    training, test = digits.take(digits.split == "train"), digits.take(digits.split == "test")
    found = reconstruction(model, test, training)
    rows = [[name, f"{i.value:.4f}", f"{i.low:.4f} .. {i.high:.4f}"] for name, i in found.rows().items()]
    print(table([f"squared error on {len(test)} test digits", "mean", "95 % interval"], rows))
    print(f"Reconstruction is {found.verdict()}.\n")
    _record(out, found)
    _draw(model, digits, test, out)
    say(f"\nThe run is in {out} ({time.monotonic() - started:.0f} s in all). Three commands to try next:")
    print(f"  isthmus info {out}\n  isthmus evaluate {out}\n  isthmus interpolate {out} -o {out / 'walk.png'}")
    return 0


def _free(folder: Path) -> Path:
    """runs/demo, or the first numbered name beside it that is free."""
    names = [folder / "demo", *(folder / f"demo-{i}" for i in range(2, 1000))]
    free = next((name for name in names if not name.exists()), None)
    if free is None:
        raise RunError(f"{folder} is full of demos", "Give --out FOLDER.")
    return free


def _watchers(out: Path) -> list[Any]:
    import sys

    from isthmus.train.events import TensorBoard
    from isthmus.train.watchers import Lines, ProgressBar

    return [ProgressBar() if sys.stderr.isatty() else Lines(), TensorBoard(out / "tensorboard")]


def _record(out: Path, found: Any) -> None:
    from isthmus.run import Record, Run

    for name, i in found.rows().items():
        interval = (i.low, i.high)
        Run(out).record(Record(f"MSE, {name}", i.value, interval, i.n, "test", "digits", 0, "isthmus demo"))


def _draw(model: Any, digits: Any, test: Any, out: Path) -> None:
    import numpy as np

    from isthmus.contract import decoded, shown
    from isthmus.report.grid import comparison_grid, picture_grid

    some = test.take(np.arange(20))
    rows = {"digit": shown(model, some), "redrawn": decoded(model, model.transform(some))}
    image_out(comparison_grid(rows, columns=10), str(out / "reconstructions.png"))
    image_out(picture_grid(decoded(model, model.sample_codes(48)), columns=12), str(out / "samples.png"))
    _map(model, digits, out)


def _map(model: Any, digits: Any, out: Path) -> None:
    """All digits by their codes, neighbours kept together (t-SNE), with how far the map is to be trusted under it."""
    from sklearn.manifold import TSNE

    from isthmus.report.scatter import scatter
    from isthmus.stats.knn import knn_accuracy
    from isthmus.stats.maps import trustworthiness

    codes = model.transform(digits)
    places = TSNE(init="pca", random_state=0, max_iter=500).fit_transform(codes)
    fitted, held = digits.split != "test", digits.split == "test"
    accuracy = knn_accuracy(places[fitted], digits.labels[fitted], places[held], digits.labels[held])
    scores = (
        f"5-NN accuracy {accuracy.value:.3f} on held-out digits, trustworthiness {trustworthiness(codes, places):.3f}"
    )
    title = "1,797 digits, drawn without their labels: t-SNE of the codes"
    image_out(scatter(places, digits.labels, digits.classes, title=title, subtitle=scores), str(out / "map.png"))
