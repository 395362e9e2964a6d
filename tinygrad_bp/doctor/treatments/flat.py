"""Models that no hidden layer bends, for tasks that need one: shown by training on their data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.outcome import Outcome, Standing, standing
from tinygrad_bp.doctor.treatments.trials import Trials, sample_axis, standardised
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.rewriting import HALF
from tinygrad_bp.doctor.watched.slots import Path, shown
from tinygrad_bp.engine.tensor import tensor
from tinygrad_bp.functional import mse
from tinygrad_bp.nn.activations import Tanh
from tinygrad_bp.nn.layers import Linear, Sequential
from tinygrad_bp.optim import Adam
from tinygrad_bp.rules.losses import bce_with_logits

UNITS = 8  # of the hidden layer that is tried
SEEDS = 3  # on which it is
STEPS, RATE = 600, 0.05  # of Adam, over all samples
LOOKS = 4  # epochs, at least, in which an answer is always the same
BETTER = 0.15  # merit, by which a network with a hidden layer has to be
UNBENT = (
    "layers follow each other with no function between them: under any weights the output goes"
    " straight with the inputs, as that of one layer does"
)
ENOUGH = 100  # samples of many
MOST = 2000  # samples and features up to which that takes a moment


def without_hidden_layer(
    trials: Trials, before: dict[Path, Any], base: Outcome
) -> tuple[Finding, dict[int, Any]] | None:
    """Say whether no weights of a model without a hidden layer do what a small network does."""
    if not base.is_open:
        return None
    parameters = sum(np.size(before[path]) for path in trials.roles.parameters if path in before)
    for path in trials.roles.data:
        X: Any = before.get(path)
        if not is_array(X) or X.dtype.kind not in "fiub" or X.ndim != 2 or X.size > MOST:
            continue
        X = np.moveaxis(X, sample_axis(X, trials.samples), 0)
        n = X.shape[1]
        y = next(_labels(before, len(X), base.labels), None)
        if y is None or parameters > n + 1 or np.array_equal(np.ravel(X), y):
            continue
        y = y.reshape(-1, 1).astype(float)
        flat = _trained(X, y, 0, units=0)
        if flat.is_solved:
            return None
        deep = [_trained(X, y, seed, units=UNITS) for seed in range(SEEDS)]
        if sum(one.is_solved for one in deep) < SEEDS - 1:
            return None
        best = max(deep, key=lambda one: one.merit)
        text = (
            f"there is no hidden layer: the answer depends on {shown(path)} by one weight for each"
            f" feature, and the best such weights leave {flat}"
        )
        effect = f"{flat} at best as it is; {best} with {UNITS} hidden units"
        gain = best.merit - flat.merit
        return Finding("too-few-units", FAULT, text, effect=effect, gain=gain), {}
    return None


def without_functions(
    trials: Trials, before: dict[Path, Any], base: Outcome
) -> tuple[Finding, dict[int, Any]] | None:
    """Say whether layers with a function between them do what the script's, with none, do not."""
    for X, y in _tables(trials, before, base):
        deep = [_trained(X, y, seed, units=UNITS) for seed in range(SEEDS)]
        gains = sorted(one.merit - base.final.merit for one in deep)
        if sum(one.is_solved for one in deep) < SEEDS - 1 or gains[1] < BETTER:
            return None
        best = max(deep, key=lambda one: one.merit)
        effect = f"{base.final} as it is; {best} with {UNITS} units behind tanh"
        found = Finding("no-activation", FAULT, UNBENT, effect=effect, gain=gains[-1])
        return found, {}
    return None


def _tables(trials: Trials, before: dict[Path, Any], base: Outcome) -> Iterator[tuple[Any, Any]]:
    """Yield what may be all inputs, and all labels: as many, from the least to the largest.

    Of many samples some are enough.
    """
    tables = [(path, one) for path, one in before.items() if is_array(one) and one.ndim == 2
              and path not in trials.roles.parameters]  # fmt: skip
    own = [one for path, one in tables if path in trials.roles.data]
    for X in own or [one for _, one in tables]:
        for axis in (0, 1):
            n = X.shape[axis]
            for y in before.values():
                fits = is_array(y) and 0 < y.ndim < 3 and n in y.shape and y is not X
                some = slice(None, None, -(-X.size // MOST))
                known = n > 3 and (X.size <= MOST or len(range(n)[some]) >= ENOUGH)
                if fits and known and (float(y.min()), float(y.max())) == base.labels:
                    rows = np.moveaxis(y, y.shape.index(n), 0).reshape(n, -1)
                    yield np.moveaxis(X, axis, 0)[some].astype(float), rows[some].astype(float)


def without_bias(trials: Trials, base: Outcome) -> tuple[Finding, dict[int, Any]] | None:
    """Say whether one answer is that to a sum of 0 in every epoch, and wrong."""
    follower = trials.follower
    if not base.is_open or follower is None or follower.last is None or len(follower.curve) < LOOKS:
        return None
    outputs = np.concatenate([np.ravel(one) for one in follower.last[0]])
    least = float(outputs.min())
    for o, y in sorted(follower.always or ()):
        of_zero = o == HALF or (o == 0 and least < 0)  # a sigmoid, or what has no bounds at 0
        if of_zero and abs(o - y) >= HALF and np.any(outputs != o):
            text = (
                f"one answer is {o:g} in every epoch, while the weights change, and its label is"
                f" {y:g}: so is that to inputs of 0, to which nothing is added"
            )
            return Finding("no-bias", FAULT, text, trials.pair.place[0]), {}
    return None


def _labels(before: dict[Path, Any], samples: int, ends: Any) -> Iterator[Any]:
    """Yield what may be the labels of so many samples: two classes, with these values."""
    for one in before.values():
        if not is_array(one) or one.size != samples or len(np.unique(one)) > 2:
            continue
        if (float(one.min()), float(one.max())) == ends:
            yield np.ravel(one)


def _trained(X: Any, y: Any, seed: int, *, units: int) -> Standing:
    """Return how well a network with so many hidden units, or none, comes to answer."""
    inputs = tensor(standardised(X.astype(float), len(X)))
    two = y.shape[1] == 1 and len(np.unique(y)) == 2
    low, size = (y.min(), np.ptp(y)) if two else (y.mean(axis=0), max(float(y.std()), 1e-12))
    rng = np.random.default_rng(seed)
    n = X.shape[1]
    hidden = [Linear(n, units, rng=rng), Tanh()] if units else []
    net = Sequential(*hidden, Linear(units or n, y.shape[1], rng=rng))
    optimizer, wanted = Adam(net.parameters(), lr=RATE), tensor((y - low) / size)
    loss = bce_with_logits if two else mse
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(net(inputs), wanted).backward()
        optimizer.step()
    ends = net(inputs).detach().numpy()
    return standing([low + size * (1 / (1 + np.exp(-ends)) if two else ends)], [y])
