"""Few labels: features of a fitted model, heads on them, how sure they are, how much labels are worth; what is odd."""

from isthmus.classify.anomalies import Detector
from isthmus.classify.classifier import Classifier
from isthmus.classify.curve import Curve, label_curve
from isthmus.classify.features import Features
from isthmus.classify.numbers.regressor import Regressor
from isthmus.classify.numbers.saving import load_regressor, save_regressor
from isthmus.classify.saving import load_classifier, load_detector, save_classifier, save_detector
from isthmus.classify.trunk import Trunk

__all__ = [
    "Classifier",
    "Curve",
    "Detector",
    "Features",
    "Regressor",
    "Trunk",
    "label_curve",
    "load_classifier",
    "load_detector",
    "load_regressor",
    "save_classifier",
    "save_detector",
    "save_regressor",
]
