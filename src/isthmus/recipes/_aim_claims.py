"""Paper 003's claims, and those that its proposed experiments test: pure functions of what was measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD, gain, more, points, span
from isthmus.recipes._recipe import Measured, Row
from isthmus.recipes._wells import KINDS
from isthmus.recipes._working import unpacked
from isthmus.stats.intervals import Interval, wilson_interval

__all__ = ["CELLS", "claims", "effects", "flags", "said", "share_of"]

CELLS = ("narrow-few", "narrow-many", "wide-few", "wide-many")
_LSO_1, _LSO_2, _PIXELS = "narrow-few", "wide-many", "pixels"
_VAE, _FREE, _OWN, _GAN = "vae-1", "gaussian", "vae-own", "gan"
_ALMOST, _OFTEN, _AS_GOOD = 0.95, 0.25, 0.02
_ORDER = {NOT_HELD: 0, CONFOUNDED: 1, HELD: 2}


def flags(measured: Measured, case: str, which: str, where: str = "first") -> np.ndarray:
    """`(trainings, wishes)`; of codes drawn as they come, the first as many."""
    rows = []
    for one in measured[case].values():
        held = one[where]
        rows.append(unpacked(held[which], held.get("n", one["starts"]))[: one["starts"]])
    return np.stack(rows)


def said(case: str) -> str:
    return KINDS[case].said


def share_of(found: np.ndarray) -> Interval:
    """Of the flags, with Wilson's interval over all of them."""
    return wilson_interval(int(found.sum()), found.size)


def effects(measured: Measured, which: str) -> dict[str, Interval]:
    """Of more numbers, of more pictures, and how much larger that of the numbers is where there are more pictures."""
    five, five_many, twenty, twenty_many = (flags(measured, case, which).astype(float) for case in CELLS)
    return {
        "numbers": gain((twenty + twenty_many) / 2, (five + five_many) / 2),
        "pictures": gain((five_many + twenty_many) / 2, (five + twenty) / 2),
        "interaction": gain(twenty_many + five, five_many + twenty),
    }


def claims(measured: Measured, sizes: Any) -> list[Row]:
    """Those that failed come first."""
    rows = [
        *_against_pixels(measured),
        *_of_numbers(measured),
        _retries(measured),
        *_against_others(measured),
        *_of_regularity(measured),
        *_of_ground(measured),
        *_unsearched(measured, sizes),
    ]
    return sorted(rows, key=lambda row: _ORDER[str(row.verdict)])


def _claim(what: str, found: Interval, verdict: str, words: str, paper: float | None = None) -> Row:
    inside = Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n)
    return Row(what, paper, round(inside.value, 4), {}, span(inside), verdict, words)


def _against_pixels(measured: Measured) -> list[Row]:
    rows, pixels = [], flags(measured, _PIXELS, "oracle")
    for case in (_LSO_1, _LSO_2):
        ours = flags(measured, case, "oracle")
        found = gain(ours, pixels)
        words = f"the oracle names {ours.mean():.1%} as wished, of pixels {pixels.mean():.1%}: {points(found)}"
        rows.append(_claim(f"{said(case)} beats input optimisation under the oracle", found, more(found), words))
    granted = share_of(flags(measured, _PIXELS, "guide"))
    verdict = HELD if granted.low >= _ALMOST else NOT_HELD
    words = f"{granted.value:.1%} meet the threshold; almost never fails is {_ALMOST:.0%}"
    rows.append(_claim("input optimisation almost never fails the guide", granted, verdict, words))
    less = {case: gain(flags(measured, _PIXELS, "guide"), flags(measured, case, "guide")) for case in CELLS}
    worst = min(less.values(), key=lambda one: one.low)
    words = "pixels are ahead by " + "; ".join(f"{points(one)} of {_cell(case)}" for case, one in less.items())
    rows.append(_claim("a smaller space fails the guide more often", worst, more(worst), words))
    return rows


