"""One call of a function with a user's derivative: vjp and jvp are called, and checked."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.containers import Rebuild, flatten, flatten_like, places
from tinygrad_bp.engine.memory import read_only
from tinygrad_bp.engine.modes import recorded
from tinygrad_bp.engine.nodes import Variable
from tinygrad_bp.engine.pickling import ByName
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.engine.walk import conform, plain_answer, pull_back
from tinygrad_bp.errors import DTypeError, ShapeError, UnsupportedFunctionError
from tinygrad_bp.transforms.calls import added_up
from tinygrad_bp.transforms.joint import Unlisted, joint_rule

MANY = 64  # arguments that ``*args`` is taken to stand for


class Definition:
    """A function and its derivative.

    Attributes
    ----------
    name : str
        Of the function.
    names : list of str
        Of its positional arguments.
    rule : Rule
        What its nodes hold.
    wrapper : callable
        What the user calls.
    """

    def __init__(self, f: Any, vjp: Any, jvp: Any, wrapper: Any) -> None:
        self.f = f
        self.vjp = vjp
        self.jvp = jvp
        self.name = getattr(f, "__name__", type(f).__name__)
        self.rule = joint_rule(self.name, f, (_rule_of, (ByName(wrapper, self.name),)))
        self.wrapper = wrapper
        self.names = _positional(f)
        self._names = [_positional(one) for one in (vjp, jvp) if one is not None]

    def __reduce__(self) -> tuple[Any, ...]:
        return _definition_of, (ByName(self.wrapper, self.name),)

    def __deepcopy__(self, _memo: Any) -> Definition:
        return self

    def reads(self, position: int) -> bool:
        """Whether vjp or jvp read their parameter at `position`: 1 is the result, 2 an argument.

        Names say so: a leading underscore means no.
        """
        return any(
            position >= len(names) or not names[position].startswith("_") for names in self._names
        )

    def argument(self, position: int) -> str:
        """Return what to call a positional argument in a message."""
        return repr(self.names[position]) if position < len(self.names) else str(position)

    def bind(self, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return a call with its keyword arguments among the positional ones, where they may be."""
        try:
            bound = inspect.signature(self.f).bind(*args, **kwargs)
        except ValueError:  # written in C, without a signature
            return args, kwargs
        return bound.args, bound.kwargs


def _definition_of(wrapper: Any) -> Definition:
    definition: Definition = wrapper.definition
    return definition


def _rule_of(wrapper: Any) -> Unlisted:
    rule: Unlisted = wrapper.definition.rule
    return rule


