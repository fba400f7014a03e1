"""A study from the first trial to the answer: begun or gone on with, alone or beside other processes."""

import contextlib
import os
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from isthmus.errors import DataError, RunError, UsageError
from isthmus.images.pictures import Pictures
from isthmus.models._least_squares import LeastSquares
from isthmus.models._saving import fingerprint, to_json
from isthmus.models._variational import Variational
from isthmus.tune import folder as files
from isthmus.tune import storage
from isthmus.tune.answer import Answer
from isthmus.tune.beside import Beside, beside
from isthmus.tune.choosing import DIRECTIONS, KEEP, Row
from isthmus.tune.judging import Parts, parted, trained
from isthmus.tune.searching import Search
from isthmus.tune.space import Dimension, Range, check_space, default_space, defaults, read_search, written
from isthmus.tune.watching import GaveUp, Pace
from isthmus.tune.workers import held, working

__all__ = ["tune"]

_SHORTEST = 0.02
_FOR_TRIALS = 0.75
_RUNG = 3
_FEWEST = 30


def tune(
    model: Any,
    pictures: Any,
    *,
    out: str | os.PathLike[str],
    trials: int = 50,
    minutes: float | None = None,
    search: str | Sequence[Dimension] = (),
    fixed: Collection[str] = (),
    objectives: Sequence[str] = (),
    keep: float = KEEP,
    prune: bool = True,
    url: str | None = None,
    told: Callable[[float, int, str], None] | None = None,
    ended: Callable[[Row], None] | None = None,
) -> Answer:
    """Find the latent size (and beta, learning rate, width) for these pictures; see docs/tuning.md.

    `model` is the default setting, tried first; `fixed` fields are not searched, `search` adds ranges or replaces those
    of the same name. `trials` counts all of the study, `minutes` this call alone. Called again with the same arguments
    it goes on; called in two processes at once, both add trials. `told(done, total, what)` hears how far it is,
    `ended` of each trial of this process.
    """
    storage.optuna()
    _check(model, trials, minutes, keep)
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    pile, path = _opened(model, pictures), Path(out)
    parts = _parted(pile, model.seed)
    shape = parts.train.pixels.shape[1:]
    space = _space(model, shape, search, fixed)
    about: dict[str, Any] = {
        "format": files.FORMAT,
        "model": to_json(model),
        "data": fingerprint(pile),
        "search": [str(one) for one in space],
        "objectives": _objectives(model, objectives, parts.probed),
    }
    say = told or (lambda done, total, what: None)
    with storage.quiet(url):
        with held(path):
            say(0, trials, "measuring how long a step takes")
            study, about = _begun(
                path, url, about, lambda: _length(model, parts, trials, minutes), space, model, trials
            )
            say(0, trials, "PCA and the dimension of the pictures")
            around = files.kept_beside(path, lambda: beside(parts.train, parts.validation, model.scale, model.seed))
        with working(path) as worker:
            one = Search(study, worker, model, parts, space, about, path, say, ended, prune, deadline)
            one.go_on(trials, float(around.pca[0]), keep)
            return _answered(one, around, keep)


def _check(model: Any, trials: int, minutes: float | None, keep: float) -> None:
    if not isinstance(model, LeastSquares | Variational):
        what = f"{type(model).__name__} is not tuned by what it redraws"
        raise UsageError(what, "Tune an autoencoder or a VAE, such as conv-vae.")
    if trials < 1:
        raise UsageError(f"{trials} trials are none", "Give --trials 1, or more.")
    if minutes is not None and not minutes > 0:
        raise UsageError(f"{minutes:g} minutes are none", "Give --minutes above 0, or leave it out.")
    if not 0 < keep < 1:
        raise UsageError(f"keep is {keep:g}", "Give a share between 0 and 1, such as .95.")
    model.check_params()


def _opened(model: Any, pictures: Any) -> Pictures:
    if isinstance(pictures, Pictures):
        return pictures
    if isinstance(pictures, str | os.PathLike):
        from isthmus.images.opening import open_pictures

        return open_pictures(pictures)
    from isthmus.images.arrays import canonical

    return Pictures.from_array(canonical(pictures, model.axes)[0])


def _parted(pictures: Pictures, seed: int) -> Parts:
    parts = parted(pictures, seed) if len(pictures) >= _FEWEST else None
    if parts is None or min(len(parts.train), len(parts.validation), len(parts.held)) < 2:
        raise DataError(f"{len(pictures)} pictures are too few to tune on", f"Give at least {_FEWEST}.")
    return parts


