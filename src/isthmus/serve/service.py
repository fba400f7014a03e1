"""What a server knows of its run: the model, its classifiers, and whoever is asked in batches."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.classify.saving import load_classifier
from isthmus.contract import check_encodes
from isthmus.design.answer import Answer, answered, command_of
from isthmus.design.asked import Asked
from isthmus.design.spec import read_spec
from isthmus.design.workshop import Workshop
from isthmus.errors import UsageError
from isthmus.images.pictures import Pictures
from isthmus.models._classes import drawn_classes
from isthmus.models._loading import load, pictures_of
from isthmus.run import Run
from isthmus.serve.batching import Batcher, Busy
from isthmus.serve.counting import Counting
from isthmus.stats.conformal import sets_of

__all__ = ["Limits", "Service"]


@dataclass(frozen=True)
class Limits:
    """Bytes of a body, pictures of a request and of a batch, pictures that may wait, designs of a request."""

    body: int = 16 * 2**20
    pictures: int = 1000
    batch: int = 256
    waiting: int = 10_000
    designs: int = 100


class Service:
    """One run. All that is computed for requests is computed by one thread, in batches; designs by another."""

    def __init__(self, folder: str | Path, limits: Limits | None = None) -> None:
        self.run, self.limits, self.counting = Run.open(folder), limits or Limits(), Counting()
        self.model = load(folder)
        self.name = Path(folder).resolve().name
        self.heads = sorted(p.stem for p in (self.run.path / "heads").glob("*.json") if self._tells_classes(p))
        self.computing = ThreadPoolExecutor(1, "computing")
        self.designing = ThreadPoolExecutor(1, "designing")
        self._batchers: dict[str, Batcher] = {}
        self._tellers: dict[str, tuple[Batcher, tuple[str, ...]]] = {}
        self._busy = threading.Lock()
        self._shop: Workshop | None = None

    def warm_up(self) -> None:
        """What is slow once (imports, first products) is over before anybody asks."""
        pixels = np.zeros((1, *self.model.shape_), self.model.scaling_.dtype)
        if self.model.encodes:
            for head in self.heads:
                self.teller(head)[0].work(pixels)
            self._encoded(pixels)

    def _tells_classes(self, path: Path) -> bool:
        return self.run.read_json(f"heads/{path.name}").get("kind") != "numbers"

    def described(self) -> dict[str, Any]:
        """What a client has to know to ask."""
        model, described = self.model, self.run.read_json("run.json")
        return {
            "run": self.name,
            "model": described["model"]["name"],
            "encodes": model.encodes,
            "latent_shape": list(model.latent_shape_),
            "pictures": {"shape": list(model.shape_), "layout": model.layout_, "dtype": str(model.scaling_.dtype)},
            "classes": list(map(str, model.classes_)),
            "draws_classes": list(map(str, drawn_classes(model))),
            "heads": self.heads,
            "limits": vars(self.limits),
        }

    @property
    def waiting(self) -> int:
        return sum(batcher.waiting for batcher in self._batchers.values())

    # -- questions that are computed together -------------------------------------------------------------------------

    def batcher(self, name: str, work: Callable[[np.ndarray], tuple[np.ndarray, ...]]) -> Batcher:
        if name not in self._batchers:
            limits = self.limits
            self._batchers[name] = Batcher(
                work, self.computing, limits.batch, limits.waiting, self.counting.batches.add
            )
        return self._batchers[name]

    def encoder(self) -> Batcher:
        check_encodes(self.model)
        return self.batcher("encode", self._encoded)

    def _encoded(self, pixels: np.ndarray) -> tuple[np.ndarray]:
        return (self.model.transform(Pictures.from_array(pixels)),)

    def teller(self, name: str) -> tuple[Batcher, tuple[str, ...]]:
        """Who tells classes, and the names of these."""
        check_encodes(self.model)
        if name not in self.heads:
            known = (
                f"It has: {', '.join(self.heads)}." if self.heads else "Make one: isthmus classify RUN --labels CSV."
            )
            raise UsageError(f"this run has no classifier {name!r}", known)
        if name not in self._tellers:
            classifier = load_classifier(self.run, self.model, name)
            batcher = self.batcher(f"predict {name}", partial(_told, classifier))
            self._tellers[name] = batcher, tuple(map(str, classifier.classes_))
        return self._tellers[name]

    def decoder(self) -> Batcher:
        return self.batcher("decode", self._decoded)

    def _decoded(self, rows: np.ndarray) -> tuple[np.ndarray]:
        """The last number of a row is its class, -1 where none was asked for."""
        classes = rows[:, -1].astype(int)
        y = classes if (classes >= 0).any() else None
        return (self.model.inverse_transform(rows[:, :-1].astype(np.float32), y),)

    # -- designs, one order at a time ---------------------------------------------------------------------------------

    def design(self, want: str, n: int, seed: int) -> Answer:
        """Guides and judge are trained when a kind of wish is heard first, and kept in the run folder."""
        if want.lstrip().startswith("@"):
            raise UsageError("wishes are not read from files here", "Write them out.")
        if not self._busy.acquire(blocking=False):
            raise Busy("designs are being looked for already", "Ask again in a moment.")
        try:
            shop = self._workshop()
            wishes, notes = read_spec(want, shop.words)
            shop.check(wishes)
            return answered(shop, self.run, want, Asked(wishes, n=n, seed=seed), command_of(want, n, {}), notes=notes)
        finally:
            self._busy.release()

    def _workshop(self) -> Workshop:
        if self._shop is None:
            pictures = pictures_of(self.run)
            split = pictures.split if pictures.split is not None else np.full(len(pictures), "train", object)
            train, test = (pictures.take(split == part) for part in ("train", "test"))
            folder = self.run.path / "designs"
            self._shop = Workshop(self.model, train, test if len(test) else None, folder=folder)
        return self._shop

    def close(self) -> None:
        """What is being computed is finished; nothing new begins."""
        for executor in (self.computing, self.designing):
            executor.shutdown(wait=True, cancel_futures=True)


def _told(classifier: Any, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Probabilities, the sets that hold the true class as often as was promised, and how usual each picture is."""
    seen = classifier.look(Pictures.from_array(pixels))
    probabilities = classifier.predict_proba(seen)
    threshold = classifier.threshold_
    sets = np.zeros(probabilities.shape, bool) if threshold is None else sets_of(probabilities, threshold)
    return probabilities, sets, classifier.typical(seen)
