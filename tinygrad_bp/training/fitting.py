"""`fit`: train a model on data, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

import numpy as np

from tinygrad_bp.data import batches, split
from tinygrad_bp.data.batching import Batches, Rows
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.modes import enable_grad, no_grad
from tinygrad_bp.errors import DataError
from tinygrad_bp.nn import Module
from tinygrad_bp.nn.summary import modes_restored
from tinygrad_bp.optim import Optimizer
from tinygrad_bp.parallel import Shards
from tinygrad_bp.training.compiled_steps import CompiledStep
from tinygrad_bp.training.generators import Generators
from tinygrad_bp.training.guard import Guard
from tinygrad_bp.training.history import History
from tinygrad_bp.training.loop import Loop, is_callback
from tinygrad_bp.training.probe import ROWS, Probe, every
from tinygrad_bp.training.progress import Progress
from tinygrad_bp.training.sharded import ShardedStep, digests
from tinygrad_bp.training.steps import Metrics, Objective, Step, rows_of


@answers
def fit(
    model: Module,
    loss: Callable[[Any, Any], Any],
    data: Any,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int | None = 32,
    validation: Any = None,
    metrics: Metrics | None = None,
    callbacks: Iterable[Any] = (),
    schedule: Callable[[float], float] | None = None,
    clip_norm: float | None = None,
    accumulate: int = 1,
    history: History | None = None,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
    parallel: Shards | None = None,
    compile: bool = False,  # noqa: A002  # what the function is called
) -> History:
    """Train a model, and return the numbers of each epoch.

    Parameters
    ----------
    model : Module
        Called with a batch of X; with several arguments if X is a tuple.  Put into training mode
        while it is trained, and back afterwards.
    loss : callable
        ``loss(prediction, y)`` returns the mean over the rows, as `tg.nn.cross_entropy` does.
    data : (X, y), or iterable of such batches
        Arrays of any kind that `tg.data.batches` takes, shuffled anew for each epoch; or what gives
        batches when it is iterated over, once for each epoch.
    optimizer : Optimizer
        Of the model's parameters.
    epochs : int
        How many there are to be, with those of `history`, or of a checkpoint.
    batch_size : int or None, default 32
        Rows of a batch; None for all at once, in their order.
    validation : (X, y), iterable of batches, or float, optional
        What is never trained on, and judged after each epoch; a number is the share of `data` that
        is held out.
    metrics : mapping of str to callable, optional
        More numbers, ``metric(prediction, y)`` of arrays, means over the rows as the loss.
    callbacks : iterable, optional
        Functions of the `Loop`, called after each epoch, or objects with methods; for instance
        `EarlyStopping`, `Checkpoint`, `tg.optim.EMA`, `tg.optim.ReduceOnPlateau`.
    schedule : callable, optional
        The learning rate of an epoch by its number, from 0: see `tg.optim.schedules`.
    clip_norm : float, optional
        The norm of all gradients is held to it.
    accumulate : int, default 1
        Batches whose gradients are averaged for one step.
    history : History, optional
        Of epochs before, to go on with; it has each epoch as soon as that ends, so that it is there
        after an interrupt too.
    rng : numpy.random.Generator or int, optional
        Where the order of the samples comes from.
    progress : bool, default True
        Show a line that moves on standard error, or in a notebook; where it is no terminal, twenty
        lines in all.
    parallel : Shards, optional
        Who computes a step together: `tg.parallel.Ranks` or `tg.parallel.Cluster`; their number
        changes no bit.
    compile : bool, default False
        Run the steps by `tg.compile`, which gives the same numbers but for rounding, the same bits
        each time; not with `parallel`.  What cannot be compiled runs as it is, after a warning that
        names it; ``history.backend`` says what ran.

    Returns
    -------
    History
        ``"loss"`` and metrics, means over the epoch while it trained; ``"validation_loss"`` and so
        on, of the weights after it.

    Raises
    ------
    NonFiniteError
        If a loss is NaN or infinite.  The message names the operation and its line; the model has
        the weights from before that operation's step.
    TypeError
        If the model, the loss, the optimizer, the metrics, the callbacks or the schedule is of
        another kind; the message says what to pass.
    DataError
        If there is no batch, or the data have another form.
    GraphError
        If the loss gives none of the optimizer's parameters a gradient.
    KeyboardInterrupt
        Passed on: the model has the weights after a whole step, or its best, by `EarlyStopping`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn, optim, training
    >>> X = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> net = nn.Linear(1, 1, rng=0)
    >>> history = training.fit(net, nn.mse, (X, 3.0 * X), optim.Adam(net.parameters(), 0.1),
    ...                        epochs=100, rng=0, progress=False)
    >>> history["loss"][-1] < 1e-3
    True
    """
    callbacks = [*callbacks] if isinstance(callbacks, Iterable) else callbacks
    _check_kinds(model, loss, optimizer, metrics, callbacks, schedule)
    _check_counts(epochs=epochs, accumulate=accumulate)
    generator = np.random.default_rng(rng)
    if isinstance(validation, float):
        data, validation = split(*_pair(data), validation, rng=generator)
    objective = Objective(model, loss, dict(metrics or {}))
    settings: Any = {"clip_norm": clip_norm, "accumulate": accumulate}
    epoch = _Epoch(
        _step(objective, optimizer, settings, parallel, compiles=compile),
        _source(data, batch_size, generator, unread=parallel is not None),
        None
        if validation is None
        else _source(validation, batch_size, None, unread=parallel is not None),
        Generators(model),
        schedule,
        parallel,
    )
    loop = Loop(
        model,
        epoch,
        callbacks,
        history=history,
        watched="loss" if validation is None else "validation_loss",
        optimizer=optimizer,
        generators=Generators(model, {"rng": generator, "data": getattr(data, "rng", None)}),
        probe=Probe(objective.predict, objective.judge, lambda: _some_rows(data, epoch.batch)),
        writes=parallel is None or parallel.first,
    )
    return epoch.run(loop, epochs, Progress(epochs) if progress and loop.writes else None)


def _step(
    objective: Objective,
    optimizer: Optimizer,
    settings: dict[str, Any],
    parallel: Shards | None,
    *,
    compiles: bool,
) -> Step:
    """Return what is done with each batch."""
    if parallel is None:
        return (CompiledStep if compiles else Step)(objective, optimizer, **settings)
    if compiles:
        raise ValueError(
            "fit: compile=True and parallel=... exclude each other: a step that is divided among"
            " processes is not one program"
        )
    return ShardedStep(parallel, objective, optimizer, **settings)


class _Epoch:
    """Trains for an epoch when it is called, and returns its numbers."""

    loop: Loop

    def __init__(
        self,
        step: Step,
        data: Iterable[Any],
        validation: Iterable[Any] | None,
        generators: Generators,
        schedule: Callable[[float], float] | None,
        parallel: Shards | None,
    ) -> None:
        self._step, self._data, self._validation = step, data, validation
        self._schedule, self._parallel = schedule, parallel
        own = isinstance(step, CompiledStep)  # it overwrites what nobody holds
        self._guard = Guard(step.optimizer.params, generators, copies=own)
        self._progress: Progress | None = None

    def run(self, loop: Loop, epochs: int, progress: Progress | None) -> History:
        self.loop, self._progress = loop, progress
        try:
            with modes_restored(loop.model), enable_grad():
                loop.model.train()
                history = loop.run(epochs)
            self._guard.warn_of_growth(history, self._step.optimizer.lr)
        except Exception as error:
            if self._parallel is not None:
                self._parallel.note(error)
            raise
        finally:
            self._step.forget()
            if progress is not None:
                progress.close(loop.history.stopped or "")
        return history

    def __call__(self) -> dict[str, float]:
        number = self.loop.epoch + 1
        self._agree(number)
        if self._schedule is not None:
            self._step.optimizer.lr = self._schedule(self.loop.epoch)
        total = len(self._data) if isinstance(self._data, Sized) else None
        means = _Means()
        for done, (X, y) in enumerate(_checked(self._data), 1):
            self._guard.before((X, y))
            numbers = self._step.descend(X, y)
            loss = numbers["loss"]
            if not math.isfinite(loss):
                where = f"epoch {number}, batch {done}"
                self._guard.fail(loss, where, self._step.differentiated)
            self._guard.after(loss)
            means.add(rows_of(y), numbers)
            self.loop.call("after_step")
            if self._progress is not None:
                self._progress.batch(number, done, total, loss)
        self._step.finish()
        self.loop.history.backend = self._step.backend
        row = means.values()
        if self._validation is not None:
            row |= {f"validation_{name}": v for name, v in self._judged(self._validation).items()}
        if self._progress is not None:
            self._progress.epoch(number, row, self._step.backend)
        return row

    @property
    def batch(self) -> tuple[Any, Any] | None:
        """The batch of the last step."""
        return self._guard.batch

    def _agree(self, number: int) -> None:
        """Check that all ranks begin an epoch alike."""
        if self._parallel is None:
            return
        self._parallel.begin(f"epoch {number}")
        if self._parallel.size > 1:
            loop = self.loop
            found = digests(loop.model, self._step.optimizer, loop.generators)
            self._parallel.agree({"the epoch": str(number).encode(), **found})

    def _judged(self, data: Iterable[Any]) -> dict[str, float]:
        """Return the numbers of the present weights on data, as after the training."""
        means = _Means()
        self.loop.model.eval()
        try:
            with no_grad():
                for X, y in _checked(data):
                    means.add(rows_of(y), self._step.judge(X, y))
        finally:
            self.loop.model.train()
        return means.values()


class _Means:
    """Means over rows of numbers that are means over batches."""

    def __init__(self) -> None:
        self._rows = 0
        self._sums: dict[str, float] = {}

    def add(self, rows: int, numbers: Mapping[str, float]) -> None:
        self._rows += rows
        for name, value in numbers.items():
            self._sums[name] = self._sums.get(name, 0.0) + rows * value

    def values(self) -> dict[str, float]:
        return {name: total / self._rows for name, total in self._sums.items()}


def _check_kinds(
    model: Any, loss: Any, optimizer: Any, metrics: Any, callbacks: Any, schedule: Any
) -> None:
    """Refuse what other libraries take here: names of losses, a list of metrics, one callback."""
    by_name = isinstance(metrics or {}, Mapping) and all(map(callable, (metrics or {}).values()))
    expected = {
        "model": (model, isinstance(model, Module), "a tg.nn.Module, as nn.Sequential(function)"),
        "loss": (
            loss,
            callable(loss) and not isinstance(loss, type),
            "a function of (prediction, y), as tg.nn.cross_entropy",
        ),
        "optimizer": (
            optimizer,
            isinstance(optimizer, Optimizer),
            "an optimizer of its parameters, as tg.optim.Adam(model.parameters(), 0.01)",
        ),
        "metrics": (
            metrics,
            by_name,
            'functions by name, as {"accuracy": lambda out, y: np.mean(out.argmax(axis=1) == y)}',
        ),
        "callbacks": (
            callbacks,
            isinstance(callbacks, list) and all(map(is_callback, callbacks)),
            "a list: [callback]; of a class, as [EarlyStopping(patience=9)], what it makes",
        ),
        "schedule": (
            schedule,
            schedule is None or callable(schedule),
            "a function of the epoch: see tg.optim.schedules",
        ),
    }
    for name, (given, fits, what) in expected.items():
        if not fits:
            raise TypeError(f"fit: {name}={given!r:.60}; expected {what}")


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if not (isinstance(value, int | np.integer) and value >= 1):
            raise ValueError(f"fit: {name}={value!r}; expected an integer of 1 or more")


def _pair(data: Any) -> tuple[Any, Any]:
    if not (isinstance(data, tuple) and len(data) == 2):
        raise DataError("fit: to hold out a share of the data, pass them as (X, y)")
    return data


def _source(
    data: Any, size: int | None, rng: np.random.Generator | None, *, unread: bool
) -> Iterable[Any]:
    """Return what gives the batches of an epoch whenever it is iterated over."""
    if isinstance(data, tuple):
        X, y = _pair(data)
        shuffled = size is not None and rng is not None
        data = batches(X, y, len(y) if size is None else size, rng=rng, shuffle=shuffled)
        if size is None and not unread:
            return list(data)
    if unread and isinstance(data, Batches):
        return data.unread()
    return data  # type: ignore[no-any-return]  # an iterable, which `_checked` looks at


def _some_rows(data: Any, batch: tuple[Any, Any] | None) -> tuple[Any, Any] | None:
    """Return rows of data that are arrays; else the last batch: to ask for one may change it."""
    if isinstance(data, tuple):
        X, y = _pair(data)
        chosen = every(len(y), ROWS)
        # loaded as a batch is: whatever holds the rows, they are arrays then
        return _each(lambda one: np.asarray(one[chosen]), (X, y))
    return batch and _each(lambda one: np.asarray(one) if isinstance(one, Rows) else one, batch)


def _each(function: Callable[[Any], Any], pair: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return what a function makes of each array of a pair (X, y)."""
    X, y = pair
    return tuple(map(function, X)) if isinstance(X, tuple) else function(X), function(y)


def _checked(data: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield batches as pairs.

    Raises
    ------
    DataError
        If there is none, or one is no pair.
    """
    if not isinstance(data, Iterable):
        raise DataError(
            f"fit: the data are a {type(data).__name__}; expected (X, y), or batches that can be"
            " iterated over once for each epoch, as tg.data.batches gives them"
        )
    empty = True
    for batch in data:
        if not (isinstance(batch, tuple | list) and len(batch) == 2):
            raise DataError(f"fit: a batch is a {type(batch).__name__}; expected a pair (X, y)")
        empty = False
        yield batch[0], batch[1]
    if empty:
        raise DataError(
            "fit: no batch in this epoch; expected data that can be iterated over once for each"
            " epoch, which a generator cannot"
        )
