"""Modules: which parameters they find, under which names, and how state goes out and in."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp import files, nn
from tinygrad_bp.errors import DTypeError, ShapeError, TinygradError


def zeros(*shape, dtype=float):
    return tg.tensor(np.zeros(shape, dtype), requires_grad=True)


class Holder(nn.Module):
    """A module with the given attributes."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


def names(module):
    return [name for name, _ in module.named_parameters()]


# Names


NESTED = Holder(a=zeros(), b=Holder(c=zeros(), d=Holder(e=zeros())), f=zeros())
FOUND = [
    (Holder(), []),
    (nn.Linear(2, 3, rng=0), ["W", "b"]),
    (nn.Linear(2, 3, bias=False, rng=0), ["W"]),
    (nn.Sigmoid(), []),
    (nn.Sequential(nn.Linear(1, 2, rng=0), nn.Tanh(), nn.Linear(2, 1, rng=0)), [
        "layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b",
    ]),
    (NESTED, ["a", "b.c", "b.d.e", "f"]),
    (Holder(x=[zeros(), (zeros(), {"k": zeros()})]), ["x.0", "x.1.0", "x.1.1.k"]),
    (Holder(x={"one": zeros(), 2: [zeros()]}), ["x.one", "x.2.0"]),
    (Holder(x=[Holder(y=zeros())], z={"n": nn.Linear(1, 1, rng=0)}), ["x.0.y", "z.n.W", "z.n.b"]),
    (Holder(b=zeros() * 2, d=3, e=None, f="leaf"), []),
]  # fmt: skip


@pytest.mark.parametrize(("module", "wanted"), FOUND, ids=lambda v: str(v)[:30])
def test_parameters_are_named_by_their_path_in_the_order_of_definition(module, wanted):
    assert names(module) == wanted
    assert list(module.state()) == wanted
    assert [id(p) for p in module.parameters()] == [id(p) for _, p in module.named_parameters()]
    assert all(p.is_leaf and p.requires_grad for p in module.parameters())


def test_a_shared_parameter_is_found_once_under_its_first_name():
    shared = zeros(2)
    layer = nn.Linear(2, 2, rng=0)
    module = Holder(a=shared, b=[shared, layer], c=layer, d={"x": layer.W})
    assert names(module) == ["a", "b.1.W", "b.1.b"]


def test_a_module_within_itself_is_no_endless_search():
    module = Holder(a=zeros())
    module.inner = Holder(back=module, b=zeros())
    assert names(module) == ["a", "inner.b"]
    assert "..." in repr(module)


def test_modules_nested_five_thousand_deep_are_searched():
    module = Holder(w=zeros())
    for _ in range(5_000):
        module = Holder(n=module)
    ((name, parameter),) = module.named_parameters()
    assert name == "n." * 5_000 + "w"
    assert parameter.shape == ()
    while hasattr(module, "n"):  # taken apart here: Python's own deallocator recurses into objects
        module = vars(module).pop("n")


def test_attributes_may_be_replaced_at_any_time():
    module = Holder(a=zeros())
    module.b = nn.Linear(1, 1, rng=0)
    del module.a
    module.b.b = None
    assert names(module) == ["b.W"]


AMBIGUOUS = [Holder(x={"1": zeros(), 1: zeros()}), Holder(x={"a.b": zeros(), "a": {"b": zeros()}})]


@pytest.mark.parametrize("module", AMBIGUOUS, ids=["1 and '1'", "dot"])
def test_two_arrays_of_one_name_have_no_state(module):
    assert len(module.parameters()) == 2
    with pytest.raises(TinygradError, match=r"two arrays are called 'x\."):
        module.state()
    with pytest.raises(TinygradError, match=r"two arrays are called 'x\."):
        module.load_state({})


TREES = st.recursive(
    st.sampled_from(["leaf", "constant"]),
    lambda children: st.one_of(
        st.lists(children, max_size=3),
        st.tuples(children, children),
        st.dictionaries(st.sampled_from("abc"), children, max_size=3),
        st.builds(
            lambda inside: Holder(**inside), st.dictionaries(st.sampled_from("xyz"), children)
        ),
    ),
    max_leaves=12,
)


