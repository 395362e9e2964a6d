"""The report of a training: its numbers, its findings, and what it leaves as it was."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training
from tinygrad_bp.errors import DataError, ModelFileError, NonFiniteError
from tinygrad_bp.parallel import Shards
from tinygrad_bp.training.observed import BINS, MOST, SIDE, Frame, Layer, Observed, Plane
from tinygrad_bp.training.report.findings import findings

TABLE = tg.data.moons(120, seed=0)
X, Y = TABLE.X, TABLE.y[:, None]
HOSTILE = '</script><img src=x onerror=alert(1)>"@@DATA@@'


def run(
    net, epochs=20, *, optimizer=None, loss=nn.bce_with_logits, data=(X, Y), more=(), **options
):
    """Train with the given callbacks, by gradient descent if nothing else is said."""
    optimizer = optimizer or optim.SGD(net.parameters(), 0.5)
    options = {"batch_size": None, "rng": 0, "progress": False, **options}
    return training.fit(net, loss, data, optimizer, epochs=epochs, callbacks=list(more), **options)


def network(sizes=(2, 4, 1), activation=nn.Sigmoid, seed=0):
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, rng=rng), activation()]
    return nn.Sequential(*layers[:-1])


def data_of(page):
    begin = '<script type="application/json" id="data">'
    return json.loads(page.partition(begin)[2].partition("</script>")[0])


def unpacked(text):
    return np.frombuffer(base64.b64decode(text), np.uint8)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_hand(state, rows, targets):
    """Return logits, hidden units, and gradients of a 2-4-1 network, in plain NumPy."""
    W1, b1, W2, b2 = state.values()
    a = sigmoid(rows @ W1 + b1)
    z = a @ W2 + b2
    dz = (sigmoid(z) - targets) / len(rows)
    da = dz @ W2.T * a * (1 - a)
    return z, a, [rows.T @ da, da.sum(axis=0), a.T @ dz, dz.sum(axis=0)]


def test_the_numbers_are_those_of_plain_numpy():
    net = network()
    with tg.no_grad():  # one unit is flat at all rows, one only nearly
        net.layers[0].W *= np.array([0.01, 0.01, 1.0, 1.0])
        net.layers[0].b += np.array([7.0, 5.0, 0.0, 0.0])
    states = [net.state()]
    history = run(net, 12, more=[training.Observe(), lambda _: states.append(net.state())])
    found = data_of(history.report())
    assert found["frames"] == list(range(13))
    close = {"rel": 1e-4, "abs": 1e-12}
    left, right, bottom, top = found["plane"]["bounds"]
    grid = np.stack(
        np.meshgrid(np.linspace(left, right, SIDE), np.linspace(bottom, top, SIDE)), axis=-1
    ).reshape(-1, 2)
    for i, state in enumerate(states):
        values = list(state.values())
        _, units, gradients = by_hand(state, X, Y)
        for layer in range(2):
            own = slice(2 * layer, 2 * layer + 2)
            size = np.linalg.norm(np.concatenate([v.ravel() for v in values[own]]))
            slope = np.linalg.norm(np.concatenate([g.ravel() for g in gradients[own]]))
            assert found["gradient"][layer][i] == pytest.approx(slope, **close)
            if i:
                before = list(states[i - 1].values())[own]
                moved = [(v - w).ravel() for v, w in zip(values[own], before, strict=True)]
                step = np.linalg.norm(np.concatenate(moved))
                assert found["ratio"][layer][i] == pytest.approx(step / size, **close)
            counts, edges = np.histogram(values[2 * layer], BINS)
            bars = unpacked(found["weights"][layer]["bars"]).reshape(-1, BINS)[i]
            assert np.array_equal(bars, np.rint(255 * counts / counts.max()))
            assert found["weights"][layer]["ends"][i] == pytest.approx(edges[[0, -1]], rel=1e-4)
        assert (
            found["flat"][0][i] == np.mean(np.all(4 * units * (1 - units) < 0.01, axis=0)) == 0.25
        )
        levels = unpacked(found["plane"]["levels"][i]).astype(int)
        expected = 255 * sigmoid(by_hand(state, grid, 0.0)[0][:, 0])
        assert np.max(np.abs(levels - expected)) < 1  # the bounds are rounded in the page
    assert found["ratio"][0][0] == "nan"
    assert found["flat"][1] == ["nan"] * 13
    assert found["charts"][0]["series"][0]["values"] == pytest.approx(history["loss"], rel=1e-4)


class Wild(nn.Module):
    """What draws random numbers and keeps statistics while it is trained."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.first, self.norm = nn.Linear(2, 6, rng=rng), nn.BatchNorm(6)
        self.drop, self.last = nn.Dropout(0.3, rng=rng), nn.Linear(6, 1, rng=rng)
        self.rng = np.random.default_rng(4)  # drawn from after the training too

    def forward(self, x):
        noisy = self.first(x) + 0.1 * self.rng.normal()
        return self.last(self.drop(np.tanh(self.norm(noisy))))


