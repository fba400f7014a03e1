"""The four claims of paper 001 about beta, gamma and the size of the code: pure functions of what was measured."""

import math
from collections.abc import Mapping
from typing import Any

from isthmus.recipes._claims import CONFOUNDED, HELD, NOT_HELD, gain, more, points, span
from isthmus.recipes._grid import (
    Grid,
    apart,
    betas_of,
    curve,
    error_of,
    listed,
    name_of,
    numbers_of,
    right_of,
    said,
    settings_of,
    spread,
)
from isthmus.recipes._recipe import Measured, Row
from isthmus.recipes._two_steps import NARROW, WIDE
from isthmus.stats.intervals import Interval

__all__ = ["claims", "failed"]

_ABOUT = 0.1
"""The beta at which the paper sees gamma repair."""


def claims(measured: Measured, sizes: Any) -> list[Row]:
    """The four that the paper makes."""
    grids = {apart(case): (case, seeds) for case, seeds in measured.items() if case.startswith("grid-")}
    rows = []
    for data, code in grids:
        if len(betas_of(grids[data, code][1], 0.0)) > 1:
            rows += _of_beta(*grids[data, code])
    for data in dict.fromkeys(data for data, _ in grids):
        fair = measured.get(f"price-{data}")
        if data in sizes.whole and (data, NARROW) in grids and (data, WIDE) in grids:
            rows.append(_of_code(data, grids[data, NARROW][1], grids[data, WIDE][1], fair))
    if ("omniglot", NARROW) in grids:
        wide = grids.get(("omniglot", WIDE))
        rows.append(_of_omniglot(grids["omniglot", NARROW][1], wide[1] if wide else None))
    return rows


def _of_beta(case: str, seeds: Grid) -> list[Row]:
    """(i) and (ii)."""
    name, alone = name_of(case, seeds), "" if len(seeds) > 1 else "; a single training of each"
    agreement = curve(seeds, "agreement", 0.0)
    lowest, highest = min(agreement), max(agreement)
    fall = gain(right_of(seeds, lowest, 0.0), right_of(seeds, highest, 0.0))
    falls = all(a >= b for a, b in zip(list(agreement.values()), list(agreement.values())[1:], strict=False))
    words = (
        f"from beta {lowest:g} to {highest:g} it falls by {points(fall)}; agreement at beta "
        f"{listed(agreement, '.3f')}, {'never rising' if falls else 'not at every step'}{alone}"
    )
    rows = [_claim(f"(i) {name}: agreement falls with beta, gamma 0", fall, more(fall), words)]
    both = [beta for beta in betas_of(seeds, 0.0) if any(g > 0 for b, g in settings_of(seeds) if b == beta)]
    if any(both):
        beta = _ABOUT if _ABOUT in both else max(both)
        gamma = max(g for b, g in settings_of(seeds) if b == beta)
        rise = gain(right_of(seeds, beta, gamma), right_of(seeds, beta, 0.0))
        words = f"{points(rise)} from gamma {gamma:g}{alone}"
        rows.append(_claim(f"(ii) {name}: gamma raises agreement at beta {beta:g}", rise, more(rise), words))
    return rows


def _of_code(data: str, narrow: Grid, wide: Grid, fair: Any) -> Row:
    """(iii), beside the small code at the large one's price of the KL: the two differ in that as well."""
    setting = (0.0, 0.0)
    less = _less(narrow, wide, setting)
    words = " and ".join(f"{error_of(one, setting):.4f} from {numbers_of(one)} numbers" for one in (narrow, wide))
    again = None
    if fair:
        again = _less(fair, wide, setting)
        words += f", {error_of(fair, setting):.4f} from {numbers_of(fair)} at the larger code's weight of the KL"
    single = [str(numbers_of(one)) for one in (narrow, wide) if len(one) == 1]
    words += f"; a single training of {' and '.join(single)}" if single else ""
    what = f"(iii) {data}: {numbers_of(wide)} numbers have the lower MSE at beta 0"
    return Row(what, None, round(less.value, 6), {}, span(less), more(less, again), words)


def failed(found: Mapping[str, Any]) -> bool:
    """Nothing comes back: the oracle loses half of the classes that it knows, and the mean picture of the class has no
    larger error."""
    lost = found["agreement"][0] < 0.5 * found["oracle_accuracy"][0]
    return bool(lost and found["mse"][0] >= found["class mean"])


def _of_omniglot(narrow: Grid, wide: Grid | None) -> Row:
    """(iv), beside the large code, which must not fail too if the small one is to blame."""
    words_of, fails = list[str](), list[bool]()
    for seeds in (narrow, wide) if wide else (narrow,):
        settings = settings_of(seeds)
        setting = (0.0, 0.0) if (0.0, 0.0) in settings else next(iter(settings))
        found = next(iter(settings[setting].values()))
        fails.append(failed(found))
        words_of.append(
            f"{numbers_of(seeds)} numbers at {said(*setting)}: agreement {found['agreement'][0]:.3f} where the oracle "
            f"names {found['oracle_accuracy'][0]:.3f} of the pictures, MSE {found['mse'][0]:.4f} where class means "
            f"have {found['class mean']:.4f} and the mean of all {next(iter(seeds.values()))['mean picture']:.4f}"
        )
    verdict = NOT_HELD if not fails[0] else CONFOUNDED if fails[-1] and len(fails) > 1 else HELD
    words = "; ".join(words_of) + "; failing is to lose half of the classes and to be no nearer than class means"
    if verdict == CONFOUNDED:
        words += "; the larger code fails as well, so its size alone is not the reason"
    return Row(f"(iv) omniglot: {numbers_of(narrow)} numbers fail", None, None, {}, None, verdict, words)


def _less(first: Grid, second: Grid, at: tuple[float, float]) -> Interval:
    """How much lower the second one's squared error is; wider than it need be, as if they had other pictures."""
    one, two = (spread([one["mse"] for one in settings_of(seeds)[at].values()]) for seeds in (first, second))
    half, value = math.hypot(one.high - one.value, two.high - two.value), one.value - two.value
    return Interval(value, value - half, value + half, 2)


def _claim(what: str, found: Interval, verdict: str, words: str) -> Row:
    inside = Interval(100 * found.value, 100 * found.low, 100 * found.high, found.n)
    return Row(what, None, round(inside.value, 4), {}, span(inside), verdict, words)
