#!/usr/bin/env python3
"""Everything a developer does, from nothing but Python: `python3 dev.py demo`, `python3 dev.py test`.

    demo [options]         isthmus demo: train, judge and draw on real pictures, in under a minute
    test [pytest options]  the tests, as in: test -m slow, test tests/test_docs.py -k parses
    check                  ruff (rules and format), mypy, and tsc where there is one
    docs                   write docs/commands.md again
    site [folder]          the documentation as a site, in site/ unless told otherwise
    run VERB ...           isthmus VERB ..., as in: run fit digits --out runs/mine
    shell [options]        Python with isthmus in it

The first call makes `.venv` (or the folder that ISTHMUS_VENV names) with the set of packages that was tested, and a
torch that fits this machine; later calls start at once. It needs Python 3.11 or later, and no other program.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = Path(os.environ.get("ISTHMUS_VENV") or HERE / ".venv").absolute()
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "isthmus-set-up.txt"
OLDEST = (3, 11)
LAST_LINES = 8


class Failed(Exception):
    """One sentence for the user, and what the program that failed had to say."""


def main(words):
    verb, rest = (words or ["help"])[0], words[1:]
    if verb not in VERBS:
        print(__doc__.strip())
        return 0 if verb in ("help", "-h", "--help") else 2
    try:
        set_up()
        return VERBS[verb](rest)
    except Failed as failure:
        print(f"dev.py: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dev.py: {error.filename or 'the disk'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ndev.py: interrupted; `python3 dev.py {verb}` goes on from here.", file=sys.stderr)
        return 130


def set_up():
    """A virtual environment with what was tested; at once where it is there already, finished where it was cut off."""
    if sys.version_info < OLDEST:
        raise Failed(f"this is Python {platform.python_version()}; use 3.11 or later, as in: python3.12 dev.py demo")
    done = stamp()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text("utf-8") == done:
        return
    start = time.monotonic()
    if STAMP.exists():
        unfinished = STAMP.read_text("utf-8") == "unfinished"
        print("finishing a set-up that was interrupted" if unfinished else "the packages wanted have changed")
    make_venv()
    STAMP.write_text("unfinished", "utf-8")
    get_torch()
    step("installing isthmus and the rest", *PIP, "-c", "constraints.txt", "-e", ".[dev]")
    STAMP.write_text(done, "utf-8")
    print(f"set up in {time.monotonic() - start:.0f} s: {VENV}")


def stamp():
    """Changes with whatever decides what is installed, and with the folder that it is installed from."""
    version = "{}.{}".format(*sys.version_info)
    parts = [(HERE / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join([*parts, version.encode(), str(HERE).encode()])).hexdigest()


def make_venv():
    """`.venv` for this Python. One that was not made here is used if it works, and never emptied."""
    ours = STAMP.exists() or not VENV.exists() or not any(VENV.iterdir())
    fits = works()
    if not fits and not ours:
        raise Failed(f"{VENV} is no environment of this Python with pip; remove it, or name another in ISTHMUS_VENV")
    if not fits:
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            raise Failed(
                "this Python makes no virtual environments; on Debian and Ubuntu: sudo apt install python3-venv"
            )
        if VENV.exists():
            shutil.rmtree(VENV)
        VENV.mkdir(parents=True)
        STAMP.write_text("unfinished", "utf-8")
        step(f"making {VENV.name}", sys.executable, "-m", "venv", VENV)


def works():
    """The environment has this very Python, and pip."""
    ask = f"import pip, sys; raise SystemExit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        return subprocess.call([str(PYTHON), "-c", ask], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def get_torch():
    """What pip is set up to find comes first; then the small builds of PyPI, or the one uv picks for this machine."""
    lines = (HERE / "constraints.txt").read_text("utf-8").splitlines()
    torch = next(line for line in lines if line.startswith("torch=="))
    if step(f"looking for {torch} here", *PIP, "--no-index", "--no-deps", torch, must=False):
        return
    if sys.platform in ("darwin", "win32"):
        step(f"downloading {torch}", *PIP, "-c", "constraints.txt", torch)
        return
    backend = os.environ.get("UV_TORCH_BACKEND", "auto")
    uv = (PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, f"--torch-backend={backend}", torch)
    why = f"no {torch} for this machine can be had; install the one you want yourself and call again:"
    remedy = f"{why} {PYTHON} -m pip install {torch}"
    step("installing uv, which knows which torch fits", *PIP, "uv", why=remedy)
    step(f"downloading {torch}", *uv, why=remedy)


def step(what, *command, must=True, why=""):
    """Run a command with its seconds on one line; the end of what it said is shown only if it fails."""
    start, env = time.monotonic(), {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with tempfile.TemporaryFile() as log:
        how = {"cwd": HERE, "env": env, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        process = subprocess.Popen(list(map(str, command)), **how)
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if sys.stdout.isatty():
                    print(f"\r{what} ... {time.monotonic() - start:.0f} s", end="", flush=True)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        log.seek(0)
        said = log.read().decode("utf-8", "replace").rstrip().splitlines()[-LAST_LINES:]
    good = process.returncode == 0
    clear = "\r" if sys.stdout.isatty() else ""
    print(f"{clear}{what} ... {time.monotonic() - start:.0f} s{'' if good or must else ', not there'}", flush=True)
    if must and not good:
        raise Failed("\n  ".join([why or f"{what} failed; mend what pip says and call again", *said]))
    return good


def hand_over(*command, **env):
    """Become this command, so that Ctrl-C and kills reach it alone; where that cannot be, wait for it."""
    command, env = list(map(str, command)), {**os.environ, **env}
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, env)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return subprocess.call(command, env=env)


def isthmus(words):
    return hand_over(PYTHON, "-m", "isthmus", *words)


def test(words):
    """Two processes of one thread each: that is faster than two threads, and what a small machine can take."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    workers = [] if any(word.startswith(("-n", "--num")) for word in words) else ["-n", "2"]
    os.chdir(HERE)
    return hand_over(PYTHON, "-m", "pytest", *workers, *words, **threads)


def check(words):
    failed = [tool for tool in CHECKS if subprocess.call([str(PYTHON), "-m", *tool.split()], cwd=HERE)]
    types = shutil.which("tsc")  # of the studio's page; it comes with npm install -g typescript
    if types is None:
        print("types of the studio's page: not checked, as there is no tsc here")
    elif subprocess.call([types, "-p", "jsconfig.json"], cwd=HERE):
        failed.append("tsc")
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return bool(failed)


def site(words):
    os.chdir(HERE)
    return hand_over(PYTHON, "-m", "docs.pages", *words)


PIP = (PYTHON, "-m", "pip", "install", "--no-input")
CHECKS = ("ruff check", "ruff format --check", "mypy")
VERBS = {
    "demo": lambda words: isthmus(["demo", *words]),
    "test": test,
    "check": check,
    "docs": lambda words: hand_over(PYTHON, HERE / "docs" / "generate.py", *words),
    "site": site,
    "run": isthmus,
    "shell": lambda words: hand_over(PYTHON, *words),
}

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
