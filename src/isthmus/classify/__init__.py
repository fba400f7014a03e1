"""Few labels: features of a fitted model, heads on them, how sure they are, and how much labels are worth."""

from isthmus.classify.classifier import Classifier
from isthmus.classify.curve import Curve, label_curve
from isthmus.classify.features import Features
from isthmus.classify.numbers.regressor import Regressor
from isthmus.classify.numbers.saving import load_regressor, save_regressor
from isthmus.classify.saving import load_classifier, save_classifier
from isthmus.classify.trunk import Trunk

__all__ = [
    "Classifier",
    "Curve",
    "Features",
    "Regressor",
    "Trunk",
    "label_curve",
    "load_classifier",
    "load_regressor",
    "save_classifier",
    "save_regressor",
]
