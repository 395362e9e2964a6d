"""A Symbol has no values: what would read one is refused, with the user's line and the remedy."""

from __future__ import annotations

import copy
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from traced import hold

import tinygrad_bp as tg
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.from_function import traced

X = np.linspace(0.5, 2.0, 4)


def written_into(x: Any) -> Any:
    x[0] = 1.0
    return x


def read_before(x: Any) -> Any:
    y = x * 2.0
    z = np.sin(y)
    y[0] = 1.0
    return y + z


def through_a_view(x: Any) -> Any:
    y = x * 2.0
    view = y[1:]
    y += 1.0
    return view


def through_a_tensor(x: Any) -> Any:
    y = x * 2.0
    t = tg.tensor(y, requires_grad=True)
    y[0] = 1.0
    return t


READING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "if": (lambda x: x if x[0] > 0 else -x, "the truth .*np.where"),
    "float": (lambda x: float(x[0]), "float.*read it outside"),
    "int": (lambda x: int(x[0]), "int.*read it outside"),
    "complex": (lambda x: complex(x[0]), "complex.*read it outside"),
    "index": (lambda x: [1, 2, 3][np.argmax(x)], "the integer.*as an int"),
    "range": (lambda x: list(range(np.argmax(x))), "the integer.*as an int"),
    "item": (lambda x: x[0].item(), r"\.item.*read it outside"),
    "tolist": (lambda x: x.tolist(), r"\.tolist.*read it outside"),
    "for": (lambda x: [one + 1 for one in x], r"the elements.*x\[i\] for i in range"),
    "in": (lambda x: 1.0 in x, "contains a number"),
    "asarray": (lambda x: np.asarray(x), "the numbers.*NumPy's functions"),
    "an array of them": (lambda x: np.array([1.0, x[0]]), "float|the numbers"),
    "into an array": (lambda x: np.zeros(4).__setitem__(0, x[0]), "float|the numbers"),
    "format": (lambda x: f"{x[0]:.3f}", "the digits.*read it outside"),
    "copy": (copy.deepcopy, "pickled or copied"),
    "a mask": (lambda x: x[x > 1.0], r"getitem.*float64\[4\] or float64\[0\].*np.where"),
    "nonzero": (lambda x: np.nonzero(x), "nonzero.*depends on values"),
    "unique": (lambda x: np.unique(x), "unique.*depends on values"),
    "bincount": (lambda x: np.bincount(np.argsort(x)), "bincount.*depends on values"),
    "allclose": (lambda x: np.allclose(x, x), "allclose.*depends on values"),
    "complex results": (lambda x: np.emath.sqrt(x), "sqrt.*depends on values"),
    "out=": (lambda x: np.add(x, 1.0, out=np.zeros(4)), "out=.*use the result"),
    "out= of a function": (lambda x: np.sum(x, out=np.zeros(())), "out=.*use the result"),
    "a function of its own": (lambda x: np.frompyfunc(abs, 1, 1)(x), "neither NumPy's nor SciPy's"),
    "written into": (written_into, r"setitem.*x\.copy\(\)"),
    "read before": (read_before, r"setitem.*x\.copy\(\)"),
    "through a view": (through_a_view, r"in place.*x\.copy\(\)"),
    "into numbers": (lambda x: np.add.at(np.zeros(4), [0], x[:1]), r"add\.at.*like=x"),
    "through a Tensor": (through_a_tensor, r"setitem.*x\.copy\(\)"),
    "debug": (lambda x: tg.debug()(np.sum)(tg.tensor(x, requires_grad=True)), "tg.debug looks"),
    "an object": (lambda x: object(), "a object is no part"),
    "a tracked quantile": (
        lambda x: tg.grad(np.nanquantile, 0)(x, 0.5),
        "nanquantile: .*the elements",
    ),
}


@pytest.mark.parametrize("name", READING)
def test_what_reads_a_value_is_refused_with_the_line(name: str) -> None:
    f, message = READING[name]
    with pytest.raises(TraceError, match=message) as caught:
        traced(f, X)
    assert __file__ in str(caught.value) or name == "copy"


def test_the_line_is_the_users_own() -> None:
    def decides(x: Any) -> Any:
        y = np.sin(x)
        return y if np.all(y > 0) else x  # this line

    with pytest.raises(TraceError, match=r"test_symbol\.py:\d+: return y if .* # this line"):
        traced(lambda x: tg.grad(decides)(x), 0.5)


