"""Programs for batches of every length: what the length decides, and what it may not."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.programs.comparison import Different, difference
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.from_function import traced

LENGTHS = 97, 101


def family_of(f: Any, *shapes: Any) -> Family:
    """`f` of arrays whose first axis is the batch."""
    first, second = (traced(f, *[np.ones((n, *shape)) for shape in shapes]) for n in LENGTHS)
    return Family.of_two(first, second, LENGTHS)


def refusal(family: Family, trace: Any) -> str | None:
    """Why a trace is of no program of a family; None if it is."""
    try:
        family.at(trace)
    except Different as error:
        return str(error)
    return None


def mean_of_squares(x: Any) -> Any:
    return np.sum(x * x) / len(x) * (1.0 / len(x))


def places(x: Any) -> Any:
    return np.arange(len(x)) * np.sum(x, axis=1)


def longer(x: Any) -> Any:
    return np.sum(np.concatenate([x, x[: len(x) // 2]]), axis=0)


def of_integers(x: Any) -> Any:
    return x.astype(np.int32) * len(x)


def pairs(x: Any) -> Any:
    return np.sum(np.abs(x.reshape(-1, 1, 3) - x) ** (1 / len(x)), axis=(1, 2)) + np.float32(len(x))


FUNCTIONS = [mean_of_squares, places, longer, of_integers, pairs, tg.grad(mean_of_squares)]


@pytest.mark.parametrize("n", [1, 2, 3, 97, 150])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_a_family_has_a_program_for_every_length(f: Any, n: int) -> None:
    family = family_of(f, (3,))
    x = np.random.default_rng(n).uniform(1.0, 2.0, (n, 3))
    program, numbers = family.at(traced(f, x))
    found = program.check()(x, [numbers[name] for name in family.numbers])[()] if numbers else None
    if found is None:
        found = program(x)
    np.testing.assert_array_equal(found, f(x))
    assert [one.name for one in program.instructions] == [
        one.name for one in family.program.instructions
    ]
    assert refusal(family, traced(f, x)) is None


def test_what_the_length_decides_is_an_input() -> None:
    family = family_of(mean_of_squares, (3,))
    assert [one.type.weak for one in family.program.inputs] == [False, True, True]
    assert "97" not in str(family.program).replace("[97", "")
    assert not family.irregular
    assert len(family_of(places, (3,)).numbers) == 1


def test_what_the_length_decides_in_another_way_is_named() -> None:
    assert {family.op for family in _odd(longer)} == {"getitem", "concatenate"}
    assert {family.op for family in _odd(of_integers)} == {"multiply"}


def _odd(f: Any) -> list[Any]:
    family = family_of(f, (3,))
    return [one for one in family.program.instructions if one.name in family.irregular]


def test_another_program_is_not_admitted() -> None:
    def f(x: Any) -> Any:
        return np.sum(x) if len(x) > 50 else np.prod(x)

    family = family_of(f, (3,))
    assert refusal(family, traced(f, np.ones((60, 3)))) is None
    assert "prod" in str(refusal(family, traced(f, np.ones((7, 3)))))


def test_a_number_that_is_no_function_of_the_length_is_not_admitted() -> None:
    def f(x: Any) -> Any:
        return np.sum(x) * max(float(len(x)), 10.5)

    def g(x: Any) -> Any:
        return x * min(float(len(x)), 10.5)

    assert "10.5, but 4.0 at this length, in multiply" in str(
        refusal(family_of(g, (3,)), traced(g, np.ones((4, 3))))
    )
    assert refusal(family_of(f, (3,)), traced(f, np.ones((4, 3)))) is None  # an input may be any


def test_two_lengths_that_are_one_at_both_stand_ins_and_no_more_at_a_third() -> None:
    def f(x: Any) -> Any:
        return np.sum(x[: min(len(x), 200)] * 2.0)

    family = family_of(f, (3,))
    assert refusal(family, traced(f, np.ones((150, 3)))) is None
    assert "is not what 97 and 101 stand for" in str(refusal(family, traced(f, np.ones((300, 3)))))


def test_one_side_is_not_taken_for_another() -> None:
    with pytest.raises(Different, match="at every length"):
        family_of(lambda x: np.sum(x[:, np.newaxis] * np.ones(97)), ())


def test_a_family_of_one_trace_admits_the_same_trace_alone() -> None:
    family = Family.of_one(traced(mean_of_squares, np.ones((4, 3))))
    assert refusal(family, traced(mean_of_squares, np.ones((4, 3)))) is None
    assert "3" in str(refusal(family, traced(mean_of_squares, np.ones((3, 3)))))


@pytest.mark.parametrize("source", [count().__next__, np.random.rand])
def test_what_differs_between_two_equal_traces_is_named_with_its_line(source: Any) -> None:
    def f(x: Any) -> Any:
        return np.sum(x) * float(source())

    found = difference(traced(f, np.ones(3)), traced(f, np.ones(3)))
    assert "multiply at test_family.py:" in str(found)


def test_arrays_that_are_drawn_differ() -> None:
    rng = np.random.default_rng(0)

    def f(x: Any) -> Any:
        return np.sum(x * (rng.random(3) > 0.5) * rng.random(3))

    assert "constant at test_family.py:" in str(
        difference(traced(f, np.ones(3)), traced(f, np.ones(3)))
    )


def test_equal_traces_do_not_differ() -> None:
    def f(x: Any) -> Any:
        return {"nan": x * np.nan, "zero": x * -0.0, "rows": x[:, ::-1]}

    assert difference(traced(f, np.ones((2, 3))), traced(f, np.ones((2, 3)))) is None
    assert difference(traced(f, np.ones((2, 3))), traced(f, np.ones((3, 3)))) is not None
