"""Averages of weights and rates on a plateau: closed forms here, PyTorch's under `oracle`."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.optim import EMA, SGD, SWA, ReduceOnPlateau

PATH = np.random.default_rng(0).normal(size=(9, 3))


def leaf(dtype=np.float64):
    return tg.tensor(np.zeros(3, dtype), requires_grad=True)


def along(average, w):
    for values in PATH:
        with tg.no_grad():
            w *= 0
            w += values.astype(w.dtype)
        average.update()
    return average.values()[0]


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_an_ema_is_the_sum_with_weights_that_decay(decay):
    w = leaf()
    k = np.arange(len(PATH))
    shares = np.where(k == 0, 1.0, 1.0 - decay) * decay ** (len(PATH) - 1.0 - k)
    np.testing.assert_allclose(along(EMA([w], decay), w), shares @ PATH, rtol=1e-13)


def test_an_swa_is_the_mean():
    w = leaf()
    np.testing.assert_allclose(along(SWA(w), w), PATH.mean(axis=0), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_an_average_has_the_dtype_of_its_parameter_and_is_kept_in_more(dtype):
    w = leaf(dtype)
    average = EMA([w], 0.999)
    assert along(average, w).dtype == dtype
    assert average.state()["mean.0"].dtype == np.float32


@pytest.mark.parametrize("kind", [EMA, SWA])
def test_averages_are_applied_for_a_block_or_for_good(kind):
    w = leaf()
    average = kind([w])
    mean, last = along(average, w).tolist(), w.tolist()
    with contextlib.suppress(ZeroDivisionError), average.applied():
        assert w.tolist() == mean
        raise ZeroDivisionError
    assert w.tolist() == last
    average.apply()
    assert w.tolist() == mean


@pytest.mark.parametrize("kind", [EMA, SWA])
def test_an_average_goes_on_from_its_state(kind):
    w = leaf()
    first, second = kind([w]), kind([w])
    along(first, w)
    second.load_state(first.state())
    assert second.count == len(PATH)
    assert along(first, w).tobytes() == along(second, w).tobytes()
    with pytest.raises(ShapeError):
        second.load_state({"count": np.float64(1), "mean.0": np.zeros(4)})


@pytest.mark.parametrize(
    "make", [lambda: EMA([leaf()], 1.0), lambda: EMA([]), lambda: SWA([leaf()], -1)]
)
def test_settings_of_an_average_are_checked(make):
    with pytest.raises(ValueError, match="expected"):
        make()


LOSSES = [1.0, 0.5, 0.5, 0.49999, 0.6, 0.7, 0.4, math.nan, 0.41, 0.42, 0.43, 0.44, 0.45, 0.46, 0.47]


def test_a_rate_falls_on_a_plateau_and_not_below_the_least():
    optimizer = SGD([leaf()], lr=1.0)
    plateau = ReduceOnPlateau(optimizer, 0.1, patience=1, cooldown=1, least=0.005)
    rates = []
    for loss in LOSSES:
        plateau.update(loss)
        rates.append(optimizer.lr)
    wanted = [1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.005, 0.005, 0.005, 0.005]
    np.testing.assert_allclose(rates, wanted, rtol=1e-12)


def test_a_plateau_goes_on_from_its_state():
    optimizer, other = SGD([leaf()], lr=1.0), SGD([leaf()], lr=1.0)
    first, second = (ReduceOnPlateau(o, 0.5, patience=2, cooldown=1) for o in (optimizer, other))
    for i, loss in enumerate(LOSSES * 2):
        first.update(loss)
        if i == 7:
            second.load_state(first.state())
            other.lr = optimizer.lr
        elif i > 7:
            second.update(loss)
            assert other.lr == optimizer.lr


@pytest.mark.parametrize("settings", [{"factor": 1.0}, {"patience": -1}, {"least": math.nan}])
def test_settings_of_a_plateau_are_checked(settings):
    with pytest.raises(ValueError, match="expected"):
        ReduceOnPlateau(SGD([leaf()], lr=1.0), **settings)


@pytest.mark.oracle
@pytest.mark.parametrize("settings", [{}, {"cooldown": 2}, {"threshold": 0.05, "patience": 0}])
def test_rates_on_a_plateau_are_pytorchs(settings):
    torch = extra("torch")
    optimizer = SGD([leaf()], lr=1.0)
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    plateau = ReduceOnPlateau(optimizer, 0.5, **{"patience": 3} | settings)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        theirs, factor=0.5, eps=0.0, **{"patience": 3} | settings
    )
    for loss in np.abs(np.random.default_rng(2).normal(size=60)).cumsum()[::-1] ** 0.1:
        plateau.update(loss)
        scheduler.step(loss)
        assert optimizer.lr == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_are_pytorchs(kind):
    torch = extra("torch")
    swa_utils = torch.optim.swa_utils
    module = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    how = {"avg_fn": swa_utils.get_ema_avg_fn(0.9)} if kind == "ema" else {}
    theirs = swa_utils.AveragedModel(module, **how)
    w = leaf()
    for values in PATH:
        module.weight.data[:] = torch.tensor(values)
        theirs.update_parameters(module)
    ours = along(EMA([w], 0.9) if kind == "ema" else SWA([w]), w)
    np.testing.assert_allclose(ours, theirs.module.weight.detach().numpy()[0], rtol=1e-13)
