"""Pure numbers: neighbours, distances, intervals, calibration. No models, no opinions."""

from isthmus.stats.auroc import auroc, auroc_difference
from isthmus.stats.calibration import (
    brier_score,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    softmax,
)
from isthmus.stats.frechet import frechet_distance, frechet_interval, frechet_of_gaussians, gaussian_of
from isthmus.stats.intervals import Interval, bootstrap_interval, mean_interval, paired_difference, wilson_interval
from isthmus.stats.knn import knn_accuracy, knn_predict, neighbours
from isthmus.stats.maps import silhouette, silhouette_values, trustworthiness
from isthmus.stats.marginals import Steps, kolmogorov_smirnov, scott_density, wasserstein
from isthmus.stats.prdc import Prdc, prdc
from isthmus.stats.spectrum import Components, principal_angles, principal_components

__all__ = [
    "Components",
    "Interval",
    "Prdc",
    "Steps",
    "auroc",
    "auroc_difference",
    "bootstrap_interval",
    "brier_score",
    "expected_calibration_error",
    "fit_temperature",
    "frechet_distance",
    "frechet_interval",
    "frechet_of_gaussians",
    "gaussian_of",
    "knn_accuracy",
    "knn_predict",
    "kolmogorov_smirnov",
    "mean_interval",
    "negative_log_likelihood",
    "neighbours",
    "paired_difference",
    "prdc",
    "principal_angles",
    "principal_components",
    "scott_density",
    "silhouette",
    "silhouette_values",
    "softmax",
    "trustworthiness",
    "wasserstein",
    "wilson_interval",
]