@pytest.mark.parametrize("options", [{"batch_size": 16}, {"batch_size": 16, "accumulate": 3}])
def test_what_is_observed_ends_with_the_same_bits(options):
    ends = []
    for more in ([], [training.Observe()]):
        net = Wild()
        adam = optim.Adam(net.parameters(), 0.02)
        history = run(net, 8, optimizer=adam, validation=0.25, more=more, **options)
        ends.append((history.to_csv(), {n: v.tobytes() for n, v in net.state().items()}))
        assert all(one.grad is None for one in net.parameters())
        assert net.training
    assert ends[0] == ends[1]
    assert [layer.activation for layer in history.observed.layers] == ["", "tanh", ""]


@pytest.mark.parametrize("native", [False, True])
def test_the_classifier_is_observed_by_the_same_callback(native):
    if native:
        extra("llvmlite")
    ends = []
    for more in ([], [training.Observe()]):
        model = tg.SigmoidClassifier(max_epochs=40, random_state=0, compile=native)
        model.fit(X, TABLE.y, callbacks=more)
        ends.append({n: v.tobytes() for n, v in model.network_.state().items()})
    assert ends[0] == ends[1]
    found = data_of(model.history_.report())
    assert found["kept"] == 1 + int(np.argmin(model.validation_curve_))
    assert found["kept"] in found["frames"]
    points = np.array(found["plane"]["points"])  # as they were, not standardised
    assert np.abs(points[:, None] - X).max(axis=2).min(axis=1).max() < 1e-4


def frame(epoch, layers=1, field=0):
    return Frame(
        epoch, 0.5, np.full(2 * layers, 0.0123456), np.full(2 * layers, 1.23456),
        np.full(2 * layers, 1.23456e-3), np.full(layers, 0.623456),
        np.random.default_rng(epoch).integers(0, 99, (layers, BINS)),
        np.tile([-1.23456, 1.23456], (layers, 1)),
        np.random.default_rng(epoch).integers(0, 256, field).astype(np.uint8),
    )  # fmt: skip


@pytest.mark.parametrize("epochs", [99, 100, 1_000, 30_000])
def test_frames_are_few_however_many_epochs_come(epochs):
    observed, looks = Observed(), 0
    for epoch in range(epochs + 1):
        if observed.wants(epoch) or epoch == epochs:
            observed.add(frame(epoch))
            looks += 1
        assert len(observed.frames) <= MOST
    seen = [one.epoch for one in observed.frames]
    assert len(seen) > MOST / 2
    assert (seen[0], seen[-1]) == (0, epochs)
    assert looks <= 3 * MOST
    steps = [b / a for a, b in itertools.pairwise(seen[12:])]
    assert max(steps) < 1.4  # as far apart as their epochs are late


def test_a_large_report_is_small_enough():
    numbers = {f"metric number {k}": 0.123456789 for k in range(30)}
    long = "encoder.blocks.17.attention.projection"
    plane = Plane("probability", (0.0, 1.0, 0.0, 1.0), ((0.123456, 0.123456),) * 200, (1.0,) * 200)
    for count in (10, 200):
        layers = [Layer(f"{long}.{k}", "Linear(1024, 1024)", (2 * k, 2 * k + 1), "relu", 1024)
                  for k in range(count)]  # fmt: skip
        names = [f"{long}.{k}.{part}" for k in range(count) for part in "Wb"]
        frames = [frame(k, count, SIDE * SIDE) for k in range(100)]
        history = training.History()
        for k in range(2_000):
            history.append(numbers | {"loss": 0.123456789 + k})
        history.observed = Observed(names, layers, frames, 256, plane)
        page = history.report()
        assert len(page.encode()) <= 500_000
        assert page.count("<li class=") == min(count + 1, 20)  # the loss grows too


