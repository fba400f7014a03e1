"""Tiles and back; splits, label draws and duplicates that depend on which pictures there are and on nothing else."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isthmus.errors import DataError, UsageError
from isthmus.images.duplicates import near_duplicates
from isthmus.images.opening import open_pictures
from isthmus.images.pictures import UNKNOWN, Pictures
from isthmus.images.splits import draw_labels, split
from isthmus.images.tiles import tile_positions, untile


def some_pictures(n: int = 600, classes: int = 4, **known: object) -> Pictures:
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, classes, n)
    pixels = rng.integers(0, 256, (n, 1, 8, 8)).astype(np.uint8)
    return Pictures.from_array(pixels, labels, classes=tuple("abcdefgh"[:classes]), **known)


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 64), st.integers(1, 64))
@settings(max_examples=60, deadline=None, database=None)
def test_tiles_cover_every_pixel(height: int, width: int, tile: int, stride: int) -> None:
    stride = min(stride, tile)
    covered = np.zeros((max(height, tile), max(width, tile)), bool)
    for top, left in tile_positions(height, width, tile, stride):
        assert top + tile <= covered.shape[0]
        assert left + tile <= covered.shape[1]
        covered[top : top + tile, left : left + tile] = True
    assert covered.all()


def test_tiles_go_back_where_they_came_from(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    originals = {}
    for name, shape in (("a.png", (50, 70)), ("b.png", (33, 20)), ("c.png", (10, 90))):
        originals[name] = rng.integers(0, 256, shape).astype(np.uint8)
        Image.fromarray(originals[name]).save(tmp_path / name)
    tiles = open_pictures(tmp_path, tile=16, stride=8)
    assert tiles.pixels.shape[1:] == (1, 16, 16)
    assert tiles.ids[1] == "a.png@0,8"
    maps = untile(tiles, tiles.pixels)
    for name, pixels in originals.items():
        assert np.allclose(maps[name][0], pixels)
    flat = untile(tiles, np.ones(len(tiles)))
    assert {name: m.shape for name, m in flat.items()} == {name: p.shape for name, p in originals.items()}
    with pytest.raises(DataError):
        untile(tiles, np.ones(3))
    parts = split(tiles, 0.34, 0.33)
    parent = np.array([name.split("@")[0] for name in tiles.ids])
    assert all(len(set(parts[parent == name])) == 1 for name in originals)
    assert set(parts) == {"train", "validation", "test"}


def test_tiles_of_arrays() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 24)).astype(np.uint8)
    tiles = open_pictures(pixels, tile=8, labels=None)
    assert len(tiles) == 3 * 3 * 3
    assert np.allclose(untile(tiles, tiles.pixels)["1"][0], pixels[1])


def test_splits_have_their_sizes_in_all_and_in_each_class() -> None:
    pictures = some_pictures()
    parts = split(pictures, 0.2, 0.1)
    assert abs((parts == "test").sum() - 60) <= 1
    assert abs((parts == "validation").sum() - 120) <= 1
    for label in range(UNKNOWN, 4):
        inside = pictures.labels == label
        assert abs((parts[inside] == "test").sum() - inside.sum() * 0.1) <= 1.5


def test_splits_depend_on_neither_order_nor_company() -> None:
    pictures = some_pictures()
    parts = split(pictures, seed=3)
    order = np.random.default_rng(1).permutation(len(pictures))
    assert np.array_equal(split(pictures.take(order), seed=3), parts[order])
    fewer = pictures.take(np.arange(570))
    assert (split(fewer, seed=3) != parts[:570]).mean() < 0.03
    assert (split(pictures, seed=4) != parts).mean() > 0.1


def test_groups_never_straddle() -> None:
    patients = np.random.default_rng(2).integers(0, 40, 600).astype(float)
    patients[:5] = np.nan
    pictures = some_pictures(columns={"patient": patients})
    parts = split(pictures, group="patient")
    for patient in range(40):
        assert len(set(parts[patients == patient])) == 1
    assert 20 <= (parts == "test").sum() <= 100
    drawn = draw_labels(pictures, 50, 0, group="patient")
    whole = np.isin(patients, patients[drawn]) & (pictures.labels != UNKNOWN)
    assert set(drawn[drawn >= 5]) == set(np.flatnonzero(whole))
    with pytest.raises(UsageError, match="no column"):
        split(pictures, group="slide")


def test_a_source_keeps_its_own_test() -> None:
    own = np.where(np.arange(600) < 100, "test", "train").astype(object)
    parts = split(some_pictures(split=own), validation=0.1, test=0.5)
    assert (parts[:100] == "test").all()
    assert (parts[100:] == "validation").sum() == 50
    assert not (parts[100:] == "test").any()


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_few_pictures_can_be_split(n: int) -> None:
    parts = split(some_pictures(n))
    assert "train" in parts
    assert n < 3 or {"validation", "test"} <= set(parts)


def test_label_draws_are_balanced_and_nested() -> None:
    pictures = some_pictures()
    small, large = draw_labels(pictures, 12, 0), draw_labels(pictures, 40, 0)
    assert np.bincount(pictures.labels[small]).tolist() == [3, 3, 3, 3]
    assert set(small) < set(large)
    assert not np.array_equal(small, draw_labels(pictures, 12, 1))
    with pytest.raises(UsageError):
        draw_labels(pictures, 601, 0)


def test_duplicates_are_found_and_reported_across_a_split() -> None:
    y, x = np.mgrid[:32, :32] / 32
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(50, 4, 1, 1))
    pixels = np.sin(6 * waves[:, 0] * x + 5 * waves[:, 1]) + np.cos(6 * waves[:, 2] * y + 5 * waves[:, 3])
    pixels = ((pixels + 2) * 60).astype(np.uint8)[:, None]
    pixels[10] = pixels[3]
    pixels[20] = np.clip(pixels[4].astype(int) + 9 + rng.integers(-1, 2, (32, 32)), 0, 255)
    pictures = Pictures.from_array(pixels)
    found = near_duplicates(pictures)
    assert found.exact.tolist() == [[3, 10]]
    assert [4, 20] in found.near.tolist()
    assert not len(found.across)
    parts = np.where(np.arange(50) < 10, "test", "train")
    found = near_duplicates(pictures, parts)
    assert {(3, 10), (4, 20)} <= set(map(tuple, found.across.tolist()))
    assert any("two parts of the split" in sentence for sentence in found.sentences(pictures.ids))


@settings(max_examples=20, deadline=None, database=None, derandomize=True)
@given(st.integers(0, 1000), st.booleans())
def test_the_quick_search_finds_what_comparing_all_pairs_finds(seed: int, parted: bool) -> None:
    rng = np.random.default_rng(seed)
    base = np.kron(rng.normal(size=(6, 1, 8, 8)), np.ones((2, 2)))
    pixels = (base[rng.integers(0, 6, 40)] + 0.05 * rng.normal(size=(40, 1, 16, 16))).astype(np.float32)
    parts = rng.integers(0, 3, 40) if parted else None
    flat = pixels.reshape(40, -1) - pixels.reshape(40, -1).mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    found = near_duplicates(Pictures.from_array(pixels), parts).near.tolist()

    def pairs(least: float) -> set[tuple[int, int]]:
        alike = np.argwhere(np.triu(flat @ flat.T >= least, 1)).tolist()
        return {(a, b) for a, b in alike if parts is None or parts[a] != parts[b]}

    # between the two limits the small versions have a say
    assert pairs(0.997) <= set(map(tuple, found)) <= pairs(0.9929)
