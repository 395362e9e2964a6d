"""The table of derivative rules and its three constructors.

One record holds all there is to know of one function: how to compute it, the pull for each argument
(cotangent of the result in, cotangent of the argument out), how a tangent is pushed, and where test
samples come from.  A pull is called ``pull(ct, out, *arguments, *parameters)``.  What it does not
read it names with a leading underscore, and the graph then does not keep it: ``_out`` is None, and
``_x`` of its own argument has `shape`, `ndim` and `dtype` only.

Constructors
------------
elementwise
    A diagonal Jacobian is its own transpose: the pulls are also the push.  Broadcasting is undone
    by the walk.
linear
    The function is its own push; only the transpose is written.  ``bilinear`` for products, linear
    in each argument.
general
    The push is written too.

Rules write ``np.exp``.  The hottest, layers and losses, import the name instead: NumPy has a module
``__getattr__``, and so Python looks its attributes up anew each time, 15 ns for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_bp.dispatch import FUNCTIONS, REFUSED, UFUNCS, refuse_out
from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.recording import PLAIN, Recorder, binary, frozen, nary, ternary, unary
from tinygrad_bp.tensor import Tensor, method, unwrap

Interval = tuple[float, float]
REAL: Interval = (-2.0, 2.0)
POSITIVE: Interval = (0.2, 3.0)
UNIT: Interval = (-0.9, 0.9)
CONSTANT = "constant almost everywhere"  # why most flat functions are flat
NO_VALUE = "depends on shapes and dtypes alone"


@dataclass(frozen=True)
class Sample:
    """How to call a function in a test.

    A tuple is the shape of an array, a list holds several, the rest is passed on.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def arrayed(value: Any) -> Any:
    """Return a Tensor or a duck array as it is, anything else as NumPy's array of it."""
    return value if hasattr(value, "ndim") else np.asarray(value)


def call(*args: Any, **kwargs: Any) -> Sample:
    """Describe one call for the generic tests; see `Sample`."""
    return Sample(args, kwargs)


