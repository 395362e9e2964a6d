"""The training loop: against the same loop written out, and what it says when it cannot go on."""

from __future__ import annotations

import contextvars
import linecache
import math
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training
from tinygrad_bp.errors import (
    DataError,
    GraphError,
    NonFiniteError,
    TinygradError,
    TrackedTensorError,
)
from tinygrad_bp.parallel import Shards

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = np.sin(X[:, :1]) + 0.1 * RNG.normal(size=(50, 1))


def network(*, dropout: float = 0.0) -> nn.Module:
    return nn.Sequential(
        nn.Linear(3, 4, rng=1), nn.Tanh(), nn.Dropout(dropout, rng=2), nn.Linear(4, 1, rng=3)
    )


def fitted(net=None, data=(X, Y), *, loss=nn.mse, optimizer=None, **settings):
    """Fit a network, quietly; return it, the optimizer and the history."""
    net = network() if net is None else net
    optimizer = optimizer or optim.Adam(net.parameters(), 0.01)
    settings = {"epochs": 3, "batch_size": 20, "rng": 0, "progress": False} | settings
    return net, optimizer, training.fit(net, loss, data, optimizer, **settings)


def bits(net: nn.Module) -> list[bytes]:
    return [array.tobytes() for array in net.state().values()]


# What it does


def test_it_is_the_loop_that_one_writes_by_hand():
    net = network(dropout=0.2)
    optimizer = optim.Adam(net.parameters(), 0.01)
    order, losses = np.random.default_rng(0), []
    for _ in range(3):
        rows = order.permutation(50)
        total = 0.0
        for start in range(0, 50, 20):
            part = rows[start : start + 20]
            loss = nn.mse(net(X[part]), Y[part])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item() * len(part)
        losses.append(total / 50)
    ours, _, history = fitted(network(dropout=0.2))
    assert bits(ours) == bits(net)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-14)


def test_all_rows_at_once_keep_their_order():
    net, _, history = fitted(batch_size=None, epochs=1)
    again = network()
    optimizer = optim.Adam(again.parameters(), 0.01)
    loss = nn.mse(again(X), Y)
    loss.backward()
    optimizer.step()
    assert bits(net) == bits(again)
    assert history["loss"] == [loss.item()]


