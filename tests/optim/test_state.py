"""What a step may touch, what an optimizer remembers, and what it refuses."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import DTypeError, ShapeError, TinygradError, TrackedTensorError
from tinygrad_bp.optim import SGD, Adagrad, Adam, AdamW, Lion, Optimizer, RMSprop

KINDS = {
    "SGD": lambda params: SGD(params, 0.1),
    "SGD, decay": lambda params: SGD(params, 0.1, weight_decay=0.1),
    "SGD, momentum": lambda params: SGD(params, 0.1, momentum=0.9),
    "SGD, Nesterov": lambda params: SGD(params, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda params: Adam(params, 0.01),
    "AdamW": lambda params: AdamW(params, 0.01, weight_decay=0.1),
    "RMSprop": lambda params: RMSprop(params, 0.01, momentum=0.5),
    "Lion": lambda params: Lion(params, 0.01),
    "Adagrad": lambda params: Adagrad(params, 0.1),
}
X = np.random.default_rng(0).normal(size=(9, 3))
Y = np.random.default_rng(1).normal(size=(9, 1))
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def built(seed=0):
    return nn.Sequential(nn.Linear(3, 4, rng=seed), nn.Tanh(), nn.Linear(4, 1, rng=seed))


def train(net, optimizer, steps):
    for _ in range(steps):
        nn.mse(net(X), Y).backward()
        optimizer.step()
        optimizer.zero_grad()


def bits(*states):
    return [(name, a.dtype.char, a.tobytes()) for state in states for name, a in state.items()]


# What a step touches


@every_kind
def test_a_parameter_without_gradient_is_left_alone_and_so_is_its_memory(make):
    used, unused = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = make([unused, used])
    before = {k: a for k, a in optimizer.state().items() if k.endswith(".0")}
    for _ in range(3):
        used.grad = tg.tensor([1.0, -1.0])
        optimizer.step()
    assert unused.tolist() == [1.0, 2.0]
    assert bits({k: a for k, a in optimizer.state().items() if k.endswith(".0")}) == bits(before)
    assert (used.detach().numpy() != [1.0, 2.0]).all()
    # it begins late as if it were new
    fresh = tg.tensor([1.0, 2.0], requires_grad=True)
    unused.grad = fresh.grad = tg.tensor([0.5, 0.5])
    optimizer.step()
    make([fresh]).step()
    assert unused.tolist() == fresh.tolist()


@every_kind
def test_without_any_gradient_a_step_does_nothing(make):
    net = built()
    optimizer = make(net.parameters())
    before = bits(net.state(), optimizer.state())
    optimizer.step()
    assert bits(net.state(), optimizer.state()) == before


@every_kind
def test_a_step_leaves_gradients_graphs_and_the_users_arrays_as_they_were(make):
    given = np.array([[1.0], [2.0], [3.0]])
    w = tg.tensor(given, requires_grad=True)
    optimizer = make([w])
    loss = nn.mse(X @ w, Y)
    loss.backward()
    gradient, view, seen = w.grad, w.detach().numpy(), w.grad.numpy().copy()
    older = (np.sum(w**2), np.sum(w**2))  # graphs recorded before the step
    optimizer.step()
    assert w.grad is gradient
    assert gradient.numpy().tobytes() == seen.tobytes()
    assert view.tolist() == given.tolist() == [[1.0], [2.0], [3.0]]
    w.zero_grad()
    older[0].backward()
    assert w.grad.tolist() == [[2.0], [4.0], [6.0]]  # of the values the graph saw
    optimizer.step()
    w.zero_grad()
    older[1].backward()
    assert w.grad.tolist() == [[2.0], [4.0], [6.0]]


@every_kind
def test_a_recorded_gradient_can_be_stepped_along(make):
    w, v = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    np.sum(w**3).backward(create_graph=True)
    np.sum(v**3).backward()
    assert w.grad.requires_grad
    make([w]).step()
    make([v]).step()
    assert w.is_leaf
    assert w.tolist() == v.tolist()


def test_zero_grad_forgets_the_gradients():
    net = built()
    nn.mse(net(X), Y).backward()
    SGD(net.parameters(), 0.1).zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_the_parameters_may_come_from_a_generator_and_stay_the_same_objects():
    net = built()
    optimizer = SGD((p for p in net.parameters()), 0.1)
    assert [id(p) for p in optimizer.params] == [id(p) for p in net.parameters()]
    train(net, optimizer, 1)
    assert [id(p) for p in optimizer.params] == [id(p) for p in net.parameters()]


def step(optimizer, _state):
    optimizer.step()


def load_state(optimizer, state):
    optimizer.load_state(state)


@every_kind
@pytest.mark.parametrize("act", [step, load_state])
def test_an_interrupt_at_any_line_leaves_all_or_nothing(make, act):
    other = built(seed=1)
    trained = make(other.parameters())
    train(other, trained, 5)
    trained.lr = 0.025
    state = trained.state()

    def run(line):
        """Train two steps and interrupt what comes next before a line of the package."""
        net = built()
        optimizer = make(net.parameters())
        train(net, optimizer, 2)
        nn.mse(net(X), Y).backward()
        counted = 0

        def trace(frame, event, _argument):
            nonlocal counted
            if "tinygrad_bp" not in frame.f_code.co_filename:
                return None
            counted += event == "line"
            if event == "line" and counted == line:
                raise KeyboardInterrupt
            return trace

        before, previous = bits(net.state(), optimizer.state()), sys.gettrace()
        sys.settrace(trace)
        try:
            act(optimizer, state)
        except KeyboardInterrupt:
            sys.settrace(previous)
            return before, bits(net.state(), optimizer.state()), True
        finally:
            sys.settrace(previous)
        return before, bits(net.state(), optimizer.state()), False

    before, after, _ = run(0)
    assert before != after
    outcomes, line = [], 1
    while True:
        _, now, interrupted = run(line)
        if not interrupted:
            break
        outcomes.append((before, after).index(now))  # ValueError if it is neither
        line += 1
    assert 0 in outcomes
    assert outcomes == sorted(outcomes)
    assert line > (20 if act is step else 8)


# State


@every_kind
def test_a_resumed_training_gives_the_bits_of_an_uninterrupted_one(make):
    whole, first, second = built(), built(), built(seed=1)
    optimizer = make(whole.parameters())
    train(whole, optimizer, 10)
    saved = make(first.parameters())
    train(first, saved, 4)
    resumed = make(second.parameters())
    resumed.lr = 77.0
    second.load_state(first.state())
    resumed.load_state(saved.state())
    train(second, resumed, 6)
    assert bits(second.state(), resumed.state()) == bits(whole.state(), optimizer.state())


@every_kind
def test_state_is_a_copy_on_the_way_out_and_in(make):
    net = built()
    optimizer = make(net.parameters())
    train(net, optimizer, 2)
    state = optimizer.state()
    before = bits(state)
    for array in state.values():
        array[...] = 7
    assert bits(optimizer.state()) == before
    state = optimizer.state()
    optimizer.load_state(state)
    for array in state.values():
        array[...] = 7
    assert bits(optimizer.state()) == before
    train(net, optimizer, 1)
    assert bits(optimizer.state()) != before or make is KINDS["SGD"] or make is KINDS["SGD, decay"]


MEMORIES = {
    "SGD": [],
    "SGD, decay": [],
    "SGD, momentum": ["momentum"],
    "SGD, Nesterov": ["momentum"],
    "Adam": ["mean", "square", "steps"],
    "AdamW": ["mean", "square", "steps"],
    "RMSprop": ["square", "momentum"],
    "Lion": ["mean"],
    "Adagrad": ["sum"],
}


@pytest.mark.parametrize("name", KINDS)
def test_state_names_every_memory_of_every_parameter(name):
    state = KINDS[name](built().parameters()).state()
    assert list(state) == ["lr", *(f"{kind}.{i}" for kind in MEMORIES[name] for i in range(4))]
    assert all(type(array) is np.ndarray for array in state.values())


@pytest.mark.parametrize(
    ("changes", "error", "part"),
    [
        ({"lr": None}, TinygradError, "missing 'lr'"),
        ({"lr": np.float64(-1.0)}, ValueError, "lr=-1.0; expected a finite number"),
        ({"lr": np.float64(math.nan)}, ValueError, "lr=nan"),
        (
            {"mean.0": None, "mean.9": np.ones(1)},
            TinygradError,
            "missing 'mean.0'; unexpected 'mean.9'",
        ),
        ({"square.1": np.ones(5)}, ShapeError, "'square.1' has shape (5,), expected (4,)"),
        ({"steps.1": np.array(1)}, TinygradError, "dtype int64, expected float64"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(changes, error, part):
    net = built()
    optimizer = Adam(net.parameters())
    train(net, optimizer, 2)
    before = bits(optimizer.state())
    state = {k: a * 2 for k, a in optimizer.state().items()} | changes
    with pytest.raises(error) as caught:
        optimizer.load_state({k: a for k, a in state.items() if a is not None})
    assert part in str(caught.value)
    assert bits(optimizer.state()) == before


def test_a_state_of_another_optimizer_is_refused():
    net = built()
    with pytest.raises(TinygradError, match=r"SGD.load_state: unexpected 'mean.0'"):
        SGD(net.parameters(), 0.1).load_state(Adam(net.parameters()).state())


# The learning rate


@every_kind
def test_the_rate_can_be_set_between_steps(make):
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = make([w])
    w.grad = tg.tensor([1.0, 1.0])
    optimizer.step()
    moved = w.tolist()
    optimizer.lr = 0.0
    optimizer.step()
    assert w.tolist() == moved
    optimizer.lr = np.float32(0.5)
    assert type(optimizer.lr) is float
    optimizer.step()
    assert w.tolist() != moved
    for bad in (-1, math.nan, math.inf, "0.1", None, True):
        with pytest.raises(ValueError, match=r"lr=.*expected a finite number, 0 or more"):
            optimizer.lr = bad
    assert optimizer.lr == 0.5


# What is refused


def leaves():
    return [tg.tensor([1.0], requires_grad=True)]


BAD_SETTINGS = [
    (SGD, {"lr": -0.1}, "SGD: lr=-0.1"),
    (SGD, {"lr": math.nan}, "SGD: lr=nan"),
    (SGD, {"lr": math.inf}, "SGD: lr=inf"),
    (SGD, {"lr": "fast"}, "SGD: lr='fast'"),
    (SGD, {"lr": 1, "momentum": 1.0}, "SGD: momentum=1.0; expected a number from 0 to below 1"),
    (SGD, {"lr": 1, "momentum": -0.1}, "SGD: momentum=-0.1"),
    (SGD, {"lr": 1, "weight_decay": -1e-9}, "SGD: weight_decay=-1e-09"),
    (SGD, {"lr": 1, "nesterov": True}, "SGD: nesterov=True needs momentum"),
    (Adam, {"lr": -1}, "Adam: lr=-1"),
    (Adam, {"betas": (1.0, 0.9)}, "Adam: betas[0]=1.0"),
    (Adam, {"betas": (0.9, -0.1)}, "Adam: betas[1]=-0.1"),
    (Adam, {"betas": (0.9,)}, "Adam: betas=(0.9,); expected a pair"),
    (Adam, {"betas": 0.9}, "Adam: betas=0.9; expected a pair"),
    (Adam, {"eps": -1e-8}, "Adam: eps=-1e-08"),
    (Adam, {"eps": 0}, "Adam: eps=0; expected above 0"),
    (Adam, {"weight_decay": math.inf}, "Adam: weight_decay=inf"),
    (AdamW, {"weight_decay": -0.1}, "AdamW: weight_decay=-0.1"),
    (AdamW, {"eps": None}, "AdamW: eps=None"),
    (RMSprop, {"eps": 0}, "RMSprop: eps=0; expected a finite number above 0"),
    (RMSprop, {"decay": 1.0}, "RMSprop: decay=1.0; expected a number from 0 to below 1"),
    (Adagrad, {"eps": -1}, "Adagrad: eps=-1; expected a finite number above 0"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), BAD_SETTINGS, ids=lambda v: str(v)[:40])
def test_a_setting_out_of_its_range_is_named(kind, settings, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is compared below
        kind(leaves(), **settings)
    assert str(caught.value).startswith(message)


ONE = tg.tensor([1.0], requires_grad=True)
BAD_PARAMS = [
    ([], ValueError, "no parameters to optimize"),
    (ONE, TypeError, r"expected a list of parameters, got Tensor; pass .*\[tensor\]"),
    (None, TypeError, "expected a list of parameters, got NoneType"),
    (nn.Linear(1, 1, rng=0), TypeError, "got Linear; pass network.parameters()"),
    ([ONE, np.ones(1)], TypeError, "parameter 1 is a ndarray; expected a Tensor"),
    (["W"], TypeError, "parameter 0 is a str"),
    ([ONE * 2], TrackedTensorError, r"parameter 0 \(1,\) gets no gradient: it is computed"),
    ([tg.tensor([1.0])], TrackedTensorError, "parameter 0 .* it is not tracked"),
    ([ONE, ONE], ValueError, "parameters 0 and 1 are one Tensor"),
    ([tg.tensor([1j], requires_grad=True)], DTypeError, "parameter 0 is complex128; expected real"),
]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize(("params", "error", "match"), BAD_PARAMS, ids=lambda v: str(v)[:30])
def test_what_is_no_parameter_is_named(kind, params, error, match):
    with pytest.raises(error, match=match) as caught:
        kind(params, lr=0.1)
    assert str(caught.value).startswith(f"{kind.__name__}: ")


def test_a_setting_changed_after_the_start_is_heeded():
    w = tg.tensor([1.0], requires_grad=True)
    optimizer = SGD([w], 0.1)
    optimizer.weight_decay = 0.5
    w.grad = tg.tensor([0.0])
    optimizer.step()
    assert w.item() == pytest.approx(0.95)


def test_an_optimizer_of_ones_own_needs_only_a_step():
    class SignDescent(Optimizer):
        def step(self):
            for param in self.params:
                if param.grad is not None:
                    param.grad = None

    assert SignDescent(leaves(), 0.1).state() == {"lr": 0.1}
    assert repr(SignDescent(leaves(), 0.1)) == "SignDescent(1 parameters, lr=0.1)"
    with pytest.raises(NotImplementedError, match=r"Optimizer has no step\(\)"):
        Optimizer(leaves(), 0.1).step()


@every_kind
def test_a_parameter_that_never_has_a_gradient_is_warned_of_once(make):
    used, lost = (tg.tensor(np.ones(2), requires_grad=True, name=name) for name in ("u", "lost"))
    optimizer = make([used, lost])

    def descend():
        for _ in range(40):
            np.sum(used * (2.0 * lost).numpy()).backward()
            optimizer.step()

    with pytest.warns(
        UserWarning, match="no gradient in 10 steps for parameter 1 'lost'"
    ) as caught:
        descend()
    assert [one.filename for one in caught] == [__file__]


@every_kind
def test_a_parameter_that_rests_at_times_is_not_warned_of(make):
    one, other = (tg.tensor(np.ones(2), requires_grad=True) for _ in range(2))
    optimizer = make([one, other])
    for i in range(30):
        np.sum(one * other if i == 8 else one).backward()
        optimizer.step()
        optimizer.zero_grad()