def grown(tree, path, found):
    """Replace the words in `tree` by values; note the leaves by path in `found`."""
    if tree == "constant":
        return np.ones(1)
    if tree == "leaf":
        found[path] = zeros(len(found))
        return found[path]
    if isinstance(tree, Holder):
        return Holder(**{k: grown(v, f"{path}.{k}", found) for k, v in vars(tree).items()})
    if isinstance(tree, dict):
        return {k: grown(v, f"{path}.{k}", found) for k, v in tree.items()}
    return type(tree)(grown(v, f"{path}.{i}", found) for i, v in enumerate(tree))


@given(TREES)
def test_every_leaf_of_any_nesting_is_found_by_its_path(tree):
    found = {}
    module = Holder(t=grown(tree, "t", found))
    assert [(name, id(p)) for name, p in module.named_parameters()] == [
        (name, id(p)) for name, p in found.items()
    ]


# Calls


def test_a_call_is_forward_with_all_arguments():
    class Scaled(nn.Module):
        def forward(self, x, *, by=2):
            return x * by

    assert Scaled()(3) == 6
    assert Scaled()(3, by=5) == 15
    with pytest.raises(NotImplementedError, match=r"Holder has no forward\(\): write"):
        Holder()(1)


def test_zero_grad_clears_every_parameter():
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=0))
    np.sum(net(np.ones((4, 2)))).backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_a_module_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Sigmoid())
        np.sum(net(np.ones((4, 2)))).backward()
        net.state()
        gone = [weakref.ref(p) for p in net.parameters()]
        del net
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


# State


def example():
    return Holder(
        scalar=tg.tensor(1.5, requires_grad=True),
        net=nn.Linear(2, 3, rng=0),
        rest=[tg.tensor([1, 2], dtype=np.float32, requires_grad=True), zeros(0, 4)],
    )


def test_state_is_a_copy():
    module = example()
    state = module.state()
    before = {name: array.copy() for name, array in state.items()}
    for array in state.values():
        array[...] = 7
    for name, array in module.state().items():
        assert type(array) is np.ndarray
        assert array.tobytes() == before[name].tobytes()


def test_state_goes_out_and_in_to_the_bit():
    source, target = example(), example()
    target.net = nn.Linear(2, 3, rng=1)
    state = source.state()
    assert {k: (v.shape, v.dtype.char) for k, v in state.items()} == {
        "scalar": ((), "d"),
        "net.W": ((2, 3), "d"),
        "net.b": ((3,), "d"),
        "rest.0": ((2,), "f"),
        "rest.1": ((0, 4), "d"),
    }
    leaves = [id(p) for p in target.parameters()]
    target.load_state(state)
    assert [id(p) for p in target.parameters()] == leaves  # an optimizer keeps its parameters
    state["net.W"][...] = 7  # what was loaded is a copy
    for name, array in target.state().items():
        assert array.tobytes() == source.state()[name].tobytes()
        assert array.dtype == source.state()[name].dtype


def test_the_loaded_weights_are_the_ones_that_are_used_and_trained():
    source, target = nn.Linear(2, 1, rng=0), nn.Linear(2, 1, rng=1)
    X = np.ones((3, 2))
    target(X)  # a graph of the old weights
    target.load_state(source.state())
    np.testing.assert_array_equal(target(X).detach().numpy(), source(X).detach().numpy())
    np.sum(target(X) ** 2).backward()
    np.sum(source(X) ** 2).backward()
    np.testing.assert_array_equal(target.W.grad.numpy(), source.W.grad.numpy())


def test_a_graph_recorded_before_load_state_keeps_the_old_weights():
    net = nn.Linear(2, 1, bias=False, init=lambda _rng, i, o: np.full((i, o), 3.0))
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    out = np.sum(net(x))
    net.load_state({"W": np.full((2, 1), 100.0)})
    out.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[3.0, 3.0]])


