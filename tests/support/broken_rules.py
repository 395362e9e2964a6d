"""Break every rule on purpose, one fault at a time, and see whether the suite notices.

    python tests/support/broken_rules.py [--rows ADD,EXP] [--list]

A fault is planted in a row of the table in memory; then the tests that iterate over the table run
on that row until one fails.  Exit status 1 if a fault survives.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np
import pytest

sys.path.extend(
    str(Path(__file__).parents[1] / room) for room in ("", "support", "rules", "engine")
)

import conftest  # noqa: F401  # fills the table, before tests are drawn from it
from sampling import CASES, directions, like, tracked  # as above

from tinygrad_bp.engine.rule import TABLE, Rule  # the table must be whole first
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.testing.graphs import FAMILIES


class Fault(NamedTuple):
    """One wrong rule: `fields` of the row and what stands in their place."""

    kind: str
    place: str
    fields: dict[str, Any]


# What a wrong pull or push makes of the right result.
WRONG: dict[str, Callable[[Any], Any]] = {
    "sign": lambda part: -part,
    "factor": lambda part: part * 2,
    "slightly": lambda part: part * (1 + 1e-6),
    "forgotten": lambda part: part * 0,
    "wrong axis": lambda part: np.flip(part),
    "stray": lambda part: part + 1,
}


def faults(rule: Rule) -> Iterator[Fault]:
    """Yield the faults of a row: wrong results, missing terms, no unbroadcast, cut derivatives."""
    for mask in range(1, 1 << min(len(rule.pulls), 3)):
        rule.saves(mask)  # kept before a fault changes the signature that they are read from
    for i, pull in enumerate(rule.pulls):
        if pull is None:
            continue
        place = f"pull of argument {i}"
        # where the derivative is 0, as in a sign, only a stray one can be wrong
        some = "stray" if is_zero(rule, i) else ""
        wrong = [(kind, _after(pull, f)) for kind, f in WRONG.items() if not some or kind == some]
        wrong += [(f"term {k} missing", other) for k, other in enumerate(missing_terms(pull))]
        if varies(rule, i):  # else there is no derivative to forget
            wrong.append(("detached", _detached(pull)))
        for kind, other in wrong:
            yield Fault(kind, place, {"pulls": (*rule.pulls[:i], other, *rule.pulls[i + 1 :])})
    if rule.push is not None:
        wrong = [(kind, _after(rule.push, change)) for kind, change in WRONG.items()]
        wrong += [(f"term {k} missing", other) for k, other in enumerate(missing_terms(rule.push))]
        for kind, other in wrong:
            yield Fault(kind, "push", {"push": other})
    if rule.broadcasts:
        yield Fault("no unbroadcast", "row", {"broadcasts": False})


def _after(rule: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *args: change(rule(*args))


def _detached(pull: Callable[..., Any]) -> Callable[..., Any]:
    """Return a pull that is right, and whose own derivative in what it reads is forgotten."""
    return lambda ct, *saved: pull(ct, *map(unwrap, saved))


def pulled(rule: Rule, i: int, step: float = 0.0) -> Iterator[Any]:
    """Yield what pull `i` makes of a fixed cotangent in each call, `step` beside its arguments."""
    for one in CASES:
        if one.rule is not rule or not all(np.size(x) for x in one.arrays):
            continue
        moved = [x + step * t for x, t in zip(one.arrays, directions(one.arrays), strict=True)]
        out = one(*tracked(moved))
        if out.node.rule is rule and out.node.parents[i] is not None:
            yield rule.pulls[i](like(out.numpy()), *out.node.saved)


def is_zero(rule: Rule, i: int) -> bool:
    """Whether pull `i` gives nothing but zeros."""
    return all(not np.any(part) for part in pulled(rule, i))


def varies(rule: Rule, i: int) -> bool:
    """Whether what pull `i` makes of a fixed cotangent moves with the arguments."""
    pairs = zip(pulled(rule, i), pulled(rule, i, 1e-4), strict=True)
    return any(not np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def missing_terms(rule: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Yield `rule` with one operand of one of its sums or differences left out."""
    if not isinstance(rule, FunctionType) or rule.__closure__:
        return
    tree = _definition(rule)
    if tree is None:
        return
    sums = [n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and _adds(n.op)]
    for one in sums:
        for kept in (one.left, one.right):
            code = _compiled(_Replaced(one, kept).visit(_definition(rule)), rule)
            if code is not None:
                yield FunctionType(code, rule.__globals__, rule.__name__, rule.__defaults__)


def _adds(op: ast.operator) -> bool:
    return isinstance(op, (ast.Add, ast.Sub))


def _definition(rule: FunctionType) -> Any:
    """Return the syntax tree of a function or lambda, found by its first line and arguments."""
    source = Path(inspect.getsourcefile(rule) or "").read_text(encoding="utf-8")
    code = rule.__code__
    names = list(code.co_varnames[: code.co_argcount])
    for node in ast.walk(ast.parse(source)):
        fits = isinstance(node, (ast.Lambda, ast.FunctionDef)) and code.co_firstlineno in range(
            node.lineno, (node.end_lineno or node.lineno) + 1
        )
        if fits and [arg.arg for arg in node.args.args] == names:
            return node
    return None


