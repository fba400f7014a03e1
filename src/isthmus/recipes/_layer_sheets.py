"""What paper 002's figures show: pictures redrawn, errors over steps and over sizes, and what lies between two."""

from typing import Any

import numpy as np
from PIL import Image

from isthmus.recipes._layer_claims import ACTIVATIONS, BESIDE
from isthmus.recipes._layers import GRID, KINDS
from isthmus.recipes._manifold_claims import MAPPED, case_of, pca_errors
from isthmus.recipes._recipe import Measured
from isthmus.recipes._sheets import from_text
from isthmus.report.curves import curves
from isthmus.report.grid import comparison_grid

__all__ = ["at_the_end", "at_the_marks", "between", "by_size", "with_curves"]


def _first(measured: Measured, case: str) -> dict[str, Any]:
    return next(iter(measured[case].values()))


def _pictures(shown: dict[str, Any]) -> np.ndarray:
    return from_text(shown["pictures"], shown["shape"])


def at_the_marks(measured: Measured, sizes: Any) -> dict[str, Image.Image]:
    """Figure 2: the first seed's, after so many steps."""
    found = {}
    for case in ("linear", "linear-sgd"):
        marks = _first(measured, case)["marks"]
        rows = {f"{int(step):,} steps": _pictures(one["shown"]) for step, one in marks.items()}
        rows |= {"PCA": _pictures(_first(measured, BESIDE)["shown"])}
        rows |= {"input": _pictures(_first(measured, BESIDE)["originals"])}
        title = f"Autoencoder with {KINDS[case].latent} numbers, {KINDS[case].said}, and PCA of as many"
        found[case] = comparison_grid(rows, 20, 2, title=title)
    return found


def at_the_end(measured: Measured, sizes: Any) -> dict[str, Image.Image]:
    """Figures 3 and 5: whatever was measured, and the inputs."""
    rows = {
        ("PCA" if case == BESIDE else KINDS[case].said): _pictures(_first(measured, case)["shown"]) for case in measured
    }
    rows["input"] = _pictures(_first(measured, BESIDE)["originals"])
    return {"redrawn": comparison_grid(rows, 20, 2, title="Redrawn after the last step, and the inputs")}


def with_curves(measured: Measured, sizes: Any) -> dict[str, Image.Image]:
    lines = {}
    for case in ("linear", "linear-sgd", *ACTIVATIONS, "ours"):
        if case in measured:
            one = _first(measured, case)["curve"]
            lines[KINDS[case].said] = [float(step) for step in one], list(one.values())
    image = curves(
        lines,
        title="Test error by steps",
        subtitle="a pixel, of 2,000 test pictures",
        x_label="steps, log scale",
        y_label="squared error",
        log=True,
        log_x=True,
    )
    return at_the_end(measured, sizes) | {"steps": image}


def by_size(measured: Measured, sizes: Any) -> dict[str, Image.Image]:
    """Error over the size of the code, beside PCA's."""
    by_pca = pca_errors(measured)
    ours = [float(np.mean([one["MSE"] for one in measured[case_of(size)].values()])) for size in GRID]
    axes = range(GRID[0], min(GRID[-1], len(by_pca) - 1) + 1)
    lines = {
        "ELU autoencoder": ([float(size) for size in GRID], ours),
        "PCA": ([float(size) for size in axes], [by_pca[size] for size in axes]),
    }
    told = _first(measured, BESIDE)["dimensions"]["by pictures"]
    value, low, high = told[max(told, key=int)]
    image = curves(
        lines,
        title="Test error by the size of the code",
        subtitle=f"lines: the dimension that the pictures' neighbours tell, {value:.1f} [{low:.1f}, {high:.1f}]",
        x_label="numbers a picture, log scale",
        y_label="squared error a pixel",
        log=False,
        log_x=True,
        marks=[low, high],
    )
    rows = {f"{size} numbers": _pictures(_first(measured, case_of(size))["shown"]) for size in GRID}
    rows["input"] = _pictures(_first(measured, BESIDE)["originals"])
    return {"error": image, "redrawn": comparison_grid(rows, 20, 2, title="ELU autoencoders by the size of the code")}


def between(measured: Measured, sizes: Any) -> dict[str, Image.Image]:
    """Pairs of held-out pictures, and the middle of each as every model has it."""
    pixels = _first(measured, BESIDE)["pixels"]
    one, two = (from_text(text, pixels["shape"]) for text in pixels["ends"])
    rows = {"a picture": one, "another": two, "middle of both": from_text(pixels["middles"], pixels["shape"])}
    for case in MAPPED:
        rows[f"{KINDS[case].said}: of codes"] = from_text(
            _first(measured, case)["manifold"]["middles"], pixels["shape"]
        )
    return {"middles": comparison_grid(rows, 10, 2, title="The middle of two pictures, and of two codes decoded")}
