"""Laws of the Muon optimiser: what the polar factor is, who follows which rule, and exact continuation."""

import pytest
import torch
from torch import nn

from isthmus.train.muon import Muon, polar


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 6, 4, 2, 1, bias=False), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(96, 5), nn.Linear(5, 40)]
    return nn.Sequential(*layers)


def _train(net: nn.Module, optimiser: Muon, steps: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimiser.zero_grad()
        net(torch.randn(8, 2, 8, 8, generator=generator)).square().mean().backward()
        optimiser.step()


def _conditioned(rows: int, columns: int, condition: float) -> torch.Tensor:
    short = min(rows, columns)
    left = torch.linalg.qr(torch.randn(rows, short))[0]
    right = torch.linalg.qr(torch.randn(columns, short))[0]
    return left * torch.logspace(0, -torch.tensor(condition).log10().item(), short) @ right.T


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (16, 16), (64, 500)])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_polar_factor_has_singular_values_near_one_and_the_same_directions(
    shape: tuple[int, int], size: float
) -> None:
    torch.manual_seed(1)
    matrix = _conditioned(*shape, 20.0)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    (factor,) = polar([matrix * size])
    assert (torch.linalg.svdvals(factor) - 1).abs().max() < 0.03
    assert (factor - left @ right).abs().max() < 0.03


def test_a_zero_gradient_moves_nothing_and_a_rank_one_gradient_stays_of_rank_one() -> None:
    thin = torch.outer(torch.randn(5), torch.randn(7))
    zero, one = polar([torch.zeros(5, 7), thin])
    assert zero.abs().max() == 0
    assert float(torch.linalg.svdvals(one)[0]) == pytest.approx(1, abs=0.03)
    assert torch.linalg.svdvals(one)[1] < 0.05


def test_the_step_of_a_layer_is_the_rate_times_its_first_spectral_norm() -> None:
    net = _net()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimiser = Muon(net.parameters(), lr=0.01, momentum=0.0)
    _train(net, optimiser, 1, seed=3)
    for name in ("0.weight", "4.weight"):
        move = (net.get_parameter(name).detach() - before[name]).flatten(1)
        first = torch.linalg.matrix_norm(before[name].flatten(1), 2)
        assert float(torch.linalg.matrix_norm(move, 2) / first) == pytest.approx(0.01, rel=0.03)


def test_vectors_and_matrices_over_the_limit_follow_adam() -> None:
    net, twin = _net(), _net()
    names = [name for name, p in net.named_parameters() if p.ndim == 1 or name == "3.weight"]
    optimiser = Muon(net.parameters(), lr=0.02, largest=4, matrix_rate=1.0, vector_rate=1.0)
    adam = torch.optim.Adam(twin.parameters(), lr=0.02, betas=(0.9, 0.99))
    for seed in range(4):
        net.load_state_dict(twin.state_dict())
        _train(net, optimiser, 1, seed)
        _train(twin, adam, 1, seed)  # type: ignore[arg-type]
        for name in names:
            torch.testing.assert_close(net.get_parameter(name), twin.get_parameter(name), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_state_kept_as_flat_tensors_continues_to_the_bit(layout: torch.memory_format) -> None:
    straight = _net().to(memory_format=layout)
    optimiser = Muon(straight.parameters(), lr=0.02, weight_decay=0.01)
    _train(straight, optimiser, 3, seed=0)
    saved, weights = optimiser.state_dict(), {k: v.clone() for k, v in straight.state_dict().items()}
    flat = {
        (i, key): value.contiguous().flatten().clone() for i, s in saved["state"].items() for key, value in s.items()
    }
    shapes = {(i, key): value.shape for i, s in saved["state"].items() for key, value in s.items()}
    groups = [dict(group) for group in saved["param_groups"]]
    _train(straight, optimiser, 3, seed=1)

    resumed = _net().to(memory_format=layout)
    resumed.load_state_dict(weights)
    again = Muon(resumed.parameters(), lr=0.5)
    state: dict[int, dict[str, torch.Tensor]] = {}
    for (i, key), value in flat.items():
        state.setdefault(i, {})[key] = value.view(shapes[i, key])
    again.load_state_dict({"state": state, "param_groups": groups})
    _train(resumed, again, 3, seed=1)
    for one, two in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_memory_format_does_not_change_the_result() -> None:
    one, two = _net(), _net().to(memory_format=torch.channels_last)
    for net in (one, two):
        _train(net, Muon(net.parameters(), lr=0.02), 3, seed=0)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_a_layer_that_starts_at_zero_still_learns() -> None:
    layer = nn.Linear(6, 4)
    nn.init.zeros_(layer.weight)
    optimiser = Muon(layer.parameters(), lr=0.02)
    layer(torch.randn(8, 6)).sum().backward()
    optimiser.step()
    assert layer.weight.abs().max() > 0


def test_parameters_without_a_gradient_stay_and_bad_settings_are_refused() -> None:
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    Muon(layer.parameters(), weight_decay=0.1).step()
    assert torch.equal(layer.weight, before)
    with pytest.raises(ValueError, match="momentum"):
        Muon(layer.parameters(), momentum=1.0)
