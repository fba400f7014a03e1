"""Figures hold whatever they are given: nothing is cut, nothing overlaps, the strange cases are drawn or refused."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from isthmus.errors import UsageError
from isthmus.report import (
    Judged,
    bars,
    comparison_grid,
    curves,
    densities,
    kl_bars,
    picture_grid,
    png,
    redrawn_grid,
    scatter,
    to_rgb,
    training_curves,
)
from isthmus.report.axes import Axis, Legend
from isthmus.report.heat import Card, glowing, heat_sheet
from isthmus.report.redrawn import CORRECTED, WRONG
from isthmus.report.style import PALETTE, colours, fitted, nice_ticks, number, text_width, wrapped
from isthmus.stats import Interval

RANDOM = np.random.default_rng(0)


def border(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    edges = [pixels[:3], pixels[-3:], pixels[:, :3].swapaxes(0, 1), pixels[:, -3:].swapaxes(0, 1)]
    return np.concatenate([edge.reshape(-1, 3) for edge in edges])


def is_whole(image: Image.Image) -> bool:
    """Something is drawn, and nothing runs over the edge of the paper."""
    return bool((border(image) == 255).all()) and bool((np.asarray(image) != 255).any())


def test_pictures_of_any_number_of_channels_become_colours() -> None:
    assert to_rgb(np.full((1, 2, 2), 0.5)).tolist() == np.full((1, 2, 2, 3), 128).tolist()
    red = np.zeros((1, 3, 1, 1))
    red[0, 0] = 1
    assert to_rgb(red)[0, 0, 0].tolist() == [255, 0, 0]
    assert to_rgb(red[:, :2])[0, 0, 0].tolist() == [255, 0, 0]
    assert to_rgb(torch.rand(2, 7, 3, 4)).shape == (2, 3, 4, 3)
    assert to_rgb(np.array([[[np.nan, 2.0, -1.0]]]))[0, 0].tolist() == [[255, 0, 255], [255, 255, 255], [0, 0, 0]]
    assert to_rgb(np.full((1, 1, 1), 255, np.uint8)).max() == 255
    with pytest.raises(UsageError, match="no pictures"):
        to_rgb(np.zeros((4, 4)))


def test_grids_enlarge_tiny_pictures_exactly() -> None:
    picture = RANDOM.random((1, 8, 8))
    grid = np.asarray(picture_grid(picture))
    found = grid[14:-14, 14:-14]
    np.testing.assert_array_equal(found[4::8, 4::8], to_rgb(picture)[0])
    np.testing.assert_array_equal(found[0::8, 7::8], to_rgb(picture)[0])
    assert is_whole(picture_grid(RANDOM.random((100, 1, 28, 28)), title="long " * 200))
    assert is_whole(picture_grid(RANDOM.random((5, 3, 200, 9)), labels=["a very long name"] * 5, columns=9))
    with pytest.raises(UsageError, match="no pictures"):
        picture_grid(np.zeros((0, 4, 4)))


def test_comparison_grids_hold_the_same_pictures_in_every_row() -> None:
    x = RANDOM.random((20, 8, 8))
    assert is_whole(comparison_grid({"originals": x, "a name that is far too long for its row": x / 2}, title="t"))
    with pytest.raises(UsageError, match="same pictures"):
        comparison_grid({"a": x, "b": x[:3]})


def inked(image: Image.Image, ink: str) -> int:
    colour = np.array([int(ink[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(np.asarray(image).astype(int) - colour).sum(axis=2) == 0).sum())


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 300, 90), (1, 1, 12)])
def test_redrawn_pictures_are_framed_by_what_the_judge_says(shape: tuple[int, ...]) -> None:
    x = RANDOM.random((23, *shape))
    known = [Judged("a class with quite a long name", *["a class with quite a long name"] * 2)] * 23
    calm = redrawn_grid(x, x / 2, known, title="t " * 90, subtitle="s " * 300)
    lost = redrawn_grid(x, x / 2, [Judged("a", "a", "b"), *known[1:]])
    found = redrawn_grid(x, x / 2, [Judged("a", "b", "a"), *known[1:]])
    told = redrawn_grid(x, x / 2, [Judged("a", "b", "a"), *known[1:]], before=("without gamma", "without gamma it"))
    assert told.size == found.size and told.tobytes() != found.tobytes(), "the legend says what was before"
    both = redrawn_grid(x, x / 2, [Judged("a", "b", "b"), *known[1:]])
    assert all(map(is_whole, (calm, lost, found, both)))
    assert inked(lost, WRONG) > inked(calm, WRONG) == inked(found, WRONG)
    assert inked(found, CORRECTED) > inked(calm, CORRECTED) == inked(lost, CORRECTED) == inked(both, CORRECTED)
    with pytest.raises(UsageError, match="make no pairs"):
        redrawn_grid(x, x, known[:3])


@pytest.mark.parametrize("n", [0, 1, 2, 3000])
def test_scatter_of_few_and_many(n: int) -> None:
    assert is_whole(scatter(RANDOM.normal(size=(n, 2)), title="a map", subtitle="5-NN .95 " * 60))


def test_scatter_of_many_classes_with_long_names() -> None:
    labels = np.arange(808) % 101
    names = [f"a class with quite a long name {i}" for i in range(101)]
    assert is_whole(scatter(RANDOM.normal(size=(808, 2)), labels, names, x_label="one", y_label="two " * 90))
    assert len(Legend([str(i) for i in range(1000)], colours(1000), 600).columns) == 4
    assert Legend([str(i) for i in range(1000)], colours(1000), 600).entries[-1][0].startswith("and ")


def test_scatter_leaves_out_what_has_no_place_and_puts_the_unknown_underneath() -> None:
    points = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [np.nan, 0.0]])
    blue = np.array([int(PALETTE[0][i : i + 2], 16) for i in (1, 3, 5)])
    with_unknown, without = scatter(points, [0, -1, 0, 0], ["a"]), scatter(points[[0, 2]], [0, 0], ["a"])
    counts = [(np.abs(np.asarray(i).astype(int) - blue).sum(axis=2) == 0).sum() for i in (with_unknown, without)]
    assert counts[0] == counts[1] > 60
    with pytest.raises(UsageError, match="two dimensions"):
        scatter(np.zeros((3, 1)))
    with pytest.raises(UsageError, match="2 labels"):
        scatter(np.zeros((3, 2)), [0, 1])


@pytest.mark.parametrize(
    "values",
    [[1.0], [1.0, 1.0], [np.nan, 1.0, np.nan], [np.nan], [1e-9, 1e9], [-5.0, 1e6], [np.inf, 1.0, 2.0], [0.0, 0.0]],
)
def test_curves_of_strange_values(values: list[float]) -> None:
    assert is_whole(curves({"a": values, "b": ([0.5, 1.0], [2.0, 3.0])}, y_label="y", title="strange"))
    assert is_whole(curves({"a": values}, log=True))


def test_training_curves_have_a_panel_a_term() -> None:
    lines = [
        {"phase": phase, "players": {"vae": {"loss": 3.0 - i, "kl": 1.0}}, "validation": {"loss": 4.0}}
        for i, phase in enumerate(["one", "one", "two"])
    ]
    both = training_curves(lines)
    assert is_whole(both)
    assert both.width > 1000
    lines[0]["players"]["vae"]["loss"] = None
    assert is_whole(training_curves(lines))
    with pytest.raises(UsageError, match="empty"):
        training_curves([])


def test_bars_with_and_without_intervals() -> None:
    values = {"model": Interval(0.005, 0.004, 0.006, 9), "a name " * 30: 0.2, "lost": float("nan"), "below": -0.1}
    assert is_whole(bars(values, title="errors", subtitle="mean squared error, pixels in [0, 1] " * 5))
    assert is_whole(bars({"only": 0.0}))
    for kl in ([1.0], [0.0, 0.0], RANDOM.random(3000), [np.nan, 1.0]):
        assert is_whole(kl_bars(kl, np.arange(len(kl)) % 2))
    with pytest.raises(UsageError):
        kl_bars([])


def test_ticks_are_round_and_names_tell_them_apart() -> None:
    assert nice_ticks(0, 1, 6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert [number(v, 0.2) for v in nice_ticks(0, 1, 6)] == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert number(60_000) == "60000"
    assert number(0.00012348) == "0.0001235"
    assert number(1.2e-7) == "1.2e-7"
    for low, high in [(0, 1e-8), (249.99, 250.01), (-3e7, 2e7), (1, 1)]:
        axis = Axis.over(np.array([low, high])).laid(0, 500)
        assert len(set(axis.names())) == len(axis.ticks) >= 2
    assert Axis.over(np.array([1e-4, 10.0]), log=True).laid(0, 500).names()[0] == "0.0001"


def test_text_is_made_to_fit() -> None:
    for text in ("x" * 300, "many words " * 40, "é\n\tü"):
        assert text_width(fitted(text, 12, 100), 12) <= 100
        assert all(text_width(line, 12) <= 100 for line in wrapped(text, 12, 100))
    assert len(set(colours(120))) == 120
    assert Image.open(io.BytesIO(png(curves({"a": [1.0, 2.0]})))).format == "PNG"


def test_densities_are_drawn_whatever_lies_at_the_ends() -> None:
    notes = [f"row {row}, column {column}" for row in (7, 15, 23) for column in (7, 15, 23)]
    grey, colour, many = (RANDOM.random((50, channels, 9)) for channels in (1, 3, 5))
    grey[:30, 0, 4] = 0
    grey[:, 0, 5] = 1
    grey[:, 0, 6] = 0.5
    spikes = np.where(RANDOM.random(grey.shape) < 0.5, 0.31, 0.32)
    for truth, redrawn in ((grey, spikes), (colour, colour), (many, 2 * many - 0.5), (grey[:1], grey[:1])):
        assert is_whole(densities(truth, redrawn, notes, title="pixels " * 30, subtitle="of pictures " * 30))
    with pytest.raises(UsageError, match="no densities"):
        densities(grey, colour, notes)
    with pytest.raises(UsageError, match="no densities"):
        densities(grey[:0], grey[:0], notes)


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 8, 8)), (7, (3, 40, 300)), (24, (1, 28, 28)), (2, (5, 400, 12))])
def test_a_sheet_of_odd_pictures_holds_any_shape(n: int, shape: tuple[int, ...]) -> None:
    pictures, redrawn = RANDOM.random((n, *shape)), RANDOM.random((n, *shape))
    warmth = 5 * RANDOM.random((n, *shape[1:]))
    cards = [Card(f"a/long/path/of/a/picture/that/is/odd/{i}.png", f"score {i}, p 0.01", i % 2 == 0) for i in range(n)]
    assert is_whole(heat_sheet(pictures, redrawn, warmth, cards, top=3.0, title="odd " * 40, subtitle="what " * 60))
    assert is_whole(heat_sheet(pictures, None, None, cards))


def test_heat_is_white_where_it_is_as_usual_and_darkest_from_the_top_on() -> None:
    flat = glowing(np.zeros((1, 2, 2)), np.array([[[0.0, 1.0], [3.0, 99.0]]]), 3.0)[0]
    assert (flat[0] == 255).all()
    np.testing.assert_array_equal(flat[1, 0], flat[1, 1])
    assert flat[1, 0].mean() < 80
    steps = glowing(np.zeros((1, 1, 50)), np.linspace(1, 3, 50)[None, None], 3.0)[0, 0].astype(int) @ [3, 6, 1]
    assert (np.diff(steps) <= 0).all()
