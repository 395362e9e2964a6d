"""The convolution of layers against its definition, and what it refuses."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from convolution_calls import calls
from extras import extra
from hypothesis import given
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.sequences import convolution as row
from tinygrad_bp.rules.sequences.windows import geometry, overlap_add, windows


def defined(x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """Return each output as its own sum."""
    wide = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    sizes = zip(wide.shape[2:], w.shape[2:], stride, dilation, strict=True)
    places = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in sizes)
    out = np.zeros((len(x), len(w), *places))
    inputs, outputs = w.shape[1], len(w) // groups
    for n, o in product(range(len(x)), range(len(w))):
        channels = wide[n, (o // outputs) * inputs :][:inputs]
        for place in np.ndindex(places):
            rows = zip(place, w.shape[2:], stride, dilation, strict=True)
            window = tuple(slice(p * s, p * s + d * (k - 1) + 1, d) for p, k, s, d in rows)
            out[(n, o, *place)] = np.sum(channels[(slice(None), *window)] * w[o])
    return out


@given(calls())
def test_every_output_is_its_own_sum(call: tuple[Any, Any, dict[str, Any]]) -> None:
    x, w, options = call
    got = tg.convolution(x, tg.tensor(w), **options)
    same(got.numpy(), defined(x, w, **options), 10)


@given(calls())
def test_the_pulls_are_transposes(call: tuple[Any, Any, dict[str, Any]]) -> None:
    """The form is trilinear: every way to take it is the same number."""
    x, w, options = call
    out, pull = tg.vjp(lambda x, w: tg.convolution(x, w, **options), x, w)
    y = np.random.default_rng(1).normal(size=out.shape)
    for part, argument in zip(pull(y), (x, w), strict=True):
        np.testing.assert_allclose(np.sum(part * argument), np.sum(out * y), atol=1e-10)


@pytest.mark.parametrize("block", [1, 400, 1 << 30], ids=["one", "two", "all"])
def test_samples_in_blocks_are_samples(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fits into a block, the last one is shorter than the others."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(5, 2, 6)), rng.normal(size=(3, 2, 2))
    wanted, pull = tg.vjp(tg.convolution, x, w)
    weight = rng.normal(size=wanted.shape)
    parts = pull(weight)
    monkeypatch.setattr(row, "BLOCK", block)
    got, pull = tg.vjp(tg.convolution, x, w)
    for one, other in zip((got, *pull(weight)), (wanted, *parts), strict=True):
        same(one, other, 10)


def test_windows_overlap_as_often_as_they_share_an_element() -> None:
    where = geometry("windows", (4,), (2,), stride=1, padding=0, dilation=1)
    same(overlap_add(windows(np.ones(4), where), where), [1.0, 2.0, 2.0, 1.0])


@pytest.mark.parametrize("dtype", ["e", "f", "d", "D"])
def test_the_dtype_stays(dtype: str) -> None:
    x, w = np.ones((2, 1, 4), dtype), np.ones((1, 1, 2), dtype)
    out, pull = tg.vjp(tg.convolution, x, w)
    assert [one.dtype.char for one in (out, *pull(out))] == [dtype] * 3


REFUSED = [
    ((4,), (2,), {}, r"expected x \(m, n_in, \*size\)"),
    ((1, 2, 4), (3, 2, 2, 2), {}, r"got \(1, 2, 4\) and \(3, 2, 2, 2\)"),
    ((1, 2, 4), (3, 1, 2), {}, "2 input and 3 output channels in 1 groups"),
    ((1, 2, 4), (3, 1, 2), {"groups": 2}, "3 output channels in 2 groups"),
    ((1, 2, 4), (3, 2, 5), {}, r"no window of \(5,\) .* fits into \(4,\)"),
    ((1, 2, 4), (3, 2, 2), {"stride": 0}, "stride=0; expected an integer of at least 1"),
    ((1, 2, 4), (3, 2, 2), {"padding": (1, 1)}, r"padding=\(1, 1\); expected .* or 1 of them"),
    ((1, 2, 4), (3, 2, 2), {"padding": -1}, "padding=-1; expected an integer of at least 0"),
    ((1, 2, 4), (3, 2, 2), {"dilation": 1.5}, "dilation=1.5"),
    ((1, 2, 4), (3, 2, 2), {"padding": "same"}, "needs an odd kernel and stride 1"),
]


@pytest.mark.parametrize(("x", "w", "options", "match"), REFUSED, ids=str)
def test_what_does_not_fit_is_named(x: Any, w: Any, options: Any, match: str) -> None:
    with pytest.raises(ShapeError, match=f"convolution: .*{match}"):
        tg.convolution(tg.tensor(np.ones(x), requires_grad=True), np.ones(w), **options)


def test_same_padding_keeps_the_size() -> None:
    out = tg.convolution(np.ones((1, 1, 5, 7)), np.ones((1, 1, 3, 5)), padding="same", dilation=2)
    assert out.shape == (1, 1, 5, 7)


@pytest.mark.oracle
@given(calls())
def test_values_and_gradients_are_pytorchs(call: tuple[Any, Any, dict[str, Any]]) -> None:
    torch = extra("torch")
    x, w, options = call
    function = (torch.nn.functional.conv1d, torch.nn.functional.conv2d)[x.ndim - 3]
    out, pull = tg.vjp(lambda x, w: tg.convolution(x, w, **options), x, w)
    theirs = [torch.tensor(one, requires_grad=True) for one in (x, w)]
    wanted = function(*theirs, **options)
    weight = np.random.default_rng(2).normal(size=out.shape)
    wanted.backward(torch.tensor(weight))
    np.testing.assert_allclose(out, wanted.detach().numpy(), atol=1e-10)
    for part, one in zip(pull(weight), theirs, strict=True):
        np.testing.assert_allclose(part, one.grad.numpy(), atol=1e-10)
