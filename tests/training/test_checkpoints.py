"""A training that is resumed has the bits of one that never stopped, wherever it was killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training
from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files import read_model, write_model

PACKAGE = str(Path(tg.__file__).parent)
X = np.random.default_rng(0).normal(size=(24, 2))
Y = X[:, :1] * X[:, 1:]


def run(
    path, *, epochs=5, every=1, resume=True, stop=None, patience=2, bit_generator=np.random.PCG64
):
    """Train with everything that has a state; return the bits of all of it."""
    net = nn.Sequential(
        nn.Linear(2, 4, rng=1), nn.BatchNorm(4), nn.Tanh(), nn.Dropout(0.3, rng=2),
        nn.Linear(4, 1, rng=3),
    )  # fmt: skip
    optimizer = optim.Adam(net.parameters(), 0.05)
    average = optim.EMA(net.parameters(), 0.9)
    stopping = training.EarlyStopping(patience)
    plateau = optim.ReduceOnPlateau(optimizer, 0.5, patience=0)
    writer = [] if path is None else [training.Checkpoint(path, every=every, resume=resume)]
    history = training.fit(
        net, nn.mse, (X, Y), optimizer, epochs=epochs, batch_size=7, validation=(X[:9], Y[:9]),
        callbacks=[*writer, average, stopping, plateau, *([stop] if stop else [])],
        rng=np.random.Generator(bit_generator(4)), progress=False,
    )  # fmt: skip
    parts = (net, optimizer, average, stopping, plateau, history)
    return [(n, a.tobytes()) for part in parts for n, a in part.state().items()], history


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("end", [1, 2, 3, 4])
def test_a_resumed_training_has_the_same_bits(tmp_path, every, end):
    whole, _ = run(None)

    def stop(loop):
        if loop.epoch == end:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "c", every=every, stop=stop)
    assert run(tmp_path / "c", every=every)[0] == whole
    assert run(tmp_path / "c", every=every)[0] == whole  # it is done: nothing is left to do


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_generator_of_numpys_goes_on(tmp_path, kind):
    bit_generator = getattr(np.random, kind)
    run(tmp_path / "c", epochs=2, bit_generator=bit_generator)
    resumed, _ = run(tmp_path / "c", bit_generator=bit_generator)
    assert resumed == run(None, bit_generator=bit_generator)[0]


def test_a_training_that_had_stopped_early_stays_so(tmp_path):
    whole, history = run(tmp_path / "c", epochs=60, patience=1)
    assert history.stopped
    again, resumed = run(tmp_path / "c", epochs=60, patience=1)
    assert (again, resumed.stopped) == (whole, history.stopped)


def child(path, line):
    """Train in a fork that is killed before the given line of the package; tell whether it was."""
    process = os.fork()
    if process == 0:
        counted = 0

        def trace(frame, event, _argument):
            nonlocal counted
            if not frame.f_code.co_filename.startswith(PACKAGE):
                return None
            counted += event == "line"
            if counted == line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            run(path)
        finally:
            os._exit(0)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork, where threads have been
@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.deep)])
def test_a_training_that_is_killed_at_any_moment_ends_with_the_same_bits(tmp_path, kills):
    whole, _ = run(None)
    rng = np.random.default_rng(kills)
    killed, attempt = 0, 0
    while killed < kills:
        path = tmp_path / f"{attempt}"
        attempt += 1
        while child(path, int(rng.integers(20_000))):
            killed += 1
            if killed >= kills:
                break
        assert run(path)[0] == whole


def test_the_best_model_is_a_file_of_its_own(tmp_path):
    net = nn.Linear(2, 1, rng=0)
    sgd = optim.SGD(net.parameters(), 0.3)
    seen = []
    history = training.fit(
        net, nn.mse, (X, Y), sgd, epochs=9, rng=0, progress=False, batch_size=4,
        callbacks=[
            training.Checkpoint(tmp_path / "last", best=tmp_path / "best"),
            lambda _: seen.append(net.state()),
        ],
    )  # fmt: skip
    best = tg.load(tmp_path / "best", nn.Linear(2, 1, rng=1)).state()
    for name, array in seen[history.best("loss") - 1].items():
        np.testing.assert_array_equal(best[name], array)


def test_a_checkpoint_that_is_there_is_not_written_over(tmp_path):
    run(tmp_path / "c", epochs=1)
    before = (tmp_path / "c").read_bytes()
    with pytest.raises(ModelFileError, match="resume=True"):
        run(tmp_path / "c", resume=False)
    assert (tmp_path / "c").read_bytes() == before


def changed(arrays, notes, change):
    kind, key, value = change
    if kind == "drop":
        return {name: array for name, array in arrays.items() if name != key}, notes
    if kind == "array":
        return arrays | {key: value}, notes
    return arrays, notes | {key: value}


@pytest.mark.parametrize(
    "change",
    [
        ("drop", "model.layers.0.W", None),
        ("drop", "optimizer.lr", None),
        ("drop", "history.0", None),
        ("array", "model.layers.0.W", np.zeros((3, 3))),
        ("array", "other", np.zeros(3)),
        ("array", "history.1", np.zeros(7)),
        ("note", "format", "tinygrad_bp.module.1"),
        ("note", "generators", "{}"),
        ("note", "generators", '{"rng": {"bit_generator": "PCG64"}, "model.layers.3.rng": 3}'),
        ("note", "columns", '["loss"]'),
        ("note", "columns", "[" * 9000),
    ],
    ids=lambda change: f"{change[0]} {change[1]} {str(change[2])[:24]}",
)
def test_another_file_is_refused_and_nothing_changed(tmp_path, change):
    run(tmp_path / "c", epochs=1)
    arrays, notes = changed(*read_model(tmp_path / "c", finite=False), change)
    write_model(tmp_path / "c", arrays, notes, finite=False)
    net = nn.Sequential(
        nn.Linear(2, 4, rng=1), nn.BatchNorm(4), nn.Tanh(), nn.Dropout(0.3, rng=2),
        nn.Linear(4, 1, rng=3),
    )  # fmt: skip
    before = {name: array.tobytes() for name, array in net.state().items()}
    writer = training.Checkpoint(tmp_path / "c", resume=True)
    with pytest.raises(ModelFileError):
        training.fit(
            net, nn.mse, (X, Y), optim.Adam(net.parameters()), epochs=2, callbacks=[writer],
            progress=False,
        )  # fmt: skip
    assert {name: array.tobytes() for name, array in net.state().items()} == before
