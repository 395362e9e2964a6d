"""Every row of the rule table against PyTorch and JAX: value, pull and second derivative.

Select with ``-m oracle``; the last test prints, with ``-s``, what was compared and what was not.
Rows are called as the generic tests call them.  Compositions are called as their own tests call
them, with the library in place of NumPy.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import test_calculus
import test_compositions
import test_linalg
import test_polynomials
from outside_functions import counterpart, jax_table, torch_table
from outside_libraries import Jax, Ours, RefusedError, Torch, home_of, translated
from sampling import CASES, ROWS, Case, cases, directions, like, takes_complex

from tinygrad_bp.engine.rule import TABLE

pytestmark = pytest.mark.oracle
LIBRARIES = ("PyTorch", "JAX")
LACKING = 0.3  # of the rows may be found in neither
each_library = pytest.mark.parametrize("library", LIBRARIES)
OURS = Ours()

# Where derivatives differ: library, how the call begins, and why.  Ours is held against
# differences by the tests of the function itself.
OTHERWISE = {
    ("PyTorch", "pinv-1 "): "cuts off small singular values, differentiates as if it had not",
    ("JAX", "pinv-1 "): "cuts off small singular values, differentiates as if it had not",
    ("JAX", "pinv-2 "): "cuts off small singular values, differentiates as if it had not",
    ("JAX", "det((0,0))"): "fails for matrices with no elements",
    ("JAX", "cofactors((0,0))"): "fails for matrices with no elements",
    ("JAX", "expn([["): "fails to broadcast in the derivative",
    ("JAX", "sign-0"): "gives 0 for complex numbers, whose sign z/|z| turns with them",
    ("JAX", "spence("): "gives NaN above 1",
    ("JAX", "vander-at-0"): "gives NaN for powers of 0",
    ("PyTorch", "getitem((2,3,4), index=(0,"): (
        "takes a number among the indices for no array, so axes come out in another order"
    ),
}

# What was found: library -> name -> how far each call was compared (2: second derivatives too).
COMPARED: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
# Calls of compositions whose value differs: the library means another function by the name.
ANOTHER: dict[str, dict[str, str]] = defaultdict(dict)
REFUSED: dict[str, dict[str, str]] = defaultdict(dict)
ASKED: set[tuple[str, str]] = set()


class ValueDiffersError(AssertionError):
    """The value is another one already."""


@cache
def peer(name: str) -> tuple[Any, Any]:
    """Return a library and its table of functions; skip where it is not installed."""
    if name == "JAX":
        jax = Jax()
        return jax, jax_table(jax)
    torch = Torch()
    return torch, torch_table(torch)


def agree(got: list[Any], wanted: list[Any], what: str) -> None:
    """Check that all arrays are equal up to the rounding of two different formulas."""
    assert [np.shape(x) for x in got] == [np.shape(x) for x in wanted], what
    for ours, theirs in zip(got, wanted, strict=True):
        # a real result may be complex there, and its imaginary part of 0 has a derivative
        right = theirs if np.iscomplexobj(ours) else np.real(theirs)
        scale = 1 + np.max(np.abs(right), initial=0.0)
        np.testing.assert_allclose(ours, right, rtol=0, atol=1e-9 * scale, err_msg=what)


def compare(other: Any, ours: Any, theirs: Any, arrays: list[Any], order: int) -> int:
    """Compare value and derivatives with the other library's; return the order reached.

    Raises
    ------
    RefusedError
        If the other library does not take the call.
    ValueDiffersError
        If the value is another one.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what NumPy warns of is tested elsewhere
        try:
            shapes = other.shapes(theirs, arrays)
        except Exception as error:
            raise RefusedError(str(error)) from error
        value = OURS.value(ours, arrays)
        if shapes != [one.shape for one in value]:
            raise ValueDiffersError(f"shapes {shapes}")
        weights = [like(one, seed) for seed, one in enumerate(value)]
        e = directions(arrays, 5)
        wanted = derived(other, theirs, arrays, weights, e, order)
        reached = len(wanted) - 1
        got = OURS.answers(ours, arrays, weights, e, reached)
    try:
        agree(got[0], wanted[0], "value")
    except AssertionError as error:
        raise ValueDiffersError(str(error)) from error
    for i, what in enumerate(("pull", "second derivative")[:reached]):
        agree(got[i + 1], wanted[i + 1], what)
    return reached


def derived(other: Any, f: Any, *given: Any) -> Any:
    """Return answers of the highest order that the library has a derivative of."""
    *rest, order = given
    try:
        return other.answers(f, *rest, order)
    except Exception as error:
        if not (order and other.refuses(error)):
            raise
    return derived(other, f, *rest, order - 1)


