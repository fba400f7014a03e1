"""Models beside each other on the same pictures: each number with its interval, the differences picture by picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from isthmus.contract import Tick, some_of
from isthmus.measure.codes import codes
from isthmus.measure.reconstruction import Reconstruction, reconstruction
from isthmus.stats import Interval, knn_accuracy, mean_interval, paired_difference

__all__ = ["Compared", "Contender", "compared", "verdict"]

_VOTERS, _NEIGHBOURS = 5000, 5


@dataclass(frozen=True)
class Contender:
    """A model, what it learnt from, and what is known of its training; `kind` says whose nats are of one kind."""

    name: str
    model: Any
    train: Any
    weights: int
    seconds: float | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Compared:
    """What was measured of one model; `behind` is how much larger its error is than that of the best, picture by
    picture, None for the best itself."""

    name: str
    redrawn: Reconstruction
    active: int
    numbers: int
    neighbours: Interval | None
    nats: Interval | None
    kind: str | None
    weights: int
    seconds: float | None
    behind: Interval | None = None
    learnt_from: int = field(default=0)

    def rows(self) -> dict[str, float | Interval]:
        """Name to number, in the order in which a table shows them."""
        found: dict[str, float | Interval | None] = {
            "squared error a pixel": self.redrawn.mse,
            "squared error behind the best": self.behind,
            f"squared error of PCA, {self.redrawn.latent} numbers": self.redrawn.pca,
            f"{_NEIGHBOURS}-NN accuracy of the codes": self.neighbours,
            "nats": self.nats,
            "numbers in a code": float(self.numbers),
            "of them active": float(self.active),
            "weights": float(self.weights),
            "seconds of training": self.seconds,
        }
        return {name: value for name, value in found.items() if value is not None}


def compared(
    contenders: Sequence[Contender], judges: Any, told: Callable[[str], Tick | None] = lambda what: None
) -> list[Compared]:
    """The best by squared error first. `judges` are pictures that none of the models has learnt from."""
    found = [_measured(one, judges, told(one.name)) for one in contenders]
    found.sort(key=lambda one: one.redrawn.mse.value)
    best = found[0].redrawn.per_picture
    return [
        one if place == 0 else _behind(one, paired_difference(one.redrawn.per_picture, best))
        for place, one in enumerate(found)
    ]


def _measured(one: Contender, judges: Any, tick: Tick | None) -> Compared:
    model = one.model
    seen = codes(model, judges)
    nats = mean_interval(-model.score_samples(judges)) if one.kind else None
    redrawn = reconstruction(model, judges, one.train, tick=tick)
    return Compared(
        name=one.name,
        redrawn=redrawn,
        active=seen.active_units,
        numbers=len(seen.mean_variance),
        neighbours=_neighbours(model, one.train, judges),
        nats=nats,
        kind=one.kind,
        weights=one.weights,
        seconds=one.seconds,
        learnt_from=len(one.train),
    )


def _neighbours(model: Any, train: Any, judges: Any) -> Interval | None:
    """At most 5,000 of the pictures that the model learnt from vote; None without labels on both sides."""
    voters = some_of(train, _VOTERS)
    if not ((voters.labels >= 0).any() and (judges.labels >= 0).any()):
        return None
    return knn_accuracy(model.transform(voters), voters.labels, model.transform(judges), judges.labels, _NEIGHBOURS)


def _behind(one: Compared, difference: Interval) -> Compared:
    return Compared(**{**vars(one), "behind": difference})


def verdict(found: Sequence[Compared]) -> str:
    """Who redraws best and by how much, in words; and who is no better than PCA of as many numbers."""
    best = found[0]
    words = f"{best.name} redraws best (squared error {best.redrawn.mse.value:.4g})"
    near = [one.name for one in found[1:] if one.behind is not None and one.behind.low <= 0]
    far = [one for one in found[1:] if one.behind is not None and one.behind.low > 0]
    if near:
        words += f"; {' and '.join(near)} cannot be told from it"
    if far:
        second = far[0]
        assert second.behind is not None
        share = second.behind.value / best.redrawn.mse.value
        words += (
            f"; {second.name} is {share:.0%} behind ({second.behind.value:.3g}, {second.behind.low:.3g} to "
            f"{second.behind.high:.3g})"
        )
    poor = [one.name for one in found if not one.redrawn.over_complete and one.redrawn.against_pca.high >= 0]
    if poor:
        words += f"; no better than PCA of as many numbers: {', '.join(poor)}"
    return words + "."
