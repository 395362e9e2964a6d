"""`Module`: an object whose attributes hold parameters, and perhaps other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import partial
from operator import call, setitem
from reprlib import recursive_repr
from typing import Any, Self

import numpy as np

from tinygrad_bp.elsewhere.attributes import OF_MODULE, UNREAD, Unread, answer
from tinygrad_bp.elsewhere.calls import Answering, answers
from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.changes import mark
from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.engine.scopes import is_open, of_module
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import TinygradError, warn_user
from tinygrad_bp.nn.state import State, matched, require_in_sight
from tinygrad_bp.nn.summary import Summary, described, listed, observer, summarized

Where = Callable[[str, Tensor], bool]
REPLACED = (
    "{} was a parameter, and is a result from now on, which no optimizer moves: give the result a"
    " name of its own, or change the parameter in place, with tg.no_grad(): p[...] = value"
)


class Module(Answering):
    """Base of layers and networks: write `forward`, assign parameters and modules as attributes.

    A parameter is a leaf Tensor that requires gradients, found in an attribute, in a module in an
    attribute, or in lists, tuples and dicts of these.  A buffer is any other array found there (an
    ndarray, a NumPy number, a Tensor without gradients): a running statistic, say.  It is saved and
    loaded with the parameters, and not trained.  Nothing is registered: the attributes are read
    whenever they are asked for.  A parameter that is held in two places is one parameter: so
    weights are tied.

    Some layers, `Dropout` and `BatchNorm`, behave differently while a network is trained.  They go
    by the attribute `training`, which is True until `eval` is called.

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

    training = True

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
        out = of_module(self, self.forward, *args, **kwargs)
        told = observer.get()
        if told is not None:
            told(self, out)
        return out

    def __setattr__(self, name: str, value: Any) -> None:
        was = vars(self).get(name) if type(value) is Tensor and not value.is_leaf else None
        if type(was) is Tensor and was.is_leaf and was.requires_grad:
            warn_user(REPLACED.format(f"{type(self).__name__}.{name}"))
        object.__setattr__(self, name, value)

    # What is in it

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, module) of this module, called "", and of all within it, each once.

        Yields
        ------
        (str, Module)
        """
        for path, value, *_ in _found(self):
            if isinstance(value, Module):
                yield path, value

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

    def parameters(self, where: Where | None = None) -> list[Tensor]:
        """Return the parameters in the order of definition, each once.

        Parameters
        ----------
        where : callable, optional
            ``where(name, parameter)`` says which; all if not given.

        Returns
        -------
        list of Tensor

        Examples
        --------
        >>> from tinygrad_bp import nn
        >>> matrices = nn.Linear(2, 3, rng=0).parameters(where=lambda name, p: p.ndim > 1)
        >>> [p.name for p in matrices]
        ['W']
        """
        return [p for name, p in self.named_parameters() if where is None or where(name, p)]

    @answers
    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module, the inner ones first.

        Parameters
        ----------
        function : callable
            Takes a module; what it returns is not looked at.

        Returns
        -------
        Module
            This one.
        """
        for _, module in reversed(list(self.named_modules())):
            function(module)
        return self

    def train(self, mode: bool = True) -> Self:
        """Let this module and all within it behave as while they are trained.

        Parameters
        ----------
        mode : bool, default True
            False for the opposite, as `eval`.

        Returns
        -------
        Module
            This one.
        """
        return self.apply(lambda module: setattr(module, "training", bool(mode)))

    def eval(self) -> Self:
        """Let this module and all within it behave as after the training.

        Returns
        -------
        Module
            This one.
        """
        return self.train(mode=False)

    def freeze(self, where: Where | None = None) -> Self:
        """Take parameters out of the training: they get no gradients, and `parameters` lacks them.

        Their values stay in `state`.  Gradients that they have are forgotten.

        Parameters
        ----------
        where : callable, optional
            ``where(name, parameter)`` says which; all if not given.

        Returns
        -------
        Module
            This one.
        """
        for parameter in self.parameters(where):
            parameter.zero_grad()
            parameter._node = None
        return self

    def unfreeze(self, where: Where | None = None) -> Self:
        """Undo `freeze`.

        Parameters
        ----------
        where : callable, optional
            ``where(name, parameter)`` says which; all if not given.

        Returns
        -------
        Module
            This one.
        """
        for name, one, *_ in _arrays(self):
            # a frozen parameter still has the account where its gradients added up
            account = getattr(one, "_account", None) if isinstance(one, Tensor) else None
            if account is not None and one._node is None and (where is None or where(name, one)):
                one._node = Leaf(one.shape, one.dtype, one.name, account)
        return self

    @answers
    def summary(self, sample: Any) -> Summary:
        """Return a table of the layers: what each gives for a sample, its parameters and bytes.

        Parameters
        ----------
        sample : array, Tensor, or tuple of these
            What the module is called with; a tuple has one for each argument.  It is called as
            after the training, and without a graph.

        Returns
        -------
        Summary
            Prints as text, and shows as a table in notebooks.

        Examples
        --------
        >>> import numpy as np
        >>> from tinygrad_bp import nn
        >>> net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh())
        >>> print(net.summary(np.zeros((4, 2))))
        layer        output  parameters  bytes
        Sequential   (4, 3)           9     72
          0: Linear  (4, 3)           9     72
          1: Tanh    (4, 3)           0      0
        """
        return summarized(self, sample)

    def state(self) -> State:
        """Return a copy of the value of every parameter and buffer.

        Returns
        -------
        dict of str to array
            Under the names of `named_parameters`, in the order of definition.

        Raises
        ------
        TinygradError
            If two have one name, or a buffer is more than plain numbers (a masked array), or an
            array is where nothing looks for it: in an object that is no module.
        """
        found = ((name, one) for name, (one, *_) in _by_name(self).items())
        return {name: np.array(getattr(one, "_value", one)) for name, one in found}

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
        named = {name: found[0] for name, found in own.items()}
        values = matched(type(self).__name__, named, state)
        copies: dict[Any, Any] = {}  # arrays that were one stay one, where the state agrees
        changes = [
            _change(name, *found, value, copies)
            for (name, found), value in zip(own.items(), values, strict=True)
        ]
        mark(old for old, *_ in own.values() if isinstance(old, Tensor))
        any(map(call, changes))  # in C, between two bytecodes: Ctrl-C finds all changed or none

    def _repr_html_(self) -> str:
        return listed(self)._repr_html_()

    @recursive_repr()
    def __repr__(self) -> str:
        lines = [f"  {k}: {described(v)}" for k, v in vars(self).items() if k != "training"]
        if not lines:
            return f"{type(self).__name__}()"
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


def _arrays(module: Module) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield (name, array, the container it is in, its key there) of each parameter and buffer."""
    return (found for found in _found(module) if not isinstance(found[1], Module))


def _found(module: Module, others: Any = None) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield (name, value, container, key) of each module, parameter and buffer.

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
        if inside is None and others is not None:
            others.append((path, value))
        if inside is None or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (Tensor, Module)):
            yield path, value, container, key
        if not isinstance(value, Tensor):
            prefix = f"{path}." if path else ""
            home = vars(value) if isinstance(value, Module) else value
            rest += reversed([(f"{prefix}{key}", child, home, key) for key, child in inside])


def _inside(value: Array) -> Array:
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
    others: list[tuple[str, Any]] = []
    for name, value, container, key in _found(module, others):
        if isinstance(value, Module):
            continue
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
    require_in_sight(type(module).__name__, others)
    return found


def _change(
    name: str, old: Any, container: Any, key: Any, value: Array, copies: dict[Any, Any]
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


answer(Module, OF_MODULE)
answer(Module, UNREAD, Unread)
