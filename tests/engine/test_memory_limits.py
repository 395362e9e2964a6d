"""Where memory ends there is a MemoryError, and everything is as it was: it can go on with more.

Each case runs in a process of its own, under a limit on its address space (RLIMIT_AS): the child of
one that has imported what they need.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

if not sys.platform.startswith("linux"):  # RLIMIT_AS and /proc
    pytest.skip("limits on address space are Linux's", allow_module_level=True)

HEAD = """
import os, resource
from contextlib import contextmanager
import numpy as np, tinygrad_bp as tg
from tinygrad_bp.engine import memory

UNIT = 1 << 18
N = UNIT  # float64: arrays of 8 units, which the C library asks the system for one by one

def filled(value, n=N):
    return tg.tensor(np.full(n, value), requires_grad=True)

@contextmanager
def only(units):
    '''Let the process have so much more memory, and insist that this is not enough.'''
    memory._drop_unused()  # buffers that are kept to be used again
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + units * UNIT, hard))
    try:
        yield
    except MemoryError:
        pass
    else:
        raise SystemExit("there was enough memory: the case proves nothing")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

"""

CASES = {
    "an operation": """
x = filled(0.5)
with only(4):
    np.exp(x)
np.sum(np.exp(x)).backward()
assert np.all(x.grad.numpy() == np.exp(0.5))
""",
    "an operation whose raw operand is copied": """
x, raw = filled(0.5), np.full(N, 2.0)
with only(12):  # the product finds room, the copy for the graph does not
    x * raw
raw[...] = 3.0
y = x * raw
y.backward(np.ones(N))
assert np.all(x.grad.numpy() == 3.0) and np.all(y.numpy() == 1.5)
""",
    "a tensor": """
data = np.ones(N)
with only(4):
    tg.tensor(data, requires_grad=True)
assert np.all(data == 1.0)
""",
    "an assignment": """
x = filled(0.5) * 1.0
node = x.node
with only(4):
    x[0] = 7.0
assert x.node is node and x[0].item() == 0.5
x[0] = 7.0
assert x[0].item() == 7.0
""",
    "a backward pass": """
x, w = filled(0.5), filled(2.0)
loss = np.sum(np.tanh(np.sin(x) * w))
loss.backward()
before = x.grad, w.grad, x.grad.numpy().copy(), w.grad.numpy().copy()
with only(4):
    loss.backward()
assert x.grad is before[0] and w.grad is before[1]
assert np.all(x.grad.numpy() == before[2]) and np.all(w.grad.numpy() == before[3])
loss.backward()
assert np.all(x.grad.numpy() == 2 * before[2]) and np.all(w.grad.numpy() == 2 * before[3])
""",
    "a backward pass that has come to the last leaf": """
leaves = [filled(0.5) for _ in range(4)]
loss = sum(np.sum(x) for x in leaves)  # no array until the gradients add up
loss.backward()
before = [x.grad for x in leaves]
for room in (4, 12, 20, 28):
    with only(room):
        loss.backward()
    assert all(x.grad is g for x, g in zip(leaves, before))
loss.backward()
assert all(np.all(x.grad.numpy() == 2.0) for x in leaves)
""",
    "a recorded backward pass": """
x = filled(0.5)
loss = np.sum(np.sin(x))
loss.backward(create_graph=True)
before = x.grad
with only(4):
    loss.backward(create_graph=True)
assert x.grad is before
np.sum(before).backward()
assert np.allclose(x.grad.numpy(), np.cos(0.5) - np.sin(0.5))
""",
    "a transform": """
x = np.full(N, 0.5)
f = lambda x: np.sum(np.exp(np.sin(x)))
with only(12):
    tg.grad(f)(x)
with only(12):
    tg.jvp(f, (x,), (x,))
with only(12):
    tg.jacobian(np.sin)(x[:1500])
assert np.allclose(tg.grad(f)(x), np.exp(np.sin(0.5)) * np.cos(0.5)) and np.all(x == 0.5)
""",
    **{
        f"a step of {name}": f"""
params = [filled(0.5), filled(2.0, 2 * N)]  # the second fails where the first does not
optimizer = tg.optim.{make}
for p in params:
    np.sum(p * p).backward()
