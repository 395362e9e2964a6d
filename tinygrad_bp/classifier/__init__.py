"""The 2-5-5-1 network: sigmoids, for classes or a number, by scikit-learn's conventions."""

from __future__ import annotations

from tinygrad_bp.classifier.base import NotFittedError, OnEpoch
from tinygrad_bp.classifier.estimator import SigmoidClassifier
from tinygrad_bp.classifier.network import descend, sigmoid_network
from tinygrad_bp.classifier.regressor import SigmoidRegressor

__all__ = [
    "NotFittedError",
    "OnEpoch",
    "SigmoidClassifier",
    "SigmoidRegressor",
    "descend",
    "sigmoid_network",
]
