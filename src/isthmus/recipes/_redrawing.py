"""What paper 001's decoders redraw, setting by setting: judged by the oracle, shown in frames, and never made twice."""

import contextlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus.contract import evaluate
from isthmus.images.pictures import Pictures
from isthmus.images.splits import draw_labels
from isthmus.measure.oracle import Oracle
from isthmus.measure.redrawn import RedrawnQuality, redrawn_quality
from isthmus.recipes._latent import encoded
from isthmus.recipes._recipe import Task, Told, within
from isthmus.recipes._two_steps import NARROW, Bench, ends, setting_name
from isthmus.recipes._working import packed
from isthmus.report.axes import png
from isthmus.report.grid import comparison_grid
from isthmus.report.redrawn import Judged, redrawn_grid
from isthmus.run import Run

__all__ = ["pairs", "redrawn"]

_SHOWN, _COLUMNS = 40, 10
_NUMBERS = ("agreement", "oracle_accuracy", "same_answer", "sharpness", "fcd", "fcd_floor", "fcd_ceiling", "mse")


def redrawn(task: Task, data: str, code: int, settings: list[tuple[float, float]], price: float | None = None) -> Any:
    """Figure 9: every setting on the same codes; a setting that was measured before is not measured again."""
    bench = Bench.of(task, data, code, price)
    train, test = bench.pictures
    model = bench.codes(within(task.told, 0, 0.05))
    oracle = bench.oracle(model, within(task.told, 0.05, 0.1))
    mean = evaluate(model, train, lambda x: x).mean(0)
    error = evaluate(model, test, lambda x: (x.cpu() - mean).square().flatten(1).mean(1))
    found: dict[str, Any] = {
        "latent": bench.latent,
        "encoder": encoded(bench, model),
        "mean picture": float(error.mean()),
    }
    found["settings"] = {}
    for number, (beta, gamma) in enumerate(settings):
        told = within(task.told, 0.1 + 0.9 * number / len(settings), 0.1 + 0.9 * (number + 1) / len(settings))
        kept, name = Run(task.folder), setting_name(beta, gamma)
        if not kept.has(f"{name}.json"):
            without = found["settings"].get(setting_name(beta, 0.0)) if gamma else None
            kept.write_json(f"{name}.json", _measured(bench, oracle, (beta, gamma), kept, without, told))
        found["settings"][name] = kept.read_json(f"{name}.json")
    return found


def _measured(
    bench: Bench, oracle: Oracle, setting: tuple[float, float], kept: Run, without: dict[str, Any] | None, told: Told
) -> dict[str, Any]:
    """One setting: its decoder is trained, judged and shown. `without` is the same beta without gamma."""
    (train, test), folder = bench.pictures, bench.run_of(*setting)
    model = bench.decoder(folder, *setting, within(told, 0, 0.9))
    told(0.9, "asking the oracle")
    quality = redrawn_quality(model, test, test.labels, oracle, train, train.labels, classes=test.classes)
    rows = _shown(test)
    kept.write(f"{setting_name(*setting)}.png", png(_framed(bench, model, quality, rows, setting, without)))
    found = _numbers(quality, test) | {"beta": setting[0], "gamma": setting[1], "rows": rows.tolist()}
    found |= {"answers": quality.answers[rows, 1].tolist(), "training": _training(folder)}
    if not (bench.code == NARROW and setting == bench.sizes.shown):
        shutil.rmtree(folder)  # every decoder's weights would fill a disk; figure 8's stay
        with contextlib.suppress(OSError):
            folder.parent.rmdir()
    return found


def _numbers(quality: RedrawnQuality, test: Pictures) -> dict[str, Any]:
    values = {name: getattr(quality, name) for name in _NUMBERS}
    by_class = sum(one.mean_picture * one.n for one in quality.by_class) / sum(one.n for one in quality.by_class)
    return {name: ends(value) for name, value in values.items() if value is not None} | {
        "class mean": float(by_class),
        "alarms": [f"{one.name} ({one.ratio:.2g} times)" for one in quality.alarms()],
        "right": packed(quality.answers[:, 1] == test.labels),
        "test": len(test),
    }


