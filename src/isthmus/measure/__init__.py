"""How good a fitted model is: reconstruction, density, codes, redrawn and drawn pictures, and the oracle, the judge."""

from isthmus.measure.codes import Codes, codes
from isthmus.measure.density import Density, binarised, importance_weighted_bound
from isthmus.measure.oracle import Oracle
from isthmus.measure.pixel_density import PixelDensity, pixel_density
from isthmus.measure.reconstruction import Baselines, Reconstruction, fit_baselines, reconstruction
from isthmus.measure.redrawn import ClassError, RedrawnQuality, redrawn_quality
from isthmus.measure.samples import SampleQuality, classification_accuracy_score, nearest_training, sample_quality

__all__ = [
    "Baselines",
    "ClassError",
    "Codes",
    "Density",
    "Oracle",
    "PixelDensity",
    "Reconstruction",
    "RedrawnQuality",
    "SampleQuality",
    "binarised",
    "classification_accuracy_score",
    "codes",
    "fit_baselines",
    "importance_weighted_bound",
    "nearest_training",
    "pixel_density",
    "reconstruction",
    "redrawn_quality",
    "sample_quality",
]