def test_a_training_that_goes_on_has_the_frames_from_before(tmp_path):
    def part(epochs, path, observe=True):
        net = network()
        more = [training.Observe()] if observe else []
        return run(net, epochs, more=[*more, training.Checkpoint(path, resume=True)])

    part(5, tmp_path / "a")
    resumed, whole = part(9, tmp_path / "a"), part(9, tmp_path / "b")
    assert resumed.report() == whole.report()
    part(5, tmp_path / "c", observe=False)
    late = part(9, tmp_path / "c")
    assert [one.epoch for one in late.observed.frames] == [6, 7, 8, 9]
    assert "Epochs 1 to 5 were not observed" in late.report()
    again = run(network(), 12, history=whole, more=[training.Observe()])
    assert [one.epoch for one in again.observed.frames] == list(range(13))


def test_a_state_that_is_none_is_refused():
    for state in ({"about": np.zeros(3, np.uint8)}, {"x": np.zeros(3)}):
        with pytest.raises(ModelFileError, match="Observe"):
            Observed().load_state(state)


def test_the_kept_epoch_is_marked_and_looked_at():
    net = network(activation=nn.Tanh)
    adam = optim.Adam(net.parameters(), 0.3)
    stopping = training.EarlyStopping(10)
    more = [training.Observe(), stopping]
    history = run(net, 400, optimizer=adam, batch_size=16, validation=0.3, more=more)
    found = data_of(history.report())
    assert history.stopped
    assert found["kept"] == history.kept == stopping.best_epoch < history.epochs
    assert found["kept"] in found["frames"]
    assert found["frames"][-1] == history.epochs
    assert f"the weights of epoch {history.kept} were kept" in history.report()


def test_a_training_that_goes_on_has_kept_nothing_yet():
    net = network()
    history = run(net, 5, more=[training.EarlyStopping(10)])
    assert history.kept == 5
    history = run(net, 9, history=history, more=[training.Observe()])
    assert history.kept is None
    assert "9 epochs; the last weights were kept" in history.report()


def squared(prediction, y):
    return np.mean((prediction - y.detach()) ** 2)  # of a Tensor, as in the training


WAYS = {"eager": {}, "divided": {"parallel": Shards(2)}}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("owned", [False, True])
def test_data_that_come_in_batches_are_observed_from_the_first_epoch(way, owned):
    batches = [(X[k : k + 50], Y[k : k + 50]) for k in (0, 50, 100)]
    data = tg.data.batches(X, Y, 50) if owned else batches
    history = run(network(), 3, data=data, loss=squared, more=[training.Observe()], **way)
    assert [one.epoch for one in history.observed.frames] == [1, 2, 3]
    assert history.observed.rows == 50  # of the first batch; the last has 20
    given = training.Observe((X[:10], Y[:10]))
    history = run(network(), 3, data=data, loss=squared, more=[given], **way)
    assert [one.epoch for one in history.observed.frames] == [0, 1, 2, 3]


def test_a_loop_without_a_probe_says_what_is_missing():
    loop = training.Loop(network(), lambda: {"loss": 1.0}, [training.Observe()])
    with pytest.raises(TypeError, match="probe"):
        loop.run(1)


# Planes


PLANES = {
    "probability": (nn.bce_with_logits, Y, 1),
    "number": (nn.mse, 3.0 * Y - 1.0, 1),
    "classes": (nn.cross_entropy, TABLE.y.astype(int), 3),
}


