"""Copies and pickles: of values, leaves, modules and recorded graphs."""

from __future__ import annotations

import base64
import copy
import pickle
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import ancestors
from tinygrad_bp.errors import UnsupportedFunctionError

COPIES: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    **{f"pickle{p}": lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in range(2, 6)},
}
each_copy = pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)


@each_copy
def test_a_value_keeps_dtype_shape_and_name(duplicate: Any) -> None:
    for data in (1.5, np.arange(6, dtype=np.float32).reshape(2, 3), np.array([True, False])):
        twin = duplicate(tg.Tensor(data, name="data"))
        assert (twin.name, twin.dtype, twin.shape) == (
            "data",
            np.asarray(data).dtype,
            np.shape(data),
        )
        assert twin.tolist() == np.asarray(data).tolist()
        assert not twin.requires_grad


@each_copy
def test_the_copy_of_a_leaf_has_a_gradient_of_its_own(duplicate: Any) -> None:
    a = tg.tensor([1.0, 2.0], requires_grad=True, name="a")
    np.sum(a * 3).backward()
    b = duplicate(a)
    assert b.is_leaf
    assert b.name == "a"
    assert b.grad.tolist() == [3.0, 3.0]
    np.sum(b * 5).backward()
    assert b.grad.tolist() == [8.0, 8.0]
    assert a.grad.tolist() == [3.0, 3.0]


@each_copy
def test_the_copy_of_a_module_trains_by_itself(duplicate: Any) -> None:
    net = tg.nn.Sequential(tg.nn.Linear(2, 3, rng=0), tg.nn.Sigmoid(), tg.nn.Linear(3, 1, rng=1))
    x, y = np.random.default_rng(0).normal(size=(5, 2)), np.ones((5, 1))
    twin = duplicate(net)
    tg.nn.bce_with_logits(twin(x), y).backward()
    assert all(p.grad is None for p in net.parameters())
    tg.nn.bce_with_logits(net(x), y).backward()
    for p, q in zip(net.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())
    before = net.state()
    tg.optim.SGD(twin.parameters(), lr=1.0).step()
    assert all(np.array_equal(before[k], v) for k, v in net.state().items())


def everything(x: Any, y: Any) -> Any:
    """Rules of each kind: several arguments, parameters, stand-ins, index arrays, many operands."""
    z = np.concatenate([x * y, np.sin(x)[np.array([2, 0])], y], axis=0)
    w = np.einsum("i,i,i,i->i", x, y, x, y)
    return np.sum(tg.sigmoid(z)) + np.sum(w) + np.mean(tg.affine(x, np.ones((3, 2)), np.zeros(2)))


@each_copy
def test_a_graph_is_copied_with_its_leaves(duplicate: Any) -> None:
    values = np.array([0.3, -0.4, 0.5]), np.array([1.0, 2.0, -1.0])
    x, y = (tg.tensor(v, requires_grad=True) for v in values)
    out = everything(x, y)
    twin, x2, y2 = duplicate((out, x, y))
    assert twin.item() == out.item()
    out.backward()
    twin.backward()
    assert x2 is not x
    for one, two in ((x, x2), (y, y2)):
        np.testing.assert_array_equal(one.grad.numpy(), two.grad.numpy())
    first = tg.gradients(everything(x, y), x, create_graph=True)
    again, x3 = duplicate((first, x))
    expected = tg.gradients(np.sum(first), x)
    np.testing.assert_array_equal(tg.gradients(np.sum(again), x3).numpy(), expected.numpy())


