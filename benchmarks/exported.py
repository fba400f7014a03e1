"""What leaves Python: as near to the run as promised, and as quick?

    python -m benchmarks.exported parity
    python -m benchmarks.exported speed --rounds 9

`parity` fits every model for an epoch on digits, exports it to ONNX and sets every output beside the run's own, on 74
pictures in batches of 1, 2, 7 and 64. `speed` encodes the 10,000 test pictures of Fashion-MNIST by PyTorch and by
onnxruntime, one thread each, rounds in turn, at several sizes of a batch; what is compared is each one's best size.
Both start from bytes and end in an array of codes. Weights do not matter there, so training is short. Records replace
their namesakes.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.record import commit, said
from benchmarks.splits import train_and_test
from isthmus import models, open_pictures
from isthmus.export import export, to_onnx
from isthmus.export.exporting import pictures_to_compare
from isthmus.files import write_atomically
from isthmus.images.arrays import in_layout
from isthmus.run import Run, machine

__all__ = ["main"]

RESULTS = Path(__file__).parent.parent / "results" / "export" / "onnx.jsonl"
BAR = 1e-4
BATCHES = (16, 64, 256, 1024)
SPED = ("conv-vae", "vae")
_TRAINED_ON, _SEEN = 400, 2048


def main(argv: list[str] | None = None) -> int:
    """One part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("parity", "speed"))
    parser.add_argument("--models", nargs="+", help="which models (default: all, or two for speed)")
    parser.add_argument("--rounds", type=int, default=9)
    words = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    common = {"command": said("exported", words), "machine": machine(), "commit": commit(), "seed": 0}
    names = given.models or (models.names() if given.part == "parity" else SPED)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            place = Path(folder) / name
            found = _near(place, name) if given.part == "parity" else _quick(place, name, given.rounds)
            told = f"{found['name']}: {found['value']:.3g} {found['interval'] or ''}"
            print(f"{told} (bar {found['bar']})", flush=True)
            _write({"part": given.part} | found | common)
    return 0


def _fitted(place: Path, name: str, pictures: Any, **fields: Any) -> Any:
    known = models.make(name).get_params(deep=False)
    small = {"epochs": 1, "decoder_epochs": 1, "device": "cpu", "precision": "float32"} | fields
    return models.make(name, **{key: value for key, value in small.items() if key in known}).fit(pictures, run=place)


def _near(place: Path, name: str) -> dict[str, Any]:
    """The output that is farthest off; whole numbers are told apart from it."""
    pictures, cpu = open_pictures("digits").take(np.arange(_TRAINED_ON)), time.process_time()
    model = _fitted(place, name, pictures, latent=8)
    made = export(Run.open(place), place.with_suffix(".onnx"), pictures=pictures_to_compare(model, pictures))
    floats = [one for one in made.parity if not one.rounded]
    worst = max(floats, key=lambda one: one.relative)
    outputs = {f"{one.graph}: {one.output}": one.to_json() for one in made.parity}
    return {
        "name": f"{name}: largest difference of the largest number",
        "value": worst.relative,
        "interval": None,
        "n": worst.n,
        "split": "train",
        "data": "digits",
        "bar": f"<= {BAR:g}",
        "met": worst.relative <= BAR,
        "baseline": {"name": "the run's own answer", "value": 0.0},
        "outputs": outputs,
        "left_out": made.left_out,
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }


def _quick(place: Path, name: str, rounds: int) -> dict[str, Any]:
    """Seconds of a processor for 10,000 pictures, by both, and how many times quicker the exported one is."""
    train, test = train_and_test("fashion-mnist")
    model = _fitted(place, name, train.take(np.arange(_SEEN)))
    export(Run.open(place), place.with_suffix(".onnx"), pictures=pictures_to_compare(model, test))
    session = to_onnx.opened(place.with_suffix(".onnx") / "encoder.onnx", threads=1)
    pixels = in_layout(test.pixels, model.layout_)
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "PyTorch": lambda x: _by_torch(model, x),
        "onnxruntime": lambda x: session((x,))[0],
    }
    for way in ways.values():  # what is allocated and chosen once
        way(pixels[: max(BATCHES)])
    seconds: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds):
        for size in BATCHES:
            for key in list(ways)[:: 1 if number % 2 else -1]:
                seconds.setdefault((key, size), []).append(_timed(ways[key], pixels, size))
    return _record(name, seconds, len(pixels))


def _by_torch(model: Any, x: np.ndarray) -> np.ndarray:
    """No more than the encoder needs: what `transform` checks besides is not counted."""
    with torch.inference_mode():
        scaled = model.scaling_.forward(torch.from_numpy(x).reshape(len(x), *model.shape_))
        return np.asarray(model.encode(scaled).mean.flatten(1).numpy())


def _timed(way: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, size: int) -> float:
    began = time.process_time()
    np.concatenate([way(pixels[i : i + size]) for i in range(0, len(pixels), size)])
    return time.process_time() - began


def _record(name: str, seconds: dict[tuple[str, int], list[float]], n: int) -> dict[str, Any]:
    best = {}
    for way in ("PyTorch", "onnxruntime"):
        best[way] = min((size for key, size in seconds if key == way), key=lambda size: median(seconds[way, size]))
    mine, theirs = (seconds[way, best[way]] for way in ("onnxruntime", "PyTorch"))
    ratios = [a / b for a, b in zip(theirs, mine, strict=True)]
    common = {"n": n, "split": "test", "data": "fashion-mnist"}
    every = {f"{way}, batches of {size}": round(median(values), 4) for (way, size), values in seconds.items()}
    speed = {
        "name": f"{name}: encoding by onnxruntime, times as fast as by PyTorch",
        "value": median(ratios),
        "interval": [min(ratios), max(ratios)],
        "bar": ">= 1",
        "met": median(ratios) >= 1,
        "baseline": {"name": f"PyTorch, batches of {best['PyTorch']}", "value": round(median(theirs), 4)},
        "seconds": {"onnxruntime": round(median(mine), 4), "batches": best["onnxruntime"], "all": every},
        "per_round": [round(ratio, 4) for ratio in ratios],
        "cpu_seconds": round(sum(map(sum, seconds.values())), 1),
    }
    return speed | common


def _write(record: dict[str, Any]) -> None:
    """In the place of its namesake."""
    lines = RESULTS.read_text("utf-8").splitlines() if RESULTS.exists() else []
    kept = [line for line in lines if json.loads(line)["name"] != record["name"]]
    write_atomically(RESULTS, "".join(f"{line}\n" for line in [*kept, json.dumps(record)]).encode())


if __name__ == "__main__":
    sys.exit(main())
