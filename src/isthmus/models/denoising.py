"""An autoencoder that sees damaged pictures and draws them whole: by noise (Vincent 2008), by masks (He 2022), by both.

What is damaged cannot be copied: it has to be told from what is around it. Codes are made of pictures as they are; an
encoder that never saw one like that draws it too bright where masks had been, so some are left whole in training.
"""

from dataclasses import dataclass

import torch

from isthmus.errors import UsageError
from isthmus.estimator import option
from isthmus.models._least_squares import LeastSquares
from isthmus.models._trained import sample_rows
from isthmus.nets._statistics import settle
from isthmus.rng import Noise
from isthmus.terms.likelihood import squared_error
from isthmus.train.feeding import Resident
from isthmus.train.players import Batch, Terms

__all__ = ["Denoising", "Model"]

_SETTLED_ON = 12_000


@dataclass(kw_only=True, eq=False)
class Denoising(LeastSquares):
    """With neither noise nor masks it is the autoencoder. Noise comes first, so that nothing shows through a mask."""

    noise: float = option(0.2, "standard deviation of the noise on pixels in [0, 1] in training", low=0)
    masked: float = option(0.0, "share of a picture that is covered by squares in training", low=0)
    patch: int = option(4, "side of these squares in pixels", low=1)
    whole: float = option(0.25, "share of the pictures that are left as they are, others every epoch", low=0)

    def loss(self, batch: Batch) -> Terms:
        seen = self.damaged(batch.x, batch.noise)
        return {"error": squared_error(self.decode(self.encode(seen).mean), batch.x)}

    def damaged(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        """Other noise and other squares every epoch; noisy pixels may leave [0, 1], or dark ones would turn grey."""
        seen, each = x, [1] * (x.ndim - 1)
        if self.noise:
            seen = seen + self.noise * noise.normal("pixels", *x.shape[1:])
        if self.masked:
            # A picture's own mean stands out from what it covers on any ground, and is neither bright nor dark.
            seen = torch.where(self._covered(x, noise), seen.flatten(1).mean(1).view(-1, *each), seen)
        return torch.where(noise.uniform("whole", *each) < self.whole, x, seen) if self.whole else seen

    def check_params(self) -> None:
        super().check_params()
        if self.masked >= 1:
            raise UsageError(f"masked is {self.masked}", "Give a share from 0 up to, not including, 1.")

    def _covered(self, x: torch.Tensor, noise: Noise) -> torch.Tensor:
        """Which pixels, in all channels alike; equally many squares in every picture. A table is covered in runs."""
        grid = self._grid()
        count = min(max(1, round(self.masked * grid.numel())), grid.numel() - 1)
        rank = noise.uniform("masks", grid.numel()).argsort(1).argsort(1)
        covered = (rank < count).view(-1, *grid)
        for axis, length in enumerate(x.shape[-len(grid) :], start=1):
            covered = covered.repeat_interleave(self.patch, axis).narrow(axis, 0, length)
        return covered.unsqueeze(1) if x.ndim == 4 else covered

    def _grid(self) -> torch.Size:
        """Squares down and across; those at the far edges may be cut."""
        return torch.Size(-(-length // self.patch) for length in self.shape_[-2:])

    def _start_from(self, data: Resident) -> None:
        super()._start_from(data)
        if self.masked and self._grid().numel() < 2:
            size = " x ".join(map(str, self.shape_[-2:]))
            raise UsageError(f"a patch of {self.patch} covers all of {size} pixels", "Give a smaller patch.")

    def _finish(self, data: Resident) -> None:
        """Batch norm has seen damaged pictures and their codes; whoever uses the model gives it whole ones."""
        if self.noise or self.masked:
            self.net_.eval()
            rows = sample_rows(len(data), _SETTLED_ON)
            parts = rows.tensor_split(-(-len(rows) // 512))  # equal ones, for each counts alike
            settle(self.net_["encoder"], (data.pictures(part) for part in parts))
            settle(self.net_["decoder"], (self.encode(data.pictures(part)).mean for part in parts))
        super()._finish(data)


Model = Denoising
