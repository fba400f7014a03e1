"""One party in a process of its own, kept alive between rounds: JSON lines in, JSON lines out.

A training stops at every gate, says what it cost so far and waits for "go" or "stop". So parties alternate round by
round, and nobody pays for imports or set-up twice. Judging and waiting are outside the clock.
"""

import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from benchmarks import data
from benchmarks.parties import Contender, Job, Reconstruct, load

__all__ = ["Clock", "Enough", "Gate", "main"]


class Enough(BaseException):
    """Ends a training from outside; not an Exception, so that no library catches it."""


class Absent(Exception):
    """What this machine does not have, in a sentence of its own."""


class Clock:
    """CPU-seconds of this process, all its threads and its finished children; and seconds on the wall.

    On another device it is the wall's that count, as both, when the device is done with all it was given.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.cpu = self.wall = 0.0
        self._from = self._now()

    def stop(self) -> None:
        cpu, wall = self._now()
        self.cpu += cpu - self._from[0]
        self.wall += wall - self._from[1]

    def start(self) -> None:
        self._from = self._now()

    def _now(self) -> tuple[float, float]:
        if self.device != "cpu":
            import torch

            torch.cuda.synchronize()
            return time.perf_counter(), time.perf_counter()
        times = os.times()
        return time.process_time() + times.children_user + times.children_system, time.perf_counter()


class Gate:
    """Lets a training through `every` steps at a time."""

    def __init__(
        self, every: int, judge: np.ndarray | None, ask: Callable[[dict[str, Any]], str], device: str = "cpu"
    ) -> None:
        self.every, self.judge, self.ask = every, judge, ask
        self.steps, self.clock = 0, Clock(device)
        self.latest: Reconstruct | None = None

    def __call__(self, reconstruct: Reconstruct) -> None:
        self.steps += 1
        self.latest = reconstruct
        if self.steps % self.every == 0:
            self.clock.stop()
            if self.ask(self.report()) == "stop":
                raise Enough
            self.clock.start()

    def report(self) -> dict[str, Any]:
        """What it cost so far and how good it is; the clock stands."""
        message = {"steps": self.steps, "cpu": self.clock.cpu, "wall": self.clock.wall, "peak": _peak()}
        if self.judge is not None and self.latest is not None:
            message["mse"] = _mse(self.latest, self.judge)
        return message


class Worker:
    """Answers one request after the other."""

    def __init__(self, name: str, pipe: IO[str]) -> None:
        self.name, self.pipe = name, pipe
        self.party: Contender | None = None
        self.pictures: dict[str, np.ndarray] = {}
        self.device = "cpu"

    def serve(self) -> None:
        for line in sys.stdin:
            request = json.loads(line)
            if request["op"] == "quit":
                return
            try:
                answer = getattr(self, "do_" + request.pop("op"))(**request)
            except Absent as absent:
                answer = {"error": str(absent)}
            except (Exception, SystemExit) as trouble:
                answer = {"error": f"{type(trouble).__name__}: {trouble}"}
            self.say(answer)

    def say(self, message: dict[str, Any]) -> None:
        self.pipe.write(json.dumps(message) + "\n")
        self.pipe.flush()

    def ask(self, message: dict[str, Any]) -> str:
        self.say(message)
        return json.loads(sys.stdin.readline() or '{"word": "stop"}')["word"]

    def do_hello(self, threads: int, pictures: str, device: str) -> dict[str, Any]:
        """Import the party and read the pictures: outside every clock."""
        import torch

        if device != "cpu" and not torch.cuda.is_available():
            raise Absent("this machine has no CUDA device that torch can use; leave out --device, or use --device cpu")
        self.party, self.device = load(self.name), device
        torch.set_num_threads(threads)
        train, test, source = data.load(pictures)
        self.pictures = {"train": train, "fit": train[:-10_000], "validation": train[-10_000:], "test": test}
        return {
            "versions": self.party.versions(),
            "precisions": self.party.precisions,
            "data": source,
            "machine": _machine(threads, torch.__version__, device),
        }

    def do_parameters(self, case: str) -> dict[str, Any]:
        return {"parameters": self.party.parameters(Job(case, 1, 1).network)}

    def do_train(
        self, job: dict[str, Any], split: str, images: int | None, every: int, judge: str | None
    ) -> dict[str, Any]:
        """Train; every gate is a message of its own, the last message says that it is over."""
        job = Job(**job | {"device": self.device})
        pictures = self.pictures[split][:images]
        gate = Gate(every, self.pictures[judge] if judge else None, self.ask, self.device)
        try:
            self.party.train(job, pictures, gate)
        except Enough:
            return {"done": "stopped"}
        gate.clock.stop()
        return {"done": "finished", **gate.report()}

    def do_limits(self) -> dict[str, Any]:
        from benchmarks.limits import matrix_rate

        return {precision: matrix_rate(precision, self.device) for precision in ("float32", "bfloat16")}

    def do_operations(self, case: str) -> dict[str, Any]:
        from benchmarks.layers import operations

        return {"operations": operations(Job(case, 1, 1).network)}


def _mse(reconstruct: Reconstruct, pictures: np.ndarray) -> float:
    """Mean squared error per pixel over all pictures, in double precision, values in [0, 1]."""
    total = 0.0
    for start in range(0, len(pictures), 1000):
        part = pictures[start : start + 1000]
        total += float(np.square(reconstruct(part).reshape(len(part), -1) - part.reshape(len(part), -1) / 255.0).sum())
    mse = total / math.prod(pictures.shape)
    return mse if math.isfinite(mse) else 1e9


def _peak() -> int:
    """The most memory this process ever held, in bytes."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _machine(threads: int, torch_version: str, device: str = "cpu") -> str:
    """The machine in one line; no name of it."""
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            processor = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    if device != "cpu":
        import torch

        processor = f"{torch.cuda.get_device_name()}, {processor}"
    cores = f"{threads} of {os.cpu_count()} cores"
    return f"{processor}, {cores}, torch {torch_version}, Python {platform.python_version()}, {platform.system()}"


def main(name: str) -> None:
    """Keep the pipe for ourselves: whatever a library prints goes to standard error."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    Worker(name, pipe).serve()


if __name__ == "__main__":
    main(sys.argv[1])
