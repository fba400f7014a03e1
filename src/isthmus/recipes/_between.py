"""What a code is worth as a manifold: its neighbours, and whether what lies between two pictures is a picture.

The middle of two codes is decoded, and an oracle's features say how far it is from the nearest real picture that is
neither of the two. Beside it stand the middle of the two pictures themselves, the two pictures redrawn, which are as
blurred and between nothing, and real pictures, which have a nearest one too.
"""

from typing import Any

import numpy as np
import torch

from isthmus.contract import evaluate
from isthmus.look.scores import map_scores
from isthmus.measure.oracle import Oracle
from isthmus.recipes._layers import Bench
from isthmus.recipes._pictures import some
from isthmus.recipes._sheets import as_text
from isthmus.recipes._working import packed, packed_numbers
from isthmus.rng import permutation
from isthmus.stats.intervals import Interval
from isthmus.stats.intrinsic import intrinsic_dimension
from isthmus.stats.knn import knn_predict, neighbours

__all__ = ["ends", "manifold", "nearest", "pairs_of", "voted"]

_NEIGHBOURS = 5
_SHOWN = 10


def manifold(bench: Bench, model: Any, oracle: Oracle) -> dict[str, Any]:
    """Of a fitted model, on held-out pictures."""
    train, test = bench.pictures
    seen, voters = some(test, bench.sizes.mapped), some(train, bench.sizes.voters)
    codes, known = model.transform(seen), model.transform(voters)
    scores = map_scores(seen.pixels, codes, seen.labels, known, voters.labels)
    told = {name: ends(value) for name, value in scores.rows().items() if isinstance(value, Interval)}
    found: dict[str, Any] = {"trustworthiness": scores.trustworthiness} | told
    found |= {"right": voted(known, voters.labels, codes, seen.labels), "n": len(seen)}
    found["dimension"] = ends(intrinsic_dimension(model.transform(test), seed=bench.seed))
    return found | between(bench, model, oracle)


def between(bench: Bench, model: Any, oracle: Oracle) -> dict[str, Any]:
    """The middles of pairs of codes; `again` is the error of what is decoded from the middle's own code."""
    test = bench.pictures[1]
    pairs = pairs_of(len(test), bench.sizes.pairs, bench.seed)
    codes = torch.from_numpy(model.transform(test))
    middle, again = _decoded(model, (codes[pairs[0]] + codes[pairs[1]]) / 2)
    real = oracle.features(evaluate(model, test, lambda x: x))
    redrawn, _ = _decoded(model, codes[pairs[0]])
    return {
        "far": packed_numbers(nearest(oracle.features(middle), real, pairs)),
        "far, an end redrawn": float(nearest(oracle.features(redrawn), real, pairs).mean()),
        "sure": float(oracle.predict_proba(middle).max(axis=1).mean()),
        "again": again,
        "middles": as_text(middle[:_SHOWN]),
    }


def _decoded(model: Any, codes: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Cut to [0, 1], and how far what comes back of these pictures is from them."""
    found, errors = [], []
    with torch.inference_mode():
        for part in codes.split(512):
            x = model.decode(part.unflatten(1, model.latent_shape_).to(model.device_)).float().clamp(0, 1)
            back = model.decode(model.encode(x).mean).float()
            errors.append((back - x).square().flatten(1).mean(1).cpu())
            found.append(x.cpu())
    return torch.cat(found).clone(), float(torch.cat(errors).mean())


def pairs_of(pictures: int, most: int, seed: int) -> np.ndarray:
    """Rows of pictures two by two, `(2, n)`, each picture in one pair: the same for every model."""
    order = permutation(pictures, seed, "pairs of 002").numpy()
    count = min(most, pictures // 2)
    return np.stack([order[:count], order[count : 2 * count]])


def nearest(features: np.ndarray, real: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The distance of each to the nearest real picture that is not of its own pair."""
    distances, rows = neighbours(features, real, 3)
    own = (rows == pairs[0][:, None]) | (rows == pairs[1][:, None])
    return np.where(own, np.inf, distances).min(axis=1)


def voted(known: np.ndarray, labels: np.ndarray, codes: np.ndarray, wanted: np.ndarray) -> str:
    """Which pictures five neighbours name rightly, as text."""
    return packed(knn_predict(known, labels, codes, _NEIGHBOURS) == wanted)


def ends(interval: Interval) -> list[float]:
    return [interval.value, interval.low, interval.high]
