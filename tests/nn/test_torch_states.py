"""Weights from PyTorch: in their places, each named, and the same outputs under `oracle`."""

from __future__ import annotations

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import ModelFileError, ShapeError

RNG = np.random.default_rng(0)


class Pair(nn.Module):
    """Has a layer, numbers of its own, and a name order that is not PyTorch's."""

    def __init__(self):
        self.head = nn.Linear(3, 2, rng=0)
        self.scale = tg.tensor([1.0, 2.0], requires_grad=True)
        self.body = nn.Linear(4, 3, rng=1)

    def forward(self, x):
        return self.head(np.tanh(self.body(x))) * self.scale


def linear(n_in, n_out):
    return {"weight": RNG.normal(size=(n_out, n_in)), "bias": RNG.normal(size=n_out)}


def under(prefix, arrays):
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def test_matrices_are_transposed_and_the_map_is_shown():
    net = nn.Sequential(nn.Linear(2, 3, rng=0, dtype=np.float32), nn.ReLU(), nn.Linear(3, 1, rng=0))
    theirs = under("0", linear(2, 3)) | under("2", linear(3, 1))
    shown = nn.load_torch(net, theirs)
    np.testing.assert_array_equal(net.layers[2].W.detach(), theirs["2.weight"].T)
    np.testing.assert_array_equal(net.layers[0].b.detach(), theirs["0.bias"].astype(np.float32))
    assert net.layers[0].W.dtype == np.float32
    assert str(shown).splitlines()[0] == "layers.0.W  0.weight, transposed"
    assert list(shown) == list(net.state())


def test_names_may_be_told_where_the_order_differs():
    net = Pair()
    theirs = under("encoder", linear(4, 3)) | under("out", linear(3, 2)) | {"scale": np.ones(2)}
    with pytest.raises((ModelFileError, ShapeError)):
        nn.load_torch(net, theirs)
    nn.load_torch(net, theirs, {"head": "out", "body": "encoder"})
    np.testing.assert_array_equal(net.body.W.detach(), theirs["encoder.weight"].T)
    assert net.scale.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "2.bias"}, ModelFileError, "2.bias"),
        (lambda s: s | {"4.weight": np.ones(3)}, ModelFileError, "'4.weight' belong"),
        (lambda s: s | {"2.weight": np.ones((5, 3))}, ShapeError, "layers.2.W"),
        (lambda s: {"alpha": np.ones(1)} | s, ModelFileError, "next in the state is 'alpha'"),
        (lambda _: {}, ModelFileError, "wants weight, bias"),
    ],
)
def test_another_architecture_is_named_and_nothing_changed(change, kind, words):
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 1, rng=0))
    before = [array.tobytes() for array in net.state().values()]
    with pytest.raises(kind, match=words):
        nn.load_torch(net, change(under("0", linear(2, 3)) | under("2", linear(3, 1))))
    assert [array.tobytes() for array in net.state().values()] == before


def test_a_layer_that_is_told_of_and_not_there_is_said():
    with pytest.raises(ModelFileError, match="'tail' belong"):
        nn.load_torch(nn.Linear(2, 3), linear(2, 3), {"tail": "x"})


class Sequence(nn.Module):
    """A recurrent layer of which the outputs are given."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def architectures(torch):
    """Yield (ours, PyTorch's, shape of the input) with weights of their own."""
    t = torch.nn
    yield (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 3, groups=2), nn.Flatten(), nn.LayerNorm(16), nn.Linear(16, 3),
        ),
        t.Sequential(
            t.Conv2d(2, 4, 3, padding=1), t.BatchNorm2d(4), t.ReLU(), t.MaxPool2d(2),
            t.Conv2d(4, 4, 3, groups=2), t.Flatten(), t.LayerNorm(16), t.Linear(16, 3),
        ),
        (5, 2, 8, 8),
    )  # fmt: skip
    for kind in ("RNN", "GRU", "LSTM"):
        ours, theirs = getattr(nn, kind)(3, 4), getattr(t, kind)(3, 4, batch_first=True)
        yield Sequence(ours), theirs, (2, 5, 3)
    block = t.TransformerEncoderLayer(
        8, 2, 32, dropout=0.0, batch_first=True, norm_first=True,
        activation=lambda x: t.functional.gelu(x, approximate="tanh"),
    )  # fmt: skip
    yield (
        nn.Sequential(nn.TransformerBlock(8, 2), nn.RMSNorm(8)),
        t.Sequential(block, t.RMSNorm(8, eps=nn.RMSNorm(8).eps)),
        (2, 5, 8),
    )


@pytest.mark.oracle
@pytest.mark.parametrize("place", range(5))
def test_the_outputs_are_pytorchs(place, tmp_path):
    torch = extra("torch")
    ours, theirs, shape = list(architectures(torch))[place]
    theirs = theirs.double()
    x = RNG.normal(size=shape)
    theirs(torch.tensor(x))  # the statistics of norms
    nn.load_torch(ours, theirs.state_dict())
    ours.eval()
    theirs.eval()
    wanted = theirs(torch.tensor(x))
    wanted = (wanted[0] if isinstance(wanted, tuple) else wanted).detach().numpy()
    with tg.no_grad():
        np.testing.assert_allclose(np.array(ours(x)), wanted, atol=1e-10)


@pytest.mark.oracle
def test_bfloat16_is_widened():
    torch = extra("torch")
    layer = torch.nn.Linear(2, 1).bfloat16()
    ours = nn.Linear(2, 1)
    nn.load_torch(ours, layer.state_dict())
    assert ours.W.T.tolist() == layer.weight.tolist()
