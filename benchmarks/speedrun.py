"""A speedrun: Fashion-MNIST through a code of 64 numbers, to a test error of .0060, in as few seconds as possible.

    python -m benchmarks.speedrun --device cuda
    python -m benchmarks.speedrun --small

The rules, for whoever takes part:

1. A picture becomes 64 numbers of 32 bits and is drawn again from these alone. Any network, loss and optimiser.
2. Learnt from are the 60,000 training pictures and nothing else; settings were chosen on the last 10,000 of them, and
   are the same for all seeds.
3. The error is the mean of the squared differences over all pixels, in [0, 1], of all 10,000 test pictures, by the
   weights as training leaves them. Its mean over all seeds has to be .0060 or less; no seed is left out.
4. The clock runs from pixels in memory, as bytes, to the end of training: weights, copies to the device, compiling and
   recording are in it. Imports, reading files, judging and one training before, which warms the device up, are not.
5. Seconds on the wall and CPU-seconds are both told, with their spread, the device and the threads.

`--small` is a look at whether it runs, on some pictures: nothing is claimed of it, and nothing kept.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import Record, append, commit, met
from benchmarks.splits import train_and_test
from isthmus import Autoencoder
from isthmus.errors import IsthmusError
from isthmus.images.pictures import Pictures
from isthmus.nets.conv import Conv
from isthmus.run import machine
from isthmus.train.devices import choose_device

__all__ = ["main"]

TARGET = 0.0060
SETTING: dict[str, Any] = {"optimiser": "muon", "learning_rate": 0.016, "batch_size": 64, "schedule": "linear"}
EPOCHS = 0.95
"""As the benchmark of time to error chose them for this target, on pictures held out, with a little longer a run."""
_SMALL, _FEWER = 2000, 0.5
_BATCH = 1000


def main(argv: list[str] | None = None) -> int:
    """0 where the mean of all seeds is good enough, or the run was a small one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="2,000 pictures, one seed, nothing kept")
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    try:
        device = choose_device(given.device)
        train, test = train_and_test("fashion-mnist")
    except IsthmusError as trouble:
        print(f"speedrun: {trouble}", file=sys.stderr)
        return 1
    if given.small:
        train, test = train.take(np.arange(_SMALL)), test.take(np.arange(_SMALL))
    _run(train.take(np.arange(min(len(train), 10_000))), test, seed=-1, device=device, epochs=_FEWER)  # warms up
    runs = []
    for seed in range(1 if given.small else given.seeds):
        runs.append(_run(train, test, seed, device, epochs=_FEWER if given.small else None))
        print("seed {seed}: test MSE {mse:.5f} in {wall:.2f} s, {cpu:.2f} CPU-s".format(**runs[-1]), flush=True)
    if given.small:
        return 0
    records = _records(runs, device, len(test))
    append(given.out / "speedrun.jsonl", records)
    for record in records:
        print(f"{record.name}: {record.value:.5g} {record.bar or ''}")
    return int(any(met(record) is False for record in records))


def _model(seed: int, device: torch.device, epochs: float | None) -> Autoencoder:
    net = Conv(channels=(32, 64), kernel=4, stride=2, padding=1, activation="relu")
    how: dict[str, Any] = {"net": net, "latent": 64, "spikes": 0.0, "precision": "bf16", "device": str(device)}
    return Autoencoder(**how, **SETTING, epochs=EPOCHS if epochs is None else epochs, seed=max(seed, 0))


def _run(train: Pictures, test: Pictures, seed: int, device: torch.device, epochs: float | None) -> dict[str, Any]:
    """One seed: what it took and what came of it. Training returns when the device is done."""
    model = _model(seed, device, epochs)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(train)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(test), _BATCH):
            x = model.tensor(test.pixels[start : start + _BATCH])
            total += float((model.decode(model.encode(x).mean) - x).square().flatten(1).mean(1).sum())
    return {"seed": seed, "mse": total / len(test), "wall": wall, "cpu": cpu}


def _records(runs: list[dict[str, Any]], device: torch.device, n: int) -> list[Record]:
    records = []
    for key, name, bar in (
        ("mse", "test-mse", f"<= {TARGET}"),
        ("wall", "seconds", None),
        ("cpu", "cpu-seconds", None),
    ):
        values = [run[key] for run in runs]
        record = Record(
            f"speedrun/{device.type}/{name}", float(np.mean(values)), (min(values), max(values)), n, bar=bar
        )
        record.split, record.data, record.per_seed = "test", "fashion-mnist", values
        record.machine, record.commit = machine(), commit()
        record.command = f"python -m benchmarks.speedrun --device {device.type} --seeds {len(runs)}"
        records.append(record)
    return records


if __name__ == "__main__":
    sys.exit(main())
