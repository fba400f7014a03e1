"""One verb a file: the file's first line is its help, `arguments` its flags, `run` what it does.

stdout is data, stderr is talk. Exit codes: 0 done, 1 it failed, 2 the call was wrong, 130 interrupted.
"""

import argparse
import ast
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from isthmus import __version__
from isthmus.errors import IsthmusError

__all__ = ["main", "parser", "verbs"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; every failure a user can cause is one sentence on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "RANK" in os.environ or any(word.startswith(("--devices", "--nodes")) for word in words):
        # Torch, which is not imported yet, writes notes to itself where many processes meet.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        top = parser(words)
        if not words:
            top.print_help()
            return 0
        arguments = top.parse_args(words)
        return int(arguments.run(arguments) or 0)
    except IsthmusError as error:
        print(f"isthmus: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("isthmus: interrupted; what was finished is kept.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough of it; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"isthmus: {where}{error.strerror or error}. Check the path and the free space.", file=sys.stderr)
        return 1
    except MemoryError:
        print("isthmus: out of memory. Use fewer or smaller pictures, or a smaller --batch-size.", file=sys.stderr)
        return 1


def verbs() -> dict[str, str]:
    """Every verb with its one line of help, read from the files without importing them."""
    folder = Path(__file__).parent
    found = {}
    for module in pkgutil.iter_modules([str(folder)]):
        if not module.name.startswith("_"):
            text = ast.get_docstring(ast.parse((folder / f"{module.name}.py").read_text("utf-8"))) or ""
            found[module.name.replace("_", "-")] = text.splitlines()[0]
    return found


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The whole command line; only the verb that is asked for is imported."""
    top = argparse.ArgumentParser(
        prog="isthmus", description="From a pile of pictures and a handful of labels to a model that one can use."
    )
    top.add_argument("--version", action="version", version=f"isthmus {__version__}")
    choose = top.add_subparsers(metavar="VERB", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    for verb, line in verbs().items():
        one = choose.add_parser(verb, help=line, description=line)
        if verb == asked:
            module = importlib.import_module(f"isthmus.cli.{verb.replace('-', '_')}")
            module.arguments(one, words)
            one.set_defaults(run=getattr(module, "run", None) or one.get_default("run"))
    return top
