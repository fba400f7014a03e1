"""Who works on a study: each process has a token, and a trial whose process died is tried again."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isthmus.errors import RunError
from isthmus.run import Run

__all__ = ["BEAT", "DEFAULT", "Worker", "held", "try_again", "working"]

BEAT = 30.0
"""Seconds from one sign of life of a trial to the next."""

DEFAULT = "default"
"""Marks the trial of the setting that the model has before any search."""

_SILENT = 10 * BEAT
_FOLDER = "workers"
_WORKER, _ALIVE, _AGAIN = "worker", "alive", "again"


class Worker:
    """This process, as the trials that it works on name it."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder, self.token = folder, token

    def takes(self, trial: Any) -> None:
        trial.set_user_attr(_WORKER, self.token)
        self.breathes(trial)

    def breathes(self, trial: Any) -> None:
        trial.set_user_attr(_ALIVE, time.time())

    def takes_over(self, study: Any, running: list[Any]) -> int:
        """Trials of processes that are no more wait again, with the same setting; how many."""
        dead = [trial for trial in running if self._died(trial)]
        return sum(try_again(study, trial) for trial in dead)

    def _died(self, trial: Any) -> bool:
        """On this machine or this shared folder a lock tells at once; elsewhere, silence does after five minutes."""
        token = trial.user_attrs.get(_WORKER)
        if token == self.token:
            return False
        if token and (self.folder / _FOLDER / f"{token}.lock").exists():
            try:
                with Run(self.folder / _FOLDER).writing(f"{token}.lock"):
                    return True
            except RunError:
                return False
        began = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        return bool(time.time() - float(trial.user_attrs.get(_ALIVE, began)) > _SILENT)


@contextlib.contextmanager
def working(folder: Path) -> Iterator[Worker]:
    """A lock that dies with the process, however it dies; its file goes when the process ends well."""
    token = secrets.token_hex(8)
    with Run(folder / _FOLDER).writing(f"{token}.lock"):
        yield Worker(folder, token)
    with contextlib.suppress(OSError):
        (folder / _FOLDER / f"{token}.lock").unlink()


@contextlib.contextmanager
def held(folder: Path, patience: float = 120.0) -> Iterator[None]:
    """The folder's own lock, waited for: another process holds it for as long as it makes the study."""
    until = time.monotonic() + patience
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(Run(folder).writing())
                break
            except RunError as error:
                if "another process" not in error.what or time.monotonic() > until:
                    raise
                time.sleep(0.2)
        yield


def try_again(study: Any, trial: Any) -> bool:
    """End a trial that did not finish and let its setting wait once more; whoever comes second leaves it alone.

    One that ended so three times is left: it may be what ends its process.
    """
    from optuna.trial import TrialState

    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, RuntimeError):
        return False
    times = int(trial.user_attrs.get(_AGAIN, 0))
    values = trial.params or trial.system_attrs.get("fixed_params")
    if values and times < 2:
        kept = {name: trial.user_attrs[name] for name in (DEFAULT,) if name in trial.user_attrs}
        study.enqueue_trial(dict(values), user_attrs=kept | {_AGAIN: times + 1})
    return True
