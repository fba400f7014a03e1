"""All that designing needs beside a fitted model: what is known of its pictures, guides from one half of them, and a
judge from the other. Made once for a run, and kept in its folder."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus.contract import Tick, evaluate, evenly
from isthmus.design.guide import Guide, Guides, as_guide
from isthmus.design.judge import Judge
from isthmus.design.known import columns_of, halves
from isthmus.design.lessons import taught_guides
from isthmus.design.spec import Spec, Vocabulary
from isthmus.design.wishes import SURE, Class, Function, Seen, attributes_of
from isthmus.errors import DataError
from isthmus.images.pictures import UNKNOWN, Pictures
from isthmus.keys import stream
from isthmus.measure.attributes import ATTRIBUTES, measured
from isthmus.measure.gauge import Gauge
from isthmus.measure.oracle import Oracle
from isthmus.run import Run
from isthmus.train.watchers import Watcher

__all__ = ["Workshop"]

Watching = Callable[[str], tuple[Watcher, ...]]
Counting = Callable[[str], contextlib.AbstractContextManager[Tick | None]]

_ASKED, _LEAST, _OFF = 10_000, 0.5, 2e-3


@dataclass(frozen=True)
class Workshop:
    """A fitted model and its labelled training pictures; `test` are pictures on which guides and judge are tried.

    `folder`, if given, keeps what takes long to make, which `count` and `seed` name. `watching` and `counting` are told
    what is being made, and give whoever wants to watch or count.
    """

    model: Any
    training: Pictures
    test: Pictures | None = None
    seed: int = 0
    count: int = 3
    folder: Path | None = None
    watching: Watching = lambda what: ()
    counting: Counting = lambda what: contextlib.nullcontext()
    encoded: torch.Tensor | None = None
    """Codes of the training pictures, from whoever has them already."""
    known: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What starts make once for all wishes of a kind."""

    # -- pictures and codes -------------------------------------------------------------------------------------------

    @cached_property
    def pictures(self) -> torch.Tensor:
        return evaluate(self.model, self.training, lambda x: x).clamp(0, 1)

    @cached_property
    def _encoded(self) -> torch.Tensor:
        if self.encoded is not None:
            return self.encoded
        return evaluate(self.model, self.training, lambda x: self.model.encode(x).mean)

    @cached_property
    def middle(self) -> torch.Tensor:
        return self._drawn.mean(0)

    @cached_property
    def spread(self) -> torch.Tensor:
        """Deviations of the code; a number that never differs has the mean of the others'."""
        found = self._drawn.std(0)
        return torch.where(found > 1e-3 * found.mean(), found, found.mean().clamp_min(1e-6))

    @cached_property
    def _drawn(self) -> torch.Tensor:
        """Codes that tell how codes are distributed: those of pictures, or drawn ones where nothing encodes."""
        return self._encoded if self.model.encodes else self.drawn(4096, 0)

    @cached_property
    def cloud(self) -> torch.Tensor:
        """Where codes lie, in deviations."""
        return (self._drawn - self.middle) / self.spread

    @cached_property
    def codes(self) -> torch.Tensor:
        """Of the training pictures, in deviations."""
        return (self._encoded - self.middle) / self.spread

    def drawn(self, n: int, seed: int, y: torch.Tensor | None = None) -> torch.Tensor:
        """Codes from the model's own prior, as it counts them."""
        return torch.from_numpy(self.model.sample_codes(n, seed, y)).view(n, *self.model.latent_shape_)

    def decode(self, u: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        """From codes in deviations to pictures in [0, 1], differentiable."""
        z = (self.middle + self.spread * u).to(self.model.device_)
        return self.model.decode(z, y).float().cpu().clamp(0, 1)

    def drawn_as(self, wishes: Spec, n: int) -> torch.Tensor | None:
        """The class to draw, for a model that draws by class and has it in no code of its own; -1 for none."""
        if not self.model.conditional or hasattr(self.model, "drawn_classes"):
            return None
        return torch.full((n,), next((wish.classes[0] for wish in wishes if isinstance(wish, Class)), -1))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return (self.model.encode(x.to(self.model.device_)).mean.float().cpu() - self.middle) / self.spread

    def as_given(self, X: Any) -> torch.Tensor:
        """Pictures that designs are to stay near, or to keep a part of, in [0, 1]."""
        x = self.model.tensor(X).float().cpu()
        if float(x.amin()) < -_OFF or float(x.amax()) > 1 + _OFF:
            what = "the given picture has values outside of what the model was fitted on"
            raise DataError(what, "Bring it to the range of the run's own pictures.")
        return x.clamp(0, 1)

    # -- what is known ------------------------------------------------------------------------------------------------

    @cached_property
    def first(self) -> np.ndarray:
        """Whether each training picture is in the guides' half; the other is the judge's."""
        return halves(self.training, self.seed)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        return columns_of(self.training)

    def numbers(self, name: str) -> np.ndarray:
        """An attribute of every training picture: from the label table, else by formula, which is kept."""
        if name in self.columns:
            return self.columns[name]
        if ("numbers", name) not in self.known:
            self.known["numbers", name] = self._measured(name)
        found: np.ndarray = self.known["numbers", name]
        return found

    def _measured(self, name: str) -> np.ndarray:
        """Rounded as it is kept, so that the second run has the numbers of the first."""
        file, kept = None if self.folder is None else Run(self.folder), f"{name}.json"
        if file is not None and file.has(kept) and file.read_json(kept).get("pictures") == self.fingerprint:
            return np.array(file.read_json(kept)["values"], np.float32)
        with self.counting(f"measuring {name}") as tick:
            found = measured(name, self.pictures.numpy(), tick)
        values = [round(float(value), 6) if np.isfinite(value) else None for value in found]
        if file is not None:
            file.write_json(kept, {"pictures": self.fingerprint, "values": values})
        return np.array(values, np.float32)

    @cached_property
    def fingerprint(self) -> str:
        """Of everything that guides and judge learn from, and of which half is whose."""
        digest = hashlib.blake2b(np.ascontiguousarray(self.training.pixels).data, digest_size=8)
        digest.update(np.asarray(self.training.labels, "<i8").tobytes() + self.first.tobytes())
        for name, values in self.columns.items():
            digest.update(name.encode() + np.asarray(values, "<f4").tobytes())
        return digest.hexdigest()

    def _taught_from(self, names: tuple[str, ...]) -> str:
        """Of what guides for these attributes learn from: where any has a formula, of the model's drawings too."""
        digest = hashlib.blake2b(
            json.dumps([self.fingerprint, len(self.words.classes), *names]).encode(), digest_size=8
        )
        if any(name not in self.columns for name in names):
            with torch.no_grad():
                some = self.decode(torch.zeros(1, *self.model.latent_shape_))
            digest.update(some.numpy().round(4).tobytes())
        return digest.hexdigest()

    @cached_property
    def glimpsed(self) -> dict[str, np.ndarray]:
        """Attributes as far as they are known without waiting: columns of all pictures, what is measured of 2,000."""
        some = self.pictures[torch.linspace(0, len(self.pictures) - 1, min(2000, len(self.pictures))).long()].numpy()
        names = [*self.columns, *(name for name in ATTRIBUTES if some.ndim == 4 and name not in self.columns)]
        known = {name: self.columns[name] if name in self.columns else measured(name, some) for name in names}
        return {name: values for name, values in known.items() if np.isfinite(values).any()}

    @cached_property
    def words(self) -> Vocabulary:
        """What can be wished."""
        extents = {name: _extent(values) for name, values in self.glimpsed.items()}
        present = np.unique(self.training.labels[self.training.labels != UNKNOWN])
        return Vocabulary(tuple(map(str, self.training.classes)) if len(present) else (), extents)

    # -- guides and judge ---------------------------------------------------------------------------------------------

    def guides(self, names: tuple[str, ...]) -> Guides:
        """Trained on the first half, for classes and these attributes."""
        new = Guides(self.count, self.seed, len(self.words.classes))
        if self.folder is None:
            return taught_guides(self, new, names)
        about = self._taught_from(names)
        # A name that somebody gave a column is no name for a file.
        which = hashlib.blake2b(json.dumps(sorted(names)).encode(), digest_size=4).hexdigest() if names else "classes"
        return Guides.kept(
            self.folder / f"guides-{which}.safetensors", about, new, lambda: taught_guides(self, new, names)
        )

    def judge(self, names: tuple[str, ...]) -> Judge:
        """Trained on the second half; attributes that have a formula are measured."""
        mine = np.flatnonzero(~self.first)
        pictures, labels = self.pictures[torch.as_tensor(mine)], self.training.labels[mine]
        seed = stream(self.seed, "judge") >> 33
        oracle, gauge, trust = None, None, dict[str, Any]()
        if len(np.unique(labels[labels >= 0])) > 1:
            watchers = self.watching(f"training the oracle on the other {int((labels >= 0).sum()):,} labelled pictures")
            if self.folder is None:
                oracle = Oracle().fit(pictures, labels, seed, watchers)
            else:
                oracle = Oracle.kept(self.folder / "judge.safetensors", pictures, labels, seed, watchers)
        told = {name: self.columns[name] for name in names if name in self.columns}
        if told:
            watchers = self.watching("training a gauge for " + ", ".join(told))
            gauge = Gauge().fit(pictures, {name: column[mine] for name, column in told.items()}, seed, watchers)
        if self.test is not None and len(self.test):
            seen = evaluate(self.model, self.test, lambda x: x).clamp(0, 1)
            if oracle is not None and (self.test.labels >= 0).any():
                trust["class"] = oracle.accuracy(seen, self.test.labels)
            if gauge is not None:
                tested = columns_of(self.test)
                trust |= {name: gauge.missed(name, seen, tested[name]) for name in told if name in tested}
        return Judge(oracle, gauge, tuple(name for name in names if name not in self.columns), trust)

    def check(self, wishes: Spec) -> None:
        """Refuse a class that guides or judge have not one labelled picture of."""
        for wish in wishes:
            named = wish.classes if isinstance(wish, Class) else [c for c, _ in getattr(wish, "shares", ())]
            for c in named:
                for half, who in ((self.first, "guides"), (~self.first, "the judge")):
                    if not (self.training.labels[half] == c).any():
                        what = f"no picture of the half that {who} learn from is labelled {self.words.classes[c]!r}"
                        raise DataError(what.replace("judge learn", "judge learns"), "Label more of that class.")

    def settled(self, wishes: Spec, guide: Guide, unsafe: bool) -> Spec:
        """Classes wished without saying how sure: a design need be no surer than half of the real pictures of its class
        are, and .99 is enough; where that is `unsafe`, what is left to doubt is a tenth."""
        found = list(wishes)
        for place, wish in enumerate(wishes):
            if not isinstance(wish, Class) or wish.sure is not None:
                continue
            sure = max(_LEAST, min([SURE, *(self._sureness(guide, c) for c in wish.classes)]))
            found[place] = replace(wish, sure=1 - (1 - sure) / 10 if unsafe else sure)
        return tuple(found)

    def _sureness(self, guide: Guide, c: int) -> float:
        """What the least sure guide gives class `c` in half of its pictures among those that guides learnt from."""
        if not isinstance(guide, Guides) or not guide.n_classes:
            return SURE
        kind = ("sureness", guide.names, guide.count, guide.seed)
        if kind not in self.known:
            mine = np.flatnonzero(self.first & (self.training.labels >= 0))
            some = mine[evenly(len(mine), _ASKED)]
            told = guide.told(self.pictures[torch.as_tensor(some)]).classes
            assert told is not None
            labels = self.training.labels[some]
            self.known[kind] = (told.exp().amin(0).numpy()[np.arange(len(some)), labels], labels)
        least, labels = self.known[kind]
        return float(np.median(least[labels == c])) if (labels == c).any() else SURE

    def guide(self, given: Any, wishes: Spec) -> Guide:
        if given is not None:
            return as_guide(given)
        if all(isinstance(wish, Function) for wish in wishes):
            return lambda x: Seen()  # nobody need know what a picture shows
        return self.guides(attributes_of(wishes))


def _extent(values: np.ndarray) -> tuple[float, float, float]:
    return float(np.nanmin(values)), float(np.nanmax(values)), max(float(np.nanstd(values)), 1e-6)
