"""The record of a differentiable function, and the tables that hold the records.

One record holds all there is to know of one function: how to compute it, the pull for each argument
(cotangent of the result in, cotangent of the argument out), how a tangent is pushed, and where test
samples come from.  A pull is called ``pull(ct, out, *arguments, *parameters)``.  What it does not
read it names with a leading underscore, and the graph then does not keep it: ``_out`` is None, and
``_x`` of its own argument has `shape`, `ndim` and `dtype` only.

The rules fill the tables; this module knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

Recorder = Callable[..., Any]  # what NumPy's protocols, operators and methods call
Interval = tuple[float, float]
REAL: Interval = (-2.0, 2.0)
POSITIVE: Interval = (0.2, 3.0)
UNIT: Interval = (-0.9, 0.9)
CONSTANT = "constant almost everywhere"  # why most flat functions are flat
NO_VALUE = "depends on shapes and dtypes alone"


class Drawing(NamedTuple):
    """How a function is drawn and explained.

    Attributes
    ----------
    words, formula, tex : str
        What the function does: in a few words, as a formula in plain text, and in TeX; derived from
        the name where they are empty.  In `formula`, ``{0}``, ``{1}`` stand for the arguments.
    commutes : bool
        Whether the order of the arguments says nothing.
    adds : {"", "terms", "products"}
        What an element of the result is the sum of: elements of the arguments times constants, or
        such terms and products of two elements, one of either of the first two arguments.  Empty
        where it is no sum, and for the kinds that say so themselves: linear and bilinear.
    textbook : tuple of (callable or None)
        The pulls as a textbook has them, for a picture to show where their code is long for the
        sake of the last digits; they are called alike.
    """

    words: str = ""
    formula: str = ""
    tex: str = ""
    commutes: bool = False
    adds: str = ""
    textbook: tuple[Callable[..., Any] | None, ...] = ()


class Sample(NamedTuple):
    """How to call a function in a test.

    A tuple is the shape of an array, a list holds several, the rest is passed on.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def call(*args: Any, **kwargs: Any) -> Sample:
    """Describe one call for the generic tests; see `Sample`."""
    return Sample(args, kwargs)


class Trial(NamedTuple):
    """How a function is tested: all that the generic tests ask of a row.

    Attributes
    ----------
    samples : tuple of Sample
        Calls; empty means arrays of equal and broadcasting shapes, and with nothing in them.
    domain : interval, or tuple of intervals
        Where arrays are drawn, all or each (the last repeats).
    kinks : tuple of float
        Points that these keep away from.
    analytic : bool
        Whether it accepts complex numbers and is analytic there, so that the complex step applies.
    takes_complex : bool
        Whether its derivatives at complex numbers are tested, though no complex step applies.
    symmetric : bool or callable
        Whether it reads one triangle of a matrix, which stands for both; if its parameters say so,
        a function of these.
    composition : callable or None
        The same function in NumPy's words alone: what values are compared with where NumPy lacks
        the function, and for a fused record the derivatives too.
    by_value : str
        What it asks of the values of its arguments, which not every library's arrays show.
    in_programs : bool
        Whether random programs may call it.
    elsewhere : str
        Why no generic test can call it; tests of its own do.
    """

    samples: tuple[Sample, ...] = ()
    domain: tuple[Any, ...] = REAL
    kinks: tuple[float, ...] = ()
    analytic: bool = True
    takes_complex: bool = False
    symmetric: bool | Callable[..., bool] = False
    composition: Callable[..., Any] | None = None
    by_value: str = ""
    in_programs: bool = True
    elsewhere: str = ""

    def interval(self, i: int) -> Interval:
        """Return where array `i` is drawn."""
        each: tuple[Interval, ...] = (
            (self.domain,) if isinstance(self.domain[0], float) else self.domain
        )
        return each[min(i, len(each) - 1)]