def record(library: str, name: str, call: str, ours: Any, theirs: Any, *given: Any) -> None:
    """Compare one call, unless its derivative is known to differ, and note what came of it."""
    if any(known == library and call.startswith(start) for known, start in OTHERWISE):
        return
    try:
        reached = compare(peer(library)[0], ours, theirs, *given)
    except RefusedError as refusal:
        REFUSED[library][call] = str(refusal)
    except AssertionError as error:
        error.add_note(f"{library}: {call}")
        raise
    else:
        if all(map(np.size, given[0])):  # a call with nothing in it shows little
            COMPARED[library][name].append(reached)


# Rows


def compare_row(library: str, name: str, found: list[Case], order: int, arrays_of: Any) -> None:
    other, table = peer(library)
    function = counterpart(other, table, TABLE[name])
    if function is None:
        pytest.skip(f"{library} has no {name}")
    for one in found:
        if one.rule.name == name:

            def theirs(*xs: Any, one: Case = one) -> Any:
                return one.run(function, xs)

            record(library, name, repr(one), one, theirs, arrays_of(one), order)


@pytest.mark.parametrize("name", ROWS)
@each_library
def test_row(library: str, name: str) -> None:
    ASKED.add((library, name))
    compare_row(library, name, CASES, 2, lambda one: one.arrays)


COMPLEX_CASES = cases(where=takes_complex)


def complex_arrays(one: Case) -> list[Any]:
    pairs = zip(one.arrays, directions(one.arrays, 13), strict=True)
    return [x + 0.1j * t for x, t in pairs]


@pytest.mark.parametrize("name", dict.fromkeys(one.rule.name for one in COMPLEX_CASES))
@each_library
def test_row_of_complex_numbers(library: str, name: str) -> None:
    compare_row(library, name, COMPLEX_CASES, 1, complex_arrays)


# Compositions


def calls() -> Iterator[tuple[str, str, Any, list[Any]]]:
    """Yield name, description, function and arrays of calls of compositions."""
    for one in test_compositions.CALLS:
        yield one.function.__name__, repr(one), one.f, one.arrays
    count: dict[str, int] = defaultdict(int)
    for functions, f, found in test_linalg.CALLS:
        name = functions[0].__name__
        for shapes in found:
            arrays = test_linalg.away_from_zero(shapes, "real")
            yield name, f"{name}-{count[name]} {shapes}", f, arrays
        count[name] += 1
    for module in (test_calculus, test_polynomials):
        for label, f, arrays in module.REAL:
            yield label.partition("-")[0], label, f, arrays


CALLS = list(calls())


def in_other_words(library: str, f: Any) -> Any:
    """Return a call as the library makes it, None where it lacks the function."""
    other, _ = peer(library)
    if not isinstance(f, Case):
        return translated(other, f)
    function = counterpart(other, {}, f.rule)
    return function and (lambda *xs: f.run(function, xs))


@pytest.mark.parametrize("name", dict.fromkeys(name for name, *_ in CALLS))
@each_library
def test_composition(library: str, name: str) -> None:
    for called, label, f, arrays in CALLS:
        theirs = in_other_words(library, f) if called == name else None
        if theirs is not None:
            try:
                record(library, name, label, f, theirs, arrays, 1)
            except ValueDiffersError as error:
                ANOTHER[library][label] = str(error)


# What was compared


def missing() -> list[str]:
    """Return the rows that no library was asked about with success."""
    return [name for name in ROWS if not any(name in found for found in COMPARED.values())]


def tally(library: str) -> Iterator[str]:
    found = COMPARED[library]
    rows = [name for name in ROWS if name in found]
    twice = sum(max(found[name]) == 2 for name in rows)
    yield f"{library}: {len(rows)} of {len(ROWS)} rows agree, {twice} of them also in the second"
    yield f"derivative, and {len(found) - len(rows)} compositions; {sum(map(len, found.values()))}"
    yield f"calls in all.  It refused {len(REFUSED[library])} calls."
    yield f"No counterpart: {' '.join(name for name in ROWS if name not in found)}"
    value_only = [name for name in found if max(found[name]) == 0]
    yield f"No derivative: {' '.join(value_only)}"
    yield f"Another value: {'; '.join(ANOTHER[library])}"
    for (known, call), why in OTHERWISE.items():
        if known == library:
            yield f"Another derivative: {call} {why}"


def test_rows_have_an_oracle_outside() -> None:
    """Each of NumPy's own functions; of SciPy's and of inner rows the other libraries lack some."""
    if len(ASKED) < len(LIBRARIES) * len(ROWS):
        pytest.skip("counts the rows when all tests of this file run")
    for library in LIBRARIES:
        peer(library)  # skips where it is not installed
        print("", *tally(library), sep="\n")
    print("\nNeither has:", *missing())
    assert not [name for name in missing() if home_of(TABLE[name].function).startswith("numpy")]
    assert len(missing()) <= LACKING * len(ROWS)
