"""Asks a studio as the page does; shared by the tests of the studio."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from isthmus.studio.packing import unpacked

MARKUP = "<img src=x onerror=alert(1)>"
"""The name of the class of zeros: markup, if anybody took it for that."""
QUOTED = 'a "quoted" 7 that\'s <b>bold<.png'
"""The id of the first picture."""
FORMULA = "=1+2"
PICTURES = 600


def ids_of() -> list[str]:
    return [QUOTED, *(f"d/{row:04}.png" for row in range(1, PICTURES))]


def copied(shelf: Path, to: Path, *names: str) -> Path:
    """Runs of their own for a test that writes, beside the same pictures; the folder of the runs."""
    os.symlink(shelf / "pictures", to / "pictures")
    shutil.copy(shelf / "labels.csv", to / "labels.csv")
    for name in names or ("one",):
        shutil.copytree(shelf / "runs" / name, to / "runs" / name)
    return to / "runs"


class Client:
    """One page, as far as the server can tell."""

    def __init__(self, address: str, run: str = "one") -> None:
        self.address, self.run = address, run
        self.http = httpx.Client(base_url=address, timeout=60, trust_env=False)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *failed: object) -> None:
        self.http.close()

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.http.get(f"/api/{path}", params={"run": self.run} | asked)

    def post(self, path: str, body: Any = None, **asked: Any) -> httpx.Response:
        params = {"run": self.run} | asked
        if isinstance(body, np.ndarray):
            return self.http.post(f"/api/{path}", params=params, content=body.astype("<u4").tobytes())
        return self.http.post(f"/api/{path}", params=params, json=body)

    def numbers(self, answer: httpx.Response) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        assert answer.status_code == 200, answer.text
        return unpacked(answer.content)

    def done(self, answer: httpx.Response, seconds: float = 60) -> dict[str, Any]:
        """The job that an answer names, when it has ended."""
        assert answer.status_code == 200, answer.text
        number, end = answer.json()["job"]["id"], time.monotonic() + seconds
        while time.monotonic() < end:
            job = next(one for one in self.http.get("/api/runs").json()["jobs"] if one["id"] == number)
            if job["state"] != "running":
                return dict(job)
            time.sleep(0.02)
        raise AssertionError("the job did not end")

    def opened(self) -> dict[str, Any]:
        answer = self.post("open")
        if not answer.json()["ready"]:
            job = self.done(answer)
            assert job["state"] == "done", job
        return dict(self.get("room").json())

    def desk(self, blank: bool = False) -> dict[str, Any]:
        answer = self.post("desk", blank=blank)
        if not answer.json()["ready"]:
            job = self.done(answer)
            assert job["state"] == "done", job
        return dict(self.get("desk").json())


def waits(what: Any, seconds: float = 20) -> Any:
    """What `what` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def logged(runs: Path, name: str = "one") -> list[dict[str, Any]]:
    """The lines of the log of labels."""
    path = runs / name / "labels.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
