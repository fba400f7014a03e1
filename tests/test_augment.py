"""Views: keyed by picture, within bounds, chosen by what the pictures are; and the encoder that is trained on them."""

import numpy as np
import pytest
import torch

from isthmus import Contrastive
from isthmus.augment import View, habits_for, view
from isthmus.errors import DataError
from isthmus.nets.pooled import Pooled
from isthmus.rng import Noise
from isthmus.terms.contrast import contrast


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    from sklearn.datasets import load_digits

    return torch.tensor(load_digits().images / 16, dtype=torch.float32)[:, None]


def keys(n: int) -> torch.Tensor:
    return torch.arange(n, dtype=torch.int64) * 7919


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
@pytest.mark.parametrize("ground", [0.0, 1.0, None])
def test_a_view_is_a_picture_of_the_same_size_in_the_same_range(channels: int, ground: float | None) -> None:
    x = torch.rand(6, channels, 9, 14)
    how = View(mirror=True, quarters=True, ground=ground, colour=0.4 if channels == 3 else 0.0)
    seen = view(x, Noise(keys(6), 0), how, "one")
    assert seen.shape == x.shape
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1


def test_a_picture_has_the_same_view_in_any_company_and_another_under_another_name(digits: torch.Tensor) -> None:
    x, k, how = digits[:8], keys(8), View(mirror=True)
    whole = view(x, Noise(k, 0, 3), how, "one")
    torch.testing.assert_close(view(x[2:5], Noise(k[2:5], 0, 3), how, "one"), whole[2:5])
    for other in (view(x, Noise(k, 0, 3), how, "two"), view(x, Noise(k, 0, 4), how, "one")):
        assert (other - whole).abs().mean() > 0.01


def test_a_view_that_may_not_stray_is_the_picture(digits: torch.Tensor) -> None:
    still = View(zoom=(1, 1), shift=0, turn=0, stretch=0, shear=0, gamma=0, gain=0, cover=0)
    torch.testing.assert_close(view(digits[:5], Noise(keys(5), 0), still, "one"), digits[:5].clamp_min(1e-4))


def test_writing_is_not_mirrored_and_what_has_no_side_is() -> None:
    generator = torch.Generator().manual_seed(0)
    blobs = torch.nn.functional.interpolate(torch.rand(3000, 1, 3, 3, generator=generator), 12, mode="bilinear")
    assert habits_for(blobs).view.mirror
    assert habits_for(blobs).view.quarters
    corner = torch.zeros(400, 1, 12, 12)
    corner[:, :, :5, :5] = torch.rand(400, 1, 5, 5, generator=generator)
    assert not habits_for(corner).view.mirror
    assert habits_for(corner, mirror="yes").view.mirror
    assert not habits_for(blobs, mirror="no", quarters="no").view.mirror


def test_what_is_chosen_does_not_hang_on_the_order_of_the_pile(digits: torch.Tensor) -> None:
    """A folder of classes is sorted by class: half of these have a side, half have none."""
    generator = torch.Generator().manual_seed(0)
    blobs = torch.nn.functional.interpolate(torch.rand(3000, 1, 3, 3, generator=generator), 8, mode="bilinear")
    pile = torch.cat([digits, digits, blobs])
    reasons = {habits_for(order).reason[:60] for order in (pile, pile.flip(0))}
    shuffled = habits_for(pile[torch.randperm(len(pile), generator=generator)])
    assert {reason[:20] for reason in reasons} == {shuffled.reason[:20]}


def test_pictures_that_are_not_square_are_not_turned_by_quarters() -> None:
    blobs = torch.nn.functional.interpolate(torch.rand(300, 1, 3, 3), (16, 40), mode="bilinear")
    assert not habits_for(blobs).view.quarters


@pytest.mark.parametrize("n", [1, 2, 5])
def test_piles_of_hardly_any_picture_are_looked_at_too(n: int) -> None:
    assert habits_for(torch.rand(n, 1, 8, 8)).reason


def test_a_partner_is_found_when_views_agree_and_one_value_belongs_to_each_picture() -> None:
    rows = torch.nn.functional.normalize(torch.randn(16, 8), dim=1)
    alike, strange = contrast(rows, rows, 0.1), contrast(rows, rows.flip(0), 0.1)
    assert alike.shape == (16,)
    assert alike.mean() < strange.mean()


# -- the model --------------------------------------------------------------------------------------------------------


def test_batch_norm_is_settled_on_the_pictures_themselves(digits: torch.Tensor) -> None:
    """A last batch of one picture must not weigh as much as 512 others."""
    x = (digits[:513] * 16).to(torch.uint8).numpy()
    model = Contrastive(epochs=1, latent=4, precision="float32", batch_size=128, decoder_epochs=0).fit(x)
    convolution, norm = list(next(model.net_["encoder"].children()))[:2]
    with torch.no_grad():
        seen = convolution(model.tensor(x)).mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, seen, rtol=0.02, atol=0.02)


def test_what_the_user_says_about_mirrors_is_what_classifiers_do(digits: torch.Tensor) -> None:
    from isthmus.classify.features import Features

    x = torch.nn.functional.interpolate(torch.rand(100, 1, 3, 3), 8, mode="bilinear").numpy()
    for told in (True, False):
        model = Contrastive(epochs=1, latent=4, precision="float32", mirror="yes" if told else "no").fit(x)
        assert Features.learn(model, x).mirrored is told


def test_how_views_were_chosen_is_told(digits: torch.Tensor) -> None:
    model = Contrastive(epochs=1, latent=4, precision="float32").fit(digits[:200].numpy())
    assert any("not mirrored" in remark for remark in model.remarks_)


def test_values_that_cannot_be_relit_are_refused() -> None:
    x = np.random.default_rng(0).normal(size=(40, 8, 8)).astype(np.float32)
    with pytest.raises(DataError, match="cannot be relit"):
        Contrastive(epochs=1, scale="none").fit(x)
    Contrastive(epochs=1, latent=4, precision="float32").fit(x)


def test_hidden_layers_come_after_the_mean() -> None:
    encoder = Pooled(hidden=(16,)).encoder((1, 28, 28), 4)
    assert encoder(torch.rand(2, 1, 28, 28)).shape == (2, 4)
    assert [m.in_features for m in encoder.modules() if isinstance(m, torch.nn.Linear)] == [256, 16]
