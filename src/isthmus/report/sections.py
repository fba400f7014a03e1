"""The sections of a report, one function each: from what was found in the folder to what stands on the page."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from isthmus.report.axes import png
from isthmus.report.caveats import capital
from isthmus.report.enclosed import Enclosed
from isthmus.report.found import Found
from isthmus.report.grid import comparison_grid
from isthmus.report.lines import Drawn, chart
from isthmus.report.markup import Markup, plain, tag
from isthmus.report.tables import record_table, score_table, whole

__all__ = ["data", "designs", "figures", "maps", "measured", "model", "origin", "training"]

_MOST_CLASSES, _MOST_ROWS, _LONGEST = 24, 60, 300
_FIGURES = {
    "best-median-worst.png": (
        "Pictures redrawn best, as usual and worst, each with what the model makes of it",
        "Pictures that the model did not learn from: those it redraws best, those in the middle, and the worst.",
    ),
    "samples.png": ("Pictures that the model drew by itself", "Pictures drawn from nothing, not chosen."),
    "redrawn.png": (
        "Pairs of pictures, each above what the model makes of it",
        "Pictures, and below each what the model makes of it, as an independent classifier takes them.",
    ),
    "kl.png": ("Bars, one for each number of the code", "What each number of the code carries (KL in nats)."),
    "pixel-density.png": ("Densities of nine pixels", "Densities of nine pixels, in pictures and redrawn."),
    "calibration.png": (
        "The share of right answers against how sure the classifier was, with the diagonal",
        "How often the classifier is right where it is this sure: on the diagonal it means what it says.",
    ),
    "label-curve.png": ("Accuracy against the number of labels", "Accuracy against the number of labels."),
    "anomalies.png": ("The oddest pictures, with heat maps", "The oddest pictures, and where they look so."),
}
Inside = list[Markup]


def data(found: Found, enclosed: Enclosed) -> Inside:
    about = found.part("data")
    if not about:
        return []
    shape = found.part("fitted").get("shape") or ()
    classes = [str(one) for one in about.get("classes") or ()]
    shown = ", ".join(_short(one) for one in classes[:_MOST_CLASSES])
    more = f" and {len(classes) - _MOST_CLASSES} more" if len(classes) > _MOST_CLASSES else ""
    parts = ", ".join(f"{count:,} {split or 'without a part'}" for split, count in sorted(found.splits.items()))
    read = [f"{name} {value}" for name, value in (about.get("options") or {}).items() if name != "labels"]
    return [
        _facts(
            {
                "source": about.get("name") or plain(about.get("relative_path") or "an array").split("/")[-1],
                "pictures": whole(about.get("pictures")),
                "labelled": whole(about.get("labelled")),
                "size": " x ".join(map(str, shape)) + (" (channels, height, width)" if len(shape) == 3 else ""),
                "classes": f"{len(classes)}: {shown}{more}" if classes else "none",
                "parts": parts,
                "read with": ", ".join(read),
            }
        )
    ]


def model(found: Found, enclosed: Enclosed) -> Inside:
    about = found.part("model")
    held = about.get("params")
    params = held if isinstance(held, dict) else {}
    latent = found.part("fitted").get("latent_shape") or ()
    fields = [tag("code", f"{name}={_field(value)}") for name, value in params.items() if value is not None]
    spaced = [part for one in fields for part in (one, " ")]
    return [
        _facts({"model": about.get("name"), "code": " x ".join(map(str, latent)) + " numbers"}),
        tag("details", tag("summary", "All fields"), tag("p", *spaced)) if spaced else Markup(""),
    ]


def training(found: Found, enclosed: Enclosed) -> Inside:
    """The loss of every player and of the validation pictures; the terms that it is made of below, folded."""
    history = found.history
    if not history:
        return [tag("p", "There is no history: this model was not trained by steps.")] if found.described else []
    x = list(range(1, len(history) + 1))
    starts = [i for i, (before, after) in enumerate(pairwise(history), 2) if before.get("phase") != after.get("phase")]
    marks = [(i - 0.5, str(history[i - 1].get("phase"))) for i in starts]
    if marks:
        marks = [(1.0, str(history[0].get("phase"))), *marks]
    terms = _terms(history)
    seconds = float(history[-1].get("seconds") or 0)
    setbacks = [str(one) for line in history for one in line.get("setbacks") or ()]
    said = f"{len(history):,} epochs in {_time(seconds)}"
    words = f"{found.name}: loss against epochs, {len(terms.get('loss', {}))} lines"
    main = chart(_lines(x, terms.pop("loss", {}), starts), words=words, marks=marks)
    others = [
        tag("div", tag("h3", term), chart(_lines(x, whose, starts), words=f"{term} against epochs", marks=marks))
        for term, whose in terms.items()
    ]
    folded = tag("details", tag("summary", f"All {len(others)} terms"), tag("div", *others, class_="small"))
    notes = [tag("p", one, class_="note") for one in setbacks[:20]]
    return [tag("p", f"{said}."), main, *notes, *([folded] if others else [])]


def measured(found: Found, enclosed: Enclosed) -> Inside:
    if not found.metrics:
        return [tag("p", "Nothing was measured yet. ", tag("code", "isthmus evaluate RUN"), " does.")]
    newest: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in found.metrics:
        key = tuple(str(one.get(name)) for name in ("name", "split", "data", "seed", "command"))
        newest.pop(key, None)
        newest[key] = one
    records = list(newest.values())
    verdicts = [tag("p", str(one["verdict"])[:_LONGEST], class_="said") for one in records if one.get("verdict")]
    shown, folded = records[-_MOST_ROWS:], records[:-_MOST_ROWS]
    commands = list(dict.fromkeys(str(one.get("command")) for one in records if one.get("command")))
    listed = tag("ul", [tag("li", tag("code", one)) for one in commands[:_MOST_ROWS]])
    return [
        *verdicts,
        record_table(shown),
        *([tag("details", tag("summary", f"{len(folded):,} earlier ones"), record_table(folded))] if folded else []),
        *([tag("details", tag("summary", "The commands that measured it"), listed)] if commands else []),
    ]


def figures(found: Found, enclosed: Enclosed) -> Inside:
    drawn = [enclosed.figure(found.folder / name, alt, words) for name, (alt, words) in _FIGURES.items()]
    if found.looked is not None:
        line, pictures, redrawn = found.looked
        grid = comparison_grid({"picture": pictures, "redrawn": redrawn})
        alt = f"{len(pictures)} pictures, and below each what the model makes of it"
        drawn.insert(0, enclosed.drawn(png(grid), alt, f"{capital(found.watched())}, after epoch {line}."))
    return [one for one in drawn if one]


def maps(found: Found, enclosed: Enclosed) -> Inside:
    made: Inside = []
    for name, about in found.maps.items():
        method, of, count = (str(about.get(key) or "?") for key in ("method", "of", "pictures"))
        words = f"Map {name}: {method} of {of}, {count} pictures"
        made += [
            tag("h3", name),
            enclosed.figure(found.folder / "maps" / f"{name}.png", words, f"{method} of {of}, {count} pictures."),
            score_table(about),
        ]
    return made


def designs(found: Found, enclosed: Enclosed) -> Inside:
    made: Inside = []
    for name, about in found.designs.items():
        want = str(about.get("want") or about.get("score") or name)
        made.append(tag("h3", _short(want, 120)))
        if about.get("verdict"):
            made.append(tag("p", f"{capital(str(about['verdict']))}.", class_="said"))
        if about.get("of"):
            made.append(tag("p", f"Of {about['of']} designs those below were chosen by hand.", class_="soft"))
        folder = found.folder / "designs" / name
        made.append(enclosed.figure(folder / "sheet.png", f"Designs for {want}", f"designs/{name}: every design kept."))
        films = enclosed.figure(folder / "films.png", f"From start to design, for {want}", "From start to design.")
        made += [tag("details", tag("summary", "How they came about"), films)] if films else []
    return made


def origin(found: Found, enclosed: Enclosed) -> Inside:
    about, params = found.described, found.part("model").get("params") or {}
    return [
        _facts(
            {
                "made by": f"isthmus {about.get('isthmus')}, run format {about.get('format')}",
                "made": about.get("made"),
                "machine": about.get("machine"),
                "threads": about.get("threads"),
                "precision": about.get("precision"),
                "seed": params.get("seed") if isinstance(params, dict) else None,
                "fingerprint of the pictures": found.part("data").get("fingerprint"),
            }
        ),
        tag(
            "p",
            "This page was made from the run folder alone; it needs neither a script nor the network.",
            class_="soft",
        ),
    ]


# -- pieces -----------------------------------------------------------------------------------------------------------


def _facts(facts: dict[str, Any]) -> Markup:
    rows = [(tag("dt", name), tag("dd", value)) for name, value in facts.items() if value not in (None, "")]
    return tag("dl", rows)


def _terms(history: Sequence[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """By term and by whose it is, a value for every line, NaN where it has none."""
    found: dict[str, dict[str, list[float]]] = {}
    for place, line in enumerate(history):
        players = line.get("players")
        whose = dict(players) if isinstance(players, dict) else {}
        if isinstance(line.get("validation"), dict) and line["validation"]:
            whose["validation"] = line["validation"]
        for name, terms in whose.items():
            for term, value in terms.items() if isinstance(terms, dict) else ():
                row = found.setdefault(str(term), {}).setdefault(str(name), [math.nan] * len(history))
                row[place] = float(value) if isinstance(value, int | float) else math.nan
    return found


def _lines(x: Sequence[float], whose: dict[str, list[float]], starts: Sequence[int]) -> list[Drawn]:
    """A line breaks where a phase begins: what is called by one name there may be another quantity."""
    found = []
    for ink, (name, y) in enumerate(whose.items()):
        points = sorted([*zip(x, y, strict=True), *((i - 0.5, math.nan) for i in starts)], key=lambda point: point[0])
        found.append(Drawn(name, [a for a, _ in points], [b for _, b in points], ink, name == "validation"))
    return found


def _field(value: Any) -> str:
    return _short(value.get("name", "?") if isinstance(value, dict) else value, 60)


def _short(value: Any, most: int = 40) -> str:
    text = plain(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )
