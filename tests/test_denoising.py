"""Pictures damaged in training and whole in use: what is damaged, by how much, and that nothing else differs."""

import numpy as np
import pytest
import torch

from isthmus import Denoising
from isthmus.errors import UsageError
from isthmus.keys import keys_of
from isthmus.nets.conv import Conv
from isthmus.nets.mlp import MLP
from isthmus.rng import Noise

BRIEF = {"latent": 3, "epochs": 1, "batch_size": 32, "precision": "float32"}


def noise_for(n: int, epoch: int = 0) -> Noise:
    return Noise(torch.from_numpy(keys_of(map(str, range(n)))), "damage", epoch)


def masking(shape: tuple[int, ...], masked: float, patch: int, noise: float = 0.0) -> Denoising:
    model = Denoising(noise=noise, masked=masked, patch=patch, whole=0)
    model.shape_ = shape
    return model


def test_noise_has_its_spread_and_is_another_every_epoch() -> None:
    x = torch.full((500, 1, 8, 8), 0.5)
    model = masking((1, 8, 8), 0.0, 4, noise=0.3)
    seen = model.damaged(x, noise_for(500))
    assert seen.mean().item() == pytest.approx(0.5, abs=0.01)
    assert seen.std().item() == pytest.approx(0.3, rel=0.02)
    assert torch.equal(seen, model.damaged(x, noise_for(500)))
    assert not torch.equal(seen, model.damaged(x, noise_for(500, epoch=1)))


def test_a_picture_is_damaged_the_same_in_any_company() -> None:
    x = torch.rand(40, 2, 9, 7, generator=torch.Generator().manual_seed(0))
    model = masking((2, 9, 7), 0.4, 3, noise=0.1)
    whole, noise = model.damaged(x, noise_for(40)), noise_for(40)
    part = Noise(noise.keys[13:20], *noise.parts)
    assert torch.equal(model.damaged(x[13:20], part), whole[13:20])


@pytest.mark.parametrize("masked", [0.25, 0.5, 0.75])
def test_so_many_squares_are_covered_by_the_picture_s_mean_in_all_channels(masked: float) -> None:
    x = torch.rand(200, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = masking((3, 16, 16), masked, 4).damaged(x, noise_for(200))
    changed = (seen != x).all(1)
    assert torch.equal(changed, (seen != x).any(1))
    squares = changed.view(200, 4, 4, 4, 4).permute(0, 1, 3, 2, 4).flatten(3)
    assert torch.equal(squares.all(3), squares.any(3)), "a square is covered whole or not at all"
    assert (squares.all(3).flatten(1).sum(1) == round(16 * masked)).all()
    means = x.flatten(1).mean(1)[:, None, None, None].expand_as(x)
    assert torch.equal(torch.where(changed[:, None], means, x), seen)
    often = squares.all(3).flatten(1).float().mean(0)
    assert (often - masked).abs().max() < 0.15, "every square is as likely as any other"


def test_some_pictures_are_left_whole_and_others_in_another_epoch() -> None:
    x = torch.rand(2000, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model = masking((1, 8, 8), 0.5, 2, noise=0.1).set_params(whole=0.25)
    whole = [(model.damaged(x, noise_for(2000, epoch)) == x).flatten(1).all(1) for epoch in (0, 1)]
    for left in whole:
        assert left.float().mean().item() == pytest.approx(0.25, abs=0.04)
    assert (whole[0] & whole[1]).float().mean().item() == pytest.approx(0.25**2, abs=0.02)
    assert torch.equal(model.set_params(whole=1.0).damaged(x, noise_for(2000)), x)


@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 9, 4), (1, 5, 13), (1, 1, 13), (3, 2, 2), (64,), (13,), (2,)])
@pytest.mark.parametrize("masked", [0.01, 0.5, 0.99])
def test_squares_fit_any_shape_and_leave_something_to_see(shape: tuple[int, ...], masked: float) -> None:
    patch = 1 if shape in [(3, 2, 2), (2,)] else 4
    x = torch.rand(20, *shape, generator=torch.Generator().manual_seed(0))
    changed = (masking(shape, masked, patch).damaged(x, noise_for(20)) != x).flatten(1)
    assert changed.any(1).all()
    assert not changed.all(1).any()


def test_masked_pictures_train_a_model_of_tables_and_of_pictures(digits: np.ndarray) -> None:
    rows = digits[:300].reshape(300, 64)
    for x in (digits[:300], rows):
        model = Denoising(noise=0.1, masked=0.5, patch=2, **(BRIEF | {"epochs": 20})).fit(x)
        untaught = Denoising(masked=0.5, patch=2, **(BRIEF | {"epochs": 0})).fit(x)
        assert model.score(x) > untaught.score(x)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"masked": 1.0}, "masked is 1"), ({"masked": 0.5, "patch": 8}, "patch of 8 covers all of 8 x 8")],
)
def test_a_picture_that_is_covered_whole_is_refused(fields: dict[str, float], words: str, digits: np.ndarray) -> None:
    with pytest.raises(UsageError, match=words):
        Denoising(**fields, **BRIEF).fit(digits[:40])


@pytest.mark.parametrize("net", [Conv(channels=(8, 16), batch_norm=True), MLP(hidden=(32,), batch_norm=True)])
def test_batch_norm_is_that_of_whole_pictures(net: Conv | MLP, digits: np.ndarray) -> None:
    """On whole pictures, what a normalisation puts out has no mean and unit spread."""
    x = digits[:300]
    model = Denoising(net=net, noise=0.5, masked=0.5, patch=2, **BRIEF).fit(x)
    shown: dict[str, torch.Tensor] = {}
    norms = [(n, m) for n, m in model.net_.named_modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    assert len(norms) > 1
    for name, norm in norms:
        norm.register_forward_hook(lambda module, given, out, name=name: shown.update({name: given[0]}))
    with torch.no_grad():
        model.decode(model.encode(model.tensor(x)).mean)
    for name, norm in norms:
        axes = [axis for axis in range(shown[name].ndim) if axis != 1]
        torch.testing.assert_close(norm.running_mean, shown[name].mean(axes), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(norm.running_var, shown[name].var(axes), rtol=0.02, atol=1e-4)
