"""The page of semantics: its tables show what tinygrad_bp, PyTorch and JAX really answer."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import test_semantics
from extras import extra
from semantics_cases import SECTIONS
from semantics_libraries import JAX, LIBRARIES, OURS, TORCH, Library, written
from semantics_questions import Row
from together import together

PAGE = Path(__file__).parents[2] / "docs" / "semantics.md"
ROWS = [row for rows in SECTIONS.values() for row in rows]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.question)


def tables(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of the table below each heading, each a list of cells."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found.setdefault(heading, []).append(cells)
    return found


SHOWN = tables(PAGE.read_text(encoding="utf-8"))
ANSWERS = {cells[0]: cells[1:] for shown in SHOWN.values() for cells in shown[2:]}


def answer(row: Row, library: Library) -> str:
    """Return the answer in the page's form; what NumPy warns of is tested in test_semantics."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return written(row.answer(library))


def test_the_page_has_these_rows_and_no_others() -> None:
    assert list(SHOWN) == list(SECTIONS)
    for heading, rows in SECTIONS.items():
        head, rule, *shown = SHOWN[heading]
        assert head[1:] == [library.name for library in LIBRARIES]
        assert all(re.fullmatch(r"-+", cell) for cell in rule)
        assert [cells[0] for cells in shown] == [row.question for row in rows]
        assert all(len(cells) == len(head) for cells in shown)
    assert len(ANSWERS) == len(ROWS)


@together
@each_row
def test_our_answer(row: Row) -> None:
    if "scipy" in row.question:
        extra("scipy")
    assert ANSWERS[row.question][0] == answer(row, OURS)


@pytest.mark.oracle
@pytest.mark.parametrize("library", [TORCH, JAX], ids=lambda library: library.name)
@each_row
def test_answer_of_another_library(row: Row, library: Library) -> None:
    assert ANSWERS[row.question][LIBRARIES.index(library)] == answer(row, library)


@together
@each_row
def test_each_answer_is_held_by_a_test_of_its_own(row: Row) -> None:
    tests = {name for name in vars(test_semantics) if name.startswith("test_")}
    assert row.held in tests | set(test_semantics.TABLE)


def test_each_decision_has_a_row_in_the_page() -> None:
    assert set(test_semantics.TABLE) <= {row.held for row in ROWS}


def test_answers_are_written_in_one_form() -> None:
    assert written([np.array([0.0, -0.0, 1 / 3]), np.float32(1e30)]) == "[0, 0, 0.3333]; 1e+30"
    assert written(np.zeros((0, 3))) == "empty (0, 3)"
    assert written(np.array([3 - 4j, 1j])) == "[3-4i, 0+1i]"
    assert written(np.array([[1], [2]])) == "[[1], [2]]"
    assert written([np.array(np.nan), np.inf]) == "nan; inf"
    assert (written(None), written(KeyError("k")), written("text")) == ("None", "KeyError", "text")
