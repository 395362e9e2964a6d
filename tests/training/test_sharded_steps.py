"""`fit` with its steps divided: the same bits on any number of ranks, and by Dask."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest
from extras import extra
from thread_ranks import on_ranks

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training
from tinygrad_bp.errors import NonFiniteError, ParallelError, ShapeError
from tinygrad_bp.parallel import Ranks, Shards, cluster
from tinygrad_bp.parallel.sums import Sums

X = np.random.default_rng(0).normal(size=(41, 3))
Y = np.sin(X[:, :1])
PLAIN = {"batch_size": 12, "epochs": 3}  # a last batch of 5 rows, for 6 shards


def network(*, dropout: float = 0.3, norm: bool = False) -> nn.Module:
    norms = [nn.BatchNorm(5)] if norm else []
    between = [*norms, nn.Tanh(), nn.Dropout(dropout, rng=2)]
    return nn.Sequential(nn.Linear(3, 5, rng=1), *between, nn.Linear(5, 1, rng=3))


def mean_error(prediction: Any, y: Any) -> Any:
    return np.mean(np.abs(prediction - y))


def train(parallel: Any, net: Any = None, data: Any = (X, Y), **settings: Any) -> Any:
    """Return the bits of all that comes of a training."""
    net = network() if net is None else net
    optimizer = optim.Adam(net.parameters(), 0.05)
    settings = {"rng": 4, "progress": False, "loss": nn.mse, **PLAIN, **settings}
    loss = settings.pop("loss")
    history = training.fit(net, loss, data, optimizer, parallel=parallel, **settings)
    parts = (net, optimizer, history)
    return [(n, a.tobytes()) for part in parts for n, a in part.state().items()]


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "judged": {"validation": (X[:7], Y[:7]), "metrics": {"error": mean_error}},
    "held out": {"validation": 0.2},
    "whole": {"batch_size": None},
    "accumulated": {"accumulate": 2, "clip_norm": 0.01},
    "an iterable": {"data": [(X[:20], Y[:20]), (X[20:], Y[20:])]},
    "one's own batches": {"data": tg.data.batches(X, Y, 9)},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("size", [2, 3])
def test_ranks_have_the_bits_of_one_process(case: dict[str, Any], size: int) -> None:
    alone = train(Shards(6), **case)
    assert on_ranks(size, lambda comm: train(Ranks(6, comm=comm), **case)) == [alone] * size


def test_the_buffers_of_a_model_are_means_over_its_shards() -> None:
    def work(parallel: Any) -> Any:
        return train(parallel, network(norm=True), (X[:36], Y[:36]))

    alone = work(Shards(4))
    assert on_ranks(3, lambda comm: work(Ranks(4, comm=comm))) == [alone] * 3
    net = network(norm=True)
    train(Shards(2), net, (X[:10], Y[:10]), batch_size=None, epochs=1)
    before = network(norm=True)
    pre = (X[:10] @ before.layers[0].W + before.layers[0].b).numpy()
    stats = [np.mean(pre[part], axis=0) for part in (slice(5), slice(5, 10))]
    np.testing.assert_allclose(net.layers[1].mean, 0.1 * np.mean(stats, axis=0), rtol=1e-12)


def test_it_trains_as_one_does_without_shards() -> None:
    nets = [network(dropout=0.0), network(dropout=0.0)]
    for net, parallel in zip(nets, (None, Shards(5)), strict=True):
        train(parallel, net, accumulate=2)
    for one, other in zip(*(net.state().values() for net in nets), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_shard_drops_what_it_drops_wherever_it_is_computed() -> None:
    """And not what its neighbour does."""
    seen = []

    class Seen(nn.Module):
        def __init__(self) -> None:
            self.w, self.drop = tg.tensor(np.ones(4), requires_grad=True), nn.Dropout(0.5, rng=0)

        def forward(self, x: Any) -> Any:
            found = self.drop(x * self.w)
            seen.append(found.numpy().tobytes())
            return found

    ones = np.ones((8, 4))
    train(Shards(4), Seen(), (ones, ones), batch_size=8, epochs=2)
    assert len({*seen}) == 8


def test_a_parameter_that_the_loss_does_not_reach_is_left_alone() -> None:
    net = network()
    net.other = tg.tensor(np.ones(2), requires_grad=True)
    decayed = optim.SGD(net.parameters(), 0.1, weight_decay=0.1)
    training.fit(net, nn.mse, (X, Y), decayed, epochs=1, progress=False, parallel=Shards(4))
    assert net.other.numpy().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_part_that_is_frozen_is_left_alone(accumulate: int) -> None:
    nets = [network(dropout=0.0), network(dropout=0.0)]
    for net, parallel in zip(nets, (None, Shards(4)), strict=True):
        adam = optim.Adam(net.parameters(), 0.05)
        net.layers[0].freeze()
        settings = {**PLAIN, "epochs": 2, "rng": 4, "progress": False, "accumulate": accumulate}
        training.fit(net, nn.mse, (X, Y), adam, parallel=parallel, **settings)
    start = network(dropout=0.0).state()
    for name, array in nets[1].state().items():
        assert np.array_equal(array, start[name]) == name.startswith("layers.0."), name
        np.testing.assert_allclose(array, nets[0].state()[name], rtol=1e-9)


def test_one_rank_writes_the_checkpoint(tmp_path: Any) -> None:
    def work(comm: Any) -> None:
        writer = training.Checkpoint(tmp_path / f"{comm.rank}", best=tmp_path / f"best{comm.rank}")
        train(Ranks(4, comm=comm), epochs=1, callbacks=[writer])

    assert on_ranks(2, work) == [None, None]
    assert {one.name for one in tmp_path.iterdir()} == {"0", "best0"}


def test_a_rank_reads_its_own_rows_alone() -> None:
    class Counted:
        shape, ndim, dtype = X.shape, 2, X.dtype

        def __init__(self) -> None:
            self.read: set[float] = set()

        def __len__(self) -> int:
            return len(X)

        def __getitem__(self, rows: Any) -> Any:
            found = X[rows]
            self.read |= {*found[:, 0].tolist()}
            return found

    def work(comm: Any) -> set[float]:
        counted = Counted()
        train(Ranks(4, comm=comm), data=(counted, Y), epochs=1)
        return counted.read

    first, second = on_ranks(2, work)
    assert not first & second
    assert len(first | second) == len(X)


@pytest.mark.parametrize(("first", "second"), [(1, 3), (3, 2), (2, 1)])
def test_a_training_goes_on_with_another_number_of_ranks(
    tmp_path: Any, first: int, second: int
) -> None:
    def work(parallel: Any, epochs: int, path: Any) -> Any:
        callbacks = [training.Checkpoint(path, resume=True), training.EarlyStopping(2)]
        return train(parallel, epochs=epochs, callbacks=callbacks, validation=(X[:7], Y[:7]))

    whole = work(Shards(6), 4, tmp_path / "whole")
    for end in (1, 2):
        path = tmp_path / f"{end}"
        on_ranks(first, lambda comm, end=end, path=path: work(Ranks(6, comm=comm), end, path))
        found = on_ranks(second, lambda comm, path=path: work(Ranks(6, comm=comm), 4, path))
        assert found == [whole] * second
        assert path.read_bytes() == (tmp_path / "whole").read_bytes()


def test_ranks_that_begin_otherwise_are_told() -> None:
    def work(comm: Any) -> Any:
        net = network()
        if comm.rank == 1:
            with tg.no_grad():
                net.layers[0].b += 1.0
        return train(Ranks(4, comm=comm), net)

    for error in on_ranks(3, work, abort=False):
        assert isinstance(error, ParallelError)
        assert "the weights: rank 1 has another than rank 0" in str(error)


def test_ranks_with_seeds_of_their_own_are_told() -> None:
    (error, _) = on_ranks(2, lambda comm: train(Ranks(4, comm=comm), rng=comm.rank), abort=False)
    assert "the random generators: rank 1" in str(error)


def test_a_rank_that_raises_says_which_it_is_and_where() -> None:
    def loss(prediction: Any, y: Any) -> Any:
        if np.any(y == Y[40]):
            raise ShapeError("this row")
        return nn.mse(prediction, y)

    found = on_ranks(2, lambda comm: train(Ranks(4, comm=comm), loss=loss))
    (error,) = (one for one in found if isinstance(one, ShapeError))
    (note,) = error.__notes__
    assert note.startswith("in rank ")
    assert " of 2, epoch 1, step " in note


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_no_number_stops_all_ranks_and_names_its_operation() -> None:
    data = X.copy()
    data[25, 1] = -1.0

    def loss(prediction: Any, y: Any) -> Any:
        return nn.mse(prediction, y) + np.mean(np.log(np.maximum(prediction, 0.0)))

    before = [array.tobytes() for array in network().state().values()]

    def work(comm: Any) -> Any:
        net = network()
        try:
            train(Ranks(4, comm=comm), net, (data, Y), loss=loss)
        except NonFiniteError as error:
            return str(error), [array.tobytes() for array in net.state().values()]

    for told, left in on_ranks(2, work):
        assert "epoch 1, batch 1" in told
        assert "log made -inf" in told
        assert left == before


def test_only_the_first_rank_shows_progress(capsys: Any) -> None:
    on_ranks(2, lambda comm: train(Ranks(4, comm=comm), progress=True))
    assert capsys.readouterr().err.count("epoch 3/3") == 1


# By Dask


@pytest.mark.parametrize("case", ["judged", "accumulated"])
def test_dask_has_the_bits_of_one_process(case: str) -> None:
    da = extra("dask.array")
    from tinygrad_bp.parallel import Cluster

    lazy = tuple(da.from_array(one, chunks=(10, -1)) for one in (X, Y))
    settings = {**CASES[case], "epochs": 1}
    alone = train(Shards(6), **settings)
    assert train(Cluster(shards=6), **settings) == alone
    assert train(Cluster(shards=6), data=lazy, **settings) == alone


def test_a_sum_of_dasks_may_be_made_twice() -> None:
    """A task that is asked for again finds its arguments as they were."""
    left, right = (Sums.of(np.arange(3.0), rows) for rows in (2, 3))
    for _ in range(2):
        assert cluster._added(left, right).mean(5).tolist() == [0.0, 1.0, 2.0]


def test_dask_leaves_the_model_here_alone() -> None:
    extra("dask.array")
    from tinygrad_bp.parallel import Cluster

    net = network(norm=True)
    train(Cluster(shards=3), net, (X[:30], Y[:30]))
    alone = network(norm=True)
    train(Shards(3), alone, (X[:30], Y[:30]))
    for one, other in zip(net.state().values(), alone.state().values(), strict=True):
        assert one.tobytes() == other.tobytes()
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.deep
@pytest.mark.filterwarnings("default")  # what a cluster says when it loses a worker
def test_a_worker_that_is_killed_costs_time_alone() -> None:
    da, distributed = extra("dask.array"), extra("distributed")
    from tinygrad_bp.parallel import Cluster

    lazy = tuple(da.from_array(one, chunks=(10, -1)) for one in (X, Y))
    alone = train(Shards(6))
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as one,
        distributed.Client(one) as client,
    ):
        killed = []

        class Kill:
            def after_step(self, loop: Any) -> None:
                if loop.epoch == 1 and not killed:
                    (process, *_) = client.run(os.getpid).values()
                    killed.append(process)
                    os.kill(process, signal.SIGKILL)

        assert train(Cluster(client, shards=6), data=lazy, callbacks=[Kill()]) == alone
        assert killed
