"""Learning-rate schedules: functions that turn a number of finished epochs into a rate.

Examples
--------
>>> from tinygrad_bp.optim import schedules
>>> schedule = schedules.warmup(schedules.cosine(0.5, epochs=100), epochs=4)
>>> schedule(0), schedule(4)
(0.125, 0.5)

In a training loop: ``optimizer.lr = schedule(epoch)``, where epoch counts from 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

from tinygrad_bp.elsewhere.calls import answers

Schedule = Callable[[float], float]


@answers
def constant(lr: float) -> Schedule:
    """Return the schedule that stays at `lr`.

    Parameters
    ----------
    lr : float
        The rate.

    Returns
    -------
    callable
        Epoch to learning rate.
    """
    _check("constant", lr=lr)
    return lambda _epoch: lr


@answers
def step_decay(lr: float, *, every: float, factor: float = 0.1) -> Schedule:
    """Return the schedule ``lr * factor ** floor(epoch / every)``.

    Parameters
    ----------
    lr : float
        The first rate.
    every : float
        Epochs between two drops, above 0.
    factor : float, default 0.1
        What a drop multiplies the rate by.

    Returns
    -------
    callable
        Epoch to learning rate.
    """
    _check("step_decay", lr=lr, factor=factor)
    _check_length("step_decay", "every", every)
    return lambda epoch: lr * factor ** math.floor(epoch / every)


@answers
def exponential(lr: float, *, decay: float) -> Schedule:
    """Return the schedule ``lr * decay ** epoch``.

    Parameters
    ----------
    lr : float
        The first rate.
    decay : float
        What an epoch multiplies the rate by.

    Returns
    -------
    callable
        Epoch to learning rate.
    """
    _check("exponential", lr=lr, decay=decay)
    return lambda epoch: lr * decay**epoch


@answers
def inverse_time(lr: float, *, decay: float = 1.0) -> Schedule:
    """Return the schedule ``lr / (1 + decay * epoch)``.

    Parameters
    ----------
    lr : float
        The first rate.
    decay : float, default 1
        The rate is half of the first after ``1 / decay`` epochs.

    Returns
    -------
    callable
        Epoch to learning rate.

    Notes
    -----
    Robbins & Monro (1951), "A stochastic approximation method", section 2: sequences of type 1/n
    converge, as the sum of the rates is infinite and that of their squares is not.
    """
    _check("inverse_time", lr=lr, decay=decay)
    return lambda epoch: lr / (1.0 + decay * epoch)


@answers
def linear(lr: float, *, epochs: float, floor: float = 0.0) -> Schedule:
    """Return the schedule that falls from `lr` to `floor` along a straight line, and stays there.

    Parameters
    ----------
    lr : float
        The first rate.
    epochs : float
        How long it falls, above 0.
    floor : float, default 0
        The last rate.

    Returns
    -------
    callable
        Epoch to learning rate.
    """
    _check("linear", lr=lr, floor=floor)
    _check_length("linear", "epochs", epochs)

    def rate(epoch: float) -> float:
        done = min(epoch / epochs, 1.0)
        return lr * (1.0 - done) + floor * done

    return rate


@answers
def cosine(lr: float, *, epochs: float, floor: float = 0.0) -> Schedule:
    """Return the schedule that falls from `lr` to `floor` along half a cosine, and stays there.

    Parameters
    ----------
    lr : float
        The first rate.
    epochs : float
        How long it falls, above 0.
    floor : float, default 0
        The last rate.

    Returns
    -------
    callable
        Epoch to learning rate.

    Notes
    -----
    Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", equation 5,
    without the restarts.
    """
    _check("cosine", lr=lr, floor=floor)
    _check_length("cosine", "epochs", epochs)

    def rate(epoch: float) -> float:
        left = 0.5 + 0.5 * math.cos(math.pi * min(epoch / epochs, 1.0))
        return lr * left + floor * (1.0 - left)

    return rate


@answers
def warmup(schedule: Schedule, *, epochs: int) -> Schedule:
    """Return `schedule` put off by `epochs` of linear growth towards its first rate.

    Parameters
    ----------
    schedule : callable
        What follows; it begins at its own epoch 0.
    epochs : int
        How long the rate grows: ``(epoch + 1) / epochs`` of the first rate.

    Returns
    -------
    callable
        Epoch to learning rate.

    Notes
    -----
    Goyal et al. (2017), "Accurate, large minibatch SGD", section 2.2.
    """
    _check_length("warmup", "epochs", epochs)
    if not callable(schedule):
        raise TypeError(f"warmup: schedule={schedule!r}; expected a function of the epoch")

    def rate(epoch: float) -> float:
        if epoch < epochs:
            return schedule(0) * min((epoch + 1) / epochs, 1.0)
        return schedule(epoch - epochs)

    return rate


def _check(name: str, **settings: float) -> None:
    for setting, value in settings.items():
        if not (isinstance(value, Real) and 0.0 <= value < math.inf):
            raise ValueError(f"{name}: {setting}={value!r}; expected a finite number, 0 or more")


def _check_length(name: str, setting: str, value: float) -> None:
    if not (isinstance(value, Real) and 0.0 < value < math.inf):
        raise ValueError(f"{name}: {setting}={value!r}; expected a finite number above 0")