def test_a_recorded_gradient_is_copied_with_its_leaf() -> None:
    x = tg.tensor(2.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    twin = copy.deepcopy(x)
    assert tg.gradients(twin.grad, twin).item() == pytest.approx(12.0)


@each_copy
def test_tensors_of_one_graph_still_share_it(duplicate: Any) -> None:
    """Whatever the order, and also where the first is newer than the second."""
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    h = x * 3.0
    k = np.sin(h)
    loss, other = np.sum(h * k), np.sum(h * x)
    names = {"x": x, "h": h, "k": k, "loss": loss, "other": other}
    for order in (list(names), list(names)[::-1], ["loss", "h", "other", "k", "x"]):
        twins = dict(zip(order, duplicate([names[name] for name in order]), strict=True))
        for root in ("loss", "other"):
            wanted = tg.gradients(names[root], [x, h, k])
            found = tg.gradients(twins[root], [twins["x"], twins["h"], twins["k"]])
            for one, two in zip(wanted, found, strict=True):
                np.testing.assert_array_equal(one.numpy(), two.numpy())
        assert twins["h"].node is not h.node
        assert twins["h"].node in ancestors(twins["loss"].node)
        (twins["loss"] * twins["other"]).backward()
        assert x.grad is None
        assert twins["x"].grad is not None


@each_copy
def test_a_graph_and_a_gradient_of_it_still_share_it(duplicate: Any) -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    h = np.exp(x)
    (slope,) = tg.gradients(np.sum(h**3), [h], create_graph=True)
    container = {"h": h, "in": [slope, (x,)]}
    twin = duplicate(container)
    found = tg.gradients(np.sum(twin["in"][0]), twin["h"])
    np.testing.assert_allclose(found.numpy(), 6 * np.exp([1.0, 2.0]))


def test_what_many_share_is_written_once() -> None:
    x = tg.tensor(np.linspace(0, 1, 1000), requires_grad=True)
    steps = [x]
    for _ in range(30):
        steps.append(np.sin(steps[-1]))
    one = len(pickle.dumps(steps[-1]))
    assert len(pickle.dumps(steps)) < 1.5 * one
    assert len(pickle.dumps(tg.tensor(np.zeros(10**6))[:3])) < 1000


# What a user's functions made


@tg.checkpoint
def remembered(a: Any, pair: Any) -> Any:
    return np.sin(a) * pair["b"], a


def repeated(a: Any) -> Any:
    return np.exp(a) * a


@tg.differentiable(vjp=lambda ct, out, a, p: (ct * 2, [ct * a]))
def own(a: Any, p: Any) -> Any:
    return a * p[0]


def halved(ct: Any) -> Any:
    return ct * 0.5


class Layer:
    def __init__(self) -> None:
        self.w = tg.tensor([2.0, 3.0], requires_grad=True)

    def __call__(self, x: Any) -> Any:
        return x * self.w


def of_users(x: Any, layer: Layer) -> Any:
    y, z = remembered(x, {"b": x * 2.0})
    y = tg.checkpoint(repeated)(y * z)
    y = tg.hook(own(y, [x * layer.w]), halved)
    return np.sum(tg.checkpoint(layer.__call__)(y))


@each_copy
def test_a_graph_of_users_functions(duplicate: Any) -> None:
    x, layer = tg.tensor([0.5, -1.0], requires_grad=True), Layer()
    out = of_users(x, layer)
    twin, x2, layer2 = duplicate((out, x, layer))
    for create_graph in (False, True):
        wanted = tg.gradients(out, [x, layer.w], create_graph=create_graph)
        found = tg.gradients(twin, [x2, layer2.w], create_graph=create_graph)
        for one, two in zip(wanted, found, strict=True):
            np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy())


NAMELESS: dict[str, Callable[[Any], Any]] = {
    "checkpoint": lambda x: tg.checkpoint(lambda x: x * 2.0)(x),
    "differentiable": lambda x: tg.differentiable(lambda x: x * 2.0, vjp=lambda ct, _y, _x: ct)(x),
    "hook": lambda x: tg.hook(x, lambda ct: ct * 2.0),
}


@pytest.mark.parametrize("name", NAMELESS)
def test_a_function_without_a_name_is_named_in_the_error(name: str) -> None:
    x = tg.tensor([0.5, -1.0], requires_grad=True)
    out = np.sum(NAMELESS[name](x) ** 2)
    with pytest.raises(UnsupportedFunctionError, match=r"pickle: .*<lambda>.*top of a module"):
        pickle.dumps(out)
    twin, x2 = copy.deepcopy((out, x))  # in one process the function itself is there
    np.testing.assert_array_equal(tg.gradients(twin, x2).numpy(), tg.gradients(out, x).numpy())


def test_the_closure_of_a_copied_checkpoint_is_not_copied() -> None:
    x, w = (tg.tensor([0.5, -1.0], requires_grad=True) for _ in range(2))
    out = np.sum(tg.checkpoint(lambda x: x * w)(x))
    twin, *_ = copy.deepcopy((out, x, w))
    with pytest.raises(tg.TinygradError, match="the graph is a copy"):
        twin.backward()
    assert w.grad is None


