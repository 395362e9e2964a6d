"""The 2-5-5-1 network: sigmoid in every layer, binary cross entropy, scikit-learn's conventions."""

from __future__ import annotations

from tinygrad_bp.classifier.estimator import NotFittedError, OnEpoch, SigmoidClassifier
from tinygrad_bp.classifier.network import descend, sigmoid_network

__all__ = ["NotFittedError", "OnEpoch", "SigmoidClassifier", "descend", "sigmoid_network"]