def _space(
    model: Any, shape: tuple[int, ...], search: str | Sequence[Dimension], fixed: Collection[str]
) -> tuple[Dimension, ...]:
    asked = tuple(search) if not isinstance(search, str) else read_search(search, model) if search.strip() else ()
    for one in asked:
        if one.name in fixed:
            raise UsageError(f"{one.name} is given and searched", "Leave out one of the two.")
    named = {one.name for one in asked}
    usual = [one for one in default_space(model, shape, fixed) if one.name not in named]
    if any(name.startswith("net_") for name in {*fixed, *named}) and "width" not in named:
        usual = [one for one in usual if one.name != "width"]  # whoever sets widths does not want them multiplied
    space = (*usual, *asked)
    check_space(space, model, shape)
    return tuple(sorted(space, key=lambda one: one.name))


def _objectives(model: Any, asked: Sequence[str], probed: bool) -> list[str]:
    able = {name for name in DIRECTIONS if name not in ("rate", "active") or model.gaussian_codes}
    able -= set() if probed else {"accuracy"}
    usual: list[str] = [name for name in ("error", "rate", "accuracy", "code") if name in able]
    for name in asked:
        if name not in able:
            lacks = ": there are too few labels" if name == "accuracy" else ""
            raise UsageError(f"{name} cannot be searched for{lacks}", f"Choose of: {', '.join(sorted(able))}.")
    return list(dict.fromkeys(["error", *asked])) if asked else usual


def _begun(
    path: Path,
    url: str | None,
    about: dict[str, Any],
    length: Callable[[], dict[str, float]],
    space: Sequence[Dimension],
    model: Any,
    trials: int,
) -> tuple[Any, dict[str, Any]]:
    """The study that is there, if it is the same one; else a new one."""
    files.check(path, url)
    there = storage.join(path, url)
    if there is not None:
        files.refuse_another(path, there[1], about)
        files.describe(path, there[1], url)
        return there
    if (path / "study.json").exists():
        raise RunError(f"the study of {path} is not where it was", "Restore it, or choose another --out.")
    if url is None:  # what a process left that was killed before the study was whole holds no trial
        (path / storage.JOURNAL).unlink(missing_ok=True)
    about = about | length()
    study = storage.create(path, url, about, _first(model, space, trials))
    files.describe(path, about, url)
    return study, about


def _first(model: Any, space: Sequence[Dimension], trials: int) -> list[dict[str, Any]]:
    """The default setting (or what of it is searched), then it with other latent sizes: ends first, doubling."""
    usual = defaults(model)
    start = {one.name: _nearest(one, usual[one.name]) for one in space}
    sizes = next((one for one in space if one.name == "latent" and isinstance(one, Range)), None)
    if sizes is None:
        return [start]
    rungs = [2**power for power in range(20) if sizes.low <= 2**power <= sizes.high and 2**power != start["latent"]]
    ends = [rungs.pop(-1 if turn % 2 == 0 else 0) for turn in range(len(rungs))]
    return [start, *(start | {"latent": size} for size in ends[: trials // _RUNG])]


def _nearest(one: Dimension, value: Any) -> Any:
    if isinstance(one, Range):
        inside = min(max(value or one.low, one.low), one.high)
        return int(inside) if one.whole else float(inside)
    text = written(value)
    return text if text in one.texts else one.texts[0]


def _length(model: Any, parts: Parts, trials: int, minutes: float | None) -> dict[str, float]:
    """Epochs of every trial: all that the model wants, or fewer, so that the trials fit into the minutes."""
    whole = float(model.epochs_for(len(parts.train)))
    if minutes is None or model.epochs is not None:
        return {"epochs": whole, "share": 1.0}
    pace = Pace(min(3.0, 3 * minutes))
    with contextlib.suppress(GaveUp):
        trained(model, {}, parts, whole, [pace], model.seed)
    share = _FOR_TRIALS * 60 * minutes / trials / max(pace.per_step * pace.steps, 1e-9)
    share = round(min(1.0, max(_SHORTEST, share)), 4)
    return {"epochs": round(whole * share, 4) if share < 1 else whole, "share": share}


def _answered(search: Search, around: Beside, keep: float) -> Answer:
    answer = search.answer(around, keep)
    files.write_answer(search.path, answer)
    return answer
