"""A run's heads that tell numbers as functions of pictures, in torch, from what each has learnt."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from isthmus.classify.features import small_pixels
from isthmus.classify.numbers.head import NumberHead
from isthmus.classify.numbers.rows import NumberRows
from isthmus.classify.numbers.saving import load_regressor
from isthmus.export.graph import Graph, Inputs
from isthmus.export.plain import ScaledPictures, plain_model
from isthmus.run import Run

__all__ = ["number_graph"]

_LOUD, _VOTERS, _SHARPNESS = 0.3, 10, 4


def number_graph(run: Run, model: Any, pictures: np.ndarray, name: str) -> Graph:
    """From pictures to one number each; an interval reaches as far to both sides as `about` says."""
    regressor, plain = load_regressor(run, model, name), plain_model(model)
    again = load_regressor(run, plain, name)

    def asked(n: int, start: int) -> Inputs:
        return (pictures[np.arange(start, start + n) % len(pictures)],)

    module = _Numbers(plain, _Rows(again.rows_), again.head_)
    about = {"head": "numbers", "reach": regressor.reach_, "level": regressor.level}
    names = ("pictures",), ("numbers",)
    return Graph(f"head-{name}", module, *names, asked, lambda x: {"numbers": regressor.predict(x[0])}, about)


class _Rows(nn.Module):
    """What a regressor sees of scaled pictures."""

    scaling: torch.Tensor

    def __init__(self, rows: NumberRows) -> None:
        super().__init__()
        self.row, self.plain = rows.features.row, rows.features.blocks["pixels"].encode
        self.register_buffer("scaling", torch.from_numpy(np.array(rows.scaling, np.float32)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pixels = small_pixels(x)
        light = torch.stack([pixels.mean(1), pixels.std(1, correction=0)], dim=1)
        light = _LOUD * (light - self.scaling[:2]) / self.scaling[2:4]
        return torch.cat([self.row(x), light, self.plain(pixels) / self.scaling[4]], dim=1)


class _Numbers(nn.Module):
    """The ridge is summed in 64 bits: its weights are large, of both signs, and leave little of one another."""

    centres: torch.Tensor
    weights: torch.Tensor
    bank: torch.Tensor
    spread: torch.Tensor

    def __init__(self, plain: Any, rows: nn.Module, head: NumberHead) -> None:
        super().__init__()
        self.net, self.scaled, self.rows = plain.net_, ScaledPictures(plain), rows
        self.ridge, self.unit, self.share = head.ridge, head.unit, float(head.share)
        self.register_buffer("centres", torch.from_numpy(np.array(head.ridge.centres, np.float32)))
        self.register_buffer("weights", torch.from_numpy(np.array(head.ridge.weights, np.float64)))
        if head.pile is not None and head.spread is not None:
            self.register_buffer("bank", F.normalize(torch.from_numpy(head.pile.rows), dim=1))
            self.register_buffer("spread", torch.from_numpy(np.array(head.spread, np.float32)))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        rows = self.rows(self.scaled(pictures))
        told = (self._alike(rows) @ self.weights + self.ridge.bias).float()
        return told if self.share == 0 else told + self.share * (self._by_graph(rows[:, : self.unit]) - told)

    def _alike(self, rows: torch.Tensor) -> torch.Tensor:
        bent, width, line = self.ridge.bent, self.ridge.width, self.ridge.line
        a, b = rows[:, :bent], self.centres[:, :bent]
        squared = a.square().sum(1, keepdim=True) + b.square().sum(1) - 2 * a @ b.T
        found = (-width * squared.clamp_min(0.0).double()).exp()
        return found + line * width * (rows[:, bent:] @ self.centres[:, bent:].T) if line else found

    def _by_graph(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows are rounded to half precision here, as the pile's are."""
        cosine, near = (F.normalize(rows.half().float(), dim=1) @ self.bank.T).topk(min(_VOTERS, len(self.bank)), dim=1)
        votes = cosine.clamp(0.0, 1.0) ** _SHARPNESS + 1e-12
        return (votes * self.spread[near]).sum(1) / votes.sum(1)