def _cell(case: str) -> str:
    kind = KINDS[case]
    return f"{'5' if kind.size == 'narrow' else '20'} numbers from {'1,000' if kind.pictures == 'few' else '10,000'}"


def _of_numbers(measured: Measured) -> list[Row]:
    """The paper's 64 and 82 %, and what of the difference is the size of the code."""
    rows = []
    for which, by, paper in (("guide", "by the guide", 18.0), ("oracle", "by the oracle", None)):
        both = gain(flags(measured, _LSO_2, which), flags(measured, _LSO_1, which))
        apart = effects(measured, which)
        words = (
            f"LSO-2 against LSO-1 {points(both)}; of more numbers {points(apart['numbers'])}, of more pictures "
            f"{points(apart['pictures'])}, interaction {points(apart['interaction'])}"
        )
        verdict = more(both, apart["numbers"])
        rows.append(_claim(f"20 numbers succeed more often than 5, {by}", both, verdict, words, paper))
        alone, words = apart["numbers"], "the mean of the differences with 1,000 and with 10,000 pictures"
        rows.append(_claim(f"all else equal, 20 numbers succeed more often than 5, {by}", alone, more(alone), words))
    return rows


def _retries(measured: Measured) -> Row:
    done, agreed = ({case: _after(measured, case, key) for case in (_LSO_1, _LSO_2)} for key in ("guide", "both"))
    worst = min(done.values(), key=lambda one: one.low)
    last = len(next(iter(measured[_LSO_1].values()))["attempts"])
    words = " and ".join(f"{one.value:.1%} of {said(case)}'s" for case, one in done.items())
    words += f" wishes are met within {last} attempts, by the guide; enough is {_ALMOST:.0%}. The oracle agrees to "
    words += " and ".join(f"{one.value:.1%}" for one in agreed.values())
    return _claim("very few retries are enough", worst, HELD if worst.low >= _ALMOST else NOT_HELD, words)


def _after(measured: Measured, case: str, key: str) -> Interval:
    ends = [(one["attempts"][-1][key], one["starts"]) for one in measured[case].values()]
    return wilson_interval(sum(hits for hits, _ in ends), sum(n for _, n in ends))


def _against_others(measured: Measured) -> list[Row]:
    """Pictures that a GAN and a VAE draw unasked beside designs, tried again where they had failed."""
    rows, lso = [], flags(measured, _LSO_2, "sure", "last")
    for case in (_OWN, _GAN):
        theirs = flags(measured, case, "sure", "random")
        found, nearer = gain(theirs, lso), _nearer(measured, (case, "random"), (_LSO_2, "last"))
        verdict = HELD if more(found) == HELD and nearer[0] else NOT_HELD
        words = f"accepted {theirs.mean():.1%} and {lso.mean():.1%}, {points(found)}; {nearer[1]}; both must be better"
        rows.append(_claim(f"{said(case)}: its pictures are better than LSO-2's", found, verdict, words))
    through = flags(measured, _GAN, "sure", "last")
    own = flags(measured, _GAN, "sure", "random")
    found, nearer = gain(through, own), _nearer(measured, (_GAN, "random"), (_GAN, "last"))
    verdict = HELD if found.low > -_AS_GOOD else NOT_HELD
    words = f"accepted {through.mean():.1%} and {own.mean():.1%}, {points(found)}; {nearer[1]}; as good is within "
    words += f"{100 * _AS_GOOD:.0f} points"
    rows.append(_claim("a search through the GAN's decoder draws as well as the GAN", found, verdict, words))
    return rows


def _nearer(measured: Measured, first: tuple[str, str], second: tuple[str, str]) -> tuple[bool, str]:
    """Whether the first's distance to the test pictures is the smaller one in every training, and both in words."""
    one, two = ([found[where]["FCD"] for found in measured[case].values()] for case, where in (first, second))
    if None in one or None in two:
        return False, "too few for a distance"
    apart = f"distance to test pictures {np.mean(one):.3g} and {np.mean(two):.3g}"
    return all(a < b for a, b in zip(one, two, strict=False)), apart