class Pulls(Sequence[Callable[..., Any]]):
    """The pulls of a rule for any number of arguments: made when asked for, and not kept.

    Parameters
    ----------
    part : callable
        ``part(i, ct, saved)`` is what pull `i` gives, with all that it takes in one tuple, so that
        a walk over n arguments does not unpack n of them n times.
    keeps : callable
        ``keeps(n, tracked)``: see `Rule.saves`.
    arity : int
        How many arguments there are.
    """

    __slots__ = ("arity", "keeps", "part")

    def __init__(
        self,
        part: Callable[[int, Any, tuple[Any, ...]], Any],
        keeps: Callable[[int, int], tuple[bool, ...]],
        arity: int,
    ) -> None:
        self.part = part
        self.keeps = keeps
        self.arity = arity

    def __len__(self) -> int:
        return self.arity

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return tuple(self[k] for k in range(*i.indices(self.arity)))
        if not 0 <= i < self.arity:
            raise IndexError(i)
        return lambda ct, *saved: self.part(i, ct, saved)

    def parts(
        self, ct: Any, saved: tuple[Any, ...], wanted: Sequence[int]
    ) -> Iterable[tuple[int, Any]]:
        """Yield what each pull that is wanted gives, one after the other: they may be large."""
        for i in wanted:
            yield i, self.part(i, ct, saved)


class JointPulls(Pulls):
    """The pulls of a rule most of whose work they share: those that are wanted are made together.

    Parameters
    ----------
    together : callable
        ``together(wanted, ct, out, *arguments, *parameters)`` gives what each wanted pull does; it
        names what it does not read as a pull does.
    arity : int
        How many arguments there are.
    """

    __slots__ = ("together",)

    def __init__(self, together: Callable[..., Sequence[Any]], arity: int) -> None:
        code = together.__code__
        named = [not name.startswith("_") for name in code.co_varnames[2 : code.co_argcount]]
        keeps = (*named, *[True] * (1 + arity))[: 1 + arity]  # what ``*arguments`` stands for too
        super().__init__(self._alone, lambda _count, _tracked: keeps, arity)
        self.together = together

    def _alone(self, i: int, ct: Any, saved: tuple[Any, ...]) -> Any:
        return self.together((i,), ct, *saved)[0]

    def parts(
        self, ct: Any, saved: tuple[Any, ...], wanted: Sequence[int]
    ) -> Iterable[tuple[int, Any]]:
        """Return pairs as `Pulls.parts` yields them."""
        return zip(wanted, self.together(wanted, ct, *saved), strict=True)

    def through(self, watched: Callable[..., Sequence[Any]]) -> JointPulls:
        """Return these pulls, made by ``watched(together, wanted, ct, *saved)``."""
        other = copy(self)
        other.together = partial(watched, self.together)
        return other


UNTRIED, PLAIN = Trial(), Drawing()


