"""The loop of the PyTorch tutorials: a DataLoader over a TensorDataset, Adam, and `loss.item()` added up."""

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.cases import Case
from benchmarks.layers import Net, loss_of
from benchmarks.parties import Contender, Job, Reconstruct, Step, chunks

__all__ = ["Party", "as_tensor", "reconstruct_with"]


def as_tensor(pictures: np.ndarray) -> torch.Tensor:
    """What torchvision's ToTensor makes of the pictures, all at once."""
    return torch.from_numpy(pictures).float().div(255).unsqueeze(1)


def reconstruct_with(net: Net) -> Reconstruct:
    """The network as a function on pictures; batch norm uses its running averages."""

    @torch.no_grad()
    def reconstruct(pictures: np.ndarray) -> np.ndarray:
        was = net.training
        net.eval()
        device = next(net.parameters()).device
        parts = [net.reconstruct(as_tensor(part).to(device))[:, 0].cpu().numpy() for part in chunks(pictures)]
        net.train(was)
        return np.concatenate(parts)

    return reconstruct


class Tutorial(Contender):
    """No library but torch."""

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def parameters(self, case: Case) -> int:
        return sum(p.numel() for p in Net(case).parameters())

    def train(self, job: Job, pictures: np.ndarray, step: Step) -> None:
        torch.manual_seed(job.seed)
        loader = DataLoader(TensorDataset(as_tensor(pictures)), batch_size=job.batch, shuffle=True)
        net = Net(job.network).to(job.device)
        optimiser = torch.optim.Adam(net.parameters(), lr=job.learning_rate)
        reconstruct = reconstruct_with(net)
        for _ in range(round(job.epochs)):
            running = 0.0
            for (pixels,) in loader:
                optimiser.zero_grad()
                loss = loss_of(net, pixels.to(job.device))
                loss.backward()
                optimiser.step()
                running += loss.item()
                step(reconstruct)


Party = Tutorial
