"""Fused rules that run whole in a program: by machine code, and else as the eager step runs them.

A program has the composition of such a rule, and says where it stands (`programs.wholes`).  Step by
step along time that takes long to compile, and many calls; but all of a sequence that is short and
narrow enough is one piece of code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_bp.engine.modes import recorded
from tinygrad_bp.engine.nodes import Variable
from tinygrad_bp.engine.rule import JointPulls
from tinygrad_bp.engine.tensor import unwrap, wrap
from tinygrad_bp.native import convolutions
from tinygrad_bp.native.recurrent import held
from tinygrad_bp.programs.calling import OWN
from tinygrad_bp.programs.wholes import PULL, WHOLE
from tinygrad_bp.rules.sequences.convolution import correlation, pulled
from tinygrad_bp.rules.sequences.recurrence import (
    GRURun,
    LSTMRun,
    RNNRun,
    Run,
    gru,
    is_raw,
    lstm,
    rnn,
)

Forward = Callable[..., Any]


def _forward(record: Forward, *given: Any) -> tuple[Any, Any]:
    """Return the result of a fused rule, and ``pull(ct, wanted)``."""
    *arguments, parameters = given
    leaves = [wrap(x, Variable(x.shape, x.dtype)) for x in arguments]
    out = recorded(record, *leaves, *parameters)
    return unwrap(out), partial(_pulled, out._node)


def _pulled(node: Any, ct: Any, wanted: Sequence[int]) -> Sequence[Any]:
    pulls = node.rule.pulls
    if isinstance(pulls, JointPulls):
        found: Sequence[Any] = pulls.together(wanted, ct, *node.saved)
        return found
    return [pulls[i](ct, *node.saved) for i in wanted]


def _convolution(*given: Any) -> tuple[Any, Any]:
    """Return that of a convolution."""
    *arguments, parameters = given
    if not convolutions.fits(*arguments):
        return _forward(correlation, *given)
    out = convolutions.correlation(*arguments, *parameters)
    return out, partial(_correlated, arguments, parameters)


def _correlated(arguments: Any, parameters: Any, ct: Any, wanted: Sequence[int]) -> list[Any]:
    (a, b), (gives, *where) = arguments, parameters
    every = [pulled(i, ct, a, b, gives) for i in wanted]
    return [convolutions.correlation(*one, *where) for one in every]


def _along_time(record: Forward, kind: type[Run], *given: Any) -> tuple[Any, Any]:
    """Return that of a recurrent network."""
    *arguments, (counts, _) = given
    if is_raw(counts, *arguments) and all(one.size for one in arguments):
        own = held(kind, arguments)
        own.steps.run(counts, arguments)
        return np.asarray(own), partial(own.pull, counts)
    return _forward(partial(record, counts=counts), *arguments, ())


def _pull(made: tuple[Any, Any], ct: Any, wanted: Sequence[int], _arguments: Any) -> Sequence[Any]:
    """Return the cotangents of the arguments that are wanted."""
    found: Sequence[Any] = made[1](ct, wanted)
    return found


RULES: dict[str, Callable[..., Any]] = {
    "convolution": _convolution,
    "gru": partial(_along_time, gru, GRURun),
    "lstm": partial(_along_time, lstm, LSTMRun),
    "rnn": partial(_along_time, rnn, RNNRun),
}
FUSED = frozenset(RULES)
for name, function in RULES.items():
    OWN[f"{WHOLE}{name}"] = function
    OWN[f"{WHOLE}{name}{PULL}"] = _pull
