"""The networks of `cases.py` as plain torch layers, for the parties that want networks written by hand."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.cases import CASES, Case

__all__ = ["Net", "decoder", "loss_of", "operations", "trunk"]


def trunk(name: str) -> tuple[nn.Sequential, int]:
    """The encoder up to its last hidden layer, and that layer's width."""
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 500), nn.ReLU()), 500
    if name == "conv004":
        shapes = [(1, 8, 1), (8, 16, 1), (16, 32, 0)]
        body = [
            part
            for wide, out, padding in shapes
            for part in (nn.Conv2d(wide, out, 3, 2, padding), nn.BatchNorm2d(out), nn.ReLU())
        ]
        return nn.Sequential(*body, nn.Flatten(), nn.Linear(288, 128), nn.ReLU()), 128
    if name == "vae5x5":
        return nn.Sequential(nn.Conv2d(1, 16, 5), nn.ReLU(), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.Flatten()), 12800
    body = [nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*body), 3136


def decoder(name: str) -> nn.Sequential:
    """From codes to pictures in [0, 1], shaped (n, 1, 28, 28)."""
    latent = CASES[name].latent
    if name == "mlp":
        body = [nn.Linear(latent, 500), nn.ReLU(), nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 784)]
        return nn.Sequential(*body, nn.Unflatten(1, (1, 28, 28)), nn.Sigmoid())
    if name == "conv004":
        body = [nn.Linear(latent, 128), nn.ReLU(), nn.Linear(128, 288), nn.ReLU(), nn.Unflatten(1, (32, 3, 3))]
        body += [nn.ConvTranspose2d(32, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU()]
        body += [nn.ConvTranspose2d(16, 8, 3, 2, 1, 1), nn.BatchNorm2d(8), nn.ReLU()]
        return nn.Sequential(*body, nn.ConvTranspose2d(8, 1, 3, 2, 1, 1), nn.Sigmoid())
    if name == "vae5x5":
        body = [nn.Linear(latent, 12800), nn.ReLU(), nn.Unflatten(1, (32, 20, 20))]
        return nn.Sequential(
            *body, nn.ConvTranspose2d(32, 16, 5), nn.ReLU(), nn.ConvTranspose2d(16, 1, 5), nn.Sigmoid()
        )
    body = [nn.Linear(latent, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)), nn.ConvTranspose2d(64, 32, 4, 2, 1)]
    return nn.Sequential(*body, nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Sigmoid())


class Net(nn.Module):
    """The module a tutorial writes: encode, draw the code where the model is a VAE, decode."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case
        self.trunk, width = trunk(case.name)
        self.mean = nn.Linear(width, case.latent)
        self.logvar = nn.Linear(width, case.latent) if case.variational else None
        self.decoder = decoder(case.name)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        hidden = self.trunk(pixels)
        mean = self.mean(hidden)
        if self.logvar is None:
            return self.decoder(mean), mean, None
        logvar = self.logvar(hidden)
        code = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        return self.decoder(code), mean, logvar

    def reconstruct(self, pixels: Tensor) -> Tensor:
        """The picture of the mean code."""
        return self.decoder(self.mean(self.trunk(pixels)))


def loss_of(net: Net, pixels: Tensor) -> Tensor:
    """Mean squared error, or cross-entropy plus KL summed over each picture."""
    picture, mean, logvar = net(pixels)
    if logvar is None:
        return functional.mse_loss(picture, pixels)
    cross = functional.binary_cross_entropy(picture, pixels, reduction="sum")
    kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
    return (cross + kl) / len(pixels)


def operations(case: Case) -> float:
    """Floating-point operations of one training step for one picture: matrix products and convolutions, both ways."""
    from torch.utils.flop_counter import FlopCounterMode

    net, pixels = Net(case), torch.rand(case.batch, 1, 28, 28)
    with FlopCounterMode(display=False) as counter:
        loss_of(net, pixels).backward()
    return counter.get_total_flops() / case.batch
