"""A player's loss as a module, and the pieces of a batch that it is computed in."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from isthmus.train.players import Batch, Moment, Player, Terms

__all__ = ["LOOKED_AT", "Objective", "Piece", "is_checked", "means", "pieces_of", "split"]

Piece = tuple[dict[str, Batch], float]
"""A batch of every feed, and the share of the move's pictures that is in it."""

LOOKED_AT = 50
"""Off the processor losses are looked at once in so many moves."""


def means(terms: Terms) -> Terms:
    """The mean of every term over the pictures that are here."""
    return {name: value.float().mean() for name, value in terms.items()}


class Objective(nn.Module):
    """A player's loss as a module, so that whatever wraps modules for many devices sees every forward pass."""

    def __init__(self, player: Player, bf16: bool, means: Callable[[Terms], Terms] = means) -> None:
        super().__init__()
        self.player, self.bf16, self.means = player, bf16, means
        self.parts = nn.ModuleList(player.modules)
        self.held: Terms | None = None

    def forward(self, moment: Moment, **batches: Batch) -> tuple[torch.Tensor, Terms]:
        device = next(iter(batches.values())).x.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.bf16):
            terms = self.player.loss(**batches)
        # Where a move is recorded its weights lie on the device.
        weights: Mapping[str, Any] = self.player.weights(moment) if self.held is None else self.held
        weighted = [weights.get(name, 1.0) * value for name, value in self.means(terms).items()]
        total = torch.stack(weighted).sum()
        return total, terms


def is_checked(total: torch.Tensor, step: int) -> bool:
    """On a CPU looking is free; elsewhere it stalls the device, so it is done now and then."""
    return total.device.type == "cpu" or step % LOOKED_AT == 0


def pieces_of(lengths: list[int], most: int) -> int:
    """In how many pieces batches of these lengths can be computed."""
    # A piece of no picture has no mean, and one of a single picture no batch statistics.
    return min(most, *(max(1, length // 2) for length in lengths))


def split(batches: dict[str, Batch], parts: int) -> list[Piece]:
    """The batch in `parts` pieces for gradient accumulation, with the share of the pictures in each."""
    parts = pieces_of([len(batch.x) for batch in batches.values()], parts)
    if parts == 1:
        return [(batches, 1.0)]
    pieces = []
    for i in range(parts):
        piece = {name: batch.piece(i, parts) for name, batch in batches.items()}
        first, whole = next(iter(piece.values())), next(iter(batches.values()))
        pieces.append((piece, len(first.x) / len(whole.x)))
    return pieces
