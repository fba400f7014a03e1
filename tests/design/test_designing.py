"""Pictures that meet a specification, on digits and PCA, and what is said of them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus import PCA
from isthmus.design import design
from isthmus.design.asked import Asked
from isthmus.design.designing import worked_out
from isthmus.design.guide import Guides
from isthmus.design.known import columns_of, halves
from isthmus.design.lessons import half_of
from isthmus.design.spec import read_spec
from isthmus.design.wishes import Class, Range
from isthmus.design.workshop import Workshop
from isthmus.errors import IsthmusError
from isthmus.images.pictures import Pictures


def asked(shop: Workshop, text: str, n: int = 20, **how: object) -> Asked:
    return replace(Asked(read_spec(text, shop.words)[0], n=n), **how)


def test_a_class_is_got_and_somebody_else_says_so(shop: Workshop) -> None:
    made = worked_out(shop, asked(shop, "class=7", 40), shop.guides(()), shop.judge(()))
    by_judge = made.by_judge()
    assert by_judge is not None and by_judge.value > 0.8 and made.by_guides().value > 0.9
    assert (
        made.verdict().startswith("guides say ") and "; the judge says " in made.verdict() and "gap" in made.verdict()
    )
    assert made.drawn.shape == (40, 8, 8) and made.drawn.dtype == np.uint8
    assert made.codes.shape == (40, 20)
    assert len(np.unique(made.pictures.flatten(1).numpy().round(3), axis=0)) > 30
    rows = made.rows()
    assert {"design", "success", "guides", "judge", "class", "certainty", "nearest", "like", "steps"} <= set(rows[0])
    json.dumps(rows, allow_nan=False)
    assert sorted(made.films) == list(range(8))
    assert torch.allclose(made.films[0][-1], made.pictures[0], atol=1e-5)


def test_guides_and_judge_share_no_picture(shop: Workshop) -> None:
    first = shop.first
    assert 0.4 < first.mean() < 0.6
    taught = half_of(shop, ())
    assert len(taught.pictures) == first.sum()
    oracle = shop.judge(()).oracle
    assert oracle is not None and oracle.trained_on.startswith(f"{(~first).sum()}x")
    assert oracle.seed != shop.seed


def test_what_stays_together_in_splits_is_in_one_half(piles: tuple[Pictures, Pictures]) -> None:
    pile = piles[0]
    hands = {"patient": np.array([f"p{i // 7}" for i in range(len(pile))], dtype=object)}
    grouped = replace(pile, columns=hands, source={"group": "patient"})
    half = halves(grouped, 3)
    for patient in np.unique(hands["patient"]):
        assert len(np.unique(half[hands["patient"] == patient])) == 1
    assert not np.array_equal(halves(grouped, 3), halves(grouped, 4))
    assert np.array_equal(halves(pile, 0)[:50], halves(pile.take(np.arange(50)), 0))


def test_attributes_are_columns_or_measured(shop: Workshop) -> None:
    assert set(columns_of(shop.training)) == {"mean"}
    assert {"mean", "area", "thickness", "slant"} == set(shop.words.attributes or {})
    made = worked_out(shop, asked(shop, "area=22..26", 30), shop.guides(("area",)), shop.judge(("area",)))
    assert made.judged is not None and made.judged.mean() > 0.6
    column = worked_out(shop, asked(shop, "mean=5.3..6", 30), shop.guides(("mean",)), shop.judge(("mean",)))
    assert column.judged is not None and column.judged.mean() > 0.5
    assert shop.judge(("mean",)).trust["mean"].value < 0.6


def test_near_a_picture_little_changes(shop: Workshop, piles: tuple[Pictures, Pictures]) -> None:
    near = piles[1].take(np.flatnonzero(piles[1].labels == 4)[:1])
    x = shop.model.tensor(near).float()
    made = worked_out(shop, asked(shop, "class=9", 4, near=x), shop.guides(()), shop.judge(()))
    bank = shop.pictures[torch.from_numpy(shop.training.labels == 9)]
    to_real = (bank - x).flatten(1).square().sum(1).min()
    assert made.granted.all()
    assert (made.pictures - x).flatten(1).square().sum(1).max() < to_real
    assert made.change is not None and (made.change > 0).all()
    own = worked_out(shop, asked(shop, "class=4", 2, near=x), shop.guides(()), shop.judge(()))
    assert own.change is not None and made.change is not None and own.change.max() < made.change.min()
    assert len(np.unique(made.codes.round(4), axis=0)) == 4


def test_what_is_kept_is_not_touched(shop: Workshop, piles: tuple[Pictures, Pictures]) -> None:
    x = shop.model.tensor(piles[1].take(np.arange(1))).float()
    free = torch.zeros(8, 8)
    free[4:] = 1
    made = worked_out(shop, asked(shop, "class=5", 12, given=x, free=free), shop.guides(()), shop.judge(()))
    assert float(((made.pictures - x) * (1 - free)).abs().max()) == 0
    assert float((made.pictures - x)[:, :, 4:].abs().max()) > 0.05


def test_the_function_that_users_call(piles: tuple[Pictures, Pictures], shop: Workshop) -> None:
    made = design(shop.model, "class=3", shop, n=5)
    assert len(made) == 5
    bright = design(shop.model, lambda x: (0.025 - x.flatten(1).mean(1)).clamp_min(0), shop, n=3, judge=shop.judge(()))
    assert bright.success.all() and (bright.pictures.flatten(1).mean(1) >= 0.025 - 1e-5).all()
    seven = Class("seven", classes=(7,))
    told = design(shop.model, seven, shop, n=3, guide=lambda x: 50 * (x.flatten(1) @ torch.ones(64, 10)))
    assert (not told.granted.any() and told.closest() is None) or isinstance(told.closest(), str)
    again = design(shop.model, "class=3", shop, n=5)
    assert np.array_equal(again.codes, made.codes)
    other = design(shop.model, "class=3", shop, n=5, seed=1)
    assert not np.array_equal(other.codes, made.codes)


def test_what_cannot_be_met_says_what_came_closest(shop: Workshop) -> None:
    made = worked_out(shop, asked(shop, "area>300", 4), shop.guides(("area",)), shop.judge(("area",)))
    assert not made.success.any()
    assert made.closest() is not None and "not met; the closest was design" in str(made.closest())


def test_every_way_of_staying_where_the_data_are_does_something(shop: Workshop) -> None:
    guides, judge = shop.guides(()), shop.judge(())
    plain = worked_out(shop, asked(shop, "class=2", 10, start="pictures"), guides, judge)
    for name, weight in (("density", 1.0), ("trust", 0.05), ("consistent", 5.0), ("apart", 5.0)):
        other = worked_out(shop, asked(shop, "class=2", 10, start="pictures", **{name: weight}), guides, judge)
        assert len(other) == 10 and not np.allclose(other.loss, plain.loss), name


def test_starts_by_name(shop: Workshop) -> None:
    for start in ("moved", "pictures", "drawn"):
        made = worked_out(shop, asked(shop, "class=1", 5, start=start), shop.guides(()), shop.judge(()))
        assert len(made) == 5
    with pytest.raises(IsthmusError, match="no start called 'here'"):
        worked_out(shop, asked(shop, "class=1", 5, start="here"), shop.guides(()), shop.judge(()))


def test_guides_are_kept_and_equal_when_read_again(shop: Workshop, tmp_path: Path) -> None:
    guides = shop.guides(())
    guides.save(tmp_path / "g.safetensors")
    read = Guides.load(tmp_path / "g.safetensors")
    one, other = guides.told(shop.pictures[:50]), read.told(shop.pictures[:50])
    assert one.classes is not None and other.classes is not None and torch.equal(one.classes, other.classes)
    before = {path.name: path.stat().st_mtime_ns for path in Path(str(shop.folder)).iterdir()}
    shop.guides(())
    assert before == {path.name: path.stat().st_mtime_ns for path in Path(str(shop.folder)).iterdir()}
    (tmp_path / "g.safetensors").write_bytes(b"not this")
    with pytest.raises(IsthmusError, match="cannot be read"):
        Guides.load(tmp_path / "g.safetensors")


def test_no_labels_no_classes(piles: tuple[Pictures, Pictures]) -> None:
    pile = replace(piles[0], labels=np.full(len(piles[0]), -1), columns={})
    model = PCA(latent=8).fit(pile)
    with pytest.raises(IsthmusError, match="no picture has a label"):
        design(model, "class=3", pile, n=2)


# -- what a reading found ---------------------------------------------------------------------------------------------


def test_rare_values_are_drawn_as_often_as_others_where_that_is_asked(shop: Workshop) -> None:
    from isthmus.design.starts import moved

    values = shop.numbers("area")
    low, high = (float(end) for end in np.quantile(values, [0.01, 0.99]))
    wish = Range("area", 1.0, "area", low, high)
    as_they_are, evenly = (moved(shop, Asked((wish,), n=300, evenly=evenly)) for evenly in (False, True))
    spreads = [shop.decode(codes).flatten(1).sum(1).std() for codes in (as_they_are, evenly)]
    assert not torch.equal(as_they_are, evenly)
    assert spreads[1] > 1.1 * spreads[0]


def test_a_class_that_a_half_has_no_label_of_is_refused(piles: tuple[Pictures, Pictures], shop: Workshop) -> None:
    for half in (shop.first, ~shop.first):
        labels = np.where(half & (shop.training.labels == 9), -1, shop.training.labels)
        pile = replace(shop.training, labels=labels)
        with pytest.raises(IsthmusError, match="no picture of the half that (guides learn|the judge learns) from"):
            design(shop.model, "class=9", pile, n=2)


def test_few_groups_are_shared_out(piles: tuple[Pictures, Pictures]) -> None:
    pile = piles[0]
    for count in (2, 3):
        patients = np.array([f"p{i % count}" for i in range(len(pile))], dtype=object)
        grouped = replace(pile, columns={"patient": patients}, source={"group": "patient"})
        for seed in range(6):
            assert 0 < halves(grouped, seed).mean() < 1
    alone = replace(pile, columns={"patient": np.array(["p"] * len(pile), dtype=object)}, source={"group": "patient"})
    with pytest.raises(IsthmusError, match="all pictures are of one group"):
        halves(alone, 0)


def test_a_name_of_a_column_is_no_name_of_a_file(piles: tuple[Pictures, Pictures], tmp_path: Path) -> None:
    pile = piles[0].take(np.arange(400))
    pile.columns["../../escaped"] = pile.columns["mean"]
    shop = Workshop(PCA(latent=8).fit(pile), pile, count=1, folder=tmp_path / "in" / "designs")
    shop.guides(("../../escaped",))
    assert not list(tmp_path.glob("*escaped*")) and not list(tmp_path.glob("*.safetensors"))
    again = shop.guides(("../../escaped",))
    assert again.names == ("../../escaped",)


def test_the_second_run_has_the_numbers_of_the_first(shop: Workshop, tmp_path: Path) -> None:
    first = Workshop(shop.model, shop.training, folder=tmp_path)
    second = Workshop(shop.model, shop.training, folder=tmp_path)
    assert np.array_equal(first.numbers("thickness"), second.numbers("thickness"))


def test_a_function_needs_no_label(piles: tuple[Pictures, Pictures]) -> None:
    pile = replace(piles[0], labels=np.full(len(piles[0]), -1), columns={})
    made = design(PCA(latent=8).fit(pile), lambda x: (0.02 - x.flatten(1).mean(1)).clamp_min(0), pile, n=3)
    assert made.success.all()


def test_pictures_mask_and_start_go_together(shop: Workshop, piles: tuple[Pictures, Pictures]) -> None:
    near = piles[1].take(np.arange(3))
    with pytest.raises(IsthmusError, match="3 pictures are given for 5 designs"):
        design(shop.model, "class=1", shop, n=5, near=near)
    with pytest.raises(IsthmusError, match=r"the mask is \(4, 4\)"):
        design(shop.model, "class=1", shop, n=3, near=near, keep=np.ones((4, 4)))
    with pytest.raises(IsthmusError, match="no given picture"):
        design(shop.model, "class=1", shop, n=3, start="given")
    with pytest.raises(IsthmusError, match="training pictures are a ndarray"):
        design(shop.model, "class=1", near.pixels, n=3)
    bright = replace(near, pixels=near.pixels.astype(np.float32) * 40)
    with pytest.raises(IsthmusError):
        design(shop.model, "class=1", shop, n=3, near=bright)


def test_a_model_that_does_not_encode_designs_from_its_prior(piles: tuple[Pictures, Pictures]) -> None:
    from isthmus import GAN

    pile = piles[0].take(np.arange(600))
    made = design(GAN(net="mlp", latent=4, epochs=1).fit(pile), "class=1", pile, n=4)
    assert len(made) == 4 and made.again is None
