"""What was found: the facts that `isthmus data info` prints, as JSON and as text."""

from typing import Any

import numpy as np

from isthmus.images.duplicates import near_duplicates
from isthmus.images.pictures import UNKNOWN, Pictures

__all__ = ["describe", "describe_text"]

_BLOCK = 4096
_LISTED = 12
_MANY = 200_000
"""Pictures among which near-duplicates are not looked for: every pair would be compared."""


def describe(pictures: Pictures, *, near: bool = True) -> dict[str, Any]:
    """Count, size, channels, dtype, range, labels, columns, duplicates and trouble; `near=False` is quicker."""
    table, many = pictures.pixels.ndim == 2, len(pictures) > _MANY
    low, high = _range(pictures.pixels)
    facts: dict[str, Any] = {
        "source": {key: value for key, value in pictures.source.items() if key not in ("rule", "tiles")},
        "count": len(pictures),
        "bytes": int(pictures.pixels.nbytes),
        "dtype": str(pictures.pixels.dtype),
        "lowest": low,
        "highest": high,
    }
    if table:
        facts["features"] = pictures.pixels.shape[1]
    else:
        channels, height, width = pictures.pixels.shape[1:]
        facts.update(height=height, width=width, channels=channels)
    facts["rule"] = list(pictures.source.get("rule", []))
    tiles = pictures.source.get("tiles")
    if tiles is not None:
        facts["tiles"] = {"tile": tiles["tile"], "stride": tiles["stride"], "pictures": len(tiles["pictures"])}
    facts["labels"] = _labels(pictures)
    facts["columns"] = {name: _column(values) for name, values in pictures.columns.items()}
    facts["split"] = _counts(pictures.split)
    facts["duplicates"] = _duplicates(pictures, near and not many)
    facts["trouble"] = [*pictures.trouble, *_remarks(pictures, low, high)]
    if near and many:
        facts["trouble"].append("there are too many pictures to look for near-duplicates among them")
    return facts


def describe_text(facts: dict[str, Any]) -> str:
    """The same for a terminal, one fact a line."""
    lines = [("pictures", f"{facts['count']:,} from {_origin(facts['source'])}"), ("shape", _shape(facts))]
    lines.append(("values", f"{facts['dtype']}, {facts['lowest']:g} to {facts['highest']:g}, {_size(facts['bytes'])}"))
    lines += [("made alike" if i == 0 else "", sentence) for i, sentence in enumerate(facts["rule"])]
    if "tiles" in facts:
        lines.append(("tiles", "of {pictures:,} pictures, {tile} wide, every {stride}".format(**facts["tiles"])))
    lines += _label_lines(facts["labels"], facts["count"])
    lines += [("columns" if i == 0 else "", f"{n}: {c}") for i, (n, c) in enumerate(facts["columns"].items())]
    if facts["split"]:
        lines.append(("own split", ", ".join(f"{name} {count:,}" for name, count in facts["split"].items())))
    lines += [("duplicates" if i == 0 else "", text) for i, text in enumerate(facts["duplicates"]["told"] or ["none"])]
    lines += [("trouble" if i == 0 else "", text) for i, text in enumerate(facts["trouble"] or ["none"])]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines)


def _labels(pictures: Pictures) -> dict[str, Any]:
    known = pictures.labels[pictures.labels != UNKNOWN]
    counts = np.bincount(known, minlength=len(pictures.classes)).tolist()
    return {"classes": dict(zip(pictures.classes, counts, strict=True)), "unknown": len(pictures) - len(known)}


def _column(values: np.ndarray) -> str:
    if values.dtype.kind == "f":
        known = values[np.isfinite(values)]
        span = f"{known.min():g} to {known.max():g}" if len(known) else "nothing"
        blank = len(values) - len(known)
    else:
        known = values[values != ""]
        span = f"{len(set(known.tolist())):,} different texts"
        blank = len(values) - len(known)
    return span + (f", {blank:,} blank" if blank else "")


def _counts(split: np.ndarray | None) -> dict[str, int]:
    if split is None:
        return {}
    names, counts = np.unique(split.astype(str), return_counts=True)
    return {name or "unsaid": int(count) for name, count in zip(names, counts, strict=True)}


def _duplicates(pictures: Pictures, near: bool) -> dict[str, Any]:
    found = near_duplicates(pictures, pictures.split, near=near)
    return {
        "exact": len(found.exact),
        "near": len(found.near) if near else None,
        "across_split": len(found.across),
        "told": found.sentences(pictures.ids),
    }


def _remarks(pictures: Pictures, low: float, high: float) -> list[str]:
    remarks = []
    used = np.unique(pictures.labels[pictures.labels != UNKNOWN])
    if len(used) == 1:
        remarks.append(f"there is one class only, {pictures.classes[used[0]]!r}: nothing can be told apart by it")
    if low == high:
        remarks.append(f"every value is {low:g}: there is nothing to see")
    return remarks


def _range(pixels: np.ndarray) -> tuple[float, float]:
    """Block by block, as the array may lie on disk."""
    blocks = [pixels[start : start + _BLOCK] for start in range(0, len(pixels), _BLOCK)]
    if not blocks:
        return 0.0, 0.0
    pairs = [(float(block.min()), float(block.max())) for block in blocks]
    return min(low for low, _ in pairs), max(high for _, high in pairs)


def _origin(source: dict[str, Any]) -> str:
    kind, name = source.get("kind", "somewhere"), source.get("name")
    article = "an" if kind[0] in "aeiou" else "a"
    if kind == "set":
        return f"the set {name}"
    return f"the {kind} {name}" if name else f"{article} {kind}"


def _shape(facts: dict[str, Any]) -> str:
    if "features" in facts:
        return f"{facts['features']:,} features each"
    kinds = {1: "grey", 3: "RGB"}
    channels = facts["channels"]
    return f"{facts['height']} x {facts['width']}, {kinds.get(channels, f'{channels} channels')}"


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _label_lines(labels: dict[str, Any], count: int) -> list[tuple[str, str]]:
    classes, unknown = labels["classes"], labels["unknown"]
    if not classes:
        return [("labels", "none")]
    blank = f", {unknown:,} of {count:,} unknown" if unknown else ""
    lines = [("labels", f"{len(classes):,} class{'es' if len(classes) > 1 else ''}{blank}")]
    shown = list(classes.items())[:_LISTED]
    width = max(len(name) for name, _ in shown)
    lines += [("", f"  {name:<{width}}  {number:>8,}") for name, number in shown]
    if len(classes) > len(shown):
        rest = list(classes.values())[_LISTED:]
        lines.append(("", f"  and {len(rest):,} more of {min(rest):,} to {max(rest):,} pictures"))
    return lines