def _training(folder: Path) -> dict[str, Any]:
    """What the players paid in the last epoch, and how often the decoder had to go back."""
    line = Run(folder).read_lines("history.jsonl")[-1]
    return {name: {k: round(v, 6) for k, v in terms.items()} for name, terms in line["players"].items()}


def _shown(test: Pictures) -> np.ndarray:
    """The same 40 for every setting, drawn by key, as many of each class as can be, class by class."""
    rows = draw_labels(test, min(_SHOWN, len(test)), 0)[:_SHOWN]
    return rows[np.argsort(test.labels[rows], kind="stable")]


def _pairs(model: Any, some: Pictures) -> tuple[torch.Tensor, torch.Tensor]:
    back = evaluate(model, some, lambda x: model.decode(model.encode(x).mean))
    return evaluate(model, some, lambda x: x).clamp(0, 1), back.clamp(0, 1)


def _framed(
    bench: Bench,
    model: Any,
    quality: RedrawnQuality,
    rows: np.ndarray,
    setting: tuple[float, float],
    without: dict[str, Any] | None,
) -> Any:
    test, (beta, gamma) = bench.pictures[1], setting
    names = np.array([*map(str, test.classes)], dtype=object)
    first = quality.answers[rows, 0] if without is None else np.array(without["answers"])
    asked = zip(test.labels[rows], first, quality.answers[rows, 1], strict=True)
    before = (
        ("before they were redrawn", "the picture itself") if without is None else ("without gamma", "without gamma it")
    )
    title = f"{bench.data}, {bench.latent} numbers a picture, beta {beta:g}, gamma {gamma:g}, seed {bench.seed}"
    subtitle = (
        f"{len(rows)} pairs drawn by key. Of all {len(test):,} the oracle gives their class to "
        f"{quality.agreement.value:.1%} redrawn and to {quality.oracle_accuracy.value:.1%} as they are; "
        f"FCD {quality.fcd.value:.3g}, squared error {quality.mse.value:.4f}"
    )
    if quality.sharpness is not None:
        subtitle += f", {quality.sharpness.value:.2g} times as sharp"
    judged = [Judged(*names[list(one)]) for one in asked]
    return redrawn_grid(
        *_pairs(model, test.take(rows)), judged, _COLUMNS, title=title, subtitle=subtitle, before=before
    )


def pairs(task: Task, data: str, code: int, setting: tuple[float, float], alpha: tuple[float, ...]) -> Any:
    """Figure 10: pictures above what comes back of them, at one setting with equal weights of the layers."""
    bench = Bench.of(task, data, code)
    train, test = bench.pictures
    model = bench.decoder(task.folder / "decoder", *setting, within(task.told, 0, 0.8), alpha=alpha)
    oracle = bench.oracle(model, within(task.told, 0.8, 0.95))
    quality = redrawn_quality(model, test, test.labels, oracle, train, train.labels, classes=test.classes)
    above, below = _pairs(model, test.take(_shown(test)))
    title = (
        f"{data}: pictures and what comes back of {bench.latent} numbers (beta {setting[0]:g}, gamma {setting[1]:g})"
    )
    sheet = comparison_grid({"picture": above, "redrawn": below}, _COLUMNS, title=title)
    Run(bench.root).write(f"figure-10-{data}-seed-{task.seed}.png", png(sheet))
    mean = evaluate(model, train, lambda x: x).mean(0)
    error = evaluate(model, test, lambda x: (x.cpu() - mean).square().flatten(1).mean(1))
    found = {"latent": bench.latent, "encoder": encoded(bench, model), "mean picture": float(error.mean())} | _numbers(
        quality, test
    )
    found["training"] = _training(task.folder / "decoder")
    shutil.rmtree(task.folder / "decoder")
    return found
