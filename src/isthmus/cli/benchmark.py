"""Speed and memory beside other libraries, on this machine (from a checkout of the project)."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import isthmus
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    if not {"-h", "--help"} & set(words):
        parser.prefix_chars = ""  # no other word is an option of this verb's own: all are passed on
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on; see python -m benchmarks --help")


def run(arguments: argparse.Namespace) -> int:
    checkout = Path(isthmus.__file__).parents[2]
    if not (checkout / "benchmarks" / "__main__.py").is_file():
        raise UsageError(
            "the benchmarks are not installed with the package", "Run this from a checkout of the project."
        )
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments.rest], cwd=checkout, check=False).returncode
