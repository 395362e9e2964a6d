"""The constructors of rules: each adds one row to the tables, and returns what records it.

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

import sys
from collections.abc import Callable, Sequence
from functools import update_wrapper
from inspect import CO_VARKEYWORDS
from types import FunctionType
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from tinygrad_bp.elsewhere.calls import answered, answers
from tinygrad_bp.engine.dispatch import FUNCTIONS, REFUSED, UFUNCS, refuse_out
from tinygrad_bp.engine.recording import PLAIN, binary, frozen, nary, ternary, unary
from tinygrad_bp.engine.rule import (
    COMPOSED,
    CONSTANT,
    FLAT,
    TABLE,
    VARIADIC,
    Composition,
    Drawing,
    Recorder,
    Rule,
    Trial,
)
from tinygrad_bp.engine.tensor import Tensor, method, unwrap
from tinygrad_bp.engine.views import look_into, viewing
from tinygrad_bp.errors import DTypeError, UnsupportedFunctionError

P = ParamSpec("P")
R = TypeVar("R")


def arrayed(value: Any) -> Any:
    """Return a Tensor or a duck array as it is, anything else as NumPy's array of it."""
    if hasattr(value, "ndim"):
        return value
    if value is None:
        raise DTypeError("expected numbers, got None: what made it, a forward(), returns nothing")
    return np.asarray(value)


def elementwise(
    function: Callable[P, R],
    *pulls: Callable[..., Any] | None,
    operators: Sequence[str] = (),
    reflected: Sequence[str] = (),
    methods: Sequence[str] = (),
    **record: Any,
) -> Callable[P, R]:
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
        Further fields of `Rule`, and those of its `Drawing` and its `Trial`.

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
    function: Callable[P, R],
    *pulls: Callable[..., Any] | None,
    methods: Sequence[str] = (),
    **record: Any,
) -> Callable[P, R]:
    """Add a function that is linear in all its arguments together; fields as in `elementwise`.

    ``bind=`` turns a call with NumPy's signature into (arguments, parameters); by default the first
    arguments of `forward`, as many as there are pulls, are arguments and the others parameters.
    ``recorder=`` makes what NumPy calls out of the rule, where some calls are no plain record.
    ``joint=`` gives all pulls at once; see `JointPulls`.
    """
    pulls = record.pop("joint", pulls)
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


def bilinear(
    function: Callable[P, R], *pulls: Callable[..., Any] | None, **record: Any
) -> Callable[P, R]:
    """Add a function that is linear in each argument by itself; fields as in `linear`."""
    return linear(function, *pulls, kind="bilinear", **record)


def general(
    function: Callable[P, R], *pulls: Callable[..., Any] | None, **record: Any
) -> Callable[P, R]:
    """Add any other function; ``push=`` is written out.  Fields as in `linear`."""
    return linear(function, *pulls, kind="general", **record)


def variadic(
    function: Any, name: str, bind: Callable[..., Any], build: Callable[[int], dict[str, Any]]
) -> Recorder:
    """Add a function of any number of arrays; ``build(n)`` gives the fields of its rule for n.

    `bind` turns a call into (arguments, parameters); the pulls are `Pulls`.  The rules of few
    arguments, over which the generic tests iterate, stay; another lives as long as a graph has it.
    """
    family = _caller()
    alive: WeakValueDictionary[int, Rule] = WeakValueDictionary()

    def made(arity: int) -> Rule:
        row = {"name": f"{name}[{arity}]", "family": family, **build(arity)}
        pulls = row.pop("pulls")
        row["reads"] = lambda i: list(pulls.keeps(arity, 1 << i))
        return _rule(function, pulls, row.pop("kind"), row)

    def rule_of(arity: int) -> Rule:
        rule = few.get(arity) or alive.get(arity)
        if rule is None:
            rule = alive[arity] = made(arity)
        return rule

    def record(*args: Any, **kwargs: Any) -> Any:
        arrays, params = bind(*args, **kwargs)
        rule = rule_of(len(arrays))
        params = frozen(rule, params)
        result = nary(rule, arrays, params)
        if callable(rule.views) and rule.views(result, *params):
            look_into(result, arrays[0])
        return result

    few = {arity: _listed(made(arity)) for arity in (1, 2, 3)}
    VARIADIC[name] = rule_of
    FUNCTIONS[function] = record
    return record


