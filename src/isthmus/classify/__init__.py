"""Few labels: features of a fitted model, heads on them, how sure they are, how much labels are worth; what is odd."""

from isthmus.classify.anomalies import Detector
from isthmus.classify.classifier import Classifier
from isthmus.classify.curve import Curve, label_curve
from isthmus.classify.features import Features
from isthmus.classify.saving import load_classifier, load_detector, save_classifier, save_detector

__all__ = [
    "Classifier",
    "Curve",
    "Detector",
    "Features",
    "label_curve",
    "load_classifier",
    "load_detector",
    "save_classifier",
    "save_detector",
]
