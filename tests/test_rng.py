"""Random numbers are a function of their key: not of position, process, batch or machine."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from isthmus.keys import keys_of, stream
from isthmus.rng import Noise, permutation


def noise(ids: range, *parts: object) -> Noise:
    return Noise(torch.from_numpy(keys_of(map(str, ids))), *parts)


def test_keys_and_streams_are_the_same_everywhere() -> None:
    assert keys_of(["a", "0", "ä/ö.png"]).tolist() == [3405396810240292928, 8493733112532773764, 2782959016376846179]
    assert stream(0, "shuffle", 3) == 2074440345757358946
    program = "from isthmus.keys import keys_of, stream; print(keys_of(['a'])[0], stream(0, 'shuffle', 3))"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert other == [str(keys_of(["a"])[0]), str(stream(0, "shuffle", 3))]


def test_parts_of_a_key_do_not_run_together() -> None:
    assert len({stream(1, 23), stream(12, 3), stream("1", "2", "3"), stream(123)}) == 4


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_a_picture_s_noise_is_its_own_in_any_batch_and_order(kind: str) -> None:
    whole = getattr(noise(range(64), 0, 1), kind)("latent", 3, 5)
    order = np.random.default_rng(0).permutation(64)
    keys = keys_of(map(str, range(64)))
    for rows in (order, order[:1], order[10:27]):
        part = getattr(Noise(torch.from_numpy(keys[rows]), 0, 1), kind)("latent", 3, 5)
        assert torch.equal(part, whole[torch.from_numpy(rows)])


def test_seeds_epochs_purposes_and_pictures_have_other_noise() -> None:
    draws = [
        noise(range(1000), 0, 1).normal("latent", 4),
        noise(range(1000), 1, 1).normal("latent", 4),
        noise(range(1000), 0, 2).normal("latent", 4),
        noise(range(1000), 0, 1).normal("binarise", 4),
        noise(range(1000, 2000), 0, 1).normal("latent", 4),
    ]
    for i, one in enumerate(draws):
        for other in draws[i + 1 :]:
            assert abs(np.corrcoef(one.flatten(), other.flatten())[0, 1]) < 0.07
    columns = np.corrcoef(draws[0].T)
    assert np.abs(columns - np.eye(4)).max() < 0.15


def test_uniform_noise_is_uniform_and_never_0_or_1() -> None:
    from scipy.stats import kstest

    drawn = noise(range(20_000), 0).uniform("law", 5)
    assert drawn.shape == (20_000, 5)
    assert drawn.dtype == torch.float32
    assert drawn.min() > 0
    assert drawn.max() < 1
    assert kstest(drawn.flatten().double().numpy(), "uniform").pvalue > 1e-3
    # Neighbouring keys, as a counter would give, are no better related than any others.
    counted = Noise(torch.arange(20_000), 0).uniform("law", 5)
    assert kstest(counted.flatten().double().numpy(), "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(counted[:-1, 0], counted[1:, 0])[0, 1]) < 0.03


@pytest.mark.parametrize("shape", [(1,), (7,), (2, 3), (1, 8, 8)])
def test_normal_noise_is_normal(shape: tuple[int, ...]) -> None:
    from scipy.stats import kstest

    drawn = noise(range(8_000), 0).normal("law", *shape)
    assert drawn.shape == (8_000, *shape)
    assert torch.isfinite(drawn).all()
    assert kstest(drawn.flatten().double().numpy()[:40_000], "norm").pvalue > 1e-3


def test_a_permutation_holds_every_row_once_and_is_that_of_its_key() -> None:
    one = permutation(100, 0, "shuffle", 1)
    assert sorted(one.tolist()) == list(range(100))
    assert torch.equal(one, permutation(100, 0, "shuffle", 1))
    assert not torch.equal(one, permutation(100, 0, "shuffle", 2))


def test_drawing_touches_no_global_state() -> None:
    before = torch.get_rng_state()
    noise(range(10), 0).normal("law", 3), permutation(10, 0)
    assert torch.equal(before, torch.get_rng_state())