class Rule:
    """One row of the table.

    Attributes
    ----------
    name : str
        As NumPy calls it.
    function : callable
        What a user calls.
    forward : callable
        ``forward(*arguments, *parameters)`` on raw arrays.
    pulls : sequence of (callable or None)
        One an argument; None where there is no derivative.
    kind : {"elementwise", "linear", "bilinear", "general"}
        Which constructor made it; says how a tangent is pushed.
    push : callable or None
        ``push(tangents, out, *arguments, *parameters)`` of a general rule; a tangent is None where
        it is zero.
    trial : Trial
        How it is tested.
    remedy : str
        Appended to messages about shapes.
    broadcasts : bool
        Whether a part may have the result's shape instead of the argument's, which the walk then
        sums away.
    reads : callable or None
        ``reads(i)`` says whether pull `i` reads out and each argument, where its signature cannot
        say so.
    sparing : callable or None
        ``sparing(x)`` computes the value too, and says beside it whether these pulls, of one
        argument, can do without it: None, or its node, stands for what they name.
    masks : bool
        Whether the pulls give zeros where the argument was not chosen, whatever it was: zero times
        the infinite slope of what made it is NaN, of which the walk warns.
    convention : object or None
        What stands in for the pulls and after the push in a recorded walk, where a derivative is
        what it is by convention: its `where` says at which elements, `pulls` and `pushed` what.
    family : str
        The module that adds the row.
    views : bool or callable
        Whether NumPy's result is a view of the only argument; ``views(out, *parameters)`` says of
        which calls it is.
    alike : bool
        Whether arguments of one shape and dtype give a result of that shape and dtype, so that
        nobody need ask the array.  NumPy knows it of its ufuncs.
    drawing : Drawing
    """

    # No dataclass: to make one takes a thirtieth of the import of NumPy.
    __slots__ = (
        "__weakref__", "_saves", "alike", "broadcasts", "convention", "drawing", "family",
        "forward", "function", "kind", "masks", "name", "pulls", "push", "reads", "remedy",
        "sparing", "trial", "views",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        function: Any,
        forward: Callable[..., Any],
        pulls: Sequence[Callable[..., Any] | None],
        kind: str,
        *,
        push: Callable[..., Any] | None = None,
        trial: Trial = UNTRIED,
        remedy: str = "",
        broadcasts: bool = False,
        reads: Callable[[int], list[bool]] | None = None,
        sparing: Callable[[Any], tuple[Any, bool]] | None = None,
        masks: bool = False,
        convention: Any = None,
        family: str = "",
        drawing: Drawing = PLAIN,
        views: bool | Callable[..., bool] = False,
        alike: bool = False,
    ) -> None:
        self.name, self.function, self.forward, self.kind = name, function, forward, kind
        self.pulls, self.push, self.reads, self.sparing = pulls, push, reads, sparing
        self.trial, self.drawing, self.family, self.remedy = trial, drawing, family, remedy
        self.masks, self.convention, self.views = masks, convention, views
        # A single argument cannot have been broadcast by its own function: the walk need not look.
        self.broadcasts = broadcasts or (kind == "elementwise" and len(pulls) > 1)
        ufunc = kind == "elementwise" and isinstance(function, np.ufunc)
        self.alike = _keeps_dtype(function) if ufunc else alike
        self._saves: dict[int, tuple[bool, ...]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name, self.family)

    def saves(self, tracked: int) -> tuple[bool, ...]:
        """Return whether out and each argument are read if those in the set `tracked` are."""
        found = self._saves.get(tracked)
        if found is None:
            if isinstance(self.pulls, Pulls):
                found = self.pulls.keeps(len(self.pulls), tracked)
                if type(self.pulls) is JointPulls:  # of any number there may be as many sets
                    self._saves[tracked] = found
                return found
            needed = [i for i, p in enumerate(self.pulls) if p is not None and tracked >> i & 1]
            reads = [self.reads(i) if self.reads else self._named(self.pulls[i], 1) for i in needed]
            if self.convention is not None and reads:
                reads.append(self._named(self.convention.where, 0))
            found = tuple(map(any, zip(*reads, strict=True))) or (False,) * (1 + len(self.pulls))
            self._saves[tracked] = found
        return found

    def _named(self, function: Any, first: int) -> list[bool]:
        """Return whether `function` reads out and each argument: names without an underscore."""
        names = function.__code__.co_varnames[first : first + 1 + len(self.pulls)]
        return [not name.startswith("_") for name in names]


def _keeps_dtype(function: np.ufunc) -> bool:
    """Whether arguments of one floating or complex dtype give that dtype, as the ufunc says."""
    results: dict[str, str] = {}
    for loop in function.types:  # "ff->f" for two arguments of float32
        arguments, _, result = loop.partition("->")
        results.setdefault(arguments, result)
    real = all(results.get(char * function.nin) == char for char in "efdg")
    return real and all(results.get(char * function.nin, char) == char for char in "FDG")


class Composition(NamedTuple):
    """A function composed of others that have rules.

    Attributes
    ----------
    name : str
        As NumPy calls it.
    function : callable
        What a user calls.
    record : callable
        What it does on Tensors.
    trial : Trial
        How it is tested.  Every tuple among the positional arguments of a sample is a shape, since
        a composition does not say which are arrays: a tuple that is none goes by its keyword.
    """

    name: str
    function: Any
    record: Recorder
    trial: Trial


TABLE: dict[str, Rule] = {}
VARIADIC: dict[str, Callable[[int], Rule]] = {}
COMPOSED: dict[Any, Composition] = {}
FLAT: dict[Any, str] = {}  # and why
# What adds rows when one is asked for that is in no table.  Each says whether it has; until then it
# is asked again.
on_unknown: list[Callable[[], bool]] = []


def more_rows() -> bool:
    """Load what has been put off; say whether there was anything.

    There is not where another thread has loaded it meanwhile: look into the tables again.
    """
    added = [load for load in on_unknown if load()]
    on_unknown[:] = [load for load in on_unknown if load not in added]
    return bool(added)


def _named(name: str, family: str) -> Rule:
    """Return the rule called `name`, which the module `family` adds, as a pickle asks for it."""
    if name not in TABLE:
        more_rows()
    if name not in TABLE and name.endswith("]"):  # einsum of five: made when it is needed
        function, _, arity = name[:-1].partition("[")
        if function in VARIADIC:
            return VARIADIC[function](int(arity))
    if name not in TABLE:
        import_module(family)  # a family of SciPy's functions, which nobody has called for here
    return TABLE[name]
