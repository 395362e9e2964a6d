"""Which of NumPy's functions tinygrad_bp differentiates: the tables of coverage.md.

The classes are read from the package's own tables, the functions from NumPy's lists of what its two
protocols (NEP 13 and NEP 18) can override.

    python docs/examples/coverage.py               print the page
    python docs/examples/coverage.py --write       write it
    python docs/examples/coverage.py --elsewhere   list anew what JAX and autograd have
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.char
import numpy.fft
import numpy.polynomial
import numpy.strings  # NumPy lists what has been imported
from numpy.testing.overrides import (
    get_overridable_numpy_array_functions,
    get_overridable_numpy_ufuncs,
)

from tinygrad_bp.engine.dispatch import REFUSED
from tinygrad_bp.engine.rule import COMPOSED, FLAT, TABLE
from tinygrad_bp.rules import fill_table

PAGE = Path(__file__).parents[1] / "coverage.md"
ELSEWHERE = Path(__file__).with_name("coverage_elsewhere.json")
UFUNCS = {
    "numpy": np,
    "numpy.strings": np.strings,
    "numpy._core.umath": np._core.umath,  # inside functions of other names
}
NAMESPACES = (
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "numpy.lib.scimath",
    "numpy.lib.stride_tricks",
    "numpy.polynomial.polynomial",
    "numpy.strings",
    "numpy.char",
    "numpy.lib.recfunctions",
    "numpy._core.umath",
)
CLASSES = ("differentiable", "flat", "refused")


class Entry(NamedTuple):
    """One function: where NumPy has it, its name, its class, and how that is so."""

    namespace: str
    name: str
    kind: str
    how: str

    @property
    def full(self) -> str:
        return f"{self.namespace}.{self.name}"


def overridable() -> list[Any]:
    """Return the functions that NumPy lets others override.

    Those that have a ``like=`` argument are in NumPy's list twice; NumPy only passes on the one
    that its namespace has.
    """
    functions = get_overridable_numpy_array_functions()
    named = [f for f in functions if getattr(sys.modules[f.__module__], f.__name__, f) is f]
    return [*get_overridable_numpy_ufuncs(), *named]


def place(function: Any) -> tuple[str, str]:
    """Return the namespace of a function and its name there; a ufunc knows its name alone."""
    name = function.__name__
    if not isinstance(function, np.ufunc):
        return function.__module__, name
    found = [space for space, module in UFUNCS.items() if getattr(module, name, None) is function]
    return found[0], name


def classes(function: Any) -> list[tuple[str, str]]:
    """Return every (class, how) of a function that the tables give; there ought to be one."""
    found = []
    rows = [rule for rule in TABLE.values() if rule.function is function]
    if rows:
        found.append(("differentiable", f"{rows[0].kind} rule in {_module(rows[0].family)}"))
    if function in COMPOSED:
        module = _module(COMPOSED[function].record.__module__)
        found.append(("differentiable", f"composed in {module}"))
    if function in FLAT:
        found.append(("flat", FLAT[function]))
    remedy = REFUSED.get(function) or REFUSED.get(getattr(function, "__module__", ""))
    if remedy:
        found.append(("refused", remedy))
    return found


def _module(name: str) -> str:
    return f"`{name.removeprefix('tinygrad_bp.').replace('.', '/')}.py`"


@cache
def entries() -> tuple[Entry, ...]:
    """Return one entry a function, in the order of the page."""
    fill_table()
    found = []
    for function in overridable():
        namespace, name = place(function)
        kind, how = (classes(function) or [("unclassified", "")])[0]
        found.append(Entry(namespace, name, kind, how))
    order = {name: i for i, name in enumerate(NAMESPACES)}
    last = len(order)
    return tuple(sorted(found, key=lambda one: (order.get(one.namespace, last), one)))


# What others have


def elsewhere() -> dict[str, Any]:
    """Return what the installed JAX and autograd have of these functions, by their full names."""
    import autograd.numpy  # noqa: F401  # fills autograd's tables
    import jax
    from autograd.core import primitive_vjps

    ours = {one.full for one in entries()}
    spaces = {"numpy": jax.numpy, "numpy.linalg": jax.numpy.linalg, "numpy.fft": jax.numpy.fft}
    in_jax = {f"{space}.{name}" for space, module in spaces.items() for name in dir(module)} & ours
    wrapped = {id(getattr(one, "fun", None)) for one in primitive_vjps}
    in_autograd = {".".join(place(f)) for f in overridable() if id(f) in wrapped}
    return {
        "jax": {"version": jax.__version__, "names": sorted(in_jax)},
        "autograd": {"version": _version("autograd"), "names": sorted(in_autograd)},
    }


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def compared(names: Iterable[str]) -> tuple[int, int, list[str]]:
    """Return how many of `names` NumPy has, how many are differentiable or flat, and the others."""
    kinds = {one.full: one.kind for one in entries()}
    here = [name for name in names if name in kinds]
    lacking = [name for name in here if kinds[name] not in ("differentiable", "flat")]
    return len(here), len(here) - len(lacking), lacking


# The page


def version() -> str:
    """Return the minor version of the installed NumPy."""
    return ".".join(np.__version__.split(".")[:2])


HEAD = """\
# Coverage of NumPy

