"""The area under the ROC curve against scikit-learn, by hand and by simulation; and the promise of few false alarms."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from isthmus.errors import DataError
from isthmus.stats import auroc, auroc_difference
from isthmus.stats.conformal import alarm_threshold, p_values

RANDOM = np.random.default_rng


@pytest.mark.parametrize("steps", [2, 5, 1000])
def test_the_area_is_scikit_learns_with_and_without_ties(steps: int) -> None:
    generator = RANDOM(steps)
    odd = generator.random(300) < 0.2
    scores = np.round(steps * (generator.random(300) + 0.3 * odd)) / steps
    assert auroc(scores, odd).value == pytest.approx(roc_auc_score(odd, scores), abs=1e-12)


def test_by_hand() -> None:
    # of the six pairs the odd one is above in three, level in one
    found = auroc(np.array([1, 3, 2, 2, 1.5]), np.array([True, True, False, False, False]))
    assert found.value == pytest.approx((0 + 3) / 6)
    tied = auroc(np.array([2.0, 3, 2, 1]), np.array([True, True, False, False]))
    assert tied.value == pytest.approx((1.5 + 2) / 4)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held, truth = 0, 0.76025  # of normals one apart
    for seed in range(300):
        generator = RANDOM(seed)
        odd = np.arange(200) < 40
        found = auroc(generator.normal(size=200) + odd, odd)
        held += found.low <= truth <= found.high
        assert 0 < found.low < found.value < found.high < 1
    assert 0.91 < held / 300 < 0.985


def test_perfect_and_single_ones_say_what_they_can() -> None:
    perfect = auroc(np.arange(20.0), np.arange(20) >= 12)
    assert (perfect.value, perfect.high) == (1, 1)
    assert 0.6 < perfect.low < 0.75  # eight of eight
    assert auroc(-np.arange(20.0), np.arange(20) >= 12).high < 0.4
    single = auroc(np.array([1.0, 2, 3, 4]), np.array([False, False, True, False]))
    assert single.value == pytest.approx(2 / 3)
    assert np.isnan(single.low)


def test_a_difference_on_the_same_pictures_is_narrower_than_two_apart() -> None:
    generator = RANDOM(0)
    odd = np.arange(400) < 80
    first = generator.normal(size=400) + odd
    second = first + 0.2 * generator.normal(size=400)
    gain = auroc_difference(first, second, odd)
    assert gain.value == pytest.approx(auroc(first, odd).value - auroc(second, odd).value)
    assert gain.high - gain.low < 0.5 * (auroc(first, odd).high - auroc(first, odd).low)


@pytest.mark.parametrize(
    ("scores", "odd", "words"),
    [
        ([1, 2], [True, True], "2 odd and 0 normal"),
        ([1, np.nan], [True, False], "NaN"),
        ([1, 2, 3], [True, False], "3 scores and 2 marks"),
        ([1, 2], [1, 0], "booleans|marks"),
    ],
)
def test_what_makes_no_area_is_refused(scores: list[float], odd: list[bool], words: str) -> None:
    with pytest.raises(DataError, match=words):
        auroc(np.array(scores), np.array(odd))


def test_false_alarms_are_as_rare_as_promised() -> None:
    """True rates, not rates among some fresh pictures: those would add a spread that is not the threshold's."""
    found = [alarm_threshold(normal, 0.05) for normal in RANDOM(0).normal(size=(4000, 99))]
    rates, promise = stats.norm.sf([threshold for threshold, _ in found]), found[0][1]
    assert promise.value == pytest.approx(0.05)
    assert rates.mean() == pytest.approx(0.05, abs=0.0015)
    assert ((promise.low <= rates) & (rates <= promise.high)).mean() == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(("n", "rate"), [(99, 0.01), (19, 0.05), (150, 0.02), (57, 0.1)])
def test_an_alarm_is_a_small_p(n: int, rate: float) -> None:
    generator = RANDOM(n)
    normal, asked = np.round(generator.normal(size=n), 1), np.round(generator.normal(size=500), 1)
    threshold, _ = alarm_threshold(normal, rate)
    np.testing.assert_array_equal(asked > threshold, p_values(asked, normal) <= rate + 1e-12)
    with pytest.raises(DataError, match="cannot promise"):
        alarm_threshold(normal[: int(1 / rate) - 2], rate)
