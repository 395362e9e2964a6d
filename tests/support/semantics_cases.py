"""The awkward cases: what is asked of tinygrad_bp, PyTorch and JAX in each row of the page.

`docs/semantics.md` shows the answers; `test_semantics_oracles` asks and compares.  `held` names the
row of ``test_semantics.TABLE``, or the test of `test_semantics`, that holds our answer in other
precisions, shapes and orders too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from semantics_libraries import JAX, OURS, TORCH
from semantics_questions import (
    asked,
    changed_array,
    changed_value,
    complex_gradient,
    debugged_untaken_root,
    dtype_beside_double,
    gradient,
    integer_leaf,
    loss,
    no_cotangent,
    not_reached,
    not_reached_by_function,
    other_cotangent,
    said_of_untaken_root,
    second_call,
    training_step,
    two_calls,
    written_view,
)

inf, nan = np.inf, np.nan
ALL = (OURS, TORCH, JAX)

RANKS = "ties of what is picked by its rank"
KINKS = [
    gradient("np.max(x)", [1, 3, 3], torch="torch.max(x)", held="ties are split evenly"),
    gradient(
        "np.max(x, axis=0)",
        [1, 3, 3],
        torch="torch.max(x, dim=0).values",
        held="ties are split evenly",
    ),
    gradient("np.min(x)", [1, 1, 3], torch="torch.min(x)", held="ties are split evenly"),
    gradient("np.maximum(x, y)", 1, 1, torch="torch.maximum(x, y)", held="ties are split evenly"),
    gradient("np.minimum(x, y)", 1, 1, torch="torch.minimum(x, y)", held="ties are split evenly"),
    gradient("np.median(x)", [1, 2, 2, 2, 3], torch="torch.median(x)", held=RANKS),
    gradient(
        "np.quantile(x, 0.5)",
        [1, 2, 2, 2, 3],
        torch="torch.quantile(x, 0.5)",
        held=RANKS,
        any_equal=TORCH,
    ),
    gradient(
        "np.percentile(x, 75)",
        [1, 1, 2],
        torch="torch.quantile(x, 0.75)",
        held=RANKS,
        any_equal=TORCH,
    ),
    gradient("np.partition(x, 1)", [1, 2, 1], ct=[1, 3, 5], torch=None, held=RANKS),
    gradient("np.max(x)", [1, nan, 3], torch="torch.max(x)", held="max with NaN"),
    gradient(
        "tg.relu(x)", 0, torch="F.relu(x)", jax="jax.nn.relu(x)", held="relu and maximum at 0"
    ),
    gradient(
        "np.maximum(x, 0)",
        0,
        torch="torch.maximum(x, torch.zeros_like(x))",
        held="relu and maximum at 0",
    ),
    gradient("np.abs(x)", 0, torch="torch.abs(x)", held="abs and sign at 0"),
    gradient("x + np.sign(x)", 0, torch="x + torch.sign(x)", held="abs and sign at 0"),
    gradient("np.clip(x, -1, 1)", [-1, 1], torch="torch.clip(x, -1, 1)", held="clip at an edge"),
    gradient(
        "np.sort(x)",
        [2, 1, 1],
        ct=[1, 2, 3],
        torch="torch.sort(x, stable=True).values",
        held="test_sort_of_ties_is_the_stable_permutation",
    ),
    gradient(
        "np.argsort(np.repeat(x, 500))[:3]",
        [1, 0],
        value=True,
        torch="torch.argsort(x.repeat_interleave(500), stable=True)[:3]",
        held="test_argsort_of_ties_is_the_stable_permutation",
    ),
]

ORIGIN = "norm of zeros, std of a constant, hypot and arctan2 of the origin"
LARGE_TERMS = "logarithms of sums of large terms"
NO_NUMBER = [
    gradient("np.sqrt(x)", 0, torch="torch.sqrt(x)", held="sqrt at 0"),
    gradient("np.linalg.norm(x)", [0, 0], torch="torch.linalg.norm(x)", held=ORIGIN),
    gradient("np.std(x)", [2, 2, 2], torch="torch.std(x, correction=0)", held=ORIGIN),
    gradient("np.hypot(x, y)", 0, 0, torch="torch.hypot(x, y)", held=ORIGIN),
    gradient("np.arctan2(x, y)", 0, 0, torch="torch.arctan2(x, y)", held=ORIGIN),
    gradient(
        "np.where(x > 0, np.log(x), 0.0)",
        [0, 2],
        torch="torch.where(x > 0, torch.log(x), 0.0)",
        held="where, untaken branch not finite",
    ),
    gradient(
        "np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0)",
        [0, 2],
        torch="torch.where(x > 0, torch.log(torch.where(x > 0, x, 1.0)), 0.0)",
        held="where, untaken branch not finite",
    ),
    asked(
        "warnings of `np.where(x > 0, np.sqrt(x), 0.0)` at `[0, 4]`, forward and back",
        said_of_untaken_root,
        *ALL,
        held="where, untaken branch not finite",
    ),
    asked(
        "the same inside `tg.debug()`, `detect_anomaly()`, `debug_nans(True)`",
        debugged_untaken_root,
        *ALL,
        held="test_the_debug_mode_names_what_an_untaken_branch_made",
    ),
    gradient("x**0.0", 0, torch="x**0.0", held="powers with exponent 0"),
    gradient("x**y", 0, 0, torch="x**y", held="powers with exponent 0"),
    gradient("x**y", -2, 3, torch="x**y", held="negative ** integer"),
    gradient("x**3", -2, torch="x**3", held="negative ** integer"),
    gradient("np.prod(x)", [0, 2, 3], torch="torch.prod(x)", held="prod with zeros"),
    gradient("np.prod(x)", [0, 0, 3], torch="torch.prod(x)", held="prod with zeros"),
    gradient(
        "scipy.special.xlogy(x, y)",
        0,
        0,
        torch="torch.xlogy(x, y)",
        jax="jax.scipy.special.xlogy(x, y)",
        held="test_xlogy_of_zeros",
    ),
    gradient(
        "np.logaddexp(x, y)",
        -inf,
        -inf,
        torch="torch.logaddexp(x, y)",
        held="log_softmax and logaddexp with -inf",
    ),
    gradient(
        "tg.logsumexp(x)",
        [-inf, -inf],
        torch="torch.logsumexp(x, 0)",
        jax="jax.nn.logsumexp(x)",
        held="log_softmax and logaddexp with -inf",
    ),
    gradient(
        "tg.log_softmax(x)[1]",
        [-inf, 0, 0],
        torch="F.log_softmax(x, -1)[1]",
        jax="jax.nn.log_softmax(x)[1]",
        held="log_softmax and logaddexp with -inf",
    ),
    gradient(
        "tg.logsumexp(x)",
        [inf, 0],
        torch="torch.logsumexp(x, 0)",
        jax="jax.nn.logsumexp(x)",
        held=LARGE_TERMS,
    ),
    gradient("np.logaddexp(x, y)", inf, inf, torch="torch.logaddexp(x, y)", held=LARGE_TERMS),
    gradient("np.logaddexp(x, y)", 1e50, 1e50, torch="torch.logaddexp(x, y)", held=LARGE_TERMS),
    gradient(
        "tg.log_softmax(x)[0]",
        [40, 0],
        torch="F.log_softmax(x, -1)[0]",
        jax="jax.nn.log_softmax(x)[0]",
        held=LARGE_TERMS,
    ),
]

NOTHING: list[Any] = []
SIZE_ZERO = [
    gradient("np.sum(x)", NOTHING, torch="torch.sum(x)", held="nothing to reduce"),
    gradient("np.mean(x)", NOTHING, value=True, torch="torch.mean(x)", held="nothing to reduce"),
    gradient("np.mean(x)", NOTHING, torch="torch.mean(x)", held="nothing to reduce"),
    gradient(
        "np.max(x)", NOTHING, torch="torch.max(x)", held="test_max_of_nothing_is_numpys_error"
    ),
    gradient("x + y", NOTHING, [1], torch="x + y", held="nothing to reduce"),
    gradient("np.sum(x, axis=0)", 3, torch="torch.sum(x, dim=0)", held="one axis of no axis"),
    gradient(
        "np.var(x, ddof=1)",
        [1],
        torch="torch.var(x)",
        held="more degrees of freedom than elements",
    ),
]

DTYPES = [
    asked(
        "requiring the gradient of integers",
        integer_leaf,
        *ALL,
        held="test_integers_cannot_require_gradients",
    ),
    asked(
        "dtype of the gradient of a float32 leaf times a float64 array",
        dtype_beside_double,
        *ALL,
        held="test_gradients_take_the_dtype_of_their_leaf_among_others",
    ),
    asked(
        "dtypes of loss, gradient and updated weight, all data float32",
        training_step,
        *ALL,
        held="test_a_training_step_keeps_the_dtype",
    ),
    gradient(
        "tg.nn.mse(x.astype('e').repeat(20000), np.zeros(20000, 'e'), 'sum')",
        [0.5],
        value=True,
        torch="F.mse_loss(x.half().repeat(20000), torch.zeros(20000).half(), reduction='sum')",
        jax="np.sum(np.square(x.astype('e').repeat(20000)))",
        held="test_float16_losses_accumulate_in_float32",
    ),
]

WALK = [
    gradient("x * x", [3, -2], torch="x * x", held="the same tensor twice"),
    gradient(
        "x[[0, 0]]",
        [3, 5],
        torch="x[[0, 0]]",
        jax="x[np.array([0, 0])]",
        held="the same tensor twice",
    ),
    asked(
        "`.grad` after `backward()` twice with `retain_graph=True`, of `x * x` at `[1, 2]`",
        two_calls,
        OURS,
        TORCH,
        held="test_two_backward_calls_add",
    ),
    asked(
        "the same with the default of `retain_graph`",
        second_call,
        OURS,
        TORCH,
        held="test_two_backward_calls_add",
    ),
    asked(
        "the gradient of a result that is no scalar, without a cotangent",
        no_cotangent,
        *ALL,
        held="test_a_non_scalar_needs_a_cotangent_of_its_shape",
    ),
    asked(
        "a cotangent of shape (2, 1) for a result of shape (2,)",
        other_cotangent,
        *ALL,
        held="test_a_non_scalar_needs_a_cotangent_of_its_shape",
    ),
    asked(
        "`.grad` of a leaf that the loss does not reach",
        not_reached,
        OURS,
        TORCH,
        held="test_a_leaf_not_reached",
    ),
    asked(
        "`grad` in an argument that the function does not use",
        not_reached_by_function,
        *ALL,
        held="test_a_leaf_not_reached",
    ),
]

BCE = "nn.bce_with_logits(x, np.array({y}, float), 'sum')"
TORCH_BCE = (
    "F.binary_cross_entropy_with_logits(x, torch.tensor({y}, dtype=x.dtype), reduction='sum')"
)
LOGITS = "binary cross entropy of logits"
CERTAIN = "test_binary_cross_entropy_of_certain_probabilities"
PROBABILITIES = "nn.binary_cross_entropy(x, np.array({y}, float), 'sum')"
TORCH_PROBABILITIES = "F.binary_cross_entropy(x, torch.tensor({y}, dtype=x.dtype), reduction='sum')"


BROADCAST = "test_losses_refuse_shapes_that_would_broadcast"
LOSSES = [
    gradient(
        "tg.sigmoid(x)",
        [1000, -1000],
        value=True,
        torch="torch.sigmoid(x)",
        jax="jax.nn.sigmoid(x)",
        held="sigmoid far out",
    ),
    gradient(
        "tg.sigmoid(x)",
        [1000, -1000],
        torch="torch.sigmoid(x)",
        jax="jax.nn.sigmoid(x)",
        held="sigmoid far out",
    ),
    loss(BCE, TORCH_BCE, [0, 1], [0, 0], held=LOGITS),
    loss(BCE, TORCH_BCE, [0, 1], [1000, -1000], held=LOGITS),
    loss(BCE, TORCH_BCE, [0, 1], [1000, -1000], held=LOGITS, value=True),
    loss(PROBABILITIES, TORCH_PROBABILITIES, [0, 1], [0, 1], held=CERTAIN, value=True),
    loss(PROBABILITIES, TORCH_PROBABILITIES, [1, 0], [0, 1], held=CERTAIN, value=True),
    loss(PROBABILITIES, TORCH_PROBABILITIES, [1, 0], [0, 1], held=CERTAIN),
    gradient(
        "tg.nn.mse(x, np.ones(3))",
        [[1], [2], [3]],
        value=True,
        torch="F.mse_loss(x, torch.ones(3))",
        jax=None,
        held=BROADCAST,
    ),
    gradient(
        "nn.bce_with_logits(x, np.ones(3))",
        [[1], [2], [3]],
        value=True,
        torch="F.binary_cross_entropy_with_logits(x, torch.ones(3))",
        jax=None,
        held=BROADCAST,
    ),
]


REAL_FUNCTION = "test_real_function_of_complex_numbers"
COMPLEX = [
    complex_gradient("np.abs(x)**2", 3 + 4j, "torch.abs(x)**2", REAL_FUNCTION),
    complex_gradient("np.real(x * x)", 3 + 4j, "torch.real(x * x)", REAL_FUNCTION),
    complex_gradient("np.imag(x)", 3 + 4j, "torch.imag(x)", REAL_FUNCTION),
    complex_gradient("np.abs(x)", 0j, "torch.abs(x)", "test_abs_of_complex_zero"),
    complex_gradient(
        "np.imag(np.exp(1j * x))",
        0.5,
        "torch.imag(torch.exp(1j * x))",
        "test_a_real_leaf_gets_a_real_gradient",
    ),
]

MUTATION = [
    asked(
        "`a = [2, 3]`, `x * a` computed, `a` set to 9, then the gradient in x",
        changed_array,
        *ALL,
        held="test_mutation_of_a_users_array_does_not_reach_the_gradient",
    ),
    asked(
        "`y = exp(x)` at `[0, 0]`, summed, `y += 1`, then the gradient of the sum",
        changed_value,
        *ALL,
        held="test_mutation_of_tensors_rebinds",
    ),
    asked(
        "`y = 2 * x`, `y[0][0] = 7`, then the gradient of the sum of y",
        written_view,
        *ALL,
        held="test_a_write_into_a_row_is_refused",
    ),
]

SECTIONS = {
    "Ties and kinks": KINKS,
    "Where the formula has no number": NO_NUMBER,
    "Too few elements": SIZE_ZERO,
    "Dtypes": DTYPES,
    "The walk back": WALK,
    "Losses": LOSSES,
    "Complex numbers": COMPLEX,
    "Mutation": MUTATION,
}
