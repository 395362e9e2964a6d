"""A rewritten script computes what the script computes, and a replay leaves no trace."""

from __future__ import annotations

import ast
import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from tinygrad_bp.doctor.learning.roles import find_roles
from tinygrad_bp.doctor.watched.patches import patched
from tinygrad_bp.doctor.watched.recorder import Recorder
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.rewriting import parsed
from tinygrad_bp.doctor.watched.running import at_one_head, run
from tinygrad_bp.doctor.watched.slots import Names, shown
from tinygrad_bp.doctor.watched.substitution import expression, substituted

CORPUS = Path(__file__).parent / "corpus" / "healthy"
NAMES = ["linear_regression", "one_sample_at_a_time", "columns_returned_parameters",
         "softmax_pick_minus_one", "momentum_in_a_class", "generator_of_batches"]  # fmt: skip


def numbers(space: dict) -> dict[str, np.ndarray]:
    return {
        name: np.array(value)
        for name, value in space.items()
        if isinstance(value, float | np.ndarray) and not name.startswith("_")
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_watched_script_computes_what_it_computes_alone(name: str) -> None:
    path = CORPUS / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    alone: dict = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, str(path), "exec"), alone)  # noqa: S102  # our own corpus
    watched = run(parsed(text, str(path)), Recorder())
    assert watched.error is None
    own, theirs = numbers(watched.module), numbers(alone)
    assert own.keys() == theirs.keys()
    assert all(np.array_equal(own[key], theirs[key], equal_nan=True) for key in own)


SCRIPT = """
import numpy as np

X = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 0.5]])
y = np.array([[1.0], [0.0], [1.0]])
state = {"W": np.array([[0.1], [0.2]]), "seen": []}
rng = np.random.default_rng(3)


def make():
    b = np.zeros(1)

    def step():
        p = X @ state["W"] + b + 0 * rng.random()
        d = (p - y) / len(X)
        state["W"] = state["W"] - 0.1 * X.T @ d
        b[:] = b - 0.1 * d.sum(0)
        state["seen"].append(float(d.sum()))

    return step


step = make()
for epoch in range(5):
    step()
"""


def at_head(act) -> None:
    script = parsed(SCRIPT, "script.py")
    (loop,) = script.loops.values()
    recorder = Recorder()

    def look(frame) -> None:
        act(Replay(script, loop, recorder, frame), frame)

    ran = run(script, recorder, prepare=at_one_head(loop.place, 2, look))
    assert ran.error is None


def test_a_replay_is_the_same_each_time_and_is_taken_back() -> None:
    def act(replay: Replay, frame) -> None:
        before = replay.reached.values.copy()
        first, second = replay.run(), replay.run()
        kept = {shown(path): first.value(path) for path in replay.before}
        assert all(np.array_equal(kept[shown(p)], second.value(p)) for p in replay.before)
        replay.reached.restore()
        assert len(frame.f_globals["state"]["seen"]) == 1
        assert all(np.array_equal(before[p], replay.names.get(p)) for p in before)

    at_head(act)


def test_parameters_in_a_dictionary_and_in_a_closure_are_found() -> None:
    def act(replay: Replay, _) -> None:
        roles = find_roles(replay)
        assert roles is not None
        assert {shown(path) for path in roles.parameters} == {"state['W']", "b"}
        assert [shown(path) for path in roles.data] == ["X"]
        (pair,) = roles.pairs
        assert (pair.operation, pair.output) == ("-", "left")

    at_head(act)


@pytest.mark.parametrize(
    ("text", "find", "new", "wanted"),
    [
        ("d = a*b  # keep\n", "a * b", "a @ b.T", "d = a @ b.T  # keep\n"),
        ("f(a+b, c)\n", "a + b", "a - b", "f((a - b), c)\n"),
        ("é = a\nd = 'é', a*b\n", "a * b", "b", "é = a\nd = 'é', b\n"),
    ],
)
def test_a_patch_changes_what_it_must_and_no_more(text, find, new, wanted) -> None:
    tree = ast.parse(text)
    node = next(one for one in ast.walk(tree) if isinstance(one, ast.expr)
                and ast.unparse(one) == find)  # fmt: skip
    replaced = {id(node): expression(new)}
    made = patched(text, tree, replaced)
    assert made == wanted
    assert ast.dump(ast.parse(made)) == ast.dump(substituted(tree, replaced))


def test_no_two_places_share_a_node() -> None:
    """The parser has one node for all operators of a kind; an edit is of one place."""
    tree = parsed("a = b + c\nd = e + f\na += 1\na += 2\n", "script.py").tree
    nodes = [id(one) for one in ast.walk(tree) if isinstance(one, ast.operator)]
    assert len(nodes) == len({*nodes}) == 4


def test_a_run_sees_no_names_of_the_one_before() -> None:
    """`multiprocessing` keeps the main module under a second name, and so do all that import it."""
    second = 'import sys\n\nsys.modules.setdefault("__mp_main__", sys.modules["__main__"])\n'
    script, recorder = parsed(f"{second}{SCRIPT}", "script.py"), Recorder()
    for _ in range(2):
        ran = run(script, recorder)
        assert ran.error is None
        assert Names(ran.module).others() == []