def test_freed_residuals_stay_freed() -> None:
    x = tg.tensor(2.0, requires_grad=True)
    y = np.sin(x)
    y.backward(retain_graph=False)
    with pytest.raises(tg.TinygradError, match="freed"):
        copy.deepcopy(y).backward()


def test_depth_does_not_matter() -> None:
    x = tg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * 1.0001
    twin, leaf = pickle.loads(pickle.dumps((y, x)))
    twin.backward()
    assert leaf.grad.item() == pytest.approx(1.0001**20_000)


def test_another_process_reads_the_graph(tmp_path: Any) -> None:
    x, y = (tg.tensor(v, requires_grad=True) for v in ([0.3, -0.4, 0.5], [1.0, 2.0, -1.0]))
    out = everything(x, y)
    path = tmp_path / "graph.pickle"
    path.write_bytes(pickle.dumps((out, x)))
    code = f"""
import pickle
out, x = pickle.loads(open({str(path)!r}, "rb").read())
out.backward()
print(x.grad.tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    out.backward()
    assert done.stdout.strip() == str(x.grad.tolist())


@each_copy
@pytest.mark.parametrize("kind", [tg.optim.SGD, tg.optim.Adam])
def test_the_copy_of_a_training_goes_on_by_itself(duplicate: Any, kind: Any) -> None:
    w = tg.tensor([1.0, -2.0], requires_grad=True)
    optimizer = kind([w], lr=0.1)

    def step(w: Any, optimizer: Any) -> list[float]:
        optimizer.zero_grad()
        np.sum(w * w).backward()
        optimizer.step()
        return w.tolist()

    step(w, optimizer)
    twin, its_optimizer = duplicate((w, optimizer))
    before = w.tolist()
    after = step(twin, its_optimizer)
    assert w.tolist() == before != after
    assert step(w, optimizer) == after


# Written by version 0.1.0, whose modules had other names: pickle.dumps(…, 4), compressed.
OLD_GRAPH = (  # einsum and stack of sigmoid(x @ w), norm, variance; and w
    "c-o~@%WKp?7~joyAAM+BAN8>oq!w&Z7V61^Wea;)FcPF5L{yeZGTlj=WJ5CPx?;hCwk`}v?I<F67H?h@JPBSs^$!"
    "pWo<%)*)NhjA&BhI0Oh`gzzWIH>@Ap0K4?W$>rGkqcp@!Y6yGXC8PRTK}HPf)`oDJ8shUNGa>wK59DciT4RteTzT"
    "(W$V8pw4~i?f`kArra6CL7qmSEnrpixp|*B5yz1=F5Ce&am_)t|-do-*5#lIYqfzDd=DA=J{7=miQLf-R5&_vY!x"
    "q9m3hr6^vE@QkG<Ci<427Zt?(^9qYGteG_{nic}K=wVI8rkbcfW6j*b1a?sjw8@jJiuj^kSDL8u7M4E^}PCewC90"
    "%(eHdb@7*04S5!U@<VIhMEeP>RsDl2$`vavJV{Yr8TLO8ui8ep5>vA}6!BYoSm+M~W=(8Fi~+=$uUt(nK0H))6(p"
    "dxt5Rk<)@40&?UmnHTQKxk2Z@p1u9N^W<B3_r=doU&g<eg>wayg`VGGY}lS}-Mj#p(;XE6ToT}<8pggz7TKvmR-U"
    "hVnrk>99~-$A{p|AjO}+u?$r&~j5$sCFD!kTKfjrAKd<v^#agF<GTL_Wv6Cwj_c#=C8i&Vum$aFPO$StLf=Oa1mm"
    ">LvYiCH&n9p4d!-odGc2vs2>7NK`w)PL+1Ss`cz$806CMXo`K1tc^cshSgXl|WQQmf~=E7kdOj@30dIQo~Lk;Tbs"
    "_1-=ocJ6=$C1FL*w^&rWr$PPk9YlvbS9#I2H&Q}|T9XS_q6oTrQk%y!HcuaQW6x;y6ErjaxawFg}5^;GROH~HxIw"
    "y97KGZ=U?V&45&)yL>v(P^Q(m>@)-O4{5cH4fZ?e;$;w&80`j>cFXh*-XfvCK9Jb|E>%gydio2Zh<2A_^cKjI_y;"
    "0+ZB*{&9FOX&k0g0fIu__d9kPP3*=58js2dutzI}Fr=w)j8@D0;eQY0U6<2D#Ob3#_Id^{L)@{B@RLcxL!#DU)|2"
    "b;rdd?la_VoOLmi;QgFsjuhbfz_nc-BQ`|l)9k>dco48fQF0C*aUas"
)
OLD_LEAF = (  # [1, 2] and the gradient of the sum of its cubes
    "c-l>lziPuU5XR*sPEG01gwkj5<T*p2foyfrkQWg0pI9QcEL3^$)+KEMx8?GleS=oEAml*z!QFTIeqXa|9FVc##Y)"
    "vzh8HZ;iI(}Hma0MsSzYoyUNDAN)it_LSl*g4X}a1<ZVc}co|q}~R()F2<<?mt9GwUcs_>QzrsRm*Aj2QrVVnl(<"
    "cMMpVPSh+4kwfS3eP9MokFliO6mKbtFfiTVs_p>d)D7KuVjO6Okr`4?o<ne*@wp-gO+soSP+;qU3012T!bPTn8f2"
    "f(ejoNZM?=l<J+06d&xf(?QZq"
)


def old(text: str) -> Any:
    return pickle.loads(zlib.decompress(base64.b85decode(text)))


def test_pickles_of_the_first_version_load() -> None:
    y, w = old(OLD_GRAPH)
    assert y.item() == 9.82651112774483
    y.backward()
    expected = [[0.5514518963645076, -0.0719414536569653], [1.1029037927290153, 1.135321390819732]]
    np.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-13)
    leaf = old(OLD_LEAF)
    assert leaf.requires_grad
    assert leaf.grad.tolist() == [3.0, 12.0]


def test_old_names_are_no_modules_to_import_from() -> None:
    """They stand in sys.modules for pickles alone: tg.graph is the function."""
    assert callable(tg.graph)
    assert callable(tg.tensor)


@pytest.mark.parametrize("rows", [20, 2500, 20_000])
def test_what_was_pickled_gives_the_same_bits(rows: int) -> None:
    """An array that was pickled has a dtype that equals NumPy's own, and is another object."""
    rng = np.random.default_rng(0)
    layers = [tg.nn.Linear(2, 5, rng=rng), tg.nn.Tanh(), tg.nn.Linear(5, 5, rng=rng)]
    net = tg.nn.Sequential(*layers, tg.nn.Sigmoid(), tg.nn.Linear(5, 1, rng=rng))
    X = rng.normal(size=(rows, 2))
    y = (X[:, :1] > 0).astype(float)
    found = set()
    for k in range(4):  # all but one as they are
        one, data, labels, _ = (
            pickle.loads(pickle.dumps(part)) if i == k else part
            for i, part in enumerate((net, X, y, None))
        )
        loss = tg.nn.bce_with_logits(one(data), labels)
        grads = tg.gradients(loss, one.parameters())
        found.add(b"".join(part.numpy().tobytes() for part in (loss.detach(), *grads)))
    assert len(found) == 1


@pytest.mark.parametrize(
    "function",
    [tg.gelu, tg.log_softmax, tg.sigmoid, np.tanh, tg.nn.LayerNorm(64), tg.nn.BatchNorm(64)],
    ids=["gelu", "log_softmax", "sigmoid", "tanh", "LayerNorm", "BatchNorm"],
)
def test_what_was_pickled_and_is_large_gives_the_same_bits(function: Any) -> None:
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(200, 64)), rng.normal(size=64)
    found = set()
    for data in (X, pickle.loads(pickle.dumps(X))):
        x = tg.tensor(data, requires_grad=True)
        np.sum(function(x) * weights).backward()
        found.add(x.grad.numpy().tobytes())
    assert len(found) == 1


def test_labels_that_were_pickled_give_the_same_losses() -> None:
    z = np.random.default_rng(0).normal(size=20)
    y = (z > 0.5) * 1.0
    found, other = (
        tg.nn.bce_with_logits(z, labels, reduction="none")
        for labels in (y, pickle.loads(pickle.dumps(y)))
    )
    np.testing.assert_array_equal(found, other)