def changed(**changes):
    state = example().state()
    state.update(changes)
    return {name: array for name, array in state.items() if array is not None}


REFUSED = [
    ({"scalar": None}, TinygradError, ["missing 'scalar'"]),
    ({"more": np.ones(1)}, TinygradError, ["unexpected 'more'"]),
    ({"scalar": np.ones(1)}, ShapeError, ["'scalar' has shape (1,), expected ()"]),
    ({"net.W": np.ones((3, 2))}, ShapeError, ["'net.W' has shape (3, 2), expected (2, 3)"]),
    ({"net.b": np.ones(1)}, ShapeError, ["'net.b' has shape (1,)"]),
    ({"net.b": np.ones(3, np.float32)}, TinygradError, ["dtype float32, expected float64"]),
    ({"rest.0": np.ones(2)}, TinygradError, ["'rest.0' has dtype float64, expected float32"]),
    ({"scalar": 1}, TinygradError, ["'scalar' has dtype int64"]),
    (
        {"net.W": None, "w": np.ones(1), "net.b": np.ones(2), "rest.0": np.ones(2)},
        ShapeError,
        ["missing 'net.W'", "unexpected 'w'", "'net.b' has shape", "'rest.0' has dtype"],
    ),
]


@pytest.mark.parametrize(("changes", "error", "parts"), REFUSED, ids=lambda v: str(v)[:30])
def test_load_state_lists_every_fault_and_changes_nothing(changes, error, parts):
    module = example()
    before = {name: array.tobytes() for name, array in module.state().items()}
    state = changed(scalar=np.float64(9.0)) | changed(**changes)
    with pytest.raises(error) as caught:
        module.load_state({k: v for k, v in state.items() if k in changed(**changes)})
    message = str(caught.value)
    assert message.startswith("Holder.load_state: ")
    assert message.endswith("; nothing was changed")
    assert all(part in message for part in parts)
    assert {name: array.tobytes() for name, array in module.state().items()} == before


@pytest.mark.parametrize("state", [None, [1.0], "state"], ids=repr)
def test_load_state_takes_a_dict(state):
    with pytest.raises(TypeError, match=r"Holder.load_state: got .*; expected a dict"):
        example().load_state(state)


# Text

