"""Arrays of more than 32 dimensions: NumPy has up to 64, not in all of its functions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg


def changed(change: Callable[[Any], None]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = x * 1.0
        change(y)
        return y

    return f


def ones(x: Any) -> Any:
    return np.ones(x.shape, bool)


# Each gives the same, but for axes of length 1, whatever axes of length 1 come before the last.
CALLS: dict[str, Callable[[Any], Any]] = {
    "an index twice": lambda x: x[..., [0, 2, 2]],
    "a mask": lambda x: x[ones(x)],
    "take": lambda x: np.take(x, [0, 2, 2], axis=-1),
    "take, along the first": lambda x: np.take(x, [0, 0], axis=0),
    "take, of all": lambda x: np.take(x, [0, 2, 2]),
    "take_along_axis": lambda x: np.take_along_axis(x, np.zeros(x.shape, int), -1),
    "repeat": lambda x: np.repeat(x, 2, axis=-1),
    "diagonal": lambda x: np.diagonal(x, axis1=0, axis2=-1),
    "cumprod": lambda x: np.cumprod(x, axis=-1),
    "max": lambda x: np.max(x, axis=-1),
    "reduceat": lambda x: np.add.reduceat(x, [0, 1], axis=-1),
    "compress": lambda x: np.compress([True, False, True], x, axis=-1),
    "insert": lambda x: np.insert(x, 0, 1.0, axis=-1),
    "delete": lambda x: np.delete(x, 0, axis=-1),
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(np.ravel(x), 2),
    "x[i] = v": changed(lambda y: y.__setitem__((..., [0, 2]), 1.0)),
    "put": changed(lambda y: np.put(y, [0, 2], 1.0)),
    "add.at": changed(lambda y: np.add.at(y, (..., [0, 0]), 1.0)),
    "copyto": changed(lambda y: np.copyto(y, 1.0, where=ones(y))),
    "an index of many dimensions": lambda x: np.ravel(x)[np.zeros((1,) * 40 + (2,), int)],
    "two of many": lambda x: np.reshape(x, (1,) * 19 + (3,))[..., np.zeros((1,) * 19 + (2,), int)],
}


def gradients(call: str, ndim: int) -> list[Any]:
    x = tg.tensor(np.arange(1.0, 4.0).reshape((1,) * (ndim - 1) + (3,)), requires_grad=True)
    f = CALLS[call]
    first = tg.gradients(np.sum(f(x) ** 3), x, create_graph=True)
    return [first.detach().numpy().ravel(), tg.gradients(np.sum(first**2), x).numpy().ravel()]


def main() -> None:
    for call in CALLS:
        for ndim in (33, 40, 60):
            for found, wanted in zip(gradients(call, ndim), gradients(call, 4), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=1e-12, err_msg=f"{call}, {ndim}")
            print(call, ndim, flush=True)


def test_gradients_of_many_dimensions() -> None:
    """In a process of its own: where it goes wrong, the interpreter ends."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout.splitlines()[-1:]


def test_an_index_of_many_dimensions_names_an_element_twice() -> None:
    y = tg.tensor(np.zeros(3))
    with pytest.raises(tg.TinygradError, match="names an element twice"):
        y[np.zeros((1,) * 40 + (2,), int)] = 1.0


if __name__ == "__main__":
    main()
