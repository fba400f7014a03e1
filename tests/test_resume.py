"""A real `isthmus fit`, killed at random moments and resumed, ends with the bytes of one that nobody disturbed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isthmus.cli import main
from isthmus.run import Run

# The command line as it is, but for a checkpoint after (nearly) every move instead of twice a minute.
PROGRAM = """
import sys
from isthmus.train.checkpoint import Store
Store.__init__.__defaults__ = (0.02,)
from isthmus.cli import main
sys.exit(main())
"""

FIT = ["fit", "digits", "--model", "vae", "--net", "mlp", "--net-hidden", "32", "--latent", "4", "--epochs", "24"]
FIT += ["--batch-size", "64", "--ema", "0.9", "--precision", "float32", "--threads", "1", "--quiet"]
FIT += ["--optimiser", "adamw", "--patience", "23", "--spikes", "1.5"]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody disturbs."""
    folder = tmp_path_factory.mktemp("runs") / "calm"
    assert main([*FIT, "--out", str(folder)]) == 0
    return folder


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stderr=subprocess.PIPE, text=True)


def once_training(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until this process has written a checkpoint of its own."""
    path, deadline = folder / "checkpoint.safetensors", time.monotonic() + 60
    before = path.stat().st_mtime_ns if path.exists() else 0
    while process.poll() is None and time.monotonic() < deadline:
        if path.exists() and path.stat().st_mtime_ns > before:
            return
        time.sleep(0.005)


def disturb(folder: Path, how: int, wait: float, fit: list[str] = FIT, early: bool = False) -> tuple[int, str]:
    """Start the run or go on with it, and send a signal some seconds after it has begun to train (or to start)."""
    begun = (folder / "run.json").exists()
    with start(*(["fit", "--resume", str(folder)] if begun else [*fit, "--out", str(folder)])) as process:
        if not early:
            once_training(process, folder)
        time.sleep(wait)
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
        return process.returncode, said


def check_equal(torn: Path, calm: Path) -> None:
    for name in ("weights.safetensors", "splits.csv"):
        assert (torn / name).read_bytes() == (calm / name).read_bytes(), name
    lines, undisturbed = (
        [{k: v for k, v in line.items() if k != "seconds"} for line in Run(folder).read_lines("history.jsonl")]
        for folder in (torn, calm)
    )
    assert lines == undisturbed
    seconds = [line["seconds"] for line in Run(torn).read_lines("history.jsonl")]
    assert seconds == sorted(seconds)
    assert not list(torn.glob(".*.part"))


def finish(folder: Path) -> None:
    if (folder / "run.json").exists():
        assert main(["fit", "--resume", str(folder), "--quiet"]) == 0
    else:
        assert main([*FIT, "--out", str(folder)]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_killed_interrupted_and_terminated_it_ends_as_if_nothing_had_been(calm: Path, tmp_path: Path) -> None:
    folder, chance = tmp_path / "torn", random.Random(0)
    code, _ = disturb(folder, signal.SIGKILL, chance.uniform(0, 0.1))
    assert code == -signal.SIGKILL
    code, said = disturb(folder, signal.SIGINT, chance.uniform(0, 0.1))
    assert code == 130
    assert said.splitlines()[-1] == "isthmus: interrupted; what was finished is kept."
    assert "Traceback" not in said
    code, said = disturb(folder, signal.SIGTERM, chance.uniform(0, 0.1))
    assert code == 130
    assert "Traceback" not in said
    disturb(folder, signal.SIGKILL, chance.uniform(0, 0.1))
    assert not (folder / "weights.safetensors").exists(), "the run was over before it was disturbed four times"
    shutil.copytree(folder, tmp_path / "copy")
    finish(folder)
    check_equal(folder, calm)
    # The same folder, elsewhere: nothing in it depends on where it lies.
    finish(tmp_path / "copy")
    check_equal(tmp_path / "copy", calm)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_killed_twenty_times_it_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    longer = [str(int(word) * 8) if word == "24" else word for word in FIT]
    calm, torn = tmp_path / "calm", tmp_path / "torn"
    assert main([*longer, "--out", str(calm)]) == 0
    chance = random.Random(os.environ.get("ISTHMUS_KILL_SEED", "0"))
    killed = 0
    for attempt in range(60):
        if killed == 20 or (torn / "weights.safetensors").exists():
            break
        early = attempt % 4 == 0  # at any moment at all; the others while it trains
        code, _ = disturb(torn, signal.SIGKILL, chance.uniform(0, 5 if early else 0.25), longer, early)
        killed += code == -signal.SIGKILL
    assert killed == 20
    finish(torn)
    check_equal(torn, calm)
