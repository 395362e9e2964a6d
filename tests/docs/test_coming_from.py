"""The tables of the page for those who come from elsewhere: both sides of each row give one value.

The value in the last column is plain NumPy's; a left side runs where its library is installed.
"""

from __future__ import annotations

import ast
import contextlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from extras import extra
from pages import Block, blocks
from together import together

from tinygrad_bp import Tensor

PAGE = Path(__file__).parents[2] / "docs" / "coming-from.md"
SPAN = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    theirs: str
    ours: str
    value: str
    setup: Block


def rows() -> list[Row]:
    """Return the rows of all tables; the setup of a left side is the last block before it."""
    setups = [block for block in blocks(PAGE) if block.needs]
    found = []
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("| `"):
            theirs, ours, value = (
                "\n".join(SPAN.findall(cell)) for cell in line[2:-2].split(" | ")
            )
            before = [block for block in setups if block.after < number]
            found.append(Row(theirs, ours, value, before[-1]))
    return found


ROWS = rows()
COMMON = next(block for block in blocks(PAGE) if block.language == "python")


def given(code: str, namespace: dict[str, Any]) -> Any:
    """Run the statements and return the value of the last one, an expression."""
    *statements, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(statements, []), "row", "exec"), namespace)  # noqa: S102  # ours
    return eval(compile(ast.Expression(last.value), "row", "eval"), namespace)  # noqa: S307  # ours


def plain(value: Any) -> Any:
    """Return a value of any of the libraries as numbers, arrays, and containers of them."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Tensor) or hasattr(value, "detach"):
        return value.detach().numpy()
    return value if value is None or isinstance(value, str | bool) else np.asarray(value)


def same(got: Any, wanted: Any, rtol: float) -> None:
    got, wanted = plain(got), plain(wanted)
    if isinstance(wanted, dict):
        assert got.keys() == wanted.keys()
        got, wanted = list(got.values()), list(wanted.values())
    if isinstance(got, list) and isinstance(wanted, list):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            same(one, other, rtol)
    elif wanted is None or isinstance(wanted, str | bool):
        assert got == wanted
    else:
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol)


def namespace() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "row"}
    exec(COMMON.code, names)  # noqa: S102  # ours
    return names


def expected(row: Row) -> Any:
    """Return the value in the last column, which knows arrays alone."""
    arrays = {k: one for k, one in namespace().items() if isinstance(one, np.ndarray)}
    return given(row.value, {"np": np, **arrays})


@together
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.theirs.splitlines()[-1])
def test_what_one_types_here_gives_the_value(row: Row, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        same(given(row.ours, namespace()), expected(row), 1e-7)


@pytest.fixture
def left() -> Iterator[None]:
    """Put back what the libraries have for all: their default dtype, NumPy's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what others say of themselves is not tested here
        yield
        for name, restore in RESTORE.items():
            with contextlib.suppress(ImportError):
                exec(f"import {name}; {restore}")  # noqa: S102  # ours


RESTORE = {
    "torch": "torch.set_default_dtype(torch.float32)",
    "keras": "keras.config.set_floatx('float32')",
}


@pytest.mark.oracle
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.theirs.splitlines()[-1])
def test_what_one_types_there_gives_the_value_too(row: Row, left: None, tmp_path: Path) -> None:
    extra(str(row.setup.needs))
    names = namespace()
    exec(row.setup.code, names)  # noqa: S102  # ours
    with contextlib.chdir(tmp_path):
        same(given(row.theirs, names), expected(row), 1e-6)


def test_every_library_has_rows() -> None:
    tables = {row.setup.needs for row in ROWS}
    assert tables == {"torch", "jax", "keras", "autograd", "micrograd"}
