"""The last good point of a guarded phase, and the way back to it."""

import torch

from isthmus.train.checkpoint import State, Tensors
from isthmus.train.players import Guard
from isthmus.train.stage import Stage

__all__ = ["Keeper"]


class Keeper:
    """Without a guard it keeps nothing and never goes back."""

    def __init__(self, stage: Stage, state: State, tensors: Tensors) -> None:
        self.stage, self.guard, self.good = stage, stage.phase.guard, Tensors()
        stage.setbacks = state.setbacks
        if self.guard is not None:
            kept = {name.removeprefix("good/"): value for name, value in tensors.items() if name.startswith("good/")}
            self.good = kept or stage.copy()

    def watch(self, state: State) -> str | None:
        """Look, where it is time to; the harm that was seen is returned."""
        if self.guard is None or not self._due(self.guard, state.step):
            return None
        self.stage.forget_turn()
        with torch.no_grad():
            seen = self.guard.look(self.stage.data, state.looks)
        if seen.harm is None:
            state.looks.append(seen.numbers)
            if seen.keep:
                self.good = self.stage.copy()
        return seen.harm

    def go_back(self, state: State, reason: str) -> bool:
        """To the last good point; False where nobody guards this phase, or it has gone back too often."""
        if self.guard is None or state.setbacks >= self.guard.most:
            return False
        state.setbacks += 1
        state.told.append(f"{reason}; went back to the last good point ({state.setbacks} of {self.guard.most})")
        self.stage.setbacks = state.setbacks
        self.restore()
        return True

    def restore(self) -> None:
        """The weights of the last good look; optimisers start anew, for what they remember led astray."""
        if self.good:
            self.stage.put_back(self.good)

    def pack(self) -> Tensors:
        return {f"good/{name}": value for name, value in self.good.items()}

    def _due(self, guard: Guard, step: int) -> bool:
        every = max(1, self.stage.steps // guard.looks)
        return step % every == 0 or step == self.stage.steps
