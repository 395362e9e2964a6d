"""Scripts in which nothing learns: they crash before, end before, or have no such loop."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks import crashes
from tinygrad_bp.doctor.checks.numerics import out_of_range
from tinygrad_bp.doctor.findings.diagnosis import FAULT, Diagnosis, Finding, Undecided
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.learning.survey import Survey
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.rewriting import Script

OTHERS = {"torch": "PyTorch", "tensorflow": "TensorFlow", "keras": "Keras", "jax": "JAX",
          "mxnet": "MXNet", "theano": "Theano", "autograd": "autograd"}  # fmt: skip
ELSEWHERE = (EOFError, ImportError, OSError)  # what is wrong is not in the script


def _has_no_numbers(value: Any) -> bool:
    return is_array(value) and value.dtype.kind == "f" and bool(np.isnan(value).any())


def libraries_of(script: Script) -> list[str]:
    """Return the libraries with arrays of their own that a script imports."""
    names: dict[str, None] = {}
    for one in ast.walk(script.tree):
        if isinstance(one, ast.Import):
            names.update(dict.fromkeys(alias.name.split(".")[0] for alias in one.names))
        elif isinstance(one, ast.ImportFrom):
            names[(one.module or "").split(".")[0]] = None
    return [OTHERS[name] for name in names if name in OTHERS]


def nothing_learns(script: Script, looked: Survey, diagnosis: Diagnosis) -> None:
    """Say why no loop of a script was found in which anything learns."""
    error, line = looked.ran.error, looked.ran.line
    where = script.at(line)
    if isinstance(error, Exception):
        name = crashes.kind_of(error)
        if looked.loops and not isinstance(error, ELSEWHERE):
            text = f"{where} ends in {crashes.said(error)}"
            diagnosis.findings.append(Finding(name, FAULT, text, line))
            return
        diagnosis.broken = True
        text = f"{where}: {type(error).__name__}: {error}"
        if isinstance(error, EOFError):
            text = f"{where} asks for input(), and nobody answers; put the value there"
        diagnosis.undecided.append(Undecided("script", f"it ends before anything learns: {text}"))
        return
    spoilt = [name for name, value in looked.ran.module.items() if _has_no_numbers(value)]
    if spoilt and looked.loops:
        text = f"{', '.join(spoilt[:4])} hold what is no number before anything learns"
        diagnosis.findings += out_of_range(script, Outcome(looked.ran), spoilt=text)
    if isinstance(error, SystemExit):
        reason = f"{where} ends the script before anything learns"
    elif looked.ran.out_of_time:
        reason = (
            f"nothing had learned after {looked.ran.seconds:.0f} s: the set-up is too slow,"
            " or a loop has no end"
        )
    elif libraries_of(script):
        reason = (
            f"what learns here is kept by {' and '.join(libraries_of(script))}, whose arrays are"
            " not watched; of NumPy's and of this package's they are"
        )
    elif looked.loops == 0:
        reason = "no loop ran"
    elif spoilt:
        reason = f"{', '.join(spoilt[:4])} hold what is no number, and so has every answer"
    else:
        reason = "in no loop that ran does anything change that an output depends on"
    diagnosis.undecided.append(Undecided("loop", reason))