def _of_regularity(measured: Measured) -> list[Row]:
    rows = []
    for where, which, what in (
        ("random", "sure", "a VAE's random codes are accepted more often than an autoencoder's"),
        ("first", "oracle", "a more regular code lets a search be right more often"),
    ):
        vae, lso, free = (flags(measured, case, which, where) for case in (_VAE, _LSO_2, _FREE))
        both, fair = gain(vae, lso), gain(vae, free)
        words = (
            f"{said(_VAE)} {vae.mean():.1%}, LSO-2 {lso.mean():.1%}, {points(both)}; against an autoencoder whose code "
            f"is as free as the VAE's ({free.mean():.1%}) {points(fair)}"
        )
        verdict, apart = more(both, fair), (True, "")
        if where == "random":
            apart = _nearer(measured, (_VAE, where), (_FREE, where))
            words += f"; {apart[1]}: codes that all draw one clear picture are accepted too"
            verdict = CONFOUNDED if verdict == HELD and not apart[0] else verdict
        rows.append(_claim(what, both, verdict, words))
    five, five_many, twenty, twenty_many = (flags(measured, case, "sure", "random").astype(float) for case in CELLS)
    found = gain((five + five_many) / 2, (twenty + twenty_many) / 2)
    nearer = [_nearer(measured, (small, "random"), (large, "random")) for small, large in (CELLS[::2], CELLS[1::2])]
    verdict = CONFOUNDED if more(found) == HELD and not all(one for one, _ in nearer) else more(found)
    words = f"random codes of 5 numbers are accepted {points(found)} more often than those of 20, all else equal; "
    words += ", and with more pictures ".join(apart for _, apart in nearer)
    rows.append(_claim("the smaller code is the more regular one (the paper expected it)", found, verdict, words))
    return rows


def _of_ground(measured: Measured) -> list[Row]:
    """Vanishing gradients and large jumps, as walks show them."""
    rows = []
    for key, what, bar in (
        ("long", "walks stand still for a long time", "ten steps in a row that change the error by less than 1 %"),
        ("leapt", "walks leap", "a step that halves the error"),
    ):
        found = {case: _walks_with(measured, case, key) for case in (_LSO_1, _LSO_2)}
        best = max(found.values(), key=lambda one: one.low)
        words = ", ".join(f"{one.value:.0%} of {said(case)}'s" for case, one in found.items())
        words += f" have {bar}; often is {_OFTEN:.0%}"
        rows.append(_claim(what, best, HELD if best.low >= _OFTEN else NOT_HELD, words))
    return rows


def _walks_with(measured: Measured, case: str, key: str) -> Interval:
    hits = total = 0.0
    for one in measured[case].values():
        paths: Mapping[str, Any] = one["paths"]
        for who, n in (("met", paths["met"]), ("failed", paths["walks"] - paths["met"])):
            hits, total = hits + n * (paths[f"{key}, {who}"] or 0.0), total + n
    return wilson_interval(round(hits), round(total))


def _unsearched(measured: Measured, sizes: Any) -> list[Row]:
    """What moves no code: not claims of the paper, which has only doubts about clusters."""
    rows = []
    for case, where, name in (
        (_LSO_1, "filtered", f"the best of {sizes.tries} random codes"),
        (_LSO_2, "filtered", f"the best of {sizes.tries} random codes"),
        (_LSO_2, "clusters", "sampling from clusters of its codes"),
    ):
        ours, theirs = flags(measured, case, "oracle"), flags(measured, case, "oracle", where)
        found = gain(ours, theirs)
        granted = flags(measured, case, "guide", where).mean()
        words = (
            f"the oracle names {ours.mean():.1%} as wished, and {theirs.mean():.1%} there, of which the guide grants "
            f"{granted:.1%}: {points(found)}; not a claim of the paper"
        )
        rows.append(_claim(f"{said(case)}'s search beats {name}, by the oracle", found, more(found), words))
    return rows
