"""What a served run holds: requests from many connections, beside a plain FastAPI loop; and nonsense among them.

    python -m benchmarks.serving [--requests 10000] [--connections 64] [--rounds 3]

Both serve one run (`conv-vae`, Fashion-MNIST pictures, 32 numbers a code) from a process with one thread for torch, on
this machine; the other core asks. A request is one picture as an array, its answer its code as an array. The plain loop
is what one would write first: a route that reads the array, calls the model and answers. Rounds are taken in turn. Then
as many requests again with one in ten that is nonsense, which must not cost any other its answer.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.record import ROOT, Record, append, commit, said

__all__ = ["main"]

DATA, PICTURES, LATENT = "fashion-mnist", 2000, 32
ARRAY = "application/x-npy"
NONSENSE = (
    ("application/json", b'{"pictures": [[1, 2], [3]]}'),
    ("application/x-npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'shape': (1000000, 1000, 1000)}"),
    ("image/png", b"\x89PNG\r\n\x1a\nxxxx"),
    ("text/html", b"<script>"),
)


@dataclass
class Load:
    """What askers saw: seconds of each request, statuses, how many answers were wrong, and the whole in seconds."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    whole: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.whole

    def within(self, share: float) -> float:
        return float(np.quantile(self.seconds, share)) * 1e3


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--requests", type=int, default=10_000)
    told.add_argument("--connections", type=int, default=64)
    told.add_argument("--rounds", type=int, default=3)
    told.add_argument("--plain", metavar="RUN", help=argparse.SUPPRESS)
    given = told.parse_args()
    if given.plain:
        _plain(given.plain)
        return
    from isthmus import load, open_pictures

    with tempfile.TemporaryDirectory() as folder:
        run, pictures = Path(folder, "run"), open_pictures(DATA)
        _fit(run, pictures)
        pixels = pictures.pixels[:PICTURES]
        asked = [("POST /encode", ARRAY, _file(pixels[i : i + 1])) for i in range(PICTURES)]
        codes = load(run).transform(pixels)
        loads: dict[str, list[Load]] = {"served": [], "plain": []}
        for number in range(given.rounds):
            for name in ("served", "plain") if number % 2 == 0 else ("plain", "served"):
                with _server(name, run) as port:
                    loads[name].append(asyncio.run(_press(port, asked, codes, given)))
                print(f"round {number + 1}, {name}: {_words(loads[name][-1])}", flush=True)
        with _server("served", run) as port:
            mixed = asyncio.run(_press(port, asked, codes, given, nonsense=True))
            print(f"with nonsense: {_words(mixed)}", flush=True)
    append(ROOT / "results" / "scale" / "serving.jsonl", _records(loads, mixed, given))


def _fit(run: Path, pictures: Any) -> None:
    from isthmus import models

    models.make("conv-vae", latent=LATENT, epochs=1, device="cpu").fit(pictures.take(np.arange(PICTURES)), run=run)


def _file(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _words(load: Load) -> str:
    ends = f"p50 {load.within(0.5):.1f}, p99 {load.within(0.99):.1f} ms"
    return f"{load.rate:,.0f} a second, {ends}, {dict(load.statuses)}, {load.wrong} wrong"


def _records(loads: dict[str, list[Load]], mixed: Load, given: argparse.Namespace) -> list[Record]:
    from isthmus.run import machine

    def rates(name: str) -> list[float]:
        return [load.rate for load in loads[name]]

    def late(name: str) -> list[float]:
        return [load.within(0.99) for load in loads[name]]

    common: dict[str, Any] = {
        "n": given.requests,
        "data": f"{DATA}, one picture a request, {given.connections} connections, {given.rounds} rounds",
        "seed": 0,
        "command": said("serving", sys.argv[1:]),
        "machine": f"{machine()}, load {os.getloadavg()[0]:.1f} at the end",
        "commit": commit(),
    }
    failed = [load.wrong for load in loads["served"]]
    return [
        Record("serving/errors", float(max(failed)), bar="<= 0", per_seed=failed, **common),
        *(
            Record(
                f"serving/{what}",
                median(values("served")),
                (min(values("served")), max(values("served"))),
                baseline={"name": "a plain FastAPI loop", "value": median(values("plain"))},
                per_seed=[{"served": a, "plain": b} for a, b in zip(values("served"), values("plain"), strict=True)],
                **common,
            )
            for what, values in (("requests a second", rates), ("p99, ms", late))
        ),
        Record(
            "serving/errors with nonsense in one of ten requests",
            float(mixed.wrong),
            bar="<= 0",
            baseline={"name": "statuses", "value": {str(key): n for key, n in mixed.statuses.items()}},
            **common,
        ),
    ]


# -- those who ask ----------------------------------------------------------------------------------------------------


async def _press(port: int, asked: Any, codes: np.ndarray, given: argparse.Namespace, nonsense: bool = False) -> Load:
    """So many connections, each with its next request as soon as it has its answer."""
    load, numbers = Load(), iter(range(given.requests))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            bad = nonsense and number % 10 == 9
            kind, body = NONSENSE[number // 10 % len(NONSENSE)] if bad else asked[number % PICTURES][1:]
            began = time.perf_counter()
            status, answer = await _ask(reader, writer, kind, body)
            load.seconds.append(time.perf_counter() - began)
            load.statuses[status] += 1
            if not bad:
                right = status == 200 and np.allclose(_read(answer), codes[number % PICTURES], atol=1e-4)
                load.wrong += not right
            elif not 400 <= status < 500:
                load.wrong += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(given.connections)))
    load.whole = time.perf_counter() - began
    return load


async def _ask(reader: Any, writer: Any, kind: str, body: bytes) -> tuple[int, bytes]:
    head = f"POST /encode HTTP/1.1\r\nhost: localhost\r\naccept: {ARRAY}\r\ncontent-type: {kind}\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


def _read(answer: bytes) -> np.ndarray:
    found: np.ndarray = np.load(io.BytesIO(answer))[0]
    return found


# -- those who answer -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _server(name: str, run: Path) -> Iterator[int]:
    words = {
        "served": ["-m", "isthmus", "serve", str(run), "--port", "0", "--threads", "1"],
        "plain": ["-m", "benchmarks.serving", "--plain", str(run)],
    }[name]
    own = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=own, cwd=ROOT) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
        try:
            asyncio.run(_press_until_there(port))
            yield port
        finally:
            process.terminate()


async def _press_until_there(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise SystemExit("the server does not answer")


def _plain(folder: str) -> None:
    """What one would write first, with the same server around it."""
    import socket

    import torch
    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import Response

    from isthmus import load

    torch.set_num_threads(1)
    model, app = load(folder), FastAPI()

    @app.post("/encode")
    async def encode(request: Request) -> Response:
        return Response(_file(model.transform(np.load(io.BytesIO(await request.body())))), media_type=ARRAY)

    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps(listener.getsockname()[1]), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
