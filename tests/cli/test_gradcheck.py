"""``tinygrad-bp gradcheck``: exit codes, and what it says."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Command, run_process

from tinygrad_bp.cli import application
from tinygrad_bp.engine.rule import TABLE

MODULE = """
import io
import os
import sys

import numpy as np
import tinygrad_bp as tg

def loss(x, b):
    return np.sum(np.tanh(x) * b)

@tg.differentiable(vjp=lambda ct, out, x: -ct * np.cos(x))
def wrong(x):
    return np.sin(x)

class Nested:
    square = staticmethod(np.square)

def raises(x):
    raise ValueError("no")

def raises_for_tensors(x):
    if isinstance(x, tg.Tensor):
        raise KeyError("k")
    return x

def far_out(least):
    wrong = lambda x: np.where(x > least, 2, 1)
    return tg.differentiable(np.sin, vjp=lambda ct, out, x: ct * np.cos(x) * wrong(x))

beyond_3, beyond_30 = far_out(3), far_out(30)

def reciprocal_of_small(x):
    if np.any(np.abs(x) > 5):
        raise ValueError("too large")
    return 1 / (x + 3)

def leaves(x):
    return np.asarray(x) * 2

def ends(x):
    sys.exit(0)

def ends_for_tensors(x):
    if isinstance(x, tg.Tensor):
        raise SystemExit
    return x

@tg.differentiable(vjp=lambda ct, out, x: sys.exit(0))
def ends_backward(x):
    return x

W = tg.tensor([0.5, 1.0], requires_grad=True, name="W")

def training_loss(scale=2.0):
    return np.sum(np.sin(W) * scale)

def own_parameters():
    first = tg.tensor(np.eye(2), requires_grad=True, name="first")
    second = tg.tensor([[1.0], [2.0]], requires_grad=True, name="second")
    return np.sum(np.tanh(np.ones((3, 2)) @ first) @ second)

def nothing_tracked():
    return 3.0

def fails():
    raise KeyError("k")

def ends_without_arguments():
    sys.exit("done")

def raises_no_exception(x):
    raise GeneratorExit("g")

def leaves_the_process(x):
    os._exit(0)

def leaves_it_from_a_child(x):
    child = os.fork()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return np.sin(x)

def prints_elsewhere(x):
    sys.stdout = io.StringIO()
    return np.sin(x)

def closes_output(x):
    sys.stdout.close()
    return np.sin(x)

value = 3.0
"""


@pytest.fixture
def check(capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Calls the command in a folder with a module of the user's."""
    (tmp_path / "gradcheck_user.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "gradcheck_broken.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "gradcheck_ends.py").write_text("raise SystemExit(0)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "gradcheck_user", raising=False)
    command = Command(capsys)
    return lambda *given: command("gradcheck", *given)


def test_right_gradients(check: Callable[..., Any]) -> None:
    code, out, err = check("gradcheck_user:loss", "--shape", "3,4", "--shape", "4")
    assert (code, err) == (0, "")
    assert out.startswith("loss: gradients hold to order 2 at arguments from -")
    assert "; all 16 entries, by complex step;" in out


def test_wrong_gradients(check: Callable[..., Any]) -> None:
    code, out, err = check("gradcheck_user:wrong", "--shape", "3")
    assert (code, err) == (1, "")
    assert out.startswith("wrong: the gradient is wrong in argument 0 'x' at index")
    assert "the sign is wrong" in out
    assert "from gradcheck_user import wrong" in out


def test_parameters_that_a_function_makes_for_itself_are_checked_too(
    check: Callable[..., Any],
) -> None:
    code, out, err = check("gradcheck_user:own_parameters")
    assert (code, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()] == ["first", "second"]


def test_what_takes_no_arguments_is_checked_by_the_leaves_of_its_graph(
    check: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = check("gradcheck_user:training_loss")
    assert (code, err) == (0, "")
    assert out.startswith("W: the gradient holds; finite differences")
    assert "in 2 entries" in out
    monkeypatch.setattr(TABLE["sin"], "pulls", (lambda ct, _out, x: -ct * np.cos(x),))
    code, out, _ = check("gradcheck_user:training_loss")
    assert code == 1
    assert "W: the gradient is wrong" in out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("gradcheck_user:Nested.square", "--shape", ""), "all 1 entries"),
        (("gradcheck_user:Nested.square", "--shape", "2,0"), "all 0 entries"),
        (("gradcheck_user:Nested.square", "--shape", "300"), "8 random directions"),
        (("numpy:log", "--shape", "5", "--domain", "0.1", "2", "--order", "3"), "to order 3"),
    ],
)
def test_options(check: Callable[..., Any], given: Any, said: str) -> None:
    code, out, _ = check(*given)
    assert code == 0
    assert said in out


@pytest.mark.parametrize(
    "low", ["-1", "-1.5", "-.5", "-2.", "-1e-3", "-1E-3", "-1.5e+0", "-.5e1", "-1e0", "-1e-300"]
)
def test_a_negative_number_is_no_option(check: Callable[..., Any], low: str) -> None:
    code, out, _ = check("gradcheck_user:Nested.square", "--shape", "3", "--domain", low, "2")
    assert (code, out[:6]) == (0, "square")
    code, out, _ = check("--domain", low, "1e1", "--shape", "3", "gradcheck_user:Nested.square")
    assert (code, out[:6]) == (0, "square")


