"""Estimators of scikit-learn's: any network, and those of the command; needs ``[sklearn]``."""

from __future__ import annotations

try:
    from tinygrad_bp.sklearn.network_classifier import NetworkClassifier
    from tinygrad_bp.sklearn.network_regressor import NetworkRegressor
    from tinygrad_bp.sklearn.sigmoid import SigmoidClassifier, SigmoidRegressor
except ImportError as error:
    raise ImportError(
        "tinygrad_bp.sklearn needs scikit-learn 1.6 or newer: install the extra, as in"
        " pip install 'tinygrad-bp[sklearn]'; tinygrad_bp.SigmoidClassifier does without"
    ) from error

__all__ = ["NetworkClassifier", "NetworkRegressor", "SigmoidClassifier", "SigmoidRegressor"]