SHOWN = [
    (Holder(), "Holder()"),
    (nn.Linear(2, 5, rng=0), "Linear(2, 5)"),
    (nn.Linear(2, 5, bias=False, rng=0), "Linear(2, 5, bias=False)"),
    (nn.Sigmoid(), "Sigmoid()"),
    (nn.Sequential(), "Sequential()"),
    (nn.Sequential(nn.Tanh(), nn.ReLU()), "Sequential(\n  0: Tanh()\n  1: ReLU()\n)"),
    (Holder(w=zeros(2, 3), n=[nn.Tanh()]), "Holder(\n  w: Tensor (2, 3) float64\n  n: [Tanh()]\n)"),
    (
        Holder(s=nn.Sequential(nn.Tanh())),
        "Holder(\n  s: Sequential(\n    0: Tanh()\n  )\n)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("module", "text"), SHOWN, ids=lambda v: str(v)[:20])
def test_a_module_shows_what_is_in_it(module, text):
    assert repr(module) == text


# Buffers


BUFFERS = st.recursive(
    st.sampled_from(["parameter", "array", "number", "Tensor"]),
    lambda children: st.one_of(
        st.lists(children, min_size=1, max_size=3),
        st.dictionaries(st.sampled_from("abc"), children, min_size=1, max_size=3),
        st.dictionaries(st.sampled_from("xyz"), children, min_size=1).map(lambda d: Holder(**d)),
    ),
    max_leaves=8,
)
NUMBERS = {
    "parameter": lambda a: tg.tensor(a, requires_grad=True),
    "array": lambda a: a,
    "number": lambda a: a.dtype.type(a.sum()),
    "Tensor": tg.tensor,
}


def filled(tree, rng):
    """Replace the words in `tree` by random arrays, each of the shape its place asks for."""
    if isinstance(tree, str):
        return NUMBERS[tree](rng.normal(size=(len(tree) % 4,)).astype("fd"[len(tree) % 2]))
    if isinstance(tree, Holder):
        return Holder(**{k: filled(v, rng) for k, v in vars(tree).items()})
    if isinstance(tree, dict):
        return {k: filled(v, rng) for k, v in tree.items()}
    return [filled(v, rng) for v in tree]


def leaves(tree):
    """Return the leaves of `filled`, found by another walk than the package's."""
    if isinstance(tree, Holder):
        tree = vars(tree)
    if isinstance(tree, (dict, list)):
        children = tree.values() if isinstance(tree, dict) else tree
        return [leaf for child in children for leaf in leaves(child)]
    return [tree]


@given(BUFFERS)
def test_every_array_of_any_nesting_is_saved_to_a_file_and_loaded(tree):
    source, target = (Holder(t=filled(tree, np.random.default_rng(seed))) for seed in (0, 1))
    with TemporaryDirectory() as folder:
        files.write_model(Path(folder, "m.safetensors"), source.state(), {})
        target.load_state(files.read_model(Path(folder, "m.safetensors"))[0])
    assert len(source.state()) == len(leaves(source)) == len(leaves(target))
    for ours, theirs in zip(leaves(source), leaves(target), strict=True):
        assert type(ours) is type(theirs)
        assert np.array_equal(getattr(ours, "_value", ours), getattr(theirs, "_value", theirs))
        assert ours.dtype == theirs.dtype


class Centred(nn.Module):
    """Subtracts the running mean of what it was trained on."""

    def __init__(self):
        self.scale = tg.tensor(np.ones(2), requires_grad=True)
        self.mean = np.zeros(2)

    def forward(self, x, train=False):
        if train:
            self.mean = 0.5 * self.mean + 0.5 * x.mean(axis=0)
        return (x - self.mean) * self.scale


def test_a_module_with_running_statistics_answers_alike_after_loading():
    x = np.arange(6.0).reshape(3, 2)
    trained, fresh = Centred(), Centred()
    trained(x, train=True)
    fresh.load_state(trained.state())
    assert fresh(x).numpy().tobytes() == trained(x).numpy().tobytes()
    assert names(fresh) == ["scale"]  # buffers are not trained


def test_a_graph_recorded_before_load_state_keeps_the_old_buffers():
    module = Centred()
    loss = np.sum(module(np.ones((1, 2))))
    module.load_state({"scale": np.ones(2), "mean": np.full(2, 9.0)})
    loss.backward()
    assert module.scale.grad.numpy().tolist() == [1.0, 1.0]


def test_arrays_that_are_one_stay_one_and_each_name_is_saved():
    shared = np.zeros(2)
    module = Holder(a=Holder(m=shared), b=Holder(m=shared))
    module.load_state({"a.m": np.ones(2), "b.m": np.ones(2)})
    module.a.m += 1
    assert module.b.m.tolist() == [2.0, 2.0]
    module.load_state({"a.m": np.ones(2), "b.m": np.zeros(2)})
    assert (module.a.m.tolist(), module.b.m.tolist()) == ([1.0, 1.0], [0.0, 0.0])


def test_arrays_in_a_tuple_are_loaded_in_place_or_named():
    module = Holder(t=(np.zeros(2), tg.tensor([0.0])))
    module.load_state({"t.0": np.ones(2), "t.1": np.ones(1)})
    assert module.t[0].tolist() == [1.0, 1.0]
    assert module.t[1].numpy().tolist() == [1.0]
    module = Holder(p=zeros(1), t=(np.float64(1.0),))
    with pytest.raises(TinygradError, match=r"'t\.0' cannot be set: .*tuple; use a list"):
        module.load_state({"p": np.ones(1), "t.0": np.array(2.0)})
    assert module.p.numpy().tolist() == [0.0]


def test_a_masked_array_is_named():
    with pytest.raises(TinygradError, match="'m' is a MaskedArray"):
        Holder(m=np.ma.masked_array([1.0, 2.0], [True, False])).state()


# Modes, freezing, ties


def network():
    return nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Sequential(nn.Linear(3, 1, rng=1)))


def test_the_mode_reaches_every_module_and_no_state():
    net = network()
    before = list(net.state())
    modules = [module for _, module in net.named_modules()]
    assert [module.training for module in modules] == [True] * 5
    assert net.eval() is net
    assert [module.training for module in modules] == [False] * 5
    net.layers[2].train()
    assert [module.training for module in modules] == [False] * 3 + [True] * 2
    assert list(net.state()) == before
    assert "training" not in repr(net.eval().layers[0]) + repr(Holder().eval())


def test_modules_are_named_by_their_path_and_found_once():
    net = network()
    twice = Holder(a=net, b=[net.layers[0]])
    assert [name for name, _ in twice.named_modules()] == [
        "", "a", "a.layers.0", "a.layers.1", "a.layers.2", "a.layers.2.layers.0",
    ]  # fmt: skip


def test_apply_calls_the_inner_modules_first():
    net, seen = network(), []
    assert net.apply(seen.append) is net
    assert seen[-1] is net
    assert len(seen) == len(set(map(id, seen))) == 5


def test_parameters_are_chosen_by_name_and_shape():
    net = network()
    assert net.parameters(lambda name, p: p.ndim == 1) == [
        net.layers[0].b,
        net.layers[2].layers[0].b,
    ]
    assert net.parameters(lambda name, p: name.startswith("layers.2")) == net.layers[2].parameters()


@pytest.mark.parametrize(
    "copied", [lambda net: net, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))]
)
def test_frozen_parameters_stay_in_the_state_and_get_no_gradients(copied):
    net = network()
    np.sum(net(np.ones((4, 2)))).backward()
    assert net.freeze() is net
    net = copied(net)
    assert net.parameters() == []
    assert list(net.state()) == list(network().state())
    head = net.layers[2].unfreeze()
    np.sum(net(np.ones((4, 2)))).backward()
    assert names(net) == ["layers.2.layers.0.W", "layers.2.layers.0.b"]
    assert all(p.grad is not None for p in head.parameters())
    net.unfreeze(lambda name, p: name.endswith("W"))
    assert names(net) == ["layers.0.W", "layers.2.layers.0.W", "layers.2.layers.0.b"]
    assert net.layers[0].W.grad is None  # forgotten when it was frozen
    net.unfreeze()
    assert names(net) == names(network())
    np.sum(net(np.ones((4, 2)))).backward()
    assert all(p.grad is not None for p in net.parameters())


