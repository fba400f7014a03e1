"""The harness' end of the pipes: starts workers, asks, and steps their trainings from gate to gate."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.parties import Job

__all__ = ["Failed", "Setting", "Training", "Worker", "workers"]

ROOT = Path(__file__).resolve().parents[1]


class Failed(RuntimeError):
    """A party that cannot do what was asked, in its own words."""


class Setting:
    """How all workers run: the same interpreter unless told otherwise, threads and pictures."""

    def __init__(
        self, threads: int = 1, pictures: str = "fashion-mnist", python: str = sys.executable, device: str = "cpu"
    ) -> None:
        self.threads, self.pictures, self.python, self.device = threads, pictures, python, device

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        count = str(self.threads)
        threads = {f"{library}_NUM_THREADS": count for library in ("OMP", "MKL", "OPENBLAS")}
        return {**os.environ, **threads, "PYTHONPATH": path.rstrip(os.pathsep), "TQDM_DISABLE": "1"}


class Worker:
    """One party's process. `start` raises Failed with the reason when the party is not installed."""

    def __init__(self, party: str, setting: Setting) -> None:
        self.party = party
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [setting.python, "-W", "ignore", "-m", "benchmarks.worker", party],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
            env=setting.environment(),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        try:
            self.hello = self.ask("hello", threads=setting.threads, pictures=setting.pictures, device=setting.device)
        except Failed:
            self.close()
            raise

    def ask(self, op: str, **request: Any) -> dict[str, Any]:
        self._send({"op": op, **request})
        return self._receive()

    def train(self, job: Job, **request: Any) -> "Training":
        """Start a training; it runs up to its first gate when `advance` is called."""
        return Training(self, {"op": "train", "job": asdict(job), **request})

    def close(self) -> None:
        try:
            self._send({"op": "quit"})
            self._process.wait(timeout=10)
        except (Failed, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._to.write(json.dumps(message) + "\n")
            self._to.flush()
        except (BrokenPipeError, ValueError) as broken:
            raise Failed(self._last_words()) from broken

    def _receive(self) -> dict[str, Any]:
        line = self._from.readline()
        if not line:
            raise Failed(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        return lines[-1] if lines else "its process ended without a word"


class Training:
    """A training in some worker, held at a gate."""

    def __init__(self, worker: Worker, request: dict[str, Any]) -> None:
        self._worker, self._request, self._done = worker, request, False

    def advance(self) -> dict[str, Any]:
        """Run to the next gate, or to the end (then the message has "done")."""
        self._worker._send(self._request)
        self._request = {"word": "go"}
        message = self._worker._receive()
        self._done = "done" in message
        return message

    def stop(self) -> None:
        if not self._done:
            self._worker._send({"word": "stop"})
            self._worker._receive()
            self._done = True


@contextmanager
def workers(parties: list[str], setting: Setting) -> Iterator[tuple[list[Worker], dict[str, str]]]:
    """Those who could start, and for each of the others why not."""
    running: list[Worker] = []
    absent: dict[str, str] = {}
    try:
        for party in parties:
            try:
                running.append(Worker(party, setting))
            except Failed as reason:
                absent[party] = str(reason)
        yield running, absent
    finally:
        for worker in running:
            worker.close()
