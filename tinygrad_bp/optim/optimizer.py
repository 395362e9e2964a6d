"""What all optimizers share: the checked list of parameters, the rate, and the state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.elsewhere.attributes import OF_OPTIMIZER, Setting, answer
from tinygrad_bp.elsewhere.calls import Answering, answers
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import DTypeError, TrackedTensorError, warn_user
from tinygrad_bp.nn.state import Kept

LOOKS = 10  # steps within which every parameter is expected to have had a gradient
SHOWN = 3  # parameters that a warning names

Params = Iterable[Tensor] | Iterable[Mapping[str, Any]]


class Optimizer(Kept, Answering):
    """Base of the optimizers.

    A step builds every new value first and then swaps all of them in, parameters and state
    together: an interrupt leaves the state before the step or after it, and no array that a graph
    or a ``.grad`` holds is ever written to.  A parameter whose gradient is None is left alone.

    Parameters
    ----------
    params : iterable of Tensor, or of groups
        Leaves that require gradients, each once; for instance ``network.parameters()``.  A group is
        a dict of ``"params"``, such an iterable, and what is special about these: ``"scale"``, what
        their learning rate is multiplied by, and ``"weight_decay"``, in place of the optimizer's.
    lr : float
        Learning rate, finite and at least 0.

    Raises
    ------
    TypeError
        If a parameter is not a leaf Tensor that requires gradients, or is complex.
    ValueError
        If there is no parameter, one occurs twice, or a setting is out of its range.
    """

    _never: Sequence[int] = ()  # in one that was pickled before there was this
    _looks = 0
    # What a step may change that no later step depends on, for whoever traces one.
    _passing: ClassVar[frozenset[str]] = frozenset({"_never", "_looks"})
    _counted: tuple[Tensor, ...] = ()
    weight_decay = 0.0  # what groups without their own have

    def __init__(self, params: Params, lr: float) -> None:
        listed, self._scales, self._decays = self._grouped(params)
        self.params = _checked(type(self).__name__, listed)
        self._cells: dict[str, Tensor] = {}  # what else a step changes, as Tensors to `assign` to
        self.lr = lr
        self._never = range(len(self.params))  # positions without a gradient so far

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled, perhaps before there were groups."""
        count = len(state["params"])
        vars(self).update({"_scales": [1.0] * count, "_decays": [None] * count} | state)

    @property
    def lr(self) -> float:
        """The learning rate; may be set between steps, for instance from a schedule."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = self._setting("lr", lr)

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    @answers
    def zero_grad(self) -> None:
        """Forget the gradients of all parameters: ``.grad`` becomes None."""
        for param in self.params:
            param._account.grad = None

    def _take(self, values: list[Any]) -> None:
        rate, *others = values
        lr = self._setting("lr", float(rate))  # first: it may be refused
        owners = (self, *self._cells.values())
        names = ("_lr", *repeat("_value", len(others)))
        any(map(setattr, owners, names, (lr, *others)))  # in C, as `assign`

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:g})"

    def _all_cells(self) -> dict[str, Tensor]:
        return {"lr": wrap(np.float64(self._lr)), **self._cells}

    def _memory(self, kind: str, least: DTypeLike = np.float16) -> list[Tensor]:
        """Return zeros of each parameter's shape; they become part of the state, called `kind`.

        They have the parameter's dtype, or `least` where that is wider.
        """
        cells = [
            wrap(np.zeros(param.shape, np.result_type(param.dtype, least))[()])
            for param in self.params
        ]
        self._cells.update((f"{kind}.{i}", cell) for i, cell in enumerate(cells))
        return cells

    def _counters(self, kind: str) -> list[Tensor]:
        """Return a number for each parameter, likewise; float64, which model files can hold.

        A step reads it with ``.item()``: where it is traced, as a number of Python's.
        """
        cells = [wrap(np.float64(0.0)) for _ in self.params]
        self._counted = (*self._counted, *cells)
        self._cells.update((f"{kind}.{i}", cell) for i, cell in enumerate(cells))
        return cells

    def _rate_of(self, i: int) -> float:
        """Return the learning rate of parameter `i`: that of its group."""
        return self._lr * self._scales[i]

    def _decay(self, i: int) -> float:
        """Return the weight decay of parameter `i`: its group's, or the optimizer's."""
        own = self._decays[i]
        return self.weight_decay if own is None else own

    def _gradients(self, *, decayed: bool = True) -> Iterator[tuple[int, Any, Any]]:
        """Yield (position, value, gradient) of each parameter that has a gradient.

        The gradient has ``weight_decay * value`` added, unless `decayed` is False.
        """
        if self._never:
            self._look_for_gradients()
        for i, param in enumerate(self.params):
            grad = param._account.grad
            if grad is not None:
                value, slope = param._value, grad._value
                own = self._decays[i]
                decay = (self.weight_decay if own is None else own) if decayed else 0.0
                yield i, value, slope + decay * value if decay else slope

    def _look_for_gradients(self) -> None:
        """Warn, once, of parameters that have had no gradient in the first steps.

        Called by each step as long as there are such, which is for one where all is well.
        """
        self._never = [i for i in self._never if self.params[i]._account.grad is None]
        self._looks += 1
        if not self._never or self._looks < LOOKS:
            return
        shown = ", ".join(
            f"{i} {name!r}" if (name := self.params[i].name) else f"{i} {self.params[i].shape}"
            for i in self._never[:SHOWN]
        )
        more = f" and {len(self._never) - SHOWN} more" if len(self._never) > SHOWN else ""
        self._never = []
        warn_user(
            f"{type(self).__name__}: no gradient in {LOOKS} steps for parameter {shown}{more}: does"
            " the loss depend on it, and by Tensors all the way?  .numpy(), .item() and .detach()"
            " end a graph.  Leave out of the optimizer what is meant to rest"
        )

    def _grouped(self, params: Any) -> tuple[Any, list[float], list[float | None]]:
        """Return the parameters in one list, and of each the scale and decay of its group."""
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            return params, [], []  # which `_checked` refuses
        listed, scales, decays = [], [], []
        for one in params:
            group: Mapping[str, Any] = one if isinstance(one, Mapping) else {"params": [one]}
            known = {"params", "scale", "weight_decay"}
            if "params" not in group or not group.keys() <= known:
                raise ValueError(
                    f"{type(self).__name__}: a group has the keys {sorted(map(str, group))};"
                    ' expected "params", and perhaps "scale" and "weight_decay"'
                )
            own = group.get("weight_decay")
            members = group["params"]
            members = [members] if isinstance(members, Tensor) else list(members)
            listed += members
            scales += [self._setting("scale", group.get("scale", 1.0))] * len(members)
            decays += [
                None if own is None else self._setting("weight_decay", own),
            ] * len(members)
        return listed, scales, decays

    def _setting(
        self, name: str, value: float, below: float = math.inf, above: float | None = None
    ) -> float:
        """Return `value` as a Python float, which leaves the dtype of what it multiplies alone."""
        real = isinstance(value, Real) and not isinstance(value, bool)
        number = float(value) if real else math.nan
        if not (0.0 <= number < below) or number == above:
            limit = (
                ("finite number, 0 or more" if above is None else "finite number above 0")
                if below == math.inf
                else f"number from 0 to below {below:g}"
            )
            raise ValueError(f"{type(self).__name__}: {name}={value!r}; expected a {limit}")
        return number


def _checked(name: str, params: Iterable[Tensor]) -> list[Tensor]:
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise TypeError(
            f"{name}: expected a list of parameters, got {type(params).__name__};"
            " pass network.parameters(), or [tensor]"
        )
    checked = list(params)
    if not checked:
        raise ValueError(
            f"{name}: no parameters to optimize; is the list, or the network, empty?"
            "  A parameter is a tg.tensor(array, requires_grad=True)"
        )
    seen: dict[int, int] = {}
    for i, param in enumerate(checked):
        if not isinstance(param, Tensor):
            raise TypeError(f"{name}: parameter {i} is a {type(param).__name__}; expected a Tensor")
        if not (param.requires_grad and param.is_leaf):
            raise TrackedTensorError(
                f"{name}: parameter {i} {param.shape} gets no gradient: it is"
                f" {'computed, not a leaf' if param.requires_grad else 'not tracked'};"
                " make it with tensor(..., requires_grad=True)"
            )
        if param.dtype.kind == "c":
            raise DTypeError(
                f"{name}: parameter {i} is {param.dtype}; expected real parameters: make the real"
                " and the imaginary part two of them, and compute with re + 1j * im"
            )
        if id(param) in seen:
            raise ValueError(
                f"{name}: parameters {seen[id(param)]} and {i} are one Tensor; it would move twice"
            )
        seen[id(param)] = i
    return checked


answer(Optimizer, OF_OPTIMIZER, Setting)