@pytest.mark.parametrize("kind", PLANES)
def test_the_plane_shows_what_the_model_says(kind):
    loss, y, outputs = PLANES[kind]
    net = network((2, 4, outputs))
    history = run(net, 3, loss=loss, data=(X, y), more=[training.Observe()])
    plane = data_of(history.report())["plane"]
    assert plane["kind"] == kind
    out = np.asarray(net(np.array([[plane["bounds"][0], plane["bounds"][2]]])).numpy())[0]
    level = int(unpacked(plane["levels"][-1])[0])
    if kind == "classes":
        assert level >> 5 == np.argmax(out)
    else:
        share = sigmoid(out[0]) if kind == "probability" else (out[0] + 1.0) / 3.0
        assert abs(level - 255 * np.clip(share, 0, 1)) < 1
    assert set(plane["labels"]) == {0, 1}


def test_what_weighs_itself_is_never_saturated_and_what_answers_may_be():
    rows = 50.0 * X
    for activation, told in (
        (nn.Sigmoid, "sigmoid"),
        (nn.ReLU, "relu"),
        (nn.GELU, ""),
        (nn.SiLU, ""),
    ):
        net = nn.Sequential(*network((2, 4, 1), activation), nn.Sigmoid())
        history = run(net, 1, loss=nn.mse, data=(rows, Y), more=[training.Observe()])
        assert [layer.activation for layer in history.observed.layers] == [told, ""]


@pytest.mark.parametrize("features", [1, 3])
def test_there_is_a_plane_of_two_inputs_alone(features):
    rows = np.random.default_rng(0).normal(size=(30, features))
    net = network((features, 3, 1))
    history = run(net, 2, data=(rows, rows[:, :1] > 0), more=[training.Observe()])
    assert data_of(history.report())["plane"] is None


class Two(nn.Module):
    """A network of two inputs."""

    def __init__(self):
        self.left, self.right = nn.Linear(2, 3, rng=0), nn.Linear(4, 3, rng=1)
        self.last = nn.Linear(3, 1, rng=2)

    def forward(self, a, b):
        return self.last(np.tanh(self.left(a) + self.right(b)))


def test_any_form_of_data_is_observed():
    wide = np.random.default_rng(0).normal(size=(len(X), 4))
    history = run(Two(), 2, data=((X, wide), Y), more=[training.Observe()])
    assert data_of(history.report())["plane"] is None
    assert [layer.activation for layer in history.observed.layers] == ["tanh", "", ""]
    row = run(
        nn.Linear(2, 1, rng=0), 2, data=[(X[0], Y[0])], loss=nn.mse, more=[training.Observe()]
    )
    assert row.observed.rows == 1


# Findings


def names(history):
    return [one.finding.name for one in findings(history, history.observed)]


def stays(net):
    """Return an optimizer that does not hold the first bias."""
    return optim.SGD([p for k, p in enumerate(net.parameters()) if k != 1], 0.5)


def far(net):
    """Return a network with a first layer far out in its sigmoids."""
    with tg.no_grad():
        net.layers[0].W *= 1e-3
        net.layers[0].b += 40.0
    return net


def dead(net):
    """Return a network with dead relus."""
    with tg.no_grad():
        net.layers[0].b -= 100.0
    return net


def deep():
    return network((2, *[6] * 9, 1))


FAULTY = {
    "saturated": lambda: run(far(network()), more=[training.Observe()]),
    "dead-relu": lambda: run(dead(network(activation=nn.ReLU)), more=[training.Observe()]),
    "vanishing": lambda: run(deep(), more=[training.Observe()]),
    "step-too-small": lambda: _with(network(), lambda n: optim.SGD(n.parameters(), 1e-9)),
    "step-too-large": lambda: _with(
        network(activation=nn.Tanh), lambda n: optim.SGD(n.parameters(), 2e3), epochs=30
    ),
    "not-updated": lambda: _with(network(), stays),
    "exploding": lambda: _with(
        network((2, 1)), lambda n: optim.SGD(n.parameters(), 2.5), loss=nn.mse, data=(3 * X, Y)
    ),
}


def _with(net, optimizer, **options):
    return run(net, optimizer=optimizer(net), more=[training.Observe()], **options)


