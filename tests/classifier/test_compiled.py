"""The classifier with compiled epochs: the same training, and what ran is said."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.compiling import making
from tinygrad_bp.compiling.interpreter import Interpreter
from tinygrad_bp.data import xor
from tinygrad_bp.errors import NativeUnavailable


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_compiled_epochs_are_the_same_epochs(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def interpreted(_backend: str, family: Any, carry: Any, _threads: Any) -> Interpreter:
        return Interpreter(family, carry)

    monkeypatch.setattr(making, "engine_of", interpreted)
    table = xor(60, seed=1)
    options: dict[str, Any] = {
        "max_epochs": 30,
        "validation_fraction": share,
        "random_state": 0,
        "restarts": 1,
    }
    plain = tg.SigmoidClassifier(**options).fit(table.X, table.y)
    fast = tg.SigmoidClassifier(compile=True, **options).fit(table.X, table.y)
    np.testing.assert_allclose(fast.loss_curve_, plain.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(fast.validation_curve_, plain.validation_curve_, rtol=1e-9)
    np.testing.assert_allclose(
        fast.decision_function(table.X), plain.decision_function(table.X), rtol=1e-7, atol=1e-9
    )
    assert (plain.backend_, fast.backend_) == ("eager", "native")
    assert (plain.restarts_, plain.start_) == (fast.restarts_, fast.start_)


def test_without_native_code_the_epochs_run_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> Any:
        raise NativeUnavailable("no FMA for classifiers")  # a reason is said once

    monkeypatch.setattr(making, "engine_of", none)
    table = xor(60, seed=1)
    options: dict[str, Any] = {"max_epochs": 3, "random_state": 0, "restarts": 0}
    with pytest.warns(UserWarning, match="no FMA"):
        fast = tg.SigmoidClassifier(compile=True, **options).fit(table.X, table.y)
    assert fast.backend_ == "eager"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = tg.SigmoidClassifier(**options).fit(table.X, table.y)
    np.testing.assert_allclose(fast.loss_curve_, plain.loss_curve_, rtol=1e-12)


def test_the_setting_is_checked() -> None:
    with pytest.raises(ValueError, match="compile='yes'; expected True or False"):
        tg.SigmoidClassifier(compile="yes").fit([[0.0], [1.0]], [0, 1])  # type: ignore[arg-type]  # refused