class _Replaced(ast.NodeTransformer):
    """Puts `by` in the place of a node that stands where `node` does."""

    def __init__(self, node: ast.BinOp, by: ast.expr) -> None:
        self.place = (node.lineno, node.col_offset, node.end_col_offset, node.end_lineno)
        self.by = by

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:  # ast's name
        if (node.lineno, node.col_offset, node.end_col_offset, node.end_lineno) == self.place:
            return self.by
        return self.generic_visit(node)


def _compiled(tree: Any, rule: FunctionType) -> CodeType | None:
    """Return the code of a changed function; None if it reads other variables than before."""
    if isinstance(tree, ast.Lambda):
        whole: Any = ast.Expression(tree)
        outer = compile(ast.fix_missing_locations(whole), "<fault>", "eval")
    else:
        tree.decorator_list = []
        whole = ast.Module([tree], [])
        outer = compile(ast.fix_missing_locations(whole), "<fault>", "exec")
    code = next(c for c in outer.co_consts if isinstance(c, CodeType))
    return None if code.co_freevars or code.co_argcount != rule.__code__.co_argcount else code


# Running the suite on one row


def checks(rule: Rule) -> Iterator[Callable[[], Any]]:
    """Yield the generic tests of a row, each with one of its calls; then what else may notice."""
    import test_linalg
    import test_push
    import test_semantics
    import test_table
    import test_tails

    for module in (test_table, test_push):
        for call in calls(module):
            given = {name: _of(value, rule) for name, value in call.keywords.items()}
            if any(_is_of(value, rule) for value in given.values()):
                yield partial(call.func, **given)
    if rule.trial.elsewhere or rule.family not in FAMILIES:
        yield from calls(test_linalg)
    yield from calls(test_semantics)
    yield from calls(test_tails)


def _of(value: Any, rule: Rule) -> Any:
    """Return of a list of cases those of one row; of anything else, itself."""
    return [one for one in value if _is_of(one, rule)] if isinstance(value, list) else value


def _is_of(value: Any, rule: Rule) -> bool:
    if isinstance(value, list):
        return any(_is_of(one, rule) for one in value)
    return getattr(value, "rule", value) is rule


def calls(module: Any) -> Iterator[partial[Any]]:
    """Yield the calls that a default run makes of a module's tests, but for those with fixtures."""
    for name, test in vars(module).items():
        if not name.startswith("test_"):
            continue
        columns: list[list[dict[str, Any]]] = []
        for mark in getattr(test, "pytestmark", []):
            if mark.name == "parametrize":
                names = mark.args[0]
                names = names.replace(" ", "").split(",") if isinstance(names, str) else names
                columns.append(
                    [_named(names, values) for values in mark.args[1] if not _is_deep(values)]
                )
        for row in product(*columns):
            given = {name: value for cell in row for name, value in cell.items()}
            if given.keys() == inspect.signature(test).parameters.keys():
                yield partial(test, **given)


def _is_deep(values: Any) -> bool:
    return any(mark.name == "deep" for mark in getattr(values, "marks", ()))


def _named(names: Sequence[str], values: Any) -> dict[str, Any]:
    if hasattr(values, "marks"):  # a pytest.param
        return dict(zip(names, values.values, strict=True))
    return dict(zip(names, values if len(names) > 1 else [values], strict=True))


def caught(rule: Rule, fault: Fault) -> str | None:
    """Return what noticed the fault, or None."""
    with planted(rule, fault.fields), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for check in checks(rule):
            try:
                check()
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # any failure notices
                return f"{type(error).__name__} by {check.func.__name__}: {str(error)[:200]}"
    return None


@contextmanager
def planted(rule: Rule, fields: dict[str, Any]) -> Iterator[None]:
    """Change fields of a row for a while."""
    before = {name: getattr(rule, name) for name in fields}
    for name, value in fields.items():
        setattr(rule, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(rule, name, value)


def main() -> int:
    """Plant them all; print a table of what was caught, and each survivor."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", help="only these rows, separated by commas")
    parser.add_argument("--list", action="store_true", help="name the faults; plant none")
    options = parser.parse_args()
    rows = options.rows.split(",") if options.rows else list(TABLE)
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for name in rows:
        unharmed = None if options.list else caught(TABLE[name], Fault("none", "row", {}))
        if unharmed:
            parser.error(f"{name}: the suite fails before any fault is planted: {unharmed}")
        for fault in faults(TABLE[name]):
            kind = fault.kind if "missing" not in fault.kind else "term missing"
            if options.list:
                print(f"{name}: {fault.kind}, {fault.place}")
                continue
            total[kind] += 1
            if caught(TABLE[name], fault):
                found[kind] += 1
            else:
                print(f"survived  {name}: {fault.kind}, {fault.place}", flush=True)
    for kind, count in total.items():
        print(f"{kind:16} {found[kind]:5} of {count:5}")
    planted_in_all, caught_in_all = sum(total.values()), sum(found.values())
    if planted_in_all:
        print(f"{'all':16} {caught_in_all:5} of {planted_in_all:5}")
    return int(caught_in_all < planted_in_all)


if __name__ == "__main__":
    sys.exit(main())
