"""The two steps of paper 001, each made once and kept: pictures, codes, decoders of these codes, and their judge."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from isthmus import load
from isthmus.contract import evaluate
from isthmus.images.pictures import Pictures
from isthmus.measure.oracle import Oracle, as_pictures
from isthmus.models.two_step import TwoStep
from isthmus.nets.paired import Paired
from isthmus.recipes._pictures import parts_of, some
from isthmus.recipes._recipe import Task, Told
from isthmus.recipes._working import Progress
from isthmus.run import Run
from isthmus.stats.intervals import Interval

__all__ = ["NARROW", "WIDE", "Bench", "Sizes", "ends", "setting_name"]

NARROW, WIDE = 2, 100
"""The paper's two sizes of the code."""

_BY = {"omniglot": "alphabet"}
_TESTS = {"omniglot": 8070, "caltech101-silhouettes": 2307}
_FEW_PRICE, _MANY_PRICE = 0.01, 0.001
_SECOND = {"batch_size": 64, "optimiser": "adam-gan", "learning_rate": 1e-3}
"""A larger step than the discriminator's 2e-4: the decoder has few of them."""


@dataclass(frozen=True)
class Sizes:
    """On the sets in `whole` every beta meets every gamma; the others are measured at the setting `single`.

    `first` and `second` are fields of the model in its two steps. The first step makes `looks` at pictures and the
    second `steps`, unless these say epochs. Figure 8 draws with the decoder of the setting `shown`. `wide` and
    `instead`, sets that stand for others, are for toys.
    """

    whole: tuple[str, ...] = ("mnist", "fashion-mnist")
    betas: tuple[float, ...] = (0.0, 0.005, 0.05, 0.5)
    gammas: tuple[float, ...] = (0.0, 0.1)
    single: tuple[float, float] = (0.01, 0.1)
    shown: tuple[float, float] = (0.05, 0.1)
    pictures: int | None = 20_000
    test: int = 4000
    looks: int = 48_000
    steps: int = 900
    channels: tuple[int, ...] = (8, 16, 32)
    hidden: tuple[int, ...] = (128, 64, 32)
    first: dict[str, Any] = field(default_factory=lambda: {"batch_size": 128})
    second: dict[str, Any] = field(default_factory=lambda: dict(_SECOND))
    side: int = 20
    wide: int = WIDE
    instead: dict[str, str] = field(default_factory=dict)

    def settings(self, data: str) -> list[tuple[float, float]]:
        """The pairs of beta and gamma of a set, those without gamma first: what gamma corrects is told beside them."""
        if data not in self.whole:
            return [self.single]
        return [(beta, gamma) for gamma in self.gammas for beta in self.betas]


@dataclass(frozen=True)
class Bench:
    """One data set, one size of the code, one seed. `price` is the weight of the KL where it is not the usual one."""

    sizes: Sizes
    data: str
    code: int
    seed: int
    root: Path
    price: float | None = None

    @classmethod
    def of(cls, task: Task, data: str, code: int, price: float | None = None) -> "Bench":
        return cls(task.sizes, data, code, task.seed, task.folder.parent, price)

    @property
    def latent(self) -> int:
        return self.sizes.wide if self.code == WIDE else self.code

    @property
    def kl(self) -> float:
        """Below 1: the paper's own sum of both losses collapses."""
        return (_FEW_PRICE if self.code == NARROW else _MANY_PRICE) if self.price is None else self.price

    @cached_property
    def pictures(self) -> tuple[Pictures, Pictures]:
        """To learn from, and to judge by: both drawn by key."""
        most = min(self.sizes.test, _TESTS.get(self.data, self.sizes.test))
        train, _, test = parts_of(self.sizes.instead.get(self.data, self.data), 0, most, _BY.get(self.data))
        return some(train, self.sizes.pictures or len(train)), test

    def codes(self, told: Told) -> TwoStep:
        """The first step: encoder and classifier."""
        train = self.pictures[0]
        how = {"epochs": self.sizes.looks / len(train)} | self.sizes.first
        return self._made(self._codes_folder, TwoStep(decoder_epochs=0, **how, **self._common), told, "shaping codes")

    def decoder(self, folder: Path, beta: float, gamma: float, told: Told, **fields: Any) -> TwoStep:
        """The second step on the codes of the first: the paper's terms only, and nothing that goes back."""
        codes = self.codes(lambda share, what: told(0.0, what))
        how = self.sizes.second | fields
        if "decoder_epochs" not in how:
            batch = min(how.get("batch_size") or 128, len(self.pictures[0]))
            how["decoder_epochs"] = self.sizes.steps / (len(self.pictures[0]) // batch)
        paper: dict[str, Any] = {"pixels": 0.0, "balance": "fixed", "guard": 0.0}
        model = TwoStep(
            beta=beta,
            gamma=gamma,
            codes_from=str(self._codes_folder),
            precision=codes.precision_,
            **paper | how | self._common,
        )
        return self._made(folder, model, told, f"decoder, beta {beta:g}, gamma {gamma:g}")

    def run_of(self, beta: float, gamma: float) -> Path:
        """Where the decoder of a setting is trained."""
        return self.root / f"decoders-{self._name}" / setting_name(beta, gamma)

    def oracle(self, model: Any, told: Told) -> Oracle:
        """One for the whole recipe, trained on the training pictures of the set."""
        train, _ = self.pictures
        file = self.root / f"oracle-{self.data}.safetensors"
        watchers = (Progress(told, "training the oracle"),)
        return Oracle.kept(file, evaluate(model, train, as_pictures), train.labels, watchers=watchers)

    @property
    def _common(self) -> dict[str, Any]:
        net = Paired(channels=self.sizes.channels, hidden=self.sizes.hidden)
        return {"net": net, "latent": self.latent, "kl": self.kl, "sketch": 0.0, "seed": self.seed}

    @property
    def _name(self) -> str:
        price = "" if self.price is None else f"-kl-{self.price:g}"
        return f"{self.data}-{self.code}{price}-seed-{self.seed}"

    @property
    def _codes_folder(self) -> Path:
        return self.root / f"codes-{self._name}"

    def _made(self, folder: Path, model: TwoStep, told: Told, what: str) -> TwoStep:
        """The run that is there, finished if it was not; else a new one."""
        run = Run(folder)
        if run.has("weights.safetensors"):
            found = load(folder)
            assert isinstance(found, TwoStep)
            return found
        resume = run.has("checkpoint.safetensors")
        return model.fit(self.pictures[0], run=run, resume=resume, watchers=[Progress(told, what)])


def ends(value: float | Interval) -> list[float]:
    """An interval as value, low and high; a plain number as itself alone."""
    return [value.value, value.low, value.high] if isinstance(value, Interval) else [float(value)]


def setting_name(beta: float, gamma: float) -> str:
    return f"beta-{beta:g}-gamma-{gamma:g}"