def test_what_was_never_a_parameter_is_not_unfrozen():
    module = Holder(buffer=tg.tensor([1.0]), mean=np.zeros(2), w=zeros(2))
    assert names(module.unfreeze()) == ["w"]


def test_a_frozen_parameter_does_not_move():
    net = network()
    optimizer = tg.optim.SGD(net.parameters(), 0.1)
    np.sum(net(np.ones((4, 2)))).backward()
    net.layers[0].freeze()
    before = net.state()
    optimizer.step()
    moved = [name for name, array in net.state().items() if not np.array_equal(array, before[name])]
    assert moved == ["layers.2.layers.0.W", "layers.2.layers.0.b"]


def test_tied_weights_are_one_parameter_with_the_sum_of_the_gradients():
    net = nn.Sequential(nn.Linear(2, 2, bias=False, rng=0), nn.Linear(2, 2, bias=False, rng=1))
    net.layers[1].W = net.layers[0].W
    assert list(net.state()) == names(net) == ["layers.0.W"]
    x = np.array([[1.0, 2.0]])
    np.sum(net(x)).backward()
    W, one = net.layers[0].W.numpy(), np.ones((1, 2))
    np.testing.assert_allclose(net.layers[0].W.grad.numpy(), x.T @ (one @ W.T) + (x @ W).T @ one)


# Summaries