@pytest.mark.filterwarnings("ignore:fit. the loss of the last epoch:UserWarning")  # so it is
@pytest.mark.parametrize("name", FAULTY)
def test_what_is_wrong_is_found_with_its_epochs(name):
    history = FAULTY[name]()
    found = findings(history, history.observed)
    own = [one for one in found if one.finding.name == name]
    assert own, [one.finding.name for one in found]
    for one in found:
        assert re.search(r"\d", one.finding.evidence)
        assert 0 <= one.first <= one.last <= history.epochs
    page = history.report()
    assert html.escape(own[0].finding.evidence[1:], quote=False) in html.unescape(page)


def test_a_rate_out_of_all_bounds_is_found_with_its_steps():
    model = tg.SigmoidClassifier(learning_rate=1e200, max_epochs=5, restarts=0, random_state=0)
    with pytest.warns(UserWarning, match="saturated"):
        model.fit(X, TABLE.y, callbacks=[training.Observe()])
    found = data_of(model.history_.report())
    assert 0.5 < found["ratio"][0][1] < 2.0
    assert "exploding" in names(model.history_)


@pytest.mark.filterwarnings("ignore")
def test_weights_out_of_all_bounds_are_shown_as_they_are():
    net = network()
    with tg.no_grad():
        net.layers[0].W *= 1e308
        net.layers[2].W *= np.inf
    history = training.History()
    loop = training.Loop(
        net, lambda: {"loss": np.nan}, [training.Observe()], history=history,
        probe=training.Probe(net, nn.bce_with_logits, lambda: (X, Y)),
    )  # fmt: skip
    found = data_of(loop.run(3).report())
    assert found["losses"] == ["nan"] * 4
    assert found["gradient"][1] == ["nan"] * 4
    assert unpacked(found["weights"][1]["bars"]).max() == 0
    assert names(history) == ["saturated", "exploding"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_no_number_is_a_finding():
    history, more = training.History(), [training.Observe()]
    with pytest.raises(NonFiniteError):
        run(network(), loss=lambda p, y: np.mean(p * y) / 0.0, history=history, more=more)
    history.append({"loss": 0.5})  # of an epoch before
    (found,) = findings(history, history.observed)
    assert found.finding.name == "exploding"
    assert "the loss is" in found.finding.evidence
    plain = training.History()
    for loss in (0.5, 0.4, np.nan, np.nan):
        plain.append({"loss": loss})
    (found,) = findings(plain, None)
    assert (found.finding.name, found.first, found.last) == ("exploding", 3, 4)
    assert "epoch 3" in plain.report()


def noisy():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(150, 2))
    return rows, rows[:, :1] + 2.0 * rng.normal(size=(150, 1))


def course(losses, flat):
    """Return what was observed of a layer of ten units with these losses and flat shares."""
    frames = [
        replace(frame(k), loss=loss, flat=np.array([share]))
        for k, (loss, share) in enumerate(zip(losses, flat, strict=True))
    ]
    return Observed(["W", "b"], [Layer("first", "Linear(2, 10)", (0, 1), "tanh", 10)], frames, 9)


@pytest.mark.parametrize(
    ("end", "flat", "severity"),
    [
        (0.9, [0.0] * 20 + [0.6] * 10, "fault"),  # and nothing is learned
        (0.5, [0.0] * 20 + [0.6] * 10, "note"),  # a part of it
        (0.1, [0.0] * 10 + [0.6] * 20, None),  # it has learned: these are sure
        (0.9, [0.6] * 3 + [0.0] * 27, None),  # they have come back
        (0.9, [0.6] * 15 + [0.0] * 15, "fault"),  # late
        (0.9, [0.4] * 30, None),
    ],
)
def test_flat_units_count_where_they_stay_and_nothing_is_learned(end, flat, severity):
    observed = course(np.linspace(1.0, end, 30), flat)
    found = findings({"loss": [1.0, end]}, observed)
    assert [one.finding.severity for one in found] == ([severity] if severity else [])
    if found:
        seen = np.flatnonzero(np.array(flat) >= 0.5)
        assert (found[0].first, found[0].last) == (seen[0], seen[-1])
        assert "6 of 10 tanh units behind first" in found[0].finding.evidence


