"""What the terminal shows: tables, bars, sentences on stderr, data on stdout."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from isthmus.errors import UsageError

__all__ = ["bar", "image_out", "print_json", "say", "stages", "table", "tick"]


def say(text: str) -> None:
    print(text, file=sys.stderr)


def print_json(*records: dict[str, Any]) -> None:
    """One JSON object a line."""
    for record in records:
        print(json.dumps(record, ensure_ascii=False))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned: the first to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def bar() -> Any:
    """A bar with the time left, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@contextlib.contextmanager
def tick(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """`tick(done, total)` for the measures: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with bar() as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


@contextlib.contextmanager
def stages() -> Iterator[Callable[[int, int, str], None] | None]:
    """`told(done, total, what)` for work in several parts: one bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with bar() as shown:
        task = shown.add_task("", total=None)
        yield lambda done, total, what: shown.update(task, completed=done, total=total, description=what)


def image_out(image: Any, path: str) -> None:
    """Write a picture whole or not at all, in the kind that its name says."""
    import io

    from isthmus.files import write_atomically

    suffix = Path(path).suffix.lower()
    kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".pdf": "PDF"}
    if suffix not in kinds:
        raise UsageError(f"{path} has no ending for a picture", f"Use one of: {', '.join(kinds)}.")
    held = io.BytesIO()
    image.convert("RGB").save(held, kinds[suffix])
    write_atomically(Path(path), held.getvalue())
    say(f"wrote {path}")
