"""What a compiled function depends on: what is refused, by name, and what makes another version."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from itertools import count
from typing import Any

import numpy as np
import pytest
from twins import close, twins

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.errors import DataError, ProgramError, ShapeError, TraceError

X = np.random.default_rng(0).normal(size=(4, 3))


def compiled(f: Any, **options: Any) -> Any:
    return tg.compile(f, backend="numpy", **options)


def test_a_value_that_is_read() -> None:
    def f(x: Any) -> Any:
        return x if np.sum(x) > 0 else -x

    words = r"truth of a value.*test_compiled_refusals\.py.*np\.where"
    with pytest.raises(TraceError, match=words):
        compiled(f)(X)


@pytest.mark.parametrize("source", [np.random.rand, count().__next__])
def test_chance_or_a_counter(source: Any) -> None:
    def f(x: Any) -> Any:
        return np.sum(x) * float(source())

    with pytest.raises(TraceError, match=r"multiply at test_compiled_refusals\.py:\d+"):
        compiled(f)(X)


def test_a_generator_that_is_not_listed() -> None:
    rng = np.random.default_rng(0)

    def f(x: Any) -> Any:
        return x * (rng.random(x.shape) > 0.5)

    with pytest.raises(TraceError, match=r"two traces .*test_compiled_refusals\.py.*state="):
        compiled(f)(X)


def test_a_parameter_that_is_not_listed() -> None:
    w = tg.tensor(np.ones(3), requires_grad=True, name="w")

    def step(x: Any) -> Any:
        loss = np.sum(x * w)
        loss.backward()
        return loss

    with pytest.raises(TraceError, match=r"'w'.*list it in state="):
        compiled(step)(X)
    assert w.grad is None
    with pytest.raises(TraceError, match=r"reads the Tensor 'w'.*state="):
        compiled(lambda x: np.sum(x * w).detach())(X)


def test_a_tracked_tensor_as_argument() -> None:
    w = tg.tensor(np.ones(3), requires_grad=True, name="w")
    with pytest.raises(TraceError, match=r"argument w is a tracked Tensor.*state="):
        compiled(lambda x: x * 2.0)(w)
    close(compiled(lambda x: (x * 2.0).detach(), state=w)(w), tg.tensor(np.full(3, 2.0)))


def test_an_attribute_that_is_counted() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Linear(3, 1, rng=0)
            self.calls = 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            return self.inner(x)

    net = Counting()
    with pytest.raises(TraceError, match=r"changes the attribute 'calls'"):
        compiled(lambda x: net(x).detach(), state=net)(X)
    assert net.calls == 0


def test_the_rate_is_set_between_steps() -> None:
    net = nn.Linear(3, 1, rng=0)
    own = optim.SGD(net.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        own.lr = own.lr * 0.5
        return np.sum(x)

    with pytest.raises((TraceError, ValueError), match="lr"):
        compiled(step, state=own)(X)
    assert own.lr == 0.1


def test_debug_looks_at_values() -> None:
    with tg.debug(), pytest.raises(TraceError, match=r"tg\.debug"):
        compiled(np.tanh)(X)


def test_what_state_takes() -> None:
    with pytest.raises(TypeError, match="a str in state="):
        compiled(np.tanh, state="model")(X)
    w = tg.tensor(np.ones(3), requires_grad=True)
    with pytest.raises(TraceError, match="was computed"):
        compiled(np.tanh, state=w * 2.0)(X)
    with pytest.raises(TypeError, match="expected a function"):
        tg.compile(3)
    with pytest.raises(ValueError, match="backend='jit'; expected one of auto, native"):
        tg.compile(np.tanh, backend="jit")
    with pytest.raises(TypeError, match=r"static=\['z'\] of a function of \(x\)"):
        tg.compile(lambda x: x, static="z")


def test_a_draw_by_a_value() -> None:
    def f(rng: Any, x: Any) -> Any:
        return rng.normal(loc=x)

    with pytest.raises(TraceError, match=r"rng\.normal is given a value of the step"):
        compiled(f)(np.random.default_rng(0), X)
    with pytest.raises(TraceError, match="shuffle"):
        compiled(lambda rng, x: rng.shuffle(x))(np.random.default_rng(0), X)


# Guards


def training(loss: Any) -> Any:
    layer = nn.Linear(3, 2, rng=0)
    own = optim.SGD(layer.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        value = loss(layer(x), y)
        value.backward()
        own.step()
        own.zero_grad()
        return value

    return layer, compiled(step, state=(layer, own))


GUARDED: dict[str, tuple[Any, Any, Any, Any]] = {
    "bce": (nn.bce_with_logits, np.ones((4, 2)), np.full((4, 2), 1.5), DataError),
    "bce-nan": (nn.bce_with_logits, np.ones((4, 2)), np.full((4, 2), np.nan), DataError),
    "classes": (nn.cross_entropy, np.array([0, 1, 1, 0]), np.array([0, 1, 2, 0]), ShapeError),
    "negative": (nn.cross_entropy, np.array([0, 1, 1, 0]), np.array([0, -1, 1, 0]), ShapeError),
    "hinge": (nn.losses.hinge, np.ones((4, 2)), np.zeros((4, 2)), DataError),
    "focal": (nn.losses.focal, np.ones((4, 2)), -np.ones((4, 2)), DataError),
    "poisson": (nn.losses.poisson, np.ones((4, 2)), -np.ones((4, 2)), DataError),
    "computed": (
        lambda z, y: nn.bce_with_logits(z, y * 0.5),
        np.ones((4, 2)),
        np.full((4, 2), 3.0),
        DataError,
    ),
}


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("wrap", [np.asarray, tg.tensor])
def test_labels_are_checked_at_each_call(name: str, wrap: Any) -> None:
    loss, right, wrong, error = GUARDED[name]
    layer, step = training(loss)
    step(X, wrap(right))
    before = layer.state()
    with pytest.raises(error):
        step(X, wrap(wrong))
    close(layer.state(), before)
    labels = right.copy()
    step(X, wrap(labels))
    labels[...] = wrong  # the same array, written into
    with pytest.raises(error):
        step(X, wrap(labels))
    step(X, wrap(right))


def test_symbols_of_an_embedding_are_checked() -> None:
    layer = nn.Embedding(4, 2, rng=0)
    f = compiled(lambda symbols: layer(symbols).detach(), state=layer)
    f(np.array([0, 3]))
    with pytest.raises(ShapeError, match="0 to 4"):
        f(np.array([0, 4]))


# What is around a function

SCALE = 2.0
TABLE = np.array([1.0, 2.0, 3.0])


def test_a_captured_array_that_is_written_into() -> None:
    f = compiled(lambda x: x * TABLE + TABLE[::-1])
    before = TABLE.copy()
    try:
        for k in range(3):
            TABLE[k] += 1.0
            close(f(X), X * TABLE + TABLE[::-1])
    finally:
        TABLE[...] = before
    close(f(X), X * TABLE + TABLE[::-1])


def test_a_captured_array_of_a_gradient() -> None:
    weights = np.ones(3)
    g = tg.grad(lambda x: np.sum(weights * np.sin(x) * weights))
    f = compiled(g)
    close(f(X), g(X))
    weights *= 3.0
    close(f(X), g(X))


def test_an_equal_array_of_the_function_is_another() -> None:
    ones = np.ones(3)
    f = lambda x: x * ones + np.ones(3)
    fast = compiled(f)
    for _ in range(2):
        close(fast(X), f(X))
        ones += 1.0


def test_a_captured_number_array_or_function_that_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offset = 1.0
    weights: Any = np.ones(3)

    def scaled(x: Any) -> Any:
        return x * SCALE

    inner: Any = scaled

    def f(x: Any) -> Any:
        return inner(x) * weights + offset

    fast = compiled(f)
    close(fast(X), f(X))
    monkeypatch.setattr("test_compiled_refusals.SCALE", 5.0)
    close(fast(X), f(X))
    offset = -1.0
    close(fast(X), f(X))
    weights = np.array([1.0, 0.0, 2.0])
    close(fast(X), f(X))
    inner = np.cos
    close(fast(X), f(X))
    weights = tg.tensor(np.ones(3))
    close(fast(X), f(X))
    weights[0] = 4.0
    close(fast(X), f(X))
    config = {"scale": 1.0}
    g = lambda x: x * config["scale"]
    slow = compiled(g)
    close(slow(X), g(X))
    config["scale"] = 3.0
    close(slow(X), g(X))
    assert "the variable offset has changed" in fast.explain_retrace()


def test_a_captured_array_that_keeps_changing_is_said() -> None:
    buffer = np.zeros(3)
    f = compiled(lambda x: x + buffer)
    for k in range(9):
        buffer += 1.0
        with pytest.warns(UserWarning, match="pass it as an argument") if k == 8 else nullcontext():
            found = f(X)
        close(found, X + buffer)


# Versions


def test_what_makes_another_version() -> None:
    def f(x: Any, power: int = 2, shift: Any = None) -> Any:
        return x**power if shift is None else x**power + shift["by"]

    fast = compiled(f)
    for args, kwargs in [
        ((X,), {}),
        ((X, 3), {}),
        ((X.astype(np.float32), 3), {}),
        ((X.T,), {}),
        ((X[0],), {}),
        ((X,), {"shift": {"by": 1.5}}),
        ((X,), {"shift": {"by": np.float64(1.5)}}),
        ((X,), {"power": 3, "shift": {"by": X}}),
        ((tg.tensor(X),), {}),
        ((tg.tensor(X.astype(np.float32)),), {}),
        ((X.astype(">f8"),), {}),
        ((2.0,), {}),
        ((np.asfortranarray(X),), {}),
        ((np.zeros((0, 3)),), {}),
    ]:
        close(fast(*args, **kwargs), f(*args, **kwargs))
    lines = fast.explain_retrace().split("\n")
    assert lines[1].startswith("2. the arguments have other names")
    assert "x is ndarray float32 (4, 3), and was ndarray float64 (4, 3)" in lines[2]


def test_static_arguments() -> None:
    def f(x: Any, rate: float, names: tuple[str, ...]) -> Any:
        return x * (1.0 if rate > 0.5 else rate) * len(names)

    fast = compiled(f, static=("rate", 2))
    for rate in (0.25, 0.75, 0.25):
        close(fast(X, rate, ("a", "b")), f(X, rate, ("a", "b")))


def test_a_new_length_is_no_new_program() -> None:
    f = compiled(lambda x: np.sum(x - np.mean(x, axis=0), axis=1) / len(x))
    for n in (4, 1, 7, 97, 101, 4):
        x = np.random.default_rng(n).normal(size=(n, 3))
        close(f(x), np.sum(x - np.mean(x, axis=0), axis=1) / n)
    assert f.explain_retrace().count("traced") == 1


def test_a_length_that_decides_on_the_program() -> None:
    f = lambda x: np.sum(x) if len(x) > 4 else np.prod(x)
    fast = compiled(f)
    for n in (3, 5, 4, 3, 8):
        close(fast(np.ones(n) * 1.5), f(np.ones(n) * 1.5))


def test_the_grad_mode_counts() -> None:
    w = tg.tensor(np.ones(3), requires_grad=True)

    def f(x: Any) -> Any:
        out = np.sum(w * x)
        return out.detach() if out.requires_grad else -out

    fast = compiled(f, state=w)
    close(fast(X), f(X))
    with tg.no_grad():
        close(fast(X), f(X))
    close(fast(X), f(X))


def test_transforms() -> None:
    def f(w: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ w) ** 2)

    w, v = np.ones(3), np.arange(3.0)
    for g in (
        tg.grad(f),
        tg.value_and_grad(f),
        tg.jacobian(lambda w, x: np.tanh(x @ w)),
        tg.hessian(f),
        lambda w, x: tg.hvp(lambda w: f(w, x), (w,), (v,)),
        tg.vmap(f, (None, 0)),
        tg.vmap(tg.grad(f), (None, 0)),
        tg.grad(lambda w, x: np.sum(tg.vmap(tg.grad(f), (None, 0))(w, x) ** 2)),
    ):
        fast = compiled(g)
        for x in (X, X[:2], X):
            close(fast(w, x), g(w, x), ulps=512)


def test_methods_and_partial_functions() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(3, 2, rng=0)

        @tg.compile(backend="numpy")
        def forward(self, x: Any) -> Any:
            return self.layer(x).detach()

    first, second = Net(), Net()
    second.layer.load_state({k: v * 2 for k, v in second.layer.state().items()})
    for net in (first, second, first):
        close(net(X), net.layer(X).detach())


def test_a_compiled_function_in_a_program_is_the_function() -> None:
    inner = compiled(np.tanh)
    inner(X)
    outer = compiled(tg.grad(lambda x: np.sum(inner(x) ** 2)))
    close(outer(X), tg.grad(lambda x: np.sum(np.tanh(x) ** 2))(X))
    assert "tanh" in str(tg.program(inner, X))


def test_a_ufunc_and_no_arguments() -> None:
    close(compiled(np.tanh)(X), np.tanh(X))
    w = tg.tensor(np.ones(2), requires_grad=True)

    def step() -> None:
        np.sum(w**2).backward()

    f = compiled(step, state=w)
    assert f() is None
    close(f(), None)
    close(w.grad, tg.tensor([4.0, 4.0]))


def test_results_of_every_kind() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)

    def f(x: Any, s: float) -> Any:
        return {"w": w, "n": None, "text": "a", "k": 3, "s": s * 2, "t": tg.tensor(1.0), "x": x[0]}

    fast = compiled(f, state=w)
    for _ in range(2):
        found, wanted = fast(X[0], 0.5), f(X[0], 0.5)
        close(found, wanted)
        assert found["w"] is w


# Without native code


def test_what_it_tells() -> None:
    f = compiled(lambda x: np.sum(np.tanh(x)))
    with pytest.raises(ProgramError, match="before the first call"):
        _ = f.program
    assert f.explain_retrace() == ""
    text = str(f.lower(X))
    assert "tanh" in text
    assert "for any" in text
    assert f.program.check().instructions[0].op == "tanh"
    assert f.timings["trace"] > 0
    assert "1 versions" in repr(f)


def test_the_function_itself_runs_and_that_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_bp.compiling import making
    from tinygrad_bp.errors import NativeUnavailable

    def none(*_: Any) -> Any:
        raise NativeUnavailable("no FMA")

    monkeypatch.setattr(making, "engine_of", none)
    f = tg.compile(np.tanh)
    with pytest.warns(UserWarning, match="no FMA") as told:
        close(f(X), np.tanh(X))
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(f(X), np.tanh(X))
        close(tg.compile(np.sinh)(X), np.sinh(X))  # of all functions
    with pytest.raises(ProgramError, match="no FMA"):
        tg.compile(np.tanh, backend="native")(X)


def test_eager() -> None:
    calls = count(1)
    f = tg.compile(lambda x: x * next(calls), backend="eager")
    close(f(X), X * 1)
    close(f.repeat(3, X), X * 4)


def test_twins_sees_a_difference() -> None:
    numbers = count()

    def make() -> Any:
        k = float(next(numbers))
        return (), lambda x: x * k

    with pytest.raises(AssertionError):
        twins(make, [(X,)])


@pytest.mark.parametrize(
    "further", [lambda w: w, lambda w: 2 * w, lambda w: tg.checkpoint(np.sin)(w)]
)
@pytest.mark.parametrize(
    "transform",
    [
        lambda f: tg.grad(f)(0.7),
        lambda f: tg.jvp(f, (0.7,), (1.0,)),
        lambda f: tg.vjp(f, 0.7),
        lambda f: tg.hessian(f)(0.7),
    ],
    ids=["grad", "jvp", "vjp", "hessian"],
)
def test_what_a_transform_around_differentiates_by(transform: Any, further: Any) -> None:
    """The gradient was 0 without a word."""

    def f(w: Any) -> Any:
        inner = further(w)
        return compiled(lambda x: np.sum(np.sin(inner * x)))(X)

    with pytest.raises(TraceError, match=r"tg\.compile\(tg\.grad\(f\)\)"):
        transform(f)
    # inside of the step there is nothing against it
    step = compiled(tg.grad(lambda w: np.sum(np.sin(further(w) * X))))
    np.testing.assert_allclose(
        step(np.array(0.7)), tg.grad(lambda w: np.sum(np.sin(further(w) * X)))(0.7)
    )
