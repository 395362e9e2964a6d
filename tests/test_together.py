"""Rows that share a test: each failure is told by its row, and none is lost."""

from __future__ import annotations

import pytest
from together import together


@pytest.mark.parametrize("factor", [1, 10])
@pytest.mark.parametrize(("x", "y"), [(1, 2), pytest.param(3, 3, id="three"), (4, 5)])
def smaller(x: int, y: int, factor: int, seen: list[int]) -> None:
    seen.append(factor * x)
    if x == 4:
        pytest.skip("four")
    if (x, factor) == (1, 10):
        pytest.fail("one of ten")
    assert factor * x < y


def test_every_row_runs_and_all_that_fail_are_named() -> None:
    seen: list[int] = []
    with pytest.raises(BaseExceptionGroup) as caught:
        together(smaller)(seen=seen)
    assert sorted(seen) == [1, 3, 4, 10, 30, 40]
    assert "3 of 6 rows fail: " in str(caught.value)
    notes = {note for error in caught.value.exceptions for note in error.__notes__}
    assert notes == {
        "in the row factor=1, three",
        "in the row factor=10, x=1, y=2",
        "in the row factor=10, three",
    }


@together
@pytest.mark.parametrize("one", range(3))
def test_fixtures_are_those_of_the_whole(
    one: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert tmp_path_factory is not None


def test_of_one_row_that_fails_the_error_is_raised() -> None:
    @pytest.mark.parametrize("x", [0, 1])
    def zero(x: int) -> None:
        assert x == 0

    with pytest.raises(AssertionError) as caught:
        together(zero)()
    assert caught.value.__notes__ == ["in the row x=1"]


def test_where_every_row_is_skipped_so_is_the_test() -> None:
    @pytest.mark.parametrize("x", [0, 1])
    def skipped(x: int) -> None:
        pytest.skip("not here")

    with pytest.raises(pytest.skip.Exception):
        together(skipped)()