@pytest.mark.parametrize("shape", ["", "1", "2,3"])
@pytest.mark.parametrize("name", ["beyond_3", "beyond_30"])
def test_larger_arguments_are_tried_unless_a_domain_is_given(
    check: Callable[..., Any], name: str, shape: str
) -> None:
    code, out, _ = check(f"gradcheck_user:{name}", "--shape", shape)
    assert code == 1
    assert re.search(r"where .* is \d+\.\d+ there", out)
    code, out, _ = check(f"gradcheck_user:{name}", "--shape", shape, "--domain", "-2", "2")
    assert code == 0
    assert "larger" not in out


def test_where_larger_arguments_are_refused_nothing_is_said_of_them(
    check: Callable[..., Any],
) -> None:
    code, out, _ = check("gradcheck_user:reciprocal_of_small", "--shape", "3")
    assert (code, "larger" in out) == (0, False)
    code, out, _ = check("numpy:tanh", "--shape", "3")
    assert "order 2 at arguments from -" in out
    assert re.search(r"to order 1 also at larger arguments, up to \d\d\.\d in size\n", out)


def test_the_seed_chooses_the_arguments(check: Callable[..., Any]) -> None:
    first, again, other = (
        check("gradcheck_user:wrong", "--shape", "3", "--seed", seed).out for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("loss", "--shape", "3"), "expected MODULE:FUNCTION"),
        (("no_such_module:f",), "no_such_module"),
        (("gradcheck_user:f",), "'f'"),
        (("gradcheck_user:value",), "not a function but a float"),
        (("gradcheck_broken:f",), "importing gradcheck_broken raised ZeroDivisionError"),
        (("gradcheck_user:loss",), "give each a --shape"),
        (("gradcheck_user:nothing_tracked",), "nothing is tracked"),
        (("gradcheck_user:fails",), "fails raised KeyError: 'k'"),
        (("gradcheck_user:loss", "--shape", "3"), "raises at the arguments: TypeError"),
        (("gradcheck_user:raises", "--shape", "3"), "raises at the arguments: ValueError: no"),
        (("gradcheck_user:raises_for_tensors", "--shape", "3"), "raised KeyError: 'k'"),
        (("gradcheck_user:ends", "--shape", "3"), "ends called sys.exit(0)"),
        (("gradcheck_user:ends_for_tensors", "--shape", "3"), "called sys.exit(None)"),
        (("gradcheck_user:ends_backward", "--shape", "3"), "called sys.exit(0)"),
        (("gradcheck_user:ends_without_arguments",), "was run called sys.exit('done')"),
        (("gradcheck_user:raises_no_exception", "--shape", "3"), "was run raised GeneratorExit: g"),
        (("./gradcheck_user:loss", "--shape", "3"), "write gradcheck_user:loss"),
        (("gradcheck_ends:f", "--shape", "3"), "importing gradcheck_ends raised SystemExit: 0"),
        (("gradcheck_user:loss", "--shape", "3,x"), "'3,x' is no shape such as 3,4"),
        (("gradcheck_user:loss", "--shape", "-3"), "'-3' is no shape such as 3,4"),
        (("gradcheck_user:loss", "--shape", "99999,99999"), "has more than"),
        (("gradcheck_user:loss", "--order", "0"), "not an integer of 1 or more"),
        (("numpy:log", "--shape", "3"), "there is no derivative to check"),
        (("numpy:log", "--shape", "3", "--domain", "2", "1"), "the second number must be the lar"),
        (("numpy:abs", "--shape", "3", "--domain", "0", "inf"), "two finite numbers"),
        (("numpy:abs", "--shape", "3", "--domain", "-inf", "1"), "two finite numbers"),
        (("numpy:abs", "--shape", "3", "--domain", "-NaN", "1"), "two finite numbers"),
        (("numpy:abs", "--shape", "3", "--order", "-1e3"), "'-1e3' is not an integer of 1 or more"),
        (("numpy:abs", "--shape", "3", "--domain", "-1e-3x", "1"), "--domain"),
        (("numpy:abs", "--shape", "3", "--domain", "nan", "1"), "two finite numbers"),
        (("numpy:abs", "--shape", "3", "--domain", f"-{10**308}", "1e308"), "not too far apart"),
        (("gradcheck_user:leaves", "--shape", "3"), "took a Tensor that tracks"),
    ],
)
def test_bad_input(check: Callable[..., Any], given: Any, said: str) -> None:
    code, out, err = check(*given)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("leaves_the_process", 2, "what was run called os._exit(0): nothing is decided"),
        ("leaves_it_from_a_child", 0, "gradients hold"),
        ("prints_elsewhere", 0, "gradients hold"),
        ("closes_output", 2, "standard output: "),
    ],
)
def test_the_command_says_what_it_has_found_before_it_ends(
    tmp_path: Path, name: str, code: int, said: str
) -> None:
    (tmp_path / "gradcheck_user.py").write_text(MODULE, encoding="utf-8")
    given = ("gradcheck", f"gradcheck_user:{name}", "--shape", "3", "--order", "1")
    found = run_process(given, cwd=tmp_path)
    assert found.code == code
    assert said in (found.err if code else found.out)
    assert "Traceback" not in found.err


def test_the_help_page_has_examples_that_parse(check: Callable[..., Any]) -> None:
    code, out, _ = check("--help")
    assert code == 0
    examples = [line.split()[1:] for line in out.splitlines() if line.startswith("  tinygrad-bp ")]
    assert len(examples) == 3
    for words in examples:
        assert callable(application.build_parser().parse_args(words).run)
