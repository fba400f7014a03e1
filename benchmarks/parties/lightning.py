"""Lightning's Trainer around the tutorial's network, its extras (progress bar, logger, checkpoints) switched off."""

import logging
import warnings
from typing import Any

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.cases import Case
from benchmarks.layers import Net, loss_of
from benchmarks.parties import Contender, Job, Step
from benchmarks.parties.tutorial import as_tensor, reconstruct_with

__all__ = ["Party"]


class Module(lightning.LightningModule):
    """The module of Lightning's own introduction, with our networks."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.net, self.job = Net(job.network), job

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        loss = loss_of(self.net, batch[0])
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.job.learning_rate)


class Gate(lightning.Callback):
    """Passes the gate after every batch."""

    def __init__(self, step: Step, net: Net) -> None:
        self.step, self.reconstruct = step, reconstruct_with(net)

    def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:
        self.step(self.reconstruct)


class Lightning(Contender):
    """Checkpoints, logger, bar and summary are off: they are not what is timed."""

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "lightning": lightning.__version__}

    def parameters(self, case: Case) -> int:
        return sum(p.numel() for p in Module(Job(case.name, 1, case.batch)).parameters())

    def train(self, job: Job, pictures: np.ndarray, step: Step) -> None:
        warnings.filterwarnings("ignore")
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        lightning.seed_everything(job.seed, verbose=False)
        loader = DataLoader(TensorDataset(as_tensor(pictures)), batch_size=job.batch, shuffle=True)
        module = Module(job)
        trainer = lightning.Trainer(
            max_epochs=round(job.epochs),
            accelerator="cpu" if job.device == "cpu" else "gpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Gate(step, module.net)],
        )
        trainer.fit(module, loader)


Party = Lightning