HEALTHY = {
    "moons": lambda: _with(network(activation=nn.Tanh), lambda n: optim.Adam(n.parameters(), 0.05)),
    "relu": lambda: _with(
        network((2, 16, 16, 1), nn.ReLU), lambda n: optim.Adam(n.parameters(), 0.02), batch_size=16
    ),
    "a slow start": lambda: _with(
        network((2, 6, 6, 1)), lambda n: optim.Adam(n.parameters(), 0.02), epochs=150
    ),
    "long and sure": lambda: _with(
        network(activation=nn.Tanh), lambda n: optim.Adam(n.parameters(), 0.3), epochs=300
    ),
    "noise": lambda: _with(
        network(activation=nn.Tanh), lambda n: optim.Adam(n.parameters(), 0.02),
        loss=nn.mse, data=noisy(),
    ),
    "few epochs": lambda: _with(network(), lambda n: optim.SGD(n.parameters(), 0.1), epochs=2),
    "a decaying rate": lambda: _with(
        network(activation=nn.Tanh), lambda n: optim.SGD(n.parameters(), 0.5),
        schedule=optim.schedules.cosine(0.5, epochs=20),
    ),
    "momentum": lambda: _with(
        network(activation=nn.Tanh), lambda n: optim.SGD(n.parameters(), 0.1, momentum=0.9)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_has_no_findings(name):
    history = HEALTHY[name]()
    assert names(history) == []
    assert "Nothing was found to be wrong" in history.report()


# The page


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def observed_page(**options):
    return run(network(), 3, more=[training.Observe()]).report(**options)


def test_the_policy_names_the_pages_own_script_and_style_and_nothing_else():
    page = observed_page()
    policy = html.unescape(re.search(r'Security-Policy" content="([^"]*)"', page)[1])
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digests = [
        f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'"
        for (one,) in (scripts, styles)
    ]
    assert policy == (
        f"default-src 'none'; script-src {digests[0]}; style-src {digests[1]}; base-uri 'none';"
        " form-action 'none'"
    )
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    elements = Elements(page).found
    assert not [one for one in elements if {"src", "href", "style", "onclick"} & one[1].keys()]


def test_hostile_names_are_text():
    net = network()
    net.__dict__[HOSTILE] = nn.Linear(2, 1, rng=0)
    net.forward = lambda x: nn.Sequential.forward(net, x) + getattr(net, HOSTILE)(x)
    history = run(net, 3, more=[training.Observe()], metrics={HOSTILE: lambda p, _: np.mean(p)})
    page = history.report(title=HOSTILE, features=[HOSTILE] * 2, classes=[HOSTILE] * 2)
    tags = [tag for tag, _ in Elements(page).found]
    assert (tags.count("script"), tags.count("img"), tags.count("title")) == (2, 0, 1)
    found = data_of(page)
    assert found["plane"]["classes"][0] == HOSTILE[:39] + "…"
    assert len(found["layers"]) == 3


def test_a_training_of_which_no_page_is_wanted_loads_nothing_for_pages():
    code = """
import sys
import numpy as np
from tinygrad_bp import nn, optim, training
net, X = nn.Linear(1, 1, rng=0), np.ones((4, 1))
more = [training.Observe()]
training.fit(net, nn.mse, (X, X), optim.SGD(net.parameters(), 0.1), epochs=1, callbacks=more)
assert not {"tinygrad_bp.training.report", "tinygrad_bp.view"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_was_not_observed_is_said_with_how_to_have_it():
    history = run(network(), 3)
    page = history.report()
    assert "callbacks=[tg.training.Observe()]" in page
    found = data_of(page)
    assert (found["frames"], found["layers"], found["plane"]) == ([1, 2, 3], [], None)
    with pytest.raises(DataError, match="no epoch"):
        training.History().report()


def test_the_file_is_written_whole_or_not_at_all(tmp_path):
    history = run(network(), 2)
    path = tmp_path / "run.html"
    assert history.report(path) == path.read_text(encoding="utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="cannot write"):
        history.report(tmp_path / "folder")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "run.html"]


def test_many_epochs_are_drawn_by_some_and_no_extreme_is_lost():
    history = training.History()
    for k in range(20_000):
        history.append({"loss": 9.0 if k == 12_345 else 1.0 / (k + 1)})
    found = data_of(history.report())
    assert len(found["x"]) <= 520
    assert {1, 12_346, 20_000} <= set(found["x"])