def _positional(function: Any) -> list[str]:
    """Return the names of the positional parameters, as many of ``*args`` as anyone gives."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, without a signature
        return []
    names = []
    for one in parameters:
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD):
            names.append(one.name)
        elif one.kind is one.VAR_POSITIONAL:
            names += [one.name] * MANY
    return names


@dataclass(slots=True)
class Nest:
    """The arguments or the results of a call: the values that may move, and those that stay.

    Attributes
    ----------
    build : callable
        Makes the arguments or results of all their values.
    still : list
        The values, None where one may move.
    moving : list of int
        Which may move.
    likes : list
        Something with the shape and dtype of each of these.
    """

    build: Rebuild
    still: list[Any]
    moving: list[int]
    likes: list[Any]

    def filled(self, parts: Sequence[Any]) -> Any:
        """Return all values in their nest, with `parts` where one may move."""
        return self._with(list(self.still), parts)

    def alone(self, parts: Sequence[Any]) -> Any:
        """Return `parts` in the nest, and None for what does not move."""
        return self._with([None] * len(self.still), parts)

    def _with(self, values: list[Any], parts: Sequence[Any]) -> Any:
        for i, part in zip(self.moving, parts, strict=True):
            values[i] = part
        return self.build(values)


@dataclass(slots=True, eq=False)
class Applied:
    """One call of a differentiable function, as its node keeps it."""

    own: Definition
    arguments: Nest
    results: Nest
    options: dict[str, Any]

    def settings(self) -> dict[str, Any]:
        """Return the numbers and arrays that it was called with beside what may move, by name."""
        given = self.arguments.build(self.arguments.still)
        positional = dict(zip(self.own.names, given, strict=False))
        found = {**positional, **self.options}
        return {name: one for name, one in found.items() if not isinstance(one, Variable)}

    def pull(self, cts: list[Any], outs: list[Any], args: list[Any]) -> list[Any]:
        """Call the user's vjp, and check what it returns."""
        recorded = any(isinstance(one, Tensor) for one in (*cts, *outs, *args))
        likes = self.results.likes
        cts = [
            _zeros(x, recorded=recorded) if ct is None else ct
            for ct, x in zip(cts, likes, strict=True)
        ]
        out, arguments = self._shown(outs, args)
        ct = self.results.alone([read_only(one) for one in cts])
        parts = self._called("vjp", ct, out, arguments, recorded)
        flat, names = self._by_argument(parts, arguments)
        return [
            self._checked("vjp", flat[i], like, f"argument {names[i]}", recorded)
            for i, like in zip(self.arguments.moving, self.arguments.likes, strict=True)
        ]

    def push(self, ts: list[Any], outs: list[Any], args: list[Any]) -> list[Any]:
        """Call the user's jvp, and check what it returns; without one, transpose the vjp."""
        if self.own.jvp is None:
            return self._transposed(ts, outs, args)
        recorded = any(isinstance(one, Tensor) for one in (*ts, *outs, *args))
        out, arguments = self._shown(outs, args)
        nested = self.arguments.alone([read_only(one) for one in ts])
        tangents = tuple([one if _moves(one) else None for one in nested])
        tangent = self._called("jvp", tangents, out, arguments, recorded)
        template = self.results.alone(self.results.likes)
        flat = flatten_like(tangent, template, f"{self.own.name}: its jvp's tangent", ShapeError)
        names = places(template)
        return [
            self._checked("jvp", flat[i], like, f"the result{names[i]}", recorded)
            for i, like in zip(self.results.moving, self.results.likes, strict=True)
        ]

    def _transposed(self, ts: list[Any], outs: list[Any], args: list[Any]) -> list[Any]:
        """Push tangents through the transpose of vjp, which is linear in the cotangent.

        Recorded at 1, not 0: a vjp may leave out what a cotangent of 0 makes vanish.
        """
        record = any(isinstance(one, Tensor) for one in (*ts, *outs, *args))
        starts = [Variable(like.shape, like.dtype) for like in self.results.likes]
        cts = [wrap(np.ones(node.shape, node.dtype)[()], node) for node in starts]
        parts = recorded(self.pull, cts, outs, args)
        return recorded(self._pulled_again, parts, ts, starts, record=record)

    def _pulled_again(
        self, parts: list[Any], ts: list[Any], starts: list[Any], *, record: bool
    ) -> list[Any]:
        """Return what the tangents make of what was pulled back, by its own cotangents."""
        seeds = added_up((part._node, t) for part, t in zip(parts, ts, strict=True))
        found = pull_back(seeds, targets=starts, record=record)
        return [found.get(node) for node in starts]

    def _shown(self, outs: list[Any], args: list[Any]) -> tuple[Any, Any]:
        """Return the result and the arguments as vjp and jvp see them."""
        reads = self.own.reads(1)
        out = self.results.filled([read_only(one) for one in outs]) if reads else None
        return out, self.arguments.filled([read_only(one) for one in args])

    def _called(self, label: str, moves: Any, out: Array, arguments: Any, recorded: bool) -> Array:
        function = getattr(self.own, label)
        if not recorded:
            return function(moves, out, *arguments, **self.options)
        try:
            return function(moves, out, *arguments, **self.options)
        except (TypeError, AttributeError) as error:  # what NumPy and the engine refuse a Tensor by
            raise self._not_differentiable(label, str(error)) from error

    def _not_differentiable(self, label: str, reason: str) -> Exception:
        remedy = " or give a jvp for forward mode;" if self.own.jvp is None else ""
        return UnsupportedFunctionError(
            f"{self.own.name}: its {label} is itself to be differentiated;{remedy} write it in"
            f" NumPy functions of its arguments ({reason})"
        )

    def _by_argument(self, parts: Any, arguments: Sequence[Any]) -> tuple[list[Any], list[str]]:
        """Return the cotangents that vjp returned, one for each value, and what to call these."""
        own, count = self.own, len(arguments)
        if not isinstance(parts, tuple):
            parts = (parts,)
        if len(parts) != count:
            raise ShapeError(
                f"{own.name}: its vjp returned {len(parts)} cotangent{'s'[: len(parts) != 1]} for"
                f" {count} argument{'s'[: count != 1]}; return a tuple with one entry for each"
                " positional argument, None where there is no derivative"
            )
        flat: list[Any] = []
        names: list[str] = []
        for i, (part, argument) in enumerate(zip(parts, arguments, strict=True)):
            what = f"{own.name}: its vjp's cotangent of argument {own.argument(i)}"
            flat += flatten_like(part, argument, what, ShapeError)
            names += [own.argument(i) + place for place in places(argument)]
        return flat, names

    def _checked(self, label: str, part: Array, like: Any, where: str, recorded: bool) -> Array:
        """Return what vjp or jvp gave for one value, in the shape and dtype of `like`."""
        if part is None:
            return _zeros(like, recorded=recorded)
        if not isinstance(part, Tensor) or not recorded:
            part = plain_answer(part, f"{self.own.name}: its {label}")
            if isinstance(part, np.ndarray) and (part.flags.writeable or part.base is not None):
                part = part.copy()  # the user's to change, perhaps by another view
            part = part if hasattr(part, "dtype") else np.asarray(part)
        if part.dtype.kind not in "biufc":
            raise DTypeError(
                f"{self.own.name}: its {label} returned {part.dtype} for {where}, not numbers"
            )
        if part.shape != like.shape:
            raise ShapeError(
                f"{self.own.name}: its {label} returned shape {part.shape} for {where}, which has"
                f" shape {like.shape}"
            )
        if recorded and not isinstance(part, Tensor):
            if np.any(part):  # what is linear in a Tensor is one, or zero
                raise self._not_differentiable(label, f"it returned an array for {where}")
            part = wrap(part)
        return conform(part, like)


def _zeros(like: Any, *, recorded: bool) -> Any:
    zeros = np.zeros(like.shape, like.dtype)[()]
    return wrap(zeros) if recorded else zeros


def _moves(tangents: Any) -> bool:
    return any(one is not None for one in flatten(tangents)[0])