optimizer.step()
before = [p.numpy().copy() for p in params], optimizer.state(), [p.grad for p in params]
for room in range(4, 200, 8):  # it ends in the first array, in the second, ...
    try:
        with only(room):
            optimizer.step()
    except SystemExit:  # the new parameters are 24 units
        assert room > 24
        break
    assert all(np.array_equal(p.numpy(), v) for p, v in zip(params, before[0]))
    assert all(p.grad is g for p, g in zip(params, before[2]))
    after = optimizer.state()
    assert after.keys() == before[1].keys()
    assert all(np.array_equal(after[key], before[1][key]) for key in after)
assert all(np.all(p.numpy() != v) for p, v in zip(params, before[0]))
"""
        for name, make in {
            "gradient descent": "SGD(params, 0.1)",
            "momentum": "SGD(params, 0.1, momentum=0.9, weight_decay=0.1)",
            "Adam": "Adam(params, 0.1)",
            "AdamW": "AdamW(params, 0.1)",
        }.items()
    },
    "a state that is loaded": """
params = [filled(0.5), filled(2.0)]
optimizer = tg.optim.SGD(params, 0.1, momentum=0.9)
state = {**optimizer.state(), "momentum.0": np.ones(N), "momentum.1": np.ones(N)}
before = optimizer.state()
with only(12):
    optimizer.load_state(state)
after = optimizer.state()
assert all(np.array_equal(after[key], before[key]) for key in before)
optimizer.load_state(state)
assert np.all(optimizer.state()["momentum.1"] == 1.0)
""",
    "a fit": """
rng = np.random.default_rng(0)
X, y = rng.normal(size=(60, 2)), np.arange(60) % 2
model = tg.SigmoidClassifier(max_epochs=5, restarts=0, random_state=0).fit(X, y)
before = model.predict_proba(X)
many = rng.normal(size=(2 * N, 2)), np.arange(2 * N) % 2
with only(24):
    model.fit(*many)
assert np.array_equal(model.predict_proba(X), before)
with only(24):
    model.predict(np.tile(X, (10_000, 1)))
assert np.array_equal(model.predict_proba(X), before)
model.fit(X, y)
assert np.array_equal(model.predict_proba(X), before)
""",
    "a layer": """
layer = tg.nn.Linear(50, 1000, rng=np.random.default_rng(0))
x = np.ones((1000, 50))
before = {key: value.copy() for key, value in layer.state().items()}
with only(8):
    layer(x)
assert all(np.array_equal(value, before[key]) for key, value in layer.state().items())
np.sum(layer(x)).backward()
assert np.allclose(layer.parameters()[0].grad.numpy(), 1000.0)
""",
}


ENVIRONMENT = {
    "PYTHONPATH": ":".join(sys.path),
    "OPENBLAS_NUM_THREADS": "1",  # a pool of threads would ask for memory of its own
    "MALLOC_MMAP_THRESHOLD_": "65536",  # what is freed is given back, and not at hand again
}


FORKS = """
import json, sys, traceback
for line in sys.stdin:
    if os.fork() == 0:
        said = ""
        try:
            exec(json.loads(line))
        except BaseException:
            said = traceback.format_exc()
        print(json.dumps(said), flush=True)
        os._exit(0)
    _, status = os.wait()
    if status:
        print(json.dumps(f"ended with status {status}"), flush=True)
"""


@pytest.fixture(scope="module")
def parent() -> Iterator[Any]:
    """The process whose children run the cases."""
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + FORKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        yield process


DEEP = {"a step of AdamW"}  # Adam's own, and a decay


@pytest.mark.parametrize(
    "case", [pytest.param(one, marks=pytest.mark.deep if one in DEEP else ()) for one in CASES]
)
def test_without_memory_nothing_has_changed(case: str, parent: Any) -> None:
    parent.stdin.write(json.dumps(CASES[case]) + "\n")
    parent.stdin.flush()
    assert json.loads(parent.stdout.readline()) == ""


def test_a_case_that_ends_its_process_is_told(parent: Any) -> None:
    for code, told in (("os.kill(os.getpid(), 9)", "status"), ("assert 0", "AssertionError")):
        parent.stdin.write(json.dumps(code) + "\n")
        parent.stdin.flush()
        assert told in json.loads(parent.stdout.readline())
