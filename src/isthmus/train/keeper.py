"""The last good point of a guarded phase, and the way back to it."""

from isthmus.train.checkpoint import State, Tensors
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

    def due(self, step: int) -> bool:
        """Whether it is time to look."""
        if self.guard is None:
            return False
        every = max(1, self.stage.steps // self.guard.looks)
        return step % every == 0 or step == self.stage.steps

    def watch(self, state: State) -> str | None:
        """Look, where it is time to; the harm that was seen is returned."""
        if self.guard is None or not self.due(state.step):
            return None
        seen = self.stage.look(self.guard, state.looks)
        if seen.harm is None:
            state.looks.append(seen.numbers)
            if seen.keep:
                self.good = self.stage.copy()
        return seen.harm

    def go_back(self, state: State, harm: str) -> bool:
        """To the last good point; False where that has happened too often, and the phase had better end there."""
        assert self.guard is not None
        again = state.setbacks < self.guard.most
        state.setbacks += again
        done = f"went back to the last good point ({state.setbacks} of {self.guard.most})"
        state.told.append(f"{harm}; {done if again else 'too often, so training ended at the last good point'}")
        self.stage.setbacks = state.setbacks
        self.restore()
        return again

    def restore(self) -> None:
        """The weights of the last good look; optimisers start anew, for what they remember led astray."""
        if self.good:
            self.stage.put_back(self.good)

    def pack(self) -> Tensors:
        return {f"good/{name}": value for name, value in self.good.items()}
