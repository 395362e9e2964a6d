"""`compile`: the function that users call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tinygrad_bp.compiling.arguments import count_of
from tinygrad_bp.compiling.compiled import Compiled
from tinygrad_bp.compiling.engines import BACKENDS
from tinygrad_bp.elsewhere.calls import answers


@answers
def compile(  # noqa: A001  # what the field calls it
    f: Callable[..., Any] | None = None,
    *,
    state: Any = (),
    static: int | str | Iterable[int | str] = (),
    backend: str = "auto",
    threads: int | None = None,
) -> Any:
    """Return a function that does what `f` does, from a program that is written once.

    The first call runs `f` a few times on arrays without values, writes down what it does, and
    makes native code of that.  The next calls run the code.  Calls with arrays of other shapes or
    dtypes, or with the state in another shape, make another version; another length of the batch
    does not need new code.

    Parameters
    ----------
    f : callable
        A training step, a loss, or what `tg.grad` and its like return.  Without it a decorator is
        returned.
    state : module, optimizer, Tensor, numpy.random.Generator, or nested containers of them
        All that `f` reads or changes beside its arguments.  It stays where it is: before and after
        each call the parameters, buffers and memories have their true values, and anyone may read
        or replace them.  The rates and other numbers of an optimizer are read at each call.
    static : names or positions of arguments
        Those that are parts of the program; their values must be hashable.
    backend : {"auto", "native", "numpy", "eager"}
        What runs: native code if there can be (else `f` itself, after a warning), native code or
        an error, the program by NumPy, or `f` itself.
    threads : int, optional
        How many may run a step of native code, where it takes long enough to be worth it.  Its sums
        over the batch are then sums of sums of shards.  Their number is fixed, so any number of
        threads gives the same bits, `1` as well; they differ by rounding from those without
        `threads`.

    Returns
    -------
    Compiled
        Called like `f`.  What it returns tracks nothing.  See `Compiled.repeat`,
        `Compiled.epochs`, `Compiled.lower` and `Compiled.explain_retrace`.

    Raises
    ------
    TraceError
        When called, if `f` reads a value, if it depends on a clock or a counter, or if it reads or
        changes what is neither an argument nor in `state`.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> net = tg.nn.Linear(2, 1, rng=0)
    >>> optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
    >>> @tg.compile(state=(net, optimizer), backend="numpy")
    ... def step(X, y):
    ...     loss = tg.nn.mse(net(X), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     optimizer.zero_grad()
    ...     return loss
    >>> before = step(np.ones((4, 2)), np.zeros((4, 1)))
    >>> bool(step(np.ones((4, 2)), np.zeros((4, 1))).item() < before.item())
    True
    """
    if f is None:
        options: dict[str, Any] = {"static": static, "backend": backend, "threads": threads}
        return lambda function: compile(function, state=state, **options)
    if not callable(f):
        raise TypeError(f"compile: expected a function, got {type(f).__name__}")
    if backend not in BACKENDS:
        raise ValueError(f"compile: backend={backend!r}; expected one of {', '.join(BACKENDS)}")
    if threads is not None:
        threads = count_of("compile: threads", threads, 1)
    objects = list(state) if isinstance(state, (list, tuple)) else [state]
    names = [static] if isinstance(static, (int, str)) else list(static)
    return Compiled(f, objects, names, backend, threads)
