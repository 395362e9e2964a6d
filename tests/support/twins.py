"""The same step twice, once as it is and once compiled: what they return and leave must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

import tinygrad_bp as tg
from tinygrad_bp.compiling.compiled import Compiled
from tinygrad_bp.engine.containers import flatten

ULPS = 64  # rounding that sums in another order, and later steps, may add up

Make = Callable[[], tuple[Sequence[Any], Callable[..., Any]]]


def twins(
    make: Make,
    calls: Iterable[Sequence[Any]],
    *,
    backend: str = "numpy",
    between: Callable[[Sequence[Any], int], None] | None = None,
    ulps: float = ULPS,
) -> Compiled:
    """Run the steps of two objects of one kind, and compare after each call.

    `make` gives the objects that are the state, and the step; `between` is called with either's
    objects and the number of the call before each call.
    """
    (own, eager), (other, step) = make(), make()
    compiled: Compiled = tg.compile(step, state=other, backend=backend)
    for k, args in enumerate(calls):
        if between is not None:
            between(own, k)
            between(other, k)
        close(compiled(*args), eager(*args), ulps)
        close(list(found(other)), list(found(own)), ulps)
    return compiled


def found(objects: Sequence[Any]) -> Iterator[Any]:
    """Yield all that a step leaves in its state: values, gradients, memories, settings."""
    for one in objects:
        if isinstance(one, tg.Tensor):
            yield one.numpy()
            yield one.grad
        elif isinstance(one, tg.nn.Module):
            yield one.state()
            yield [parameter.grad for parameter in one.parameters()]
        elif isinstance(one, tg.optim.Optimizer):
            yield one.state()
        elif isinstance(one, np.random.Generator):
            yield one.random()
        else:
            yield from found(one)


def close(got: Any, wanted: Any, ulps: float = ULPS) -> None:
    """Compare nested arrays and numbers: kinds, shapes, dtypes, and values up to rounding."""
    (mine, build), (theirs, _) = flatten(got), flatten(wanted)
    assert type(build(mine)) is type(got)
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert type(one) is type(other), (one, other)
        if isinstance(one, (tg.Tensor, np.ndarray, np.generic)):
            x, y = (np.asarray(getattr(each, "_value", each)) for each in (one, other))
            assert (x.shape, x.dtype) == (y.shape, y.dtype)
            if x.dtype.kind in "fc":
                limit = ulps * float(np.finfo(x.dtype).eps)
                np.testing.assert_allclose(x, y, rtol=limit, atol=limit)
            else:
                np.testing.assert_array_equal(x, y)
        elif isinstance(one, float):
            np.testing.assert_allclose(one, other, rtol=1e-13)
        else:
            assert one == other
