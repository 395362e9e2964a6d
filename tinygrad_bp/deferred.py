"""Names of a package that are loaded when they are first asked for.

So that `import tinygrad_bp` costs little more than `import numpy`.  A package that uses this
repeats the imports under ``TYPE_CHECKING``: for type checkers, editors, and the test of the layers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from tinygrad_bp.elsewhere.names import where_it_is


def later(module: str, name: str) -> Callable[..., Any]:
    """Return a function that does what another one does, whose module it loads when called."""

    def load_and_call(*args: Any) -> Any:
        return getattr(import_module(module), name)(*args)

    return load_and_call


def deferred(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping
        Name to the module that holds it, relative to the package; a module is its own home.  A
        name that is missing is answered with where the thing is, if `elsewhere` knows.

    Returns
    -------
    tuple of callable
    """

    def load(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            place = where_it_is(name)
            remedy = f": {place}" if place else ""
            raise AttributeError(f"module {package!r} has no attribute {name!r}{remedy}")
        module = import_module(f"{package}.{home}")
        found = module if home == name else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    def names() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return load, names