def composed(
    function: Any, methods: Sequence[str] = (), **trial: Any
) -> Callable[[Recorder], Recorder]:
    """Decorate what `function` does on Tensors: a composition, whose parts record themselves.

    The keywords are the fields of its `Trial`.
    """

    def add(composition: Recorder) -> Recorder:
        name = function.__name__
        COMPOSED[function] = Composition(name, function, composition, Trial(**trial))
        (UFUNCS if isinstance(function, np.ufunc) else FUNCTIONS)[function] = composition
        for one in methods:
            method(one, composition)
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
        FLAT[function] = why

        def plain(*args: Any, _function: Any = function, **kwargs: Any) -> Any:
            return _function(*map(unwrap, args), **{k: unwrap(v) for k, v in kwargs.items()})

        record = _spares_tensors(function, plain)
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


def _row(function: Any, pulls: Sequence[Any], kind: str, record: dict[str, Any]) -> Rule:
    return _listed(_rule(function, pulls, kind, record))


def _rule(function: Any, pulls: Sequence[Any], kind: str, record: dict[str, Any]) -> Rule:
    name = record.pop("name", None) or function.__name__
    forward = record.pop("forward", function)
    parts = {"drawing": _part(Drawing, record), "trial": _part(Trial, record)}
    record.setdefault("family", _caller())
    return Rule(name, function, forward, pulls, kind, **parts, **record)


def _listed(rule: Rule) -> Rule:
    if rule.name in TABLE:
        raise ValueError(f"rules: {rule.name} is in the table already")
    TABLE[rule.name] = rule
    return rule


def _caller() -> str:
    """Return the name of the module that calls a constructor."""
    frame = sys._getframe(1)  # the standard library's own way to the caller
    while frame.f_back is not None and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    name: str = frame.f_globals["__name__"]
    return name


def _part(kind: Any, record: dict[str, Any]) -> Any:
    """Return the part of a row that its keywords in `record` make; take them out of there."""
    return kind(**{name: record.pop(name) for name in kind._fields if name in record})


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
        update_wrapper(recorder, function, updated=())  # with its signature
        recorder.__name__ = recorder.__qualname__ = rule.name
        if function.__module__.startswith("numpy"):
            FUNCTIONS[function] = recorder
        else:
            takes_any = recorder.__code__.co_flags & CO_VARKEYWORDS  # and answers by itself
            rule.function = recorder if takes_any else answers(recorder)
    for name in methods:
        method(name, recorder)
    return rule.function if rule.function is not function else recorder


def _recorder(rule: Rule, bind: Callable[..., Any] | None) -> Recorder:
    arity = len(rule.pulls)
    unrolled: Any = {1: unary, 2: binary}.get(arity)
    recorder: Any = unrolled(rule) if unrolled else None
    if rule.views:
        recorder = viewing(recorder, rule.views)
    whole = -1  # how many arguments make a call that needs no sorting
    if bind is None:
        bind = _binder(rule)
        count = rule.forward.__code__.co_argcount
        if arity == count == 3:
            return ternary(rule, bind)
        if recorder is not None:
            whole = count
    elif isinstance(bind, FunctionType) and bind.__name__ == "<lambda>":
        bind.__qualname__ = rule.name  # what errors of a call show

    def record(*args: Any, **kwargs: Any) -> Any:
        if len(args) == whole and not kwargs and PLAIN.issuperset(map(type, args[arity:])):
            return recorder(*args)
        try:
            arguments, params = bind(*args, **kwargs)
        except TypeError as error:
            raise answered(error, rule.function, kwargs, rule.name) from None
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
