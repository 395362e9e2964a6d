"""Values that a function under a transform reads out of the graph: what is lost is told."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.errors import GraphError

X = np.array([1.0, 2.0, 3.0])
Function = Callable[[Any], Any]
kept: list[Any] = []


def in_a_list(x: Any) -> Any:
    kept.append(x.numpy())
    return np.sum(kept[-1] ** 2)


TRANSFORMS: dict[str, Callable[[Function], Any]] = {
    "grad": lambda f: tg.grad(f)(X),
    "value_and_grad": lambda f: tg.value_and_grad(f)(X),
    "vjp": lambda f: tg.vjp(f, X),
    "jvp": lambda f: tg.jvp(f, (X,), (X,)),
    "jacobian": lambda f: tg.jacobian(f)(X),
    "hessian": lambda f: tg.hessian(f)(X),
    "hvp": lambda f: tg.hvp(f, (X,), (X,)),
    "checkpoint": lambda f: tg.checkpoint(f)(tg.tensor(X, requires_grad=True)),
    "vmap in grad": lambda f: tg.grad(lambda x: np.sum(tg.vmap(f)(x[None])))(X),
    "checkpoint in grad": lambda f: tg.grad(lambda x: tg.checkpoint(f)(x))(X),
}
LOST: dict[str, Function] = {
    "numpy": lambda x: np.sum(x.numpy() ** 2),
    "item": lambda x: 2.0 * np.sum(x).item(),
    "item of a place": lambda x: x.item(1) ** 2,
    "tolist": lambda x: sum(x.tolist()),
    "format": lambda x: float(f"{np.sum(x):.3f}"),
    "list": in_a_list,
}
PART: dict[str, Function] = {
    "numpy": lambda x: np.sum(x * x.numpy()),
    "derived": lambda x: np.sum(x + np.sin(x.numpy())),
    "item": lambda x: np.sum(x) * np.max(x).item(),
    "tolist": lambda x: np.sum(x * x.tolist()),
    "format": lambda x: np.sum(x) * float(f"{x[0]:.3f}"),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("f", LOST)
def test_a_derivative_that_is_wholly_lost_is_an_error_at_the_users_line(transform, f):
    with pytest.raises(GraphError, match=r"took the value out of the graph at .*test_readouts"):
        TRANSFORMS[transform](LOST[f])


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("f", PART)
def test_a_derivative_that_is_partly_lost_is_warned_of(transform, f):
    with pytest.warns(UserWarning, match="takes a value out of the graph") as caught:
        TRANSFORMS[transform](PART[f])
    assert {one.filename for one in caught} == {__file__}


def shown(x: Any) -> Any:
    part = np.sum(x * x)
    print(part.item(), f"{part:.3f}", x.tolist())
    text = f"{part.item():.3f}"
    assert x.numpy()[0] > 0, text
    return 0.5 * part


def decided(x: Any) -> Any:
    if x.item(0) > 5:
        return 3.0 * np.sum(x)
    return np.sum(x) * (2.0 if np.max(x).item() < 5 else 1.0)


def kept_at_the_end(x: Any) -> Any:
    loss = 0.5 * np.sum(x * x)
    kept.append(loss.item())
    return loss


SHOWN: dict[str, tuple[Function, Any]] = {
    "shown": (shown, X),
    "decided": (decided, [2.0] * 3),
    "kept at the end": (kept_at_the_end, X),
    "mask": (lambda x: np.sum(x * (x.numpy() > 1)), [0.0, 1.0, 1.0]),
    "place": (lambda x: 2.0 * x[x.numpy().argmax()], [0.0, 0.0, 2.0]),
    "detached": (lambda x: np.sum(x * x.detach().numpy()), X),
    "another leaf": (lambda x: np.sum(x * OTHER.numpy()), X),
}
OTHER = tg.tensor(X, requires_grad=True)


@pytest.mark.parametrize("name", SHOWN)
def test_looking_at_a_value_is_no_fault(name):
    f, slope = SHOWN[name]
    assert tg.grad(f)(X).tolist() == list(slope)


def test_a_value_of_an_outer_variable_is_told_by_the_outer_transform():
    def inner(y: Any) -> Any:
        return tg.grad(lambda x: x * y.item() + y * x)(2.0) * y

    with pytest.warns(UserWarning, match="takes a value out of the graph"):
        tg.grad(inner)(3.0)


def test_one_line_warns_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            tg.grad(PART["derived"])(X)
    assert len(caught) == 1
