"""The processes that train one model together, and what they tell each other. Alone, all of it is nothing.

Whoever has made a process group with torch (torchrun, Ray, a script of one's own) trains in it; none is made here.
What is said between processes is numbers and JSON, never anything that is executed.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from isthmus.errors import IsthmusError, RunError

__all__ = [
    "PATIENCE",
    "Lost",
    "Ranks",
    "current",
    "everyone",
    "leads",
    "noticing",
    "own_number",
    "shared_by",
    "sharing",
]

T = TypeVar("T")

PATIENCE = timedelta(minutes=10)
"""How long a process waits for another that says nothing, before it holds it for dead."""

_SIGNS = ("connection", "closed by peer", "timed out", "timeout", "gloo", "nccl", "socket", "broken pipe")


class Lost(RunError):
    """Another process of this training is gone. Whoever has said why has said enough."""


@dataclass(frozen=True)
class Ranks:
    """One of `size` processes. `control` carries short messages on the processor, whatever moves the gradients."""

    rank: int
    size: int
    control: Any

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Each of these, where it is true of any process."""
        told = torch.tensor(flags, dtype=torch.int32)
        self.add_up(told)
        return tuple(bool(value) for value in told)

    def add_up(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in place; every process has the same bits afterwards."""
        with noticing():
            dist.all_reduce(values, group=self.group(values))
        return values

    def texts(self, text: str) -> list[str]:
        """What every process says, in the order of their ranks."""
        content = torch.frombuffer(bytearray(text.encode() or b" "), dtype=torch.uint8)
        lengths = torch.zeros(self.size, dtype=torch.int64)
        lengths[self.rank] = len(content)
        self.add_up(lengths)
        padded = torch.zeros(int(lengths.max()), dtype=torch.uint8)
        padded[: len(content)] = content
        heard = [torch.empty_like(padded) for _ in range(self.size)]
        with noticing():
            dist.all_gather(heard, padded, group=self.control)
        return [bytes(one[:n].tolist()).decode().strip() for one, n in zip(heard, lengths.tolist(), strict=True)]

    def together(self, step: Callable[[], T]) -> tuple[T, list[Any]]:
        """What this process makes of a step and, as JSON knows it, what every process made of it.

        Where a step fails anywhere it fails everywhere, with the same sentence.
        """
        made, failure, told = None, None, None
        try:
            made = step()
            told = json.dumps({"made": made})
        except IsthmusError as error:
            failure = error
            told = json.dumps({"failed": [error.what, error.remedy], "kind": type(error).__name__})
        answers = [json.loads(text) for text in self.texts(told)]
        for answer in answers:
            if "failed" in answer:
                raise failure if failure is not None else _kind(answer["kind"])(*answer["failed"])
        return made, [answer["made"] for answer in answers]  # type: ignore[return-value]

    def from_first(self, step: Callable[[], T]) -> T:
        """What the first process makes of a step, as JSON knows it; the others wait for it."""
        made: T = self.together(lambda: step() if self.rank == 0 else None)[1][0]
        return made

    def receive(self, values: torch.Tensor) -> torch.Tensor:
        """The first process's values, into these."""
        with noticing():
            dist.broadcast(values, 0, group=self.group(values))
        return values

    def group(self, values: torch.Tensor) -> Any:
        """Who carries such values: on the processor always the same, elsewhere what the user has chosen."""
        return self.control if values.device.type == "cpu" else dist.group.WORLD


_known: list[tuple[Any, Ranks]] = []
_sharing: list[Ranks] = []


def current() -> Ranks | None:
    """The processes of the group that this one is in, if it is in any; the first call is one that all make together."""
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return None
    world = dist.group.WORLD
    if not _known or _known[0][0] is not world:
        with noticing():
            control = dist.new_group(backend="gloo", timeout=PATIENCE)
        _known[:] = [(world, Ranks(dist.get_rank(), dist.get_world_size(), control))]
    return _known[0][1]


def leads() -> bool:
    """Whether this process is the one that writes and speaks: the first, or the only one."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank() == 0
    return True


def own_number() -> int | None:
    """The number of this process among those of its machine, where many train together."""
    many = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
    return int(os.environ.get("LOCAL_RANK", "0")) if many else None


@contextlib.contextmanager
def sharing(ranks: Ranks | None) -> Iterator[None]:
    """In here every process has its share of one batch; with None each has the same whole one."""
    _sharing.append(ranks) if ranks is not None else None
    try:
        yield
    finally:
        _sharing.pop() if ranks is not None else None


def shared_by() -> Ranks | None:
    """Who shares the batch that is being worked on."""
    return _sharing[-1] if _sharing else None


def everyone(rows: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The rows of the whole batch, and where one's own begin among them. Gradients find their way back to all."""
    ranks = shared_by()
    if ranks is None:
        return rows, 0
    lengths = torch.zeros(ranks.size, dtype=torch.int64)
    lengths[ranks.rank] = len(rows)
    first = int(ranks.add_up(lengths)[: ranks.rank].sum())
    whole: torch.Tensor = _Everyone.apply(rows, first, int(lengths.sum()), ranks)
    return whole, first


class _Everyone(torch.autograd.Function):
    """Rows of zeros for everybody else's, added up: uneven shares need nothing special."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, first: int, total: int, ranks: Ranks) -> torch.Tensor:
        ctx.rows, ctx.ranks = slice(first, first + len(rows)), ranks
        whole = rows.new_zeros(total, *rows.shape[1:])
        whole[ctx.rows] = rows
        return ranks.add_up(whole)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        return ctx.ranks.add_up(gradients[0].clone(memory_format=torch.contiguous_format))[ctx.rows], None, None, None


@contextlib.contextmanager
def noticing() -> Iterator[None]:
    """Torch's words for a process that is gone become one sentence."""
    try:
        yield
    except IsthmusError:
        raise
    except RuntimeError as error:
        if not dist.is_initialized() or not any(sign in str(error).lower() for sign in _SIGNS):
            raise
        what = "another process of this training ended, or was not heard of for too long"
        remedy = (
            "Its own message says why; what was saved is whole: isthmus fit --resume the run, on any number of them."
        )
        raise Lost(what, remedy) from None


def _kind(name: str) -> type[IsthmusError]:
    from isthmus import errors

    return getattr(errors, name) if name in errors.__all__ else IsthmusError
