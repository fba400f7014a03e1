"""Isthmus through its estimators, as the README shows them."""

from typing import Any

import numpy as np
import torch

from benchmarks.cases import Case
from benchmarks.parties import Contender, Job, Reconstruct, Step, chunks
from isthmus import VAE, Autoencoder, __version__
from isthmus.nets.conv import Conv
from isthmus.nets.mlp import MLP
from isthmus.train.watchers import Watcher

__all__ = ["Party"]

NETS: dict[str, tuple[type, dict[str, Any]]] = {
    "mlp": (MLP, {"hidden": (500, 500), "activation": "relu"}),
    "conv004": (
        Conv,
        {
            "channels": (8, 16, 32),
            "kernel": 3,
            "stride": 2,
            "padding": (1, 1, 0),
            "hidden": (128,),
            "batch_norm": True,
            "activation": "relu",
        },
    ),
    "vae5x5": (Conv, {"channels": (16, 32), "kernel": 5, "stride": 1, "padding": 0, "activation": "relu"}),
    "conv": (Conv, {"channels": (32, 64), "kernel": 4, "stride": 2, "padding": 1, "activation": "relu"}),
}


class Gate(Watcher):
    """Passes the gate after every step."""

    def __init__(self, step: Step, model: Autoencoder | VAE) -> None:
        self.step, self.reconstruct = step, _reconstruct_with(model)

    def on_step(self, done: int) -> None:
        self.step(self.reconstruct)


class Isthmus(Contender):
    """Autoencoder and VAE of Isthmus."""

    precisions = ("float32", "bfloat16")

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "isthmus": __version__}

    def parameters(self, case: Case) -> int:
        model = _model(Job(case.name, 1, 8))
        model.fit(np.random.default_rng(0).integers(0, 255, (8, 28, 28), np.uint8))
        return sum(p.numel() for p in model.net_.parameters())

    def train(self, job: Job, pictures: np.ndarray, step: Step) -> None:
        model = _model(job)
        model.fit(pictures, watchers=[Gate(step, model)])


def _model(job: Job) -> Autoencoder | VAE:
    kind = VAE if job.network.variational else Autoencoder
    net, shape = NETS[job.case]
    return kind(
        latent=job.network.latent,
        net=net(**shape),
        epochs=job.epochs,
        batch_size=job.batch,
        optimiser=job.optimiser,
        learning_rate=job.learning_rate,
        schedule=job.schedule,
        warm_up=0.0 if job.schedule == "constant" else 0.05,
        precision="bf16" if job.precision == "bfloat16" else "float32",
        spikes=0.0,  # what the peers do not do is not timed
        device=job.device,
        seed=job.seed,
    )


def _reconstruct_with(model: Autoencoder | VAE) -> Reconstruct:
    """The network as it is used; whatever was in training mode is so again afterwards."""

    @torch.no_grad()
    def reconstruct(pictures: np.ndarray) -> np.ndarray:
        learning = [module for module in model.net_.modules() if module.training]
        model.net_.eval()
        parts = [model.decode(model.encode(model.tensor(part)).mean)[:, 0].cpu().numpy() for part in chunks(pictures)]
        for module in learning:
            module.training = True
        return np.concatenate(parts)

    return reconstruct


Party = Isthmus