NumPy {version} lets another type override {total} of its functions. Here is what each of them does
with a Tensor.

- *Differentiable*: has a derivative to any order, forward and reverse, by a rule of its own or
  composed of functions that have one.
- *Flat*: gives a plain value, since there is no derivative to carry on.
- *Refused*: raises an `UnsupportedFunctionError` that says what to do instead. No function drops a
  derivative silently.

| class | functions |
|---|---|
{counts}
| together | {classified} of {total} ({share:.0%}) |

Of the functions that another library has too, under NumPy's name, these are differentiable or flat
here:

| library | has | here | not here |
|---|---|---|---|
{comparison}

Forms of a function that have no rule are refused one by one: `out=`, which would overwrite a value
outside the graph, and arguments that an error names. [A script](examples/coverage.py) writes this
page from the tables that the package itself works with; a test compares them.
"""


def page() -> str:
    """Return the whole page."""
    counts = Counter(one.kind for one in entries())
    total = len(entries())
    classified = total - counts["unclassified"]
    head = HEAD.format(
        version=version(),
        total=total,
        counts="\n".join(f"| {kind} | {counts[kind]} |" for kind in CLASSES),
        classified=classified,
        share=classified / total,
        comparison="\n".join(_comparison()),
    )
    lines = [head]
    for namespace in dict.fromkeys(one.namespace for one in entries()):
        rows = [one for one in entries() if one.namespace == namespace]
        lines += [f"## {namespace}", "", "| function | class | how |", "|---|---|---|"]
        lines += [f"| `{one.name}` | {one.kind} | {one.how} |" for one in rows]
        lines += [""]
    return "\n".join(lines)


def _comparison() -> Iterator[str]:
    others = json.loads(ELSEWHERE.read_text(encoding="utf-8"))
    for library, title in (("jax", "JAX"), ("autograd", "autograd")):
        have, done, lacking = compared(others[library]["names"])
        names = ", ".join(f"`{name}`" for name in lacking) or "none"
        share = f"{done} ({done / have:.1%})"
        yield f"| {title} {others[library]['version']} | {have} | {share} | {names} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Which functions tinygrad_bp differentiates.")
    parser.add_argument("--write", action="store_true", help="write the page")
    parser.add_argument("--elsewhere", action="store_true", help="list what JAX and autograd have")
    options = parser.parse_args()
    if options.elsewhere:
        ELSEWHERE.write_text(json.dumps(elsewhere(), indent=1) + "\n", encoding="utf-8")
    if options.write:
        PAGE.write_text(page(), encoding="utf-8")
    elif not options.elsewhere:
        print(page(), end="")


if __name__ == "__main__":
    main()