PLAIN = (
    *("argmax", "argmin", "argsort", "conj", "copy", "cumprod", "cumsum", "flatten", "max", "mean"),
    *("min", "prod", "ravel", "round", "std", "sum", "squeeze", "trace", "transpose", "var"),
)
METHODS: list[Callable[[Any], Any]] = [
    *(operator.attrgetter(name) for name in ("T", "real", "imag")),
    *(operator.methodcaller(name) for name in PLAIN),
    operator.methodcaller("reshape", 2, 3),
    operator.methodcaller("reshape", (6,), order="F"),
    operator.methodcaller("astype", np.float32),
    operator.methodcaller("clip", 0.0, 1.0),
    operator.methodcaller("dot", np.ones(2)),
    operator.methodcaller("repeat", 2, axis=0),
    operator.methodcaller("swapaxes", 0, 1),
    operator.methodcaller("take", [0, 2], axis=0),
    operator.methodcaller("transpose", 1, 0),
    lambda x: x.mT + np.float32(1),
    lambda x: x.shape[0] + x.ndim + x.size + len(x) + x.nbytes + x,
    lambda x: x + x.astype(np.float32),
    lambda x: x[1:, 0] + x[..., -1][1:] + x[[0, 2]][:, 1],
    lambda x: x[np.argsort(x[:, 0])],
    lambda x: np.linalg.svd(x).S,
    lambda x: np.linalg.qr(x)[1],
    lambda x: np.modf(x),
    lambda x: np.frexp(x)[0],
    lambda x: np.split(x, 3),
    lambda x: np.add.reduce(x, 1),
    lambda x: np.maximum.reduce(x, initial=0),
    lambda x: np.maximum.reduce(x - 3, axis=1, initial=0),
    lambda x: np.add.accumulate(x, 0),
    lambda x: np.add.outer(x, x),
    lambda x: np.nanmean(x, axis=0),
    lambda x: np.interp(x, [0.0, 1.0], [1.0, 3.0]),
    lambda x: np.add(x, 1.0, dtype=np.float32, casting="unsafe"),
    lambda x: x @ np.ones((2, 65)),
    lambda x: np.where(x > 1.0, x, 0),
    lambda x: np.zeros_like(x) + np.zeros((3, 2), like=x) + np.ones_like(x, np.float32),
    lambda x: (2 - x) / 2**x // 0.3 % 0.2 - -x + (x < 1) * abs(x),
    lambda x: np.array([[1.0, np.nan], [np.inf, -0.0], [2.0, 3.0]]) * x,
    lambda x: {"a": [x, (1, None, "text")], "b": x + 1j},
]


@pytest.mark.parametrize("f", METHODS, ids=range(len(METHODS)))
def test_it_does_what_an_array_does(f: Callable[[Any], Any]) -> None:
    def numbers(x: Any) -> Any:
        found = f(x)
        return found["a"][0] if isinstance(found, dict) else found

    hold(numbers, [np.linspace(0.1, 2.0, 6).reshape(3, 2)])


def in_place(x: Any) -> Any:
    y = x.copy()
    y[0] = 5.0
    y[1:] = x[1:] * 2.0
    y += 1.0
    np.add.at(y, [0, 0, 2], x[:3])
    np.put_along_axis(y, np.array([3]), 7.0, 0)
    return y * 2.0


def test_a_fresh_array_may_be_written_into() -> None:
    program = hold(in_place, [X])
    assert re.search(r"^    \w+\[0\] = 5\.0$", program.numpy(), re.MULTILINE)


def test_numbers_keep_their_weakness() -> None:
    narrow = X.astype(np.float32)
    for f in (
        lambda x, rate: x * rate,
        lambda x, rate: x * (-((rate * 2.0 + 1) ** 2) / 3 + 5 % rate - abs(2 - rate)),
        lambda x, rate: x * np.sqrt(rate),
        lambda x, rate: x * tg.grad(lambda r: r * r)(rate),
        tg.grad(lambda x, rate: np.sum(x * rate)),
        tg.value_and_grad(lambda x, rate: np.sum(x * rate), 1),
    ):
        hold(f, [narrow, 0.5])
    assert traced(lambda x, rate: x * rate, narrow, 0.5)(narrow, 0.25).dtype == np.float32


def test_a_symbol_that_is_left_over_is_of_no_use() -> None:
    kept = []

    def keeps(x: Any) -> Any:
        kept.append(x)
        return x

    traced(keeps, X)
    with pytest.raises(TraceError, match="a program that is finished"):
        np.sin(kept[0])
    with pytest.raises(TraceError, match="Symbol of another program"):
        traced(lambda x: x + kept[0], X)
