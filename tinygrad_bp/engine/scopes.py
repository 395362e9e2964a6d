"""Names for the parts of a computation: noted beside the graph, never on its nodes.

Creation order is all that a scope needs: what was recorded between entering and leaving it belongs
to it.  So a scope is an interval of indices, kept in a short list, and recording a node costs no
more than before.  Modules note theirs only inside a `scope`.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import wraps
from sys import maxsize
from types import FrameType
from typing import Any, NamedTuple, TypeVar

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.modes import Held, Hold
from tinygrad_bp.engine.nodes import tick
from tinygrad_bp.engine.tensor import Tensor

KEPT = 20_000  # intervals; the oldest go first, so that a long training does not pile them up

Function = TypeVar("Function", bound=Callable[..., Any])
Path = tuple[str, ...]


class Interval(NamedTuple):
    """What was recorded from index `begin` to before `end` belongs to the scope `path`."""

    begin: int
    end: int
    path: Path


class Open:
    """A scope that has been entered.

    Attributes
    ----------
    begin : int
        Index of what was recorded first in it.
    path : tuple of str
    owner : Module or None
        Whose part it is.
    outer : Open or None
    left : bool
        Whether it is over: out of turn, or in another task, it may still stand in a chain.
    """

    __slots__ = ("begin", "left", "outer", "owner", "path")

    def __init__(self, begin: int, path: Path, owner: Any, outer: Open | None) -> None:
        self.begin, self.path, self.owner, self.outer = begin, path, owner, outer
        self.left = False


_open: ContextVar[Open | None] = ContextVar("_open", default=None)
_closed: ContextVar[deque[Interval] | None] = ContextVar("_closed", default=None)
is_open: Callable[[], Open | None] = _open.get


class scope(Held):  # noqa: N801  # reads as a verb: with tg.scope("encoder"):
    """Within it, what is recorded belongs to a part with this name; scopes nest.

    Drawings show the name and can fold the part into one box.  Modules that are called inside a
    scope are scopes too.

    Parameters
    ----------
    name : str
        Any text.

    Notes
    -----
    A scope is seen by `tg.graph` in the same thread.  Outside any scope nothing is noted, and
    drawings go by the names of parameters: what uses ``hidden2.W`` belongs to ``hidden2``.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> with tg.scope("energy"):
    ...     out = np.sum(np.sin(x))
    >>> [node.scope for node in tg.graph(out).nodes]
    [('energy',), ('energy',), ('energy',)]
    """

    @answers
    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"scope: expected a name, got {name!r:.40}")
        super().__init__()
        self.name = name

    def __call__(self, function: Function) -> Function:
        """Decorate a function: each call of it is a part."""
        later = (
            inspect.isgeneratorfunction,
            inspect.iscoroutinefunction,
            inspect.isasyncgenfunction,
        )
        if any(kind(function) for kind in later):
            raise TypeError(
                f"scope: the body of {function.__name__} runs later, between other code; use"
                f" 'with tg.scope({self.name!r}):' inside it"
            )

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return inside(self.name, None, function, *args, **kwargs)

        return wraps(function)(wrapped)  # type: ignore[return-value]  # same signature

    def _begin(self, _frame: FrameType) -> tuple[Any, Hold]:
        opened = _opened(self.name, None)
        return opened, _hold(opened)

    def _opened(self) -> Iterable[Any]:
        inner = _still_open(_open.get())
        while inner is not None:
            yield inner
            inner = _still_open(inner.outer)


def inside(
    name: str, owner: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Any:
    """Call `function` in a scope of its own; `owner` is the module whose part it is, or None."""
    held = _hold(_opened(name, owner))
    try:
        next(held)
        return function(*args, **kwargs)
    finally:
        held.close()


def of_module(module: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call `function` in a scope named after a module, as its caller knows it."""
    around = _open.get()
    owner = around.owner if around is not None else None
    name = _own_name(module) or _name_in(owner, module) or type(module).__name__
    return inside(name, module, function, *args, **kwargs)


def _opened(name: str, owner: Any) -> Open:
    outer = _still_open(_open.get())
    return Open(tick(), (*outer.path, name) if outer else (name,), owner, outer)


def _still_open(found: Open | None) -> Open | None:
    while found is not None and found.left:
        found = found.outer
    return found


def _hold(opened: Open) -> Hold:
    """Keep a scope open from the first step of this generator until it is closed, and note it."""
    try:
        _open.set(opened)
        yield
    finally:
        opened.left = True
        unchanged = True
        try:
            unchanged = _open.get() is opened
        finally:
            if unchanged:  # else it is left out of turn, or in another context
                _open.set(opened.outer)
        _open.set(_still_open(_open.get()))
        noted = _closed.get()
        if noted is None:
            noted = deque(maxlen=KEPT)
            _closed.set(noted)
        noted.append(Interval(opened.begin, tick(), opened.path))


def intervals(low: int, high: int) -> list[Interval]:
    """Return the scopes noted in this thread that touch the indices from `low` to `high`.

    Those that are open still end after everything.
    """
    found = [one for one in _closed.get() or () if one.begin <= high and one.end > low]
    inner = _still_open(_open.get())
    while inner is not None:
        found.append(Interval(inner.begin, maxsize, inner.path))
        inner = _still_open(inner.outer)
    return sorted(found, key=lambda one: (one.begin, -one.end))


def _own_name(module: Any) -> str | None:
    """Return what a module's own parameters are called after: ``hidden2`` for ``hidden2.W``."""
    for value in vars(module).values():
        name = value.name if isinstance(value, Tensor) else None
        if name and name.find(".") > 0:
            return name.rpartition(".")[0]
    return None


def _name_in(owner: Any, module: Any) -> str | None:
    """Return the attribute of `owner` in which a module is, with its place in a list or dict."""
    if owner is None:
        return None
    for key, value in vars(owner).items():
        if value is module:
            return str(key)
        inside: Iterable[tuple[Any, Any]] = ()
        if isinstance(value, Mapping):
            inside = value.items()
        elif isinstance(value, (list, tuple)):
            inside = enumerate(value)
        for place, one in inside:
            if one is module:
                return f"{key}.{place}"
    return None
