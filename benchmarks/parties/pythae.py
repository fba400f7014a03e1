"""pythae through its TrainingPipeline: our layers as its encoder and decoder, no checkpoints, no evaluation set.

Its progress bar is silenced by TQDM_DISABLE (the worker sets it); its final model is never written, because the
training is ended from outside. Its networks, loss, data set, loader and loop are its own.
"""

import logging
import tempfile
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from pythae.models import AE, VAE, AEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.pipelines import TrainingPipeline
from pythae.trainers import BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

from benchmarks.cases import Case
from benchmarks.layers import decoder, trunk
from benchmarks.parties import Contender, Job, Reconstruct, Step, chunks

__all__ = ["Party"]


class Encoder(BaseEncoder):
    """The case's layers behind pythae's interface."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.trunk, width = trunk(case.name)
        self.mean = nn.Linear(width, case.latent)
        self.logvar = nn.Linear(width, case.latent) if case.variational else None

    def forward(self, x: Tensor) -> ModelOutput:
        hidden = self.trunk(x)
        if self.logvar is None:
            return ModelOutput(embedding=self.mean(hidden))
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.logvar(hidden))


class Decoder(BaseDecoder):
    """The case's layers behind pythae's interface."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.layers = decoder(case.name)

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z))


class Gate(TrainingCallback):
    """Passes the gate after every step."""

    def __init__(self, step: Step, model: AE | VAE) -> None:
        self.step, self.reconstruct = step, _reconstruct_with(model)

    def on_train_step_end(self, training_config: BaseTrainerConfig, **kwargs: Any) -> None:
        self.step(self.reconstruct)


class Pythae(Contender):
    """AE and VAE of pythae."""

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "pythae": version("pythae")}

    def parameters(self, case: Case) -> int:
        return sum(p.numel() for p in _model(case).parameters())

    def train(self, job: Job, pictures: np.ndarray, step: Step) -> None:
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("pythae")]:
            logging.getLogger(name).setLevel(logging.ERROR)
        torch.manual_seed(job.seed)
        model = _model(job.network)
        pixels = pictures[:, None].astype(np.float32) / 255
        with tempfile.TemporaryDirectory() as folder:
            pipeline = TrainingPipeline(model=model, training_config=_settings(job, folder))
            pipeline(train_data=pixels, callbacks=[Gate(step, model)])


def _model(case: Case) -> AE | VAE:
    kind, config = (VAE, VAEConfig) if case.variational else (AE, AEConfig)
    options = {"reconstruction_loss": case.loss} if case.variational else {}
    settings = config(input_dim=(1, 28, 28), latent_dim=case.latent, **options)
    return kind(settings, encoder=Encoder(case), decoder=Decoder(case))


def _settings(job: Job, folder: str) -> BaseTrainerConfig:
    """Its schedules step once an epoch: that is what `scheduler_cls` can do."""
    epochs = round(job.epochs)
    schedules = {
        "constant": (None, None),
        "cosine": ("CosineAnnealingLR", {"T_max": epochs}),
    }
    scheduler, options = schedules[job.schedule]
    return BaseTrainerConfig(
        output_dir=folder,
        num_epochs=epochs,
        per_device_train_batch_size=job.batch,
        learning_rate=job.learning_rate,
        optimizer_cls="Adam",
        scheduler_cls=scheduler,
        scheduler_params=options,
        seed=job.seed,
        no_cuda=job.device == "cpu",
    )


def _reconstruct_with(model: AE | VAE) -> Reconstruct:
    @torch.no_grad()
    def reconstruct(pictures: np.ndarray) -> np.ndarray:
        was = model.training
        model.eval()
        parts = []
        for part in chunks(pictures):
            pixels = torch.from_numpy(part).float().div(255).unsqueeze(1).to(next(model.parameters()).device)
            parts.append(model.decoder(model.encoder(pixels).embedding).reconstruction[:, 0].cpu().numpy())
        model.train(was)
        return np.concatenate(parts)

    return reconstruct


Party = Pythae
