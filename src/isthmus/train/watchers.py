"""Who is told how training goes. A watcher overrides what it cares about."""

import sys
from typing import Any

__all__ = ["Lines", "ProgressBar", "Watcher"]


_BAR = 54
"""Columns that the bar, the share and both times take."""


class Watcher:
    """Told of every step and every epoch; never changes anything."""

    def on_model(self, model: Any, pictures: Any, learnt: bool = False) -> None:
        """This model is about to be trained; of these pictures it may be asked on the way.

        They are held out where any are; else it learns from them, and `learnt` is true.
        """

    def on_start(self, steps: int, done: int) -> None:
        """Training begins (or goes on) with `done` of `steps` moves behind it."""

    def on_step(self, done: int) -> None:
        """`done` steps are behind us."""

    def on_epoch(self, line: dict[str, Any]) -> None:
        """An epoch ended; `line` is what the history file gets."""

    def on_end(self) -> None:
        """Training ended, well or not."""


class ProgressBar(Watcher):
    """A bar with the time left and the last epoch's loss, on the terminal; silent where there is none."""

    def on_start(self, steps: int, done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("training", total=steps, completed=done)
        self._bar.start()

    def on_step(self, done: int) -> None:
        self._bar.update(self._task, completed=done)

    def on_epoch(self, line: dict[str, Any]) -> None:
        self._bar.update(self._task, description=_cut(_summary(line), self._bar.console.width - _BAR))

    def on_end(self) -> None:
        self._bar.stop()


class Lines(Watcher):
    """One line an epoch on stderr: for logs, and wherever there is no terminal."""

    def on_epoch(self, line: dict[str, Any]) -> None:
        print(f"{_summary(line)} ({line['seconds']:.1f} s)", file=sys.stderr, flush=True)


def _cut(summary: str, width: int) -> str:
    """Whole parts of a summary, as many as fit: the bar and the time left must not give way to numbers."""
    parts = summary.split(", ")
    while len(parts) > 1 and len(", ".join(parts)) > width:
        parts.pop()
    return ", ".join(parts)


def _summary(line: dict[str, Any]) -> str:
    losses = [f"{name} {terms['loss']:.4g}" for name, terms in line["players"].items() if "loss" in terms]
    watched = f", validation {line['validation']['loss']:.4g}" if line.get("validation") else ""
    guarded = "".join(f", {name} {value:.3g}" for name, value in line.get("guard", {}).items())
    setbacks = "".join(f"; {sentence}" for sentence in line.get("setbacks", []))
    return f"epoch {line['epoch']}: {', '.join(losses)}{watched}{guarded}{setbacks}"