@pytest.mark.parametrize("accumulate", [2, 5])
def test_accumulated_batches_are_one_large_batch(accumulate):
    """By their rows: the last batch has 6 of 50 rows, or there are too few for the last step."""
    small, _, _ = fitted(
        data=tg.data.batches(X, Y, 11), accumulate=accumulate, optimizer=None, epochs=2
    )
    large, _, _ = fitted(data=tg.data.batches(X, Y, 11 * accumulate), epochs=2)
    for ours, theirs in zip(small.state().values(), large.state().values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_gradients_are_clipped_together():
    net = network()
    before = net.state()
    sgd = optim.SGD(net.parameters(), 1.0)
    fitted(net, optimizer=sgd, clip_norm=0.01, epochs=1, batch_size=None)
    moves = [new - before[name] for name, new in net.state().items()]
    assert math.hypot(*map(np.linalg.norm, moves)) == pytest.approx(0.01)


def test_a_schedule_sets_the_rate_of_each_epoch():
    seen = []
    _, _, _ = fitted(
        schedule=optim.schedules.exponential(0.1, decay=0.5),
        callbacks=[lambda loop: seen.append(loop.optimizer.lr)],
    )
    assert seen == [0.1, 0.05, 0.025]


def mean_error(prediction, y):
    assert type(prediction) is np.ndarray
    assert type(y) is np.ndarray
    return np.mean(np.abs(prediction - y))


def test_the_validation_is_of_the_weights_after_the_epoch_and_without_dropout():
    seen = []
    net, _, history = fitted(
        network(dropout=0.5),
        validation=(X[:15], Y[:15]),
        metrics={"error": mean_error},
        callbacks=[lambda loop: seen.append(loop.watched)],
    )
    assert list(history) == ["loss", "error", "validation_loss", "validation_error"]
    net.eval()
    prediction = net(X[:15]).detach().numpy()
    assert history["validation_loss"][-1] == pytest.approx(nn.mse(prediction, Y[:15]))
    assert history["validation_error"][-1] == pytest.approx(mean_error(prediction, Y[:15]))
    assert {*seen} == {"validation_loss"}


def test_a_share_is_held_out():
    rows = []

    class Counts(nn.Module):
        def __init__(self):
            self.w = tg.tensor(1.0, requires_grad=True)

        def forward(self, x):
            rows.append((self.training, len(x)))
            return x * self.w

    fitted(Counts(), data=(X, X), validation=0.2, epochs=1)
    assert rows == [(True, 20), (True, 20), (False, 10)]


def test_modes_are_as_before():
    net = network()
    net.layers[2].eval()
    fitted(net)
    assert [module.training for _, module in net.named_modules()] == [True, True, True, False, True]


def test_a_module_of_two_inputs():
    class Sum(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(3, 1, rng=0)

        def forward(self, a, b):
            return self.inner(a) + b

    _, _, history = fitted(Sum(), data=((X, Y), Y), epochs=20)
    assert history["loss"][-1] < history["loss"][0]


def test_classes_and_symbols_stay_integers():
    labels = (X[:, 0] > 0).astype(int)
    net = nn.Sequential(nn.Embedding(2, 3, rng=0), nn.Linear(3, 2, rng=0))
    _, _, history = fitted(net, data=(labels, labels), loss=nn.cross_entropy, epochs=30)
    assert history["loss"][-1] < 0.5


@pytest.mark.parametrize("average", [optim.EMA, optim.SWA])
def test_averages_are_callbacks(average):
    net = network()
    mean = average(net.parameters())
    fitted(net, callbacks=[mean])
    assert mean.count == (9 if average is optim.EMA else 3)


def test_a_plateau_is_a_callback():
    net = network()
    sgd = optim.SGD(net.parameters(), 0.1)
    fitted(net, optimizer=sgd, callbacks=[optim.ReduceOnPlateau(sgd, patience=0, threshold=1.0)])
    assert sgd.lr == pytest.approx(1e-3)


def test_an_earlier_history_goes_on():
    _, _, whole = fitted(epochs=4)
    net, optimizer, rng = network(), None, np.random.default_rng(0)
    _, optimizer, history = fitted(net, epochs=3, rng=rng)
    _, _, again = fitted(net, optimizer=optimizer, epochs=4, rng=rng, history=history)
    assert again is history
    assert history["loss"] == whole["loss"]


# Early stopping


def stopping_at(values, **settings):
    """Give these numbers as a metric, epoch after epoch; return the callback, history, weights."""
    net, snapshots = network(), []
    stop = training.EarlyStopping(metric="number", **settings)
    numbers = iter(values)
    loop = training.Loop(net, lambda: {"number": next(numbers)}, [stop, lambda _: move(net)])

    def move(net):
        snapshots.append(bits(net))
        with tg.no_grad():
            for parameter in net.parameters():
                parameter += 1.0

    history = loop.run(len(values))
    return stop, history, snapshots, bits(net)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_it_stops_when_patience_is_over_and_restores_the_best(sign):
    values = [sign * v for v in (3.0, 1.0, 2.0, 1.0, math.nan, 0.0)]
    stop, history, snapshots, last = stopping_at(values, patience=3, highest=sign < 0)
    assert (stop.best, stop.best_epoch, history.epochs) == (sign, 2, 5)
    assert "number" in (history.stopped or "")
    assert last == snapshots[1]


def test_it_may_leave_the_last_weights():
    _, history, snapshots, last = stopping_at([1.0, 2.0, 3.0], patience=9, restore=False)
    assert history.stopped is None
    assert last not in snapshots


def test_a_stopping_begins_anew_with_another_training():
    stop = training.EarlyStopping(1)
    for _ in range(2):
        _, _, history = fitted(callbacks=[stop], epochs=2)
        assert stop.best == min(history["loss"])


# What ends it


def test_ctrl_c_leaves_whole_steps_and_no_gradients():
    net, steps = network(), []

    def interrupt(_loop):
        steps.append(bits(net))
        if len(steps) == 4:
            raise KeyboardInterrupt

    class Hook:
        after_step = staticmethod(interrupt)

    history = training.History()
    net.layers[2].eval()
    with pytest.raises(KeyboardInterrupt):
        fitted(net, callbacks=[Hook()], history=history)
    assert bits(net) == steps[-1]
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not net.layers[2].training
    assert history.epochs == 1


def interrupted_at(line, net, optimizer):
    """Fit, raising KeyboardInterrupt before the given line of the package; tell whether it came.

    Not at the line of a `with`: unlike Ctrl-C, a trace function can raise between the end of the
    block and the release of its lock.
    """
    folder, counted = str(Path(tg.__file__).parent), 0

    def trace(frame, event, _argument):
        nonlocal counted
        if not frame.f_code.co_filename.startswith(folder):
            return None
        source = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and not source.lstrip().startswith("with "):
            counted += 1
            if counted == line:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        contextvars.copy_context().run(
            fitted, net, optimizer=optimizer, epochs=2, batch_size=25, validation=(X[:9], Y[:9])
        )
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("stride", [601, pytest.param(1, marks=pytest.mark.deep)])
def test_ctrl_c_at_any_line_comes_before_a_step_or_after_it(stride):
    def made():
        net = network(dropout=0.2)
        return net, optim.Adam(net.parameters(), 0.01)

    def both(net, optimizer):
        return [array.tobytes() for one in (net, optimizer) for array in one.state().values()]

    net, optimizer = made()
    steps = [both(net, optimizer)]

    class Hook:
        after_step = staticmethod(lambda _: steps.append(both(net, optimizer)))

    fitted(
        net, optimizer=optimizer, epochs=2, batch_size=25, validation=(X[:9], Y[:9]),
        callbacks=[Hook()],
    )  # fmt: skip
    assert len(steps) == 5
    line, parts = 1, made()
    while interrupted_at(line, *parts):
        assert both(*parts) in steps
        line, parts = line + stride, made()
    assert line > 2000


def test_ctrl_c_restores_the_best_weights():
    net = network()
    stop = training.EarlyStopping(5)
    seen = []

    def interrupt(loop):
        seen.append(bits(net))
        if loop.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(net, callbacks=[stop, interrupt])
    assert bits(net) == seen[stop.best_epoch - 1]


def infinite(prediction, y):
    return nn.mse(prediction, y) + np.mean(np.log(np.maximum(prediction, 0.0)))


def bad_slope(prediction, y):
    """Is finite at 0, and its slope is not: the weights become NaN, and then the loss."""
    return nn.mse(prediction, y) + np.sum(np.sqrt(prediction - prediction.detach()))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("loss", "operation", "line"),
    [(infinite, "log made -inf", "np.log(np.maximum"), (bad_slope, "sqrt made", "np.sqrt(pred")],
)
def test_a_loss_that_is_no_number_stops_and_names_the_operation_and_its_line(loss, operation, line):
    net = network(dropout=0.3)
    before = bits(net)
    with pytest.raises(NonFiniteError, match="epoch 1, batch") as caught:
        fitted(net, loss=loss, batch_size=25)
    assert operation in str(caught.value)
    assert line in str(caught.value)
    assert bits(net) == before
    assert all(parameter.grad is None for parameter in net.parameters())


def test_the_weights_left_are_those_from_before_the_trouble():
    """A number in the third batch that is none: the first two steps stay."""
    data = X.copy()
    data[25, 1] = np.nan
    seen = []

    class Hook:
        after_step = staticmethod(lambda loop: seen.append(bits(loop.model)))

    net = network()
    with pytest.raises(NonFiniteError, match="epoch 1, batch 3"):
        fitted(net, data=tg.data.batches(data, Y, 10), callbacks=[Hook()])
    assert len(seen) == 2
    assert bits(net) == seen[-1]


@pytest.mark.parametrize(
    ("data", "settings", "kind", "words"),
    [
        ((X, Y[:9]), {}, DataError, "number of rows"),
        (iter([(X, Y)]), {}, DataError, "once for each"),
        ([X], {}, DataError, "pair"),
        ([(X, Y)], {"validation": 0.5}, DataError, "share"),
        ((X, Y, Y), {}, DataError, "X, y"),
        ((X, Y), {"loss": lambda p, y: p - y}, TinygradError, "reduction|cotangent"),
        ((X, Y), {"epochs": 0}, ValueError, "epochs"),
        ((X, Y), {"accumulate": 0}, ValueError, "accumulate"),
    ],
)
def test_what_cannot_be_trained_on_is_said(data, settings, kind, words):
    with pytest.raises(kind, match=words):
        fitted(data=data, **settings)


def test_it_records_under_no_grad_too():
    with tg.no_grad():
        net, _, _ = fitted()
    assert bits(net) == bits(fitted()[0])


WAYS = {"eager": {}, "compiled": {"compile": True}, "divided": {"parallel": Shards(2)}}


@pytest.fixture(params=WAYS)
def way(request):
    """What a fit is passed to run its steps in each of the ways that there are."""
    if request.param == "compiled":
        extra("llvmlite")
    return WAYS[request.param]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_an_optimizer_of_other_parameters_is_refused(way, accumulate):
    net, others = network(), optim.Adam(network().parameters())
    settings = {**way, "accumulate": accumulate}
    before = bits(net)
    with pytest.raises(GraphError, match=r"no parameter of the optimizer.*model\.parameters\(\)"):
        fitted(net, optimizer=others, **settings)
    adam = optim.Adam(net.parameters())
    with pytest.raises(GraphError):
        fitted(net.freeze(), optimizer=adam, **settings)
    assert bits(net) == before


def test_a_loss_that_is_cut_off_is_refused(way):
    net, one = network(), tg.tensor(1.0, requires_grad=True)
    with pytest.raises(GraphError, match=r"\.detach\(\)"):
        fitted(net, loss=lambda z, y: nn.mse(z.detach() * one, y), **way)
    assert bits(net) == bits(network())


def test_a_part_of_a_model_may_stay_as_it_is():
    net = network()
    fitted(net, optimizer=optim.SGD(net.layers[3].parameters(), 0.1))
    assert bits(net)[:2] == bits(network())[:2]
    assert bits(net)[2:] != bits(network())[2:]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_gradients_from_before_are_not_added(way, accumulate):
    net = network()
    nn.mse(net(X), Y).backward()
    settings = {**way, "accumulate": accumulate}
    assert bits(fitted(net, **settings)[0]) == bits(fitted(**settings)[0])


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("model", np.tanh, "a tg.nn.Module"),
        ("loss", "mse", "a function of (prediction, y)"),
        ("loss", nn.Sigmoid, "a function of (prediction, y)"),
        ("optimizer", "adam", "an optimizer of its parameters"),
        ("optimizer", optim.Adam, "an optimizer of its parameters"),
        ("metrics", ["accuracy"], "functions by name"),
        ("metrics", {"accuracy": "accuracy"}, "functions by name"),
        ("callbacks", training.EarlyStopping(patience=2), "a list"),
        ("callbacks", [training.EarlyStopping], "a list"),
        ("schedule", 0.1, "a function of the epoch"),
    ],
)
def test_what_other_libraries_take_is_refused_and_what_to_pass_is_said(name, given, expected):
    net = network()
    before = bits(net)
    arguments = {
        "model": net,
        "loss": nn.mse,
        "data": (X, Y),
        "optimizer": optim.SGD(net.parameters(), 0.1),
        "epochs": 1,
        name: given,
    }
    with pytest.raises(TypeError, match=f"^fit: {name}=.*; expected {re.escape(expected)}"):
        training.fit(**arguments)
    assert bits(net) == before