def test_a_summary_has_every_layer_with_its_output_and_size():
    net = network()
    net.unused = nn.Linear(1, 1, rng=0, dtype=np.float32)
    table = net.summary(np.zeros((4, 2)))
    lines = (
        "layer             output  parameters  bytes\n"
        "Sequential        (4, 1)          15    112\n"
        "  0: Linear       (4, 3)           9     72\n"
        "  1: Tanh         (4, 3)           0      0\n"
        "  2: Sequential   (4, 1)           4     32\n"
        "    0: Linear     (4, 1)           4     32\n"
        "  unused: Linear                   2      8"
    )
    assert str(table) == repr(table) == lines
    page = table._repr_html_()
    assert page.count("<tr>") == page.count("</tr>") == 7
    assert '<td style="text-align:left">(4, 3)</td>' in page


class Overwriting(nn.Module):
    def __init__(self):
        self.W = tg.tensor(np.ones((2, 1)), requires_grad=True)
        self.scale = tg.tensor(2.0, requires_grad=True)
        self.seen = tg.tensor(np.zeros((2, 1)))

    def forward(self, x):
        self.seen = self.seen + self.W.detach()
        self.normed = self.W * self.scale
        self.normed = self.normed * 1.0
        return x @ self.normed


def test_a_parameter_that_becomes_a_result_is_told_at_the_line():
    net = Overwriting()
    net(np.ones((3, 2)))
    net.W = tg.tensor(np.zeros((2, 1)), requires_grad=True)  # a new parameter is one
    net.W = net.W.detach()
    net.W = tg.tensor(np.zeros((2, 1)), requires_grad=True)
    with pytest.warns(UserWarning, match="Overwriting.W was a parameter, and is a result") as told:
        net.W = net.W * 0.5
    assert [one.filename for one in told] == [__file__]


def test_what_returns_nothing_is_told():
    class Forgetful(nn.Module):
        def forward(self, x):
            np.tanh(x)

    for loss in (nn.mse, nn.huber, nn.bce_with_logits):
        with pytest.raises(DTypeError, match=r"got None: what made it, a forward\(\), returns"):
            loss(Forgetful()(np.ones(3)), np.ones(3))


def test_a_shape_is_no_sample_for_a_summary():
    with pytest.raises(TypeError, match=r"expected arrays, as np.zeros\(\(4, 2\)\) of that shape"):
        network().summary((4, 2))


def test_a_summary_takes_several_arguments_and_leaves_no_trace():
    class Two(nn.Module):
        def __init__(self):
            self.drop = nn.Tanh().eval()

        def forward(self, x, y):
            assert not self.training
            return self.drop(x), [y]

    net = Two()
    assert net.summary((np.ones(2), tg.tensor(np.ones(3)))).rows[0].output == "(2,), (3,)"
    assert (net.training, net.drop.training) == (True, False)
    with pytest.raises(TypeError):
        net.summary(np.ones(2))
    assert (net.training, net.drop.training) == (True, False)


@pytest.mark.parametrize("name", ["Linear", "ReLU", "Sequential", "Sigmoid", "Tanh"])
def test_pickles_of_the_first_version_find_the_layers(name: str) -> None:
    assert pickle.loads(f"ctinygrad_bp.nn.layers\n{name}\n.".encode()) is getattr(nn, name)


@dataclass
class Statistics:
    mean: Any


def held(**attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(**attributes)


@pytest.mark.parametrize(
    "value",
    [
        deque([np.ones(2)]),
        Statistics(np.ones(2)),
        held(a=tg.tensor([1.0])),
        {"x": held(a=np.ones(1))},
    ],
    ids=["deque", "dataclass", "object", "in a dict"],
)
def test_arrays_that_a_state_would_lack_are_named(value: Any) -> None:
    module = nn.Linear(2, 1, rng=0)
    module.kept = value
    with pytest.raises(TinygradError, match=r"Linear: 'kept(\.x)?' is a .* a state would lack"):
        module.state()
    module.kept = held(name="no array", rng=np.random.default_rng(0), run=tg.compile(np.sin))
    assert list(module.state()) == list(dict(module.named_parameters()))
