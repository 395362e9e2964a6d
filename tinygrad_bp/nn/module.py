"""`Module`: an object whose attributes hold parameters, and perhaps other modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from functools import partial
from operator import call, setitem
from reprlib import recursive_repr
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere import OF_MODULE, answer
from tinygrad_bp.engine.scopes import is_open, of_module
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import TinygradError
from tinygrad_bp.nn.state import State, matched


class Module:
    """Base of layers and networks: write `forward`, assign parameters and modules as attributes.

    A parameter is a leaf Tensor that requires gradients, found in an attribute, in a module in an
    attribute, or in lists, tuples and dicts of these.  A buffer is any other array found there (an
    ndarray, a NumPy number, a Tensor without gradients): a running statistic, say.  It is saved and
    loaded with the parameters, and not trained.  Nothing is registered: the attributes are read
    whenever they are asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> class Net(nn.Module):
    ...     def __init__(self, rng):
    ...         self.inner = nn.Linear(2, 3, rng=rng)
    ...         self.outer = nn.Linear(3, 1, rng=rng)
    ...
    ...     def forward(self, x):
    ...         return self.outer(np.tanh(self.inner(x)))
    >>> [name for name, _ in Net(0).named_parameters()]
    ['inner.W', 'inner.b', 'outer.W', 'outer.b']
    """

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every module writes its own.

        Parameters
        ----------
        *args, **kwargs
            What the module is called with.

        Raises
        ------
        NotImplementedError
            If the module has not written it.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward(): write what it computes")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return ``self.forward(...)``; inside a `tg.scope` the module is a scope too."""
        if is_open() is None:
            return self.forward(*args, **kwargs)
        return of_module(self, self.forward, *args, **kwargs)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, parameter) in the order of definition.

        A name is the path of attributes, positions and keys, joined by dots: ``"layers.0.W"``.  A
        parameter that is found twice is yielded once, under its first name.

        Yields
        ------
        (str, Tensor)
        """
        for path, value, *_ in _arrays(self):
            if type(value) is Tensor and value.requires_grad:
                yield path, value

    def parameters(self) -> list[Tensor]:
        """Return the parameters in the order of definition, each once.

        Returns
        -------
        list of Tensor
        """
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def state(self) -> State:
        """Return a copy of the value of every parameter and buffer.

        Returns
        -------
        dict of str to array
            Under the names of `named_parameters`, in the order of definition.

        Raises
        ------
        TinygradError
            If two have one name, or a buffer is more than plain numbers (a masked array).
        """
        own = _by_name(self)
        return {
            name: np.array(getattr(value, "_value", value)) for name, (value, *_) in own.items()
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Set every parameter and buffer to the array of its name, as `state` returned it.

        Parameters
        ----------
        state : mapping of str to array
            Exactly the names, shapes and dtypes of the parameters and buffers.  Copied.

        Raises
        ------
        TypeError
            If `state` is no mapping.
        ShapeError
            If a shape differs.
        TinygradError
            If a name is missing or unexpected, or a dtype differs.  Every fault is listed in one
            message of one error, and nothing has been changed.
        """
        own = _by_name(self)
        values = matched(
            type(self).__name__, {name: found[0] for name, found in own.items()}, state
        )
        copies: dict[Any, Any] = {}  # arrays that were one stay one, where the state agrees
        changes = [
            _change(name, *found, value, copies)
            for (name, found), value in zip(own.items(), values, strict=True)
        ]
        any(map(call, changes))  # in C, between two bytecodes: Ctrl-C finds all changed or none

    @recursive_repr()
    def __repr__(self) -> str:
        lines = [f"  {key}: {_described(value)}" for key, value in vars(self).items()]
        if not lines:
            return f"{type(self).__name__}()"
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


def _arrays(module: Module) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield (name, array, the container it is in, its key there) of each parameter and buffer.

    A Tensor or container is found once.  An array is found wherever it is: which attributes happen
    to share one may change while a module is trained, and the names in its state may not.
    """
    seen: set[int] = set()
    rest: list[tuple[str, Any, Any, Any]] = [("", module, None, None)]  # any depth: a stack
    while rest:
        path, value, container, key = rest.pop()
        if isinstance(value, (np.ndarray, np.generic)):
            yield path, value, container, key
            continue
        inside = _inside(value)
        if inside is None or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            yield path, value, container, key
        else:
            prefix = f"{path}." if path else ""
            home = vars(value) if isinstance(value, Module) else value
            rest += reversed([(f"{prefix}{key}", child, home, key) for key, child in inside])


def _inside(value: Any) -> Any:
    """Return the (key, child) pairs of a container, nothing for a leaf Tensor, None for the rest.

    A result that is still in its graph is no state: the next call computes it again.
    """
    if isinstance(value, Module):
        return vars(value).items()
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, (list, tuple)):
        return enumerate(value)
    return () if isinstance(value, Tensor) and value.is_leaf else None


def _by_name(module: Module) -> dict[str, tuple[Any, Any, Any]]:
    """Return what `_arrays` finds by name; two of one name could not be told apart in a file."""
    found: dict[str, tuple[Any, Any, Any]] = {}
    for name, value, container, key in _arrays(module):
        if name in found:
            raise TinygradError(
                f"{type(module).__name__}: two arrays are called {name!r};"
                " use keys that differ as text and have no dots"
            )
        if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
            raise TinygradError(
                f"{type(module).__name__}: {name!r} is a {type(value).__name__}, of which a state"
                " would keep the plain numbers alone; hold plain arrays"
            )
        found[name] = value, container, key
    return found


def _change(
    name: str, old: Any, container: Any, key: Any, value: Any, copies: dict[Any, Any]
) -> partial[Any]:
    """Return the call that puts `value`, a fresh copy, in the place of `old`."""
    if isinstance(old, Tensor):
        return partial(setattr, old, "_value", value)
    if isinstance(old, np.ndarray):  # a new one, not the old one written over: graphs hold that
        value = copies.setdefault((id(old), value.tobytes()), np.asarray(value))
    if isinstance(container, (list, MutableMapping)):
        return partial(setitem, container, key, value)
    if isinstance(old, np.ndarray) and old.flags.writeable:
        return partial(np.copyto, old, value)
    raise TinygradError(
        f"{name!r} cannot be set: it is a number or a read-only array in a"
        f" {type(container).__name__}; use a list"
    )


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"Tensor {value.shape} {value.dtype}"
    if isinstance(value, (list, tuple)):
        opening, closing = "[]" if isinstance(value, list) else "()"
        return opening + ", ".join(map(_described, value)) + closing
    return repr(value).replace("\n", "\n  ")


answer(Module, OF_MODULE)