@pytest.mark.parametrize(
    "loss", [lambda p, y: nn.mse(p, y).item(), lambda p, y: (p - y) ** 2, lambda _p, _y: None]
)
def test_a_loss_that_is_not_one_number_is_named(loss):
    with pytest.raises(TrackedTensorError, match=r"fit: the loss is .*; expected one number"):
        fitted(loss=loss)


def test_data_that_cannot_be_iterated_over_are_named():
    with pytest.raises(DataError, match="the data are a function; expected"):
        fitted(data=lambda: [(X, Y)])


@pytest.mark.parametrize(("rate", "epochs", "told"), [(1e3, 4, True), (0.1, 4, False)])
def test_weights_far_worse_than_those_before_are_told(rate, epochs, told) -> None:
    X = np.linspace(-1.0, 1.0, 64)[:, None]
    net = nn.Sequential(nn.Linear(1, 5, rng=0), nn.Tanh(), nn.Linear(5, 1, rng=1))
    optimizer = optim.SGD(net.parameters(), rate)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = training.fit(net, nn.mse, (X, X), optimizer, epochs=epochs, rng=0, progress=False)
    found = [one for one in caught if "the steps are too large" in str(one.message)]
    assert len(found) == told
    assert (history["loss"][-1] > 10 * np.mean(X * X)) == told
    assert all(one.filename == __file__ and f"lr={rate:g}" in str(one.message) for one in found)


def test_weights_of_a_better_epoch_that_are_kept_are_not_told() -> None:
    X = np.linspace(-1.0, 1.0, 64)[:, None]
    net = nn.Sequential(nn.Linear(1, 5, rng=0), nn.Tanh(), nn.Linear(5, 1, rng=1))
    stopping = training.EarlyStopping(9)
    optimizer = optim.SGD(net.parameters(), 1e3)
    training.fit(
        *(net, nn.mse, (X, X), optimizer),
        epochs=3,
        rng=0,
        progress=False,
        callbacks=[stopping],
    )
    assert stopping.best_epoch
