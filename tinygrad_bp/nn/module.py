"""`Module`: an object whose attributes hold parameters, and perhaps other modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from reprlib import recursive_repr
from typing import Any

import numpy as np

from tinygrad_bp.engine.scopes import is_open, of_module
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import TinygradError
from tinygrad_bp.nn.state import State, assign, matched


class Module:
    """Base of layers and networks: write `forward`, assign parameters and modules as attributes.

    A parameter is a leaf Tensor that requires gradients, found in an attribute, in a module in an
    attribute, or in lists, tuples and dicts of these.  Nothing is registered: the attributes are
    read whenever parameters are asked for.

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
        with of_module(self):
            return self.forward(*args, **kwargs)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, parameter) in the order of definition.

        A name is the path of attributes, positions and keys, joined by dots: ``"layers.0.W"``.  A
        parameter that is found twice is yielded once, under its first name.

        Yields
        ------
        (str, Tensor)
        """
        seen: set[int] = set()
        rest: list[tuple[str, Any]] = [("", self)]  # a stack: modules may be nested to any depth
        while rest:
            path, value = rest.pop()
            inside = _inside(value)
            if inside is None or id(value) in seen:
                continue
            seen.add(id(value))
            if type(value) is Tensor:
                yield path, value
            else:
                prefix = f"{path}." if path else ""
                rest += reversed([(f"{prefix}{key}", child) for key, child in inside])

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
        """Return a copy of every parameter's value.

        Returns
        -------
        dict of str to array
        """
        return {name: np.array(value._value) for name, value in _by_name(self).items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Set every parameter to the array of its name, as `state` returned it.

        Parameters
        ----------
        state : mapping of str to array
            Exactly the names, shapes and dtypes of the parameters.  Copied.

        Raises
        ------
        TypeError
            If `state` is no mapping.
        ShapeError
            If a shape differs.
        TinygradError
            If a name is missing or unexpected, or a dtype differs.  Every fault is listed in one
            message of one error, and no parameter has been changed.
        """
        own = _by_name(self)
        assign(own.values(), matched(type(self).__name__, own, state))

    @recursive_repr()
    def __repr__(self) -> str:
        lines = [f"  {key}: {_described(value)}" for key, value in vars(self).items()]
        if not lines:
            return f"{type(self).__name__}()"
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


def _inside(value: Any) -> Any:
    """Return the (key, child) pairs of a container, nothing for a parameter, None for the rest."""
    if isinstance(value, Module):
        return vars(value).items()
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, (list, tuple)):
        return enumerate(value)
    return () if isinstance(value, Tensor) and value.requires_grad and value.is_leaf else None


def _by_name(module: Module) -> dict[str, Tensor]:
    """Return the parameters by name; two of one name could not be told apart in a file."""
    found: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters():
        if name in found:
            raise TinygradError(
                f"{type(module).__name__}: two parameters are called {name!r};"
                " use keys that differ as text and have no dots"
            )
        found[name] = parameter
    return found


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"Tensor {value.shape} {value.dtype}"
    if isinstance(value, (list, tuple)):
        opening, closing = "[]" if isinstance(value, list) else "()"
        return opening + ", ".join(map(_described, value)) + closing
    return repr(value).replace("\n", "\n  ")
