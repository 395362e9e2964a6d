"""Every layer of the table: derivatives by differences, values and gradients by PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from extras import extra
from layer_cases import CASES, LayerCase, as_function
from together import together

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.testing import check_grads

each_layer = pytest.mark.parametrize("case", CASES, ids=repr)


def test_every_layer_is_in_the_table() -> None:
    tested = {type(case.build()).__name__ for case in CASES}
    tested |= {"Module", "Sequential"}  # what the others are made of: test_module, test_layers
    tested |= {"RNNCell", "GRUCell", "LSTMCell"}  # which the sequences call
    layers = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    assert layers == tested


@each_layer
def test_derivatives_of_two_orders(case: LayerCase) -> None:
    f, parameters = as_function(case.made(), case.call)
    check_grads(f, parameters, case.x, order=2)


@together
@each_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_parameters_and_input_is_that_of_the_rest(case: LayerCase, dtype: Any) -> None:
    layer = case.made(**({"dtype": dtype} if case.made().parameters() else {}))
    x = tg.tensor(case.x, dtype=dtype, requires_grad=True)
    out = case.call(layer, x)
    np.sum(out).backward()
    arrays = [out, x.grad, *(parameter.grad for parameter in layer.parameters())]
    assert {array.dtype for array in (*arrays, *layer.state().values())} == {np.dtype(dtype)}


@each_layer
def test_a_layer_is_a_scope_and_says_what_it_is(case: LayerCase) -> None:
    layer, x = case.made(), tg.tensor(case.x, requires_grad=True)
    with tg.scope("all"):
        out = case.call(layer, x)
    scopes = {node.scope for node in tg.graph(out).nodes}
    assert case.name == "Dropout-eval" or any(len(scope) > 1 for scope in scopes)
    assert repr(layer).startswith(type(layer).__name__ + "(")


@each_layer
def test_the_state_goes_out_and_in(case: LayerCase) -> None:
    one, other = case.made(), case.build().train(case.trained)
    other.load_state(one.state())
    for mine, its in zip(one.state().values(), other.state().values(), strict=True):
        assert mine.tobytes() == its.tobytes()
    first, second = (
        np.asarray(getattr(out, "_value", out))
        for out in (case.call(one, case.x), case.call(other, case.x))
    )
    assert first.tobytes() == second.tobytes()


@pytest.mark.oracle
@each_layer
def test_values_and_gradients_are_pytorchs(case: LayerCase) -> None:
    torch = extra("torch")
    layer = case.made()
    state = layer.state()
    x = tg.tensor(case.x, requires_grad=True)
    out = case.call(layer, x)
    own = {name: torch.tensor(array, requires_grad=True) for name, array in state.items()}
    z = torch.tensor(case.x, requires_grad=True)
    wanted = case.theirs(torch, own, z)
    weight = np.random.default_rng(7).normal(size=out.shape)
    out.backward(weight)
    wanted.backward(torch.tensor(weight))
    np.testing.assert_allclose(out.detach().numpy(), wanted.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), atol=1e-10)
    for name, parameter in layer.named_parameters():
        np.testing.assert_allclose(
            parameter.grad.numpy(), own[name].grad.numpy(), atol=1e-10, err_msg=name
        )
