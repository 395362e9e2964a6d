"""`Cluster`: the shards as tasks of Dask, in one graph for each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.parallel.shards import Shards, additions, computed
from tinygrad_bp.parallel.sums import Sums


class Cluster(Shards):
    """Computes means over rows by the workers of Dask; needs the extra ``[dask]``.

    A step is one graph: a task reads a shard, and computes what is asked of it; others add up the
    results.  What is lost with a worker is computed again by another, to the same bits.

    Parameters
    ----------
    client : distributed.Client, optional
        Who computes; if not given, whom ``dask.compute`` asks.
    shards : int, default 8
        Into how many parts the rows of a batch are divided.

    Raises
    ------
    ImportError
        If Dask is not installed.

    Notes
    -----
    The function and what it refers to, for instance a model, travel to the workers with each step,
    as a pickle.  The workers have this package.
    """

    @answers
    def __init__(self, client: Any = None, shards: int = 8) -> None:
        super().__init__(shards)
        try:
            import dask  # noqa: F401  # whether it is there
        except ImportError as error:
            raise ImportError(
                "Cluster needs Dask: install the extra, as in pip install 'tinygrad-bp[dask]'"
            ) from error
        self._client = client

    def _total(
        self,
        function: Callable[..., Any],
        columns: Sequence[Any],
        places: Sequence[tuple[int, int]],
        like: Any,  # noqa: ARG002  # of a process that has no row
    ) -> Sums:
        import cloudpickle  # comes with Dask
        from dask.delayed import delayed

        # bytes, of which each task makes its own: threads would share one model
        pickled = delayed(cloudpickle.dumps(function))
        part, added = delayed(_part, pure=False), delayed(_added, pure=False)
        sums = {
            number: part(pickled, *(column[start:end] for column in columns))
            for number, (start, end) in enumerate(places)
            if start < end
        }
        for _, left, right in additions(self.shards):
            if right in sums:
                sums[left] = added(sums[left], sums.pop(right))
        task = sums[0]
        total: Sums
        total = task.compute() if self._client is None else self._client.compute(task).result()
        return total


def _part(pickled: bytes, *parts: Any) -> Sums:
    import cloudpickle

    return computed(cloudpickle.loads(pickled), parts)


def _added(left: Sums, right: Sums) -> Sums:
    # into a new one: a task whose result is there may be asked for it again
    return Sums(left.form, left.buffer.copy()).add(right)
