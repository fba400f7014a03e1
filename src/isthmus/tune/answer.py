"""What a study found: the setting, one sentence of reason, and what fresh seeds say of it."""

from dataclasses import dataclass
from typing import Any

from isthmus.stats import Interval
from isthmus.tune.beside import Beside
from isthmus.tune.choosing import RULE, Row
from isthmus.tune.space import written

__all__ = ["Answer", "Fresh", "reason"]


@dataclass(frozen=True)
class Fresh:
    """The recommended setting and the default, trained anew and judged on pictures that no trial was compared on.

    `gain` is the paired difference recommended - default, picture by picture: below 0 the recommended one is better.
    `outside` holds both errors of each seed.
    """

    errors: dict[str, float]
    gain: Interval
    per_seed: list[dict[str, float]]

    @property
    def lost(self) -> bool:
        """Whether the default redraws better, beyond the interval."""
        return self.gain.low > 0


@dataclass(frozen=True)
class Answer:
    """`chosen` is the recommended trial: the default's where the search came to nothing better, or lost afresh."""

    chosen: Row
    default: Row
    rows: list[Row]
    front: list[Row]
    beside: Beside
    reason: str
    fresh: Fresh | None
    epochs: float
    share: float
    command: str

    @property
    def latent(self) -> int:
        return int(self.chosen.measured["latent"])

    @property
    def beta(self) -> float | None:
        return self.chosen.measured.get("beta")

    def records(self) -> list[dict[str, Any]]:
        """In the form that all results have; the first is the latent size."""
        done = sum(row.finished for row in self.rows)
        also = {"setting": self.chosen.values, "default": self.default.values, "reason": self.reason, "trials": done}
        shared: dict[str, Any] = {"split": "validation", "command": "isthmus tune"}
        found: list[dict[str, Any]] = [
            {"name": "recommended latent size", "value": self.latent, "interval": None, "n": done} | shared | also
        ]
        for name, value in self.chosen.measured.items():
            if name in ("latent", "standard_error") or name.startswith("error at"):
                continue
            baseline = {"default": self.default.measured.get(name)}
            if name == "error":
                baseline["PCA"] = self.beside.pca_at(self.chosen.measured["code"])
            found.append({"name": name, "value": value, "baseline": baseline} | shared)
        if self.beside.dimension is not None:
            told = self.beside.dimension
            interval = [told.low, told.high]
            found.append({"name": "intrinsic dimension", "value": told.value, "interval": interval, "n": told.n})
        return [*found, *self._afresh()]

    def _afresh(self) -> list[dict[str, Any]]:
        if self.fresh is None:
            return []
        gain = self.fresh.gain
        interval = [gain.low, gain.high]
        about = {"split": "held out", "command": "isthmus tune", "per_seed": self.fresh.per_seed}
        record = {"name": "error, recommended - default, fresh seeds", "value": gain.value, "interval": interval}
        return [record | {"n": gain.n} | about | {"errors": self.fresh.errors}]


def reason(chosen: Row, default: Row, rows: list[Row], beside: Beside, keep: float) -> str:
    """One sentence: the rule, the numbers it looked at, and what stands beside."""
    done = [row for row in rows if row.finished]
    best = min(done, key=lambda row: row.measured["error"])
    cheapest = (
        "lowest rate, and within 5 % of it the fewest numbers," if "rate" in chosen.measured else "fewest numbers"
    )
    said = [
        f"squared error {_redraws(chosen)}",
        f"default {_redraws(default)}",
        f"best {_redraws(best)}",
        f"PCA of {chosen.measured['code']:.0f} {beside.pca_at(chosen.measured['code']):.4g}",
    ]
    if beside.dimension is not None:
        said.append(f"the pictures have about {beside.dimension.value:.0f} dimensions")
    return f"{_setting(chosen)}: {RULE.format(cheapest=cheapest, trials=len(done), keep=keep)} ({'; '.join(said)})"


def _setting(row: Row) -> str:
    beta = row.measured.get("beta")
    return f"latent {row.measured['latent']:.0f}" + ("" if beta is None else f", beta {written(beta)}")


def _redraws(row: Row) -> str:
    rate = row.measured.get("rate")
    priced = "" if rate is None else f" at {rate:.3g} nats"
    return f"{row.measured['error']:.4g} from {row.measured['code']:.0f} numbers{priced}"
