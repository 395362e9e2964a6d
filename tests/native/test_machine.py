"""The machine: what it refuses, in which words, and who keeps code alive."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import re
import subprocess
import sys

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import errors
from tinygrad_bp.native import Native
from tinygrad_bp.native.llvm import loading, machine
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.from_function import traced

ANSWER = "define i64 @answer(i64 %x) {\n  %y = add i64 %x, 42\n  ret i64 %y\n}\n"


def answer():
    return machine.Code(machine.compile_object(ANSWER), ["answer"])


@pytest.fixture
def fresh():
    """What is found out once is found out anew, and again afterwards."""
    caches = (machine._llvm, machine.host)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def test_without_llvmlite_the_remedy_is_told(fresh, monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    with pytest.raises(errors.NativeUnavailable, match=r"pip install 'tinygrad_bp\[jit\]'"):
        machine.host()


def test_a_processor_without_fma_is_refused(fresh, monkeypatch):
    llvm = extra("llvmlite.binding")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(
        llvm, "get_host_cpu_features", lambda: {"avx2": True, "bmi2": True, "fma": False}
    )
    with pytest.raises(errors.NativeUnavailable, match="has no fma"):
        machine.host()


def test_an_unknown_kind_of_processor_is_refused(fresh, monkeypatch):
    extra("llvmlite")
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(errors.NativeUnavailable, match="pdp11"):
        machine.host()


def test_a_function_keeps_its_code():
    extra("llvmlite")
    called = answer().function("answer", ctypes.c_int64, ctypes.c_int64)
    assert called(1) == 43


def test_what_is_no_object_code_is_refused():
    extra("llvmlite")
    for data in (b"", b"\x7fELF", b"no code"):
        with pytest.raises(RuntimeError):
            machine.Code(data, ["answer"])
    with pytest.raises(RuntimeError, match="question"):
        machine.Code(machine.compile_object(ANSWER), ["question"])


DROPS = """
import ctypes, gc, itertools
from tinygrad_bp.native.llvm import machine
data = machine.compile_object({answer!r})
for order in itertools.permutations(range(4)):
    held = dict(enumerate((machine.Code(data, ["answer"]), None, None, machine._linker())))
    held[1] = held[0].function("answer", ctypes.c_int64, ctypes.c_int64)
    held[2] = held[0].function("answer", ctypes.c_int64, ctypes.c_int64)
    for k in order:
        if order[0] % 2:  # what is found out once is let go of too
            machine._linker.cache_clear()
        del held[k]
        gc.collect()
        for other in (machine.Code(data, ["answer"]) for _ in range(3)):
            assert other.function("answer", ctypes.c_int64, ctypes.c_int64)(0) == 42
        for left in (1, 2):
            assert left not in held or held[left](1) == 43
keep = machine.Code(data, ["answer"])
cycle = [keep.function("answer", ctypes.c_int64, ctypes.c_int64)]
cycle.append(cycle)
print("all orders")
"""


def test_references_go_in_every_order():
    """In a process of its own, whose end counts too: it would crash."""
    extra("llvmlite")
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", DROPS.format(answer=ANSWER)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "all orders\n"), run.stderr


def test_importing_the_package_imports_none_of_this():
    code = (
        "import sys, tinygrad_bp\n"
        "print([name for name in sys.modules if 'tinygrad_bp.native' in name or 'llvm' in name])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


CALL = """
define double @called(double %x) {{
  %y = call double @{name}(double %x)
  ret double %y
}}
declare double @{name}(double)
"""


@pytest.mark.skipif(not loading.is_here(), reason="LLVM loads all code here")
def test_object_code_is_loaded_without_llvm():
    extra("llvmlite")  # it makes the code
    data = machine.compile_object(ANSWER)
    image = loading.Image(data, ["answer"])
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(image["answer"])(0) == 42
    outside = machine.compile_object(CALL.format(name="cbrt"))
    image = loading.Image(outside, ["called"])
    root = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(image["called"])
    assert abs(root(27.0) - 3.0) < 1e-12
    with pytest.raises(loading.Unloadable):
        loading.Image(machine.compile_object(CALL.format(name="no_such_function")), ["called"])


@pytest.mark.skipif(not loading.is_here(), reason="LLVM loads all code here")
def test_damaged_object_code_is_refused_or_loaded():
    """Whatever has happened to it: this reads, and runs nothing."""
    extra("llvmlite")  # it makes the code
    data = machine.compile_object(ANSWER)
    for bad in (b"", data[:-1][:40], b"\x7fELF" + data[4:50], data.replace(b"answer", b"anszer")):
        with pytest.raises(loading.Unloadable):
            loading.Image(bad, ["answer"])
    generator = np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(data[: generator.integers(1, len(data) + 1)])
        for place in generator.integers(0, len(damaged), 4):
            damaged[place] ^= 1 << generator.integers(8)
        with contextlib.suppress(loading.Unloadable):
            loading.Image(bytes(damaged), [])


# What object code for a kind of machine begins with, and what it may ask of the system there.
ELSEWHERE = {
    "aarch64-unknown-linux-gnu": ("generic", b"\x7fELF", set()),
    "arm64-apple-darwin": ("apple-m1", b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", set()),
    "x86_64-apple-darwin": ("x86-64-v3", b"\xcf\xfa\xed\xfe\x07\x00\x00\x01", set()),
    "x86_64-pc-windows-msvc": ("x86-64-v3", b"\x64\x86", {b"__chkstk"}),  # of its kernel library
}
CALLED = re.compile(rb"(?<=[\0_])(__chkstk|mem\w+|sinf?|cosf?|expf?|logf?|fmaf?|__\w+[sdt]i\d)\0")


@pytest.mark.parametrize("most_columns", [None, 1], ids=["columns", "rows"])
@pytest.mark.parametrize("wide", [False, True], ids=["lines", "loops"])
@pytest.mark.parametrize("triple", ELSEWHERE)
def test_code_for_other_machines_is_made_and_needs_nothing_of_this_one(triple, wide, most_columns):
    llvm = extra("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()

    def loss(x, w):
        return np.sum(np.tanh(np.sin(x) @ w) ** 2 + np.log1p(np.exp(-np.abs(x @ w))))

    x, w = np.ones((7, 3)), np.ones((3, 2))
    program = traced(tg.value_and_grad(loss), x, w).simplified()
    plain = machine.host()._replace(cpu="", features="", instructions=frozenset())
    native = Native(Family(program, 7), wide=wide, most_columns=most_columns, target=plain)
    cpu, begin, allowed = ELSEWHERE[triple]
    for text in native.texts:
        data = machine.compile_object(text, machine.Target(triple, cpu, "", frozenset()))
        assert data.startswith(begin)
        assert set(CALLED.findall(data)) <= allowed