@dataclass(eq=False, slots=True)
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
    pulls : tuple of (callable or None)
        One an argument; None where there is no derivative.
    kind : {"elementwise", "linear", "bilinear", "general"}
        Which constructor made it; says how a tangent is pushed.
    push : callable or None
        ``push(tangents, out, *arguments, *parameters)`` of a general rule; a tangent is None where
        it is zero.
    domain : tuple of intervals
        One an argument (the last repeats): where samples are drawn.
    analytic : bool
        Whether `forward` accepts complex numbers and is analytic there, so that the complex step
        applies.
    kinks : tuple of float
        Points that samples keep away from.
    samples : tuple of Sample
        Calls for the generic tests; empty means arrays of equal and broadcasting shapes.
    composition : callable or None
        For a fused record: the same function composed of others, to which tests compare it.
    remedy : str
        Appended to messages about shapes.
    broadcasts : bool
        Whether a part may have the result's shape instead of the argument's, which the walk then
        sums away.
    reads : callable or None
        ``reads(i)`` says whether pull `i` reads out and each argument, where its signature cannot
        say so.
    masks : bool
        Whether the pulls give zeros where the argument was not chosen, whatever it was: zero times
        the infinite slope of what made it is NaN, of which the walk warns.
    alike : bool
        Whether arguments of one shape and dtype give a result of that shape and dtype, so that
        nobody need ask the array.  NumPy knows it of its ufuncs.
    words, formula, tex : str
        What the function does: in a few words, as a formula in plain text, and in TeX; drawings
        derive them from the name where they are empty.
    pull_words : tuple of str
        The pull for each argument as a formula in plain text.  As in `formula`, ``{0}``, ``{1}``
        stand for the arguments, ``{out}`` and ``{ct}`` for the result and its cotangent.
    """

    name: str
    function: Any
    forward: Callable[..., Any]
    pulls: tuple[Callable[..., Any] | None, ...]
    kind: str
    push: Callable[..., Any] | None = None
    domain: tuple[Interval, ...] = (REAL,)
    analytic: bool = True
    kinks: tuple[float, ...] = ()
    samples: tuple[Sample, ...] = ()
    composition: Callable[..., Any] | None = None
    remedy: str = ""
    broadcasts: bool = False
    reads: Callable[[int], list[bool]] | None = None
    masks: bool = False
    words: str = ""
    formula: str = ""
    tex: str = ""
    pull_words: tuple[str, ...] = ()
    alike: bool = False
    _saves: dict[int, tuple[bool, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        # A single argument cannot have been broadcast by its own function: the walk need not look.
        self.broadcasts = self.broadcasts or (self.kind == "elementwise" and len(self.pulls) > 1)
        if self.kind == "elementwise" and isinstance(self.function, np.ufunc):
            self.alike = _keeps_dtype(self.function)

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name, self.family)

    @property
    def family(self) -> str:
        """The module that adds this row."""
        return next(pull.__module__ for pull in self.pulls if pull is not None)

    def saves(self, tracked: int) -> tuple[bool, ...]:
        """Return whether out and each argument are read if those in the set `tracked` are."""
        found = self._saves.get(tracked)
        if found is None:
            needed = [i for i, p in enumerate(self.pulls) if p is not None and tracked >> i & 1]
            reads = [self.reads(i) if self.reads else self._signature(i) for i in needed]
            found = tuple(map(any, zip(*reads, strict=True))) or (False,) * (1 + len(self.pulls))
            self._saves[tracked] = found
        return found

    def _signature(self, i: int) -> list[bool]:
        """Return whether pull `i` reads out and each argument: names without an underscore."""
        pull: Any = self.pulls[i]  # asked of arguments that have one
        code = pull.__code__
        return [not name.startswith("_") for name in code.co_varnames[1 : 2 + len(self.pulls)]]


def _keeps_dtype(function: np.ufunc) -> bool:
    """Whether arguments of one floating or complex dtype give that dtype, as the ufunc says."""
    results: dict[str, str] = {}
    for loop in function.types:  # "ff->f" for two arguments of float32
        arguments, _, result = loop.partition("->")
        results.setdefault(arguments, result)
    real = all(results.get(char * function.nin) == char for char in "efdg")
    return real and all(results.get(char * function.nin, char) == char for char in "FDG")


@dataclass(frozen=True)
class Composition:
    """A function composed of others that have rules.

    Attributes
    ----------
    name : str
        As NumPy calls it.
    function : callable
        What a user calls.
    record : callable
        What it does on Tensors.
    samples : tuple of Sample
        Calls for the generic tests.  Every tuple among the positional arguments is a shape, since
        a composition does not say which are arrays: a tuple that is none goes by its keyword.
    domain, analytic, kinks
        As in `Rule`.
    """

    name: str
    function: Any
    record: Recorder
    samples: tuple[Sample, ...] = ()
    domain: tuple[Interval, ...] = (REAL,)
    analytic: bool = True
    kinks: tuple[float, ...] = ()


TABLE: dict[str, Rule] = {}
VARIADIC: dict[str, Callable[[int], Rule]] = {}
COMPOSED: dict[Any, Composition] = {}
FLAT: dict[Any, Recorder] = {}
WHY_FLAT: dict[Any, str] = {}


def _named(name: str, family: str) -> Rule:
    """Return the rule called `name`, which the module `family` adds, as a pickle asks for it."""
    if name not in TABLE:
        import_module(family)
    if name not in TABLE and name.endswith("]"):  # einsum of five: made when it is needed
        family, _, arity = name[:-1].partition("[")
        return VARIADIC[family](int(arity))
    return TABLE[name]


def elementwise(
    function: Any,
    *pulls: Callable[..., Any] | None,
    operators: Sequence[str] = (),
    reflected: Sequence[str] = (),
    methods: Sequence[str] = (),
    **record: Any,
) -> Recorder:
    """Add a function that acts on each element alone.

    Parameters
    ----------
    function : ufunc or callable
        What a user calls; also the forward function unless ``forward=`` gives a faster one.
    *pulls : callable
        One an argument, written for equal shapes.
    operators, reflected, methods : sequence of str
        Operators of Tensor that call it, those that call it with swapped operands, and methods.
    **record
        Further fields of `Rule`.

    Returns
    -------
    callable
        What records it.
    """
    bind = record.pop("bind", None)
    rule = _row(function, pulls, "elementwise", record)
    if len(pulls) == 1 and bind is None:
        recorder = unary(rule)
    elif len(pulls) == 2 and bind is None:
        recorder = binary(rule)
    else:
        recorder = _recorder(rule, bind)
    _attach(rule, recorder, operators, reflected)
    return _register(function, rule, recorder, methods)


def linear(
    function: Any, *pulls: Callable[..., Any] | None, methods: Sequence[str] = (), **record: Any
) -> Recorder:
    """Add a function that is linear in all its arguments together; fields as in `elementwise`.

    ``bind=`` turns a call with NumPy's signature into (arguments, parameters); by default the first
    arguments of `forward`, as many as there are pulls, are arguments and the others parameters.
    ``recorder=`` makes what NumPy calls out of the rule, where some calls are no plain record.
    """
    bind = record.pop("bind", None)
    make = record.pop("recorder", None)
    operators = record.pop("operators", ())
    reflected = record.pop("reflected", ())
    rule = _row(function, pulls, record.pop("kind", "linear"), record)
    if make is None and len(pulls) == 2 and isinstance(function, np.ufunc):
        make = binary
    recorder = _recorder(rule, bind) if make is None else make(rule)
    _attach(rule, recorder, operators, reflected)
    return _register(function, rule, recorder, methods)


def bilinear(function: Any, *pulls: Callable[..., Any] | None, **record: Any) -> Recorder:
    """Add a function that is linear in each argument by itself; fields as in `linear`."""
    return linear(function, *pulls, kind="bilinear", **record)


def general(function: Any, *pulls: Callable[..., Any] | None, **record: Any) -> Recorder:
    """Add any other function; ``push=`` is written out.  Fields as in `linear`."""
    return linear(function, *pulls, kind="general", **record)


def variadic(
    function: Any, name: str, bind: Callable[..., Any], build: Callable[[int], dict[str, Any]]
) -> Recorder:
    """Add a function of any number of arrays; ``build(n)`` gives the fields of its rule for n.

    `bind` turns a call into (arguments, parameters).  Rules are made when first needed and kept.
    """

    def rule_of(arity: int) -> Rule:
        rule = TABLE.get(f"{name}[{arity}]")
        if rule is None:
            fields = build(arity)
            rule = Rule(name=f"{name}[{arity}]", function=function, **fields)
            TABLE[rule.name] = rule
        return rule

    def record(*args: Any, **kwargs: Any) -> Any:
        arrays, params = bind(*args, **kwargs)
        rule = rule_of(len(arrays))
        return nary(rule, arrays, frozen(rule, params))

    VARIADIC[name] = rule_of
    for arity in (1, 2, 3):  # those that the generic tests iterate over
        rule_of(arity)
    FUNCTIONS[function] = record
    return record


def composed(
    function: Any, methods: Sequence[str] = (), **record: Any
) -> Callable[[Recorder], Recorder]:
    """Decorate what `function` does on Tensors: a composition, whose parts record themselves.

    ``samples=``, ``domain=``, ``analytic=`` and ``kinks=`` are for the generic tests; see
    `Composition`.
    """
    domain = record.get("domain")
    if domain and isinstance(domain[0], float):
        record["domain"] = (domain,)

    def add(composition: Recorder) -> Recorder:
        COMPOSED[function] = Composition(function.__name__, function, composition, **record)
        (UFUNCS if isinstance(function, np.ufunc) else FUNCTIONS)[function] = composition
        for name in methods:
            method(name, composition)
        return composition

    return add


def flat(
    *functions: Any,
    operators: Sequence[str] = (),
    methods: Sequence[str] = (),
    why: str = CONSTANT,
) -> None:
    """Add functions that return plain values, since there is no derivative to carry on: say `why`.

    A function whose value moves with its arguments is none of them.
    """
    for function in functions:
        WHY_FLAT[function] = why

        def plain(*args: Any, _function: Any = function, **kwargs: Any) -> Any:
            return _function(*map(unwrap, args), **{k: unwrap(v) for k, v in kwargs.items()})

        record = _spares_tensors(function, plain)
        FLAT[function] = record
        (UFUNCS if isinstance(function, np.ufunc) else FUNCTIONS)[function] = record
        for name in (*operators, *methods):
            method(name, record)


def _spares_tensors(function: Any, plain: Recorder) -> Recorder:
    """Return `plain`; if `function` has an ``out=``, without writing into a Tensor's value there.

    Of a ufunc, the dispatch refuses it.
    """
    code = getattr(getattr(function, "__wrapped__", None), "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code else ()
    if "out" not in names:
        return plain
    place = names.index("out")

    def record(*args: Any, **kwargs: Any) -> Any:
        if type(args[place] if len(args) > place else kwargs.get("out")) is Tensor:
            refuse_out(function.__name__, out=True)
        return plain(*args, **kwargs)

    return record


def refused(*functions: Any, remedy: str) -> None:
    """Add functions that no Tensor may enter; the error names them and says what to do instead.

    The name of a module stands for all its functions, and does not import it.
    """
    for function in functions:
        REFUSED[function] = remedy


def _row(function: Any, pulls: tuple[Any, ...], kind: str, record: dict[str, Any]) -> Rule:
    name = record.pop("name", None) or function.__name__
    forward = record.pop("forward", function)
    domain = record.pop("domain", REAL)
    if isinstance(domain[0], float):
        domain = (domain,)
    if name in TABLE:
        raise ValueError(f"rules: {name} is in the table already")
    rule = Rule(name, function, forward, pulls, kind, domain=domain, **record)
    TABLE[name] = rule
    return rule


def _attach(
    rule: Rule, recorder: Recorder, operators: Sequence[str], reflected: Sequence[str]
) -> None:
    for name in operators:
        method(name, recorder)
    for name in reflected:
        method(name, binary(rule, swap=True))


def _register(function: Any, rule: Rule, recorder: Recorder, methods: Sequence[str]) -> Recorder:
    if isinstance(function, np.ufunc):
        UFUNCS[function] = recorder
    else:
        recorder.__name__ = recorder.__qualname__ = rule.name
        recorder.__doc__ = function.__doc__
        recorder.__module__ = function.__module__
        if function.__module__.startswith("numpy"):
            FUNCTIONS[function] = recorder
        else:
            rule.function = recorder
    for name in methods:
        method(name, recorder)
    return recorder


def _recorder(rule: Rule, bind: Callable[..., Any] | None) -> Recorder:
    arity = len(rule.pulls)
    unrolled = {1: unary, 2: binary}.get(arity)
    recorder: Any = unrolled(rule) if unrolled else None
    whole = -1  # how many arguments make a call that needs no sorting
    if bind is None:
        bind = _binder(rule)
        count = rule.forward.__code__.co_argcount
        if arity == count == 3:
            return ternary(rule, bind)
        if recorder is not None:
            whole = count

    def record(*args: Any, **kwargs: Any) -> Any:
        if len(args) == whole and not kwargs and PLAIN.issuperset(map(type, args[arity:])):
            return recorder(*args)
        arguments, params = bind(*args, **kwargs)
        for one in params:
            if type(one) not in PLAIN:
                params = frozen(rule, params)
                break
        if recorder is None:
            return nary(rule, arguments, params)
        return recorder(*arguments, *params)

    return record


def _binder(rule: Rule) -> Callable[..., Any]:
    """Return a function that splits a call by the signature of ``rule.forward``."""
    code = rule.forward.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = rule.forward.__defaults__ or ()
    default = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    count = len(rule.pulls)
    total = len(names)

    def bind(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        if not kwargs and len(args) == total:
            return args[:count], args[count:]
        given = dict(zip(names, args, strict=False))
        clash = [k for k in kwargs if k not in names or k in given]
        if clash or len(args) > total:
            what = f"argument {clash[0]!r}" if clash else f"{len(args)} positional arguments"
            raise UnsupportedFunctionError(
                f"{rule.name}: {what} is not supported on Tensors; takes {', '.join(names)}"
            )
        given = default | given | kwargs
        missing = [name for name in names if name not in given]
        if missing:
            raise TypeError(f"{rule.name}: missing {', '.join(missing)}")
        bound = tuple(given[name] for name in names)
        return bound[:count], bound[count:]

    return bind
