"""Whether a classifier that says 90 % is right nine times of ten."""

import numpy as np

from isthmus.errors import DataError
from isthmus.stats.intervals import Interval, mean_interval

__all__ = ["brier_score", "expected_calibration_error", "fit_temperature", "negative_log_likelihood", "softmax"]


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities in float64; rows of any size of logit."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """The gap between confidence and accuracy in `bins` equal bins of confidence, weighted by how full they are."""
    probabilities, labels = _pairs(probabilities, labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> Interval:
    """Nats per picture; a probability of 0 for the true class counts as the smallest number there is."""
    probabilities, labels = _pairs(probabilities, labels)
    chosen = probabilities[np.arange(len(labels)), labels]
    return mean_interval(-np.log(chosen.clip(np.finfo(np.float64).tiny)))


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> Interval:
    """The squared distance between the probabilities and the truth, summed over classes: 0 at best, 2 at worst."""
    probabilities, labels = _pairs(probabilities, labels)
    truth = np.eye(probabilities.shape[1])[labels]
    return mean_interval(np.square(probabilities - truth).sum(axis=1))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the labels likeliest, between 1/1000 and 1000.

    The likelihood is convex in 1/T and its slope is the mean of (expected logit - true logit), so bisection finds it.
    """
    logits, labels = _pairs(logits, labels)
    true = logits[np.arange(len(labels)), labels]
    low, high = np.log(1e-3), np.log(1e3)
    for _ in range(60):
        middle = (low + high) / 2
        slope = ((softmax(logits, np.exp(-middle)) * logits).sum(axis=1) - true).mean()
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))


def _pairs(rows: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labelled rows alone, in float64."""
    rows, labels = np.asarray(rows, np.float64), np.asarray(labels)
    if rows.ndim != 2 or len(rows) != len(labels):
        raise DataError(f"probabilities of shape {rows.shape} and {len(labels)} labels do not belong together")
    known = labels >= 0
    if not known.any():
        raise DataError("no picture has a label", "Calibration is measured on labelled pictures.")
    if labels.max() >= rows.shape[1]:
        raise DataError(f"a label names class {labels.max()} of {rows.shape[1]}", "Give one column to every class.")
    return rows[known], labels[known].astype(np.int64)
