"""Where trials are kept: Optuna's storages, opened so that what a killed process left is no trouble.

The journal is a file of JSON lines, fit for several processes and, on a shared folder, several machines. A process that
is killed while it writes may leave half a line; Optuna's own backend glues the next line to it, and what follows is
lost. Here a half line is cut off before the next is written, which happens under a lock.
"""

import contextlib
import json
import os
import warnings
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from isthmus.errors import IsthmusError, RunError, UsageError
from isthmus.files import clear_errors
from isthmus.tune.choosing import DIRECTIONS
from isthmus.tune.workers import DEFAULT

__all__ = ["JOURNAL", "create", "join", "optuna", "quiet", "sampler"]

JOURNAL = "journal.jsonl"
_KEY = "isthmus"
_STARTING = 10


def optuna() -> Any:
    """The package, which is no part of a plain installation."""
    try:
        import optuna
    except ImportError:
        raise UsageError("tuning needs Optuna, which is not installed", "Run: pip install 'isthmus[tune]'.") from None
    return optuna


@contextlib.contextmanager
def quiet(url: str | None) -> Iterator[None]:
    """Optuna's talk and its notes on what is experimental are not for whoever tunes; its settings are put back.

    What a database says when it is gone is told in a sentence.
    """
    logging = optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        if url is None or type(error).__module__.partition(".")[0] not in ("sqlalchemy", "optuna"):
            raise
        what = f"the database {_place(url)} does not answer ({_said(error)})"
        raise RunError(what, "Finished trials are in it: the same command goes on when it is back.") from None
    finally:
        logging.set_verbosity(before)


def create(folder: Path, url: str | None, about: dict[str, Any], first: Sequence[dict[str, Any]]) -> Any:
    """A new study, these settings waiting, the default the first of them; it counts once it says what it is about."""
    storage, name = _opened(folder, url), _name(folder, url)
    directions = ["minimize" if DIRECTIONS[one] > 0 else "maximize" for one in about["objectives"]]
    try:
        study = optuna().create_study(storage=storage, study_name=name, directions=directions)
    except optuna().exceptions.DuplicatedStudyError:
        what = f"there is a study called {name} already, or another process makes it"
        raise RunError(what, "Run the same command again, or choose another --out: its name is the study's.") from None
    for number, values in enumerate(first):
        study.enqueue_trial(values, user_attrs={DEFAULT: True} if number == 0 else None)
    study.set_user_attr(_KEY, about)
    return study


def join(folder: Path, url: str | None) -> tuple[Any, dict[str, Any]] | None:
    """The study that is there and what it is about; None where there is none."""
    if url is None and not (folder / JOURNAL).exists():
        return None
    try:
        study = optuna().load_study(storage=_opened(folder, url), study_name=_name(folder, url))
        about = study.user_attrs.get(_KEY)
    except KeyError:
        return None
    except IsthmusError:
        raise
    except (ValueError, TypeError, AssertionError, AttributeError) as error:
        what = f"{folder / JOURNAL} cannot be read as a study ({error})"
        raise RunError(what, "Restore it, or choose another --out.") from None
    if about is None and url is not None:
        what = f"the study {_name(folder, url)} is being made at this moment, or never was whole"
        raise RunError(what, "Run the same command again; if it stays so, choose another --out.")
    return None if about is None else (study, dict(about))


def sampler(seed: int) -> Any:
    """Tree-structured Parzen estimators, whose suggestion depends on the trials there are and on this seed alone."""
    return optuna().samplers.TPESampler(seed=seed % 2**32, n_startup_trials=_STARTING, multivariate=True)


def _name(folder: Path, url: str | None) -> str:
    """In a database, which may hold many, that of the folder; a journal holds one, and may be moved."""
    return "isthmus" if url is None else folder.resolve().name


def _opened(folder: Path, url: str | None) -> Any:
    if url is None:
        from optuna.storages import JournalStorage

        return JournalStorage(_journal(folder / JOURNAL))
    if "://" not in url:
        raise UsageError(f"{url} is no database URL", "Write sqlite:///trials.db, or postgresql://user@server/name.")
    try:
        return optuna().storages.RDBStorage(url)
    except ImportError:
        raise UsageError(
            f"the driver of {_place(url)} is not installed", "Install it, or leave out --storage."
        ) from None
    except Exception as error:  # each database has exceptions of its own
        what = f"the database {_place(url)} cannot be opened ({_said(error)})"
        raise RunError(what, "Start it or correct --storage; finished trials are in it.") from None


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _place(url: str) -> str:
    """Without a password."""
    kind, _, rest = url.partition("://")
    return f"{kind}://{rest.rpartition('@')[2]}"


def _journal(path: Path) -> Any:
    """The backend is made here, for its base class is Optuna's."""
    from optuna.storages.journal import BaseJournalBackend, JournalFileOpenLock

    class Journal(BaseJournalBackend):
        def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
            for line in path.read_bytes().split(b"\n")[:-1][log_number_from:]:
                yield json.loads(line)

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            lock = JournalFileOpenLock(str(path))
            lock.acquire()
            try:
                _append(path, b"".join(json.dumps(log).encode() + b"\n" for log in logs))
            finally:
                lock.release()

    with clear_errors(path):
        path.touch()
    return Journal()


def _append(path: Path, lines: bytes) -> None:
    """Onto whole lines; a journal that was there and is gone is not begun anew, for its trials would be missing."""
    with clear_errors(path), open(path, "r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
