"""One case of paper 003: searches in one well, tried again where they fail, beside ways that do not search at all.

Everything is judged by the oracle, which has seen none of the pictures that the guide and the decoder learnt from.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from isthmus.contract import evenly
from isthmus.design.searches.polyak import Polyak
from isthmus.keys import stream
from isthmus.measure.oracle import Oracle
from isthmus.recipes._aims import Aimed, Desk
from isthmus.recipes._clusters import clustered
from isthmus.recipes._recipe import Task, Told, within
from isthmus.recipes._sheets import as_text
from isthmus.recipes._walked import walked
from isthmus.recipes._wells import KINDS, Well, dug, pca_errors
from isthmus.recipes._working import packed
from isthmus.stats import frechet_distance

__all__ = ["SURE", "searched"]

SURE = 0.9
"""A picture is accepted where the oracle is so sure of a class: fixed before anything was measured."""

_SHOWN = 5


@dataclass(frozen=True)
class _Judge:
    """The oracle, and the test pictures as it sees them: what distances are taken from."""

    oracle: Oracle
    reference: np.ndarray
    labels: np.ndarray

    def of(self, x: torch.Tensor, targets: torch.Tensor, granted: np.ndarray) -> dict[str, Any]:
        """Flags for each wish: the guide grants it, the oracle names the class, and is sure of it."""
        told = self.oracle.predict_proba(x)
        right = told.argmax(axis=1) == targets.numpy()
        sure = right & (told.max(axis=1) >= SURE)
        return {"guide": packed(granted), "oracle": packed(right), "sure": packed(sure)}

    def looks(self, x: torch.Tensor) -> float | None:
        """The Fréchet distance to the test pictures; as many pictures are compared everywhere."""
        features = self.oracle.features(x)
        return frechet_distance(features, self.reference) if len(features) > features.shape[1] else None

    def variety(self, x: torch.Tensor, targets: torch.Tensor) -> float:
        """The mean distance of two pictures of a class, in that of two test pictures."""
        features, ours, theirs = self.oracle.features(x), list[float](), list[float]()
        for c in np.unique(targets):
            ours.append(_apart(features[targets.numpy() == c]))
            theirs.append(_apart(self.reference[self.labels == c][:500]))
        return float(np.mean(ours) / np.mean(theirs))


def searched(task: Task) -> dict[str, Any]:
    """All that the parts tell of one well and seed."""
    desk, kind = Desk(task.sizes, task.seed, task.folder.parent), KINDS[task.case]
    guide, oracle = desk.guide(within(task.told, 0, 0.05)), desk.oracle(within(task.told, 0.05, 0.2))
    well = dug(kind, desk, within(task.told, 0.2, 0.4))
    aimed = Aimed(lambda z, rows: well.decode(z), guide, (), targets=desk.targets, threshold=task.sizes.threshold)
    test, labels = desk.test
    judge = _Judge(oracle, oracle.features(test), labels)
    found = {"latent": well.numbers, "starts": len(desk.targets)} | _about(desk, aimed, well, judge)
    x, _ = desk.first(task.sizes.few if kind.pictures == "few" else task.sizes.many)
    found["pictures"] = len(x)
    if well.encodes:
        theirs, others = pca_errors(x, desk.held_out, well.numbers)
        found["MSE"] = {"training": well.errors(x), "held out": well.errors(desk.held_out)}
        found["MSE"] |= {"PCA, training": theirs, "PCA, held out": others}
    found |= _tried(desk, aimed, well, judge, within(task.told, 0.4, 0.9))
    task.told(0.9, "drawing codes")
    found |= _unsearched(desk, aimed, well, judge)
    if well.encodes:
        task.told(0.97, "clusters of codes")
        found["clusters"] = _clusters(desk, aimed, well, judge)
    return found


def _about(desk: Desk, aimed: Aimed, well: Well, judge: _Judge) -> dict[str, Any]:
    """How good guide and oracle are on test pictures, and how often the oracle is sure of those."""
    test, labels = desk.test
    with torch.inference_mode():
        verdict = replace(aimed, decode=lambda z, rows: z, targets=torch.from_numpy(labels))(
            test, torch.arange(len(test))
        )
    assert verdict.seen.classes is not None
    right = verdict.seen.classes[0].argmax(1).numpy() == labels
    accuracy, told = judge.oracle.accuracy(test, labels), judge.oracle.predict_proba(test)
    return {
        "guide": {"accuracy": float(right.mean()), "squared error": float(verdict.loss.mean())},
        "oracle accuracy": [accuracy.value, accuracy.low, accuracy.high],
        "test": {"sure": float((told.max(axis=1) >= SURE).mean()), "granted": float(verdict.met.float().mean())},
    }


def _tried(desk: Desk, aimed: Aimed, well: Well, judge: _Judge, told: Told) -> dict[str, Any]:
    """The searches: those from the first starts, and what other starts make of those that failed."""
    sizes, n = desk.sizes, len(aimed.targets)
    attempts, left, at = list[dict[str, Any]](), torch.arange(n), np.zeros(n, int)
    codes, found = torch.empty(n, well.numbers), dict[str, Any]()
    for attempt in range(1, sizes.attempts + 1):
        told((attempt - 1) / sizes.attempts, f"attempt {attempt}")
        starts, filmed = well.draw(n, stream(desk.seed, "start", attempt)), evenly(n, sizes.filmed).tolist()
        began = time.process_time()
        one = Polyak(steps=sizes.steps).search(
            replace(aimed, targets=aimed.targets[left]), starts[left], filmed=filmed if attempt == 1 else ()
        )
        if attempt == 1:
            codes = one.codes.clone()
            found["seconds"] = time.process_time() - began
            found["first"] = judge.of(_drawn(well, codes), aimed.targets, one.met.numpy())
            found["steps"] = float(one.steps[one.met].median()) if one.met.any() else None
            found["outside"] = float(((one.codes < 0) | (one.codes > 1)).float().mean())
            found["paths"] = walked(aimed, one, well.spread, told)
            found["shown"] = _shown(aimed, well, judge, one.codes, one.met)
        codes[left[one.met]], at[left[one.met].numpy()] = one.codes[one.met], attempt
        left = left[~one.met]
        right = judge.oracle.predict(_drawn(well, codes)) == aimed.targets.numpy()
        attempts.append({"guide": int((at > 0).sum()), "both": int(((at > 0) & right).sum())})
        if len(left) == 0:
            attempts += [attempts[-1]] * (sizes.attempts - attempt)
            break
    x = _drawn(well, codes)
    looks = {"FCD": judge.looks(x), "variety": judge.variety(x, aimed.targets)}
    return found | {"attempts": attempts, "last": judge.of(x, aimed.targets, at > 0) | looks}


def _unsearched(desk: Desk, aimed: Aimed, well: Well, judge: _Judge) -> dict[str, Any]:
    """Codes drawn: as they come, and of several for each wish the one that the guide likes best."""
    sizes, n, rows = desk.sizes, len(aimed.targets), torch.arange(len(aimed.targets))
    x = _drawn(well, well.draw(sizes.random, stream(desk.seed, "random")))
    sure = judge.oracle.predict_proba(x).max(axis=1) >= SURE
    found: dict[str, Any] = {"random": {"sure": packed(sure), "n": len(x), "FCD": judge.looks(x[:n])}}
    codes, least, met = torch.empty(n, well.numbers), torch.full((n,), torch.inf), torch.zeros(n, dtype=torch.bool)
    with torch.inference_mode():
        for number in range(sizes.tries):
            z = well.draw(n, stream(desk.seed, "filter", number))
            verdict = aimed(z, rows)
            better = verdict.loss < least
            codes[better], least[better], met[better] = z[better], verdict.loss[better], verdict.met[better]
    found["filtered"] = judge.of(_drawn(well, codes), aimed.targets, met.numpy())
    x, labels = desk.first(sizes.many)
    if well.encodes:
        known = well.codes(x)
        means = torch.stack([known[torch.from_numpy(labels == c)].mean(0) for c in range(desk.classes)])
        found["class means"] = _judged(aimed, well, judge, means, torch.arange(desk.classes))
    elif well.model is None:
        generator = np.random.default_rng(stream(desk.seed, "training pictures"))
        some = [generator.choice(np.flatnonzero(labels == c)) for c in aimed.targets.tolist()]
        found["training pictures"] = _judged(aimed, well, judge, x[some].flatten(1), aimed.targets)
    return found


def _clusters(desk: Desk, aimed: Aimed, well: Well, judge: _Judge) -> dict[str, Any]:
    """Section 3.1: clusters of codes, named by the guide, and samples from those of the wished class."""
    codes = well.codes(desk.first(desk.sizes.many)[0])
    answers = aimed.guide(_drawn(well, codes)).classes
    assert answers is not None
    drawn, named = clustered(codes, answers[0].exp(), aimed.targets, desk.sizes.clusters, desk.seed)
    found = _judged(aimed, well, judge, drawn, aimed.targets, named)
    return found | {"classes named": len(np.unique(aimed.targets.numpy()[named]))}


def _judged(
    aimed: Aimed,
    well: Well,
    judge: _Judge,
    codes: torch.Tensor,
    targets: torch.Tensor,
    there: np.ndarray | None = None,
) -> dict[str, Any]:
    """What guide and oracle say of codes that nobody has moved; a wish without any is not met."""
    with torch.inference_mode():
        verdict = replace(aimed, targets=targets)(codes, torch.arange(len(codes)))
    x, there = _drawn(well, codes), np.ones(len(codes), bool) if there is None else there
    wished = torch.where(torch.from_numpy(there), targets, -1)
    found = judge.of(x, wished, verdict.met.numpy() & there) | {"n": len(codes)}
    return found | {
        "FCD": judge.looks(x),
        "variety": judge.variety(x, targets) if len(x) > len(targets.unique()) else None,
    }


def _drawn(well: Well, codes: torch.Tensor) -> torch.Tensor:
    """What is shown and judged: codes of pixels may have left [0, 1]."""
    with torch.inference_mode():
        return torch.cat([well.decode(part) for part in codes.split(1024)]).clamp(0, 1).clone()


def _shown(aimed: Aimed, well: Well, judge: _Judge, codes: torch.Tensor, met: torch.Tensor) -> dict[str, Any]:
    """The first of every class."""
    rows = np.concatenate([np.flatnonzero(aimed.targets.numpy() == c)[:_SHOWN] for c in np.unique(aimed.targets)])
    x = _drawn(well, codes[rows])
    names = {"targets": aimed.targets[rows].tolist(), "met": met[rows].tolist()}
    random = _drawn(well, well.draw(len(rows), 0))
    return names | {
        "answers": judge.oracle.predict(x).tolist(),
        "pictures": as_text(x),
        "random": as_text(random),
        "shape": list(x.shape),
    }


def _apart(features: np.ndarray) -> float:
    """The mean distance of two of them."""
    if len(features) < 2:
        return 0.0
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    return float(distances.sum() / (len(features) * (len(features) - 1)))
