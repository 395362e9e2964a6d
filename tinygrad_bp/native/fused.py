"""Fused rules that run whole: by their own code, as the eager step runs them.

A program has the composition of such a rule, and says where it stands (`programs.wholes`).  Step by
step along time, its products are of few rows and its sums of many columns: machine code takes twice
as long as the rule, unless all of a sequence is short and narrow enough to be one piece of code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinygrad_bp.engine.modes import recorded
from tinygrad_bp.engine.nodes import Variable
from tinygrad_bp.engine.tensor import unwrap, wrap
from tinygrad_bp.programs.calling import OWN
from tinygrad_bp.programs.wholes import PULL, WHOLE
from tinygrad_bp.rules.sequences.recurrence import gru, lstm, rnn

Forward = Callable[..., Any]


def _forward(record: Forward, *given: Any) -> tuple[Any, Any]:
    """Return the result of a fused rule, and its node, which has what its pulls read."""
    *arguments, counts = given
    leaves = [wrap(x, Variable(x.shape, x.dtype)) for x in arguments]
    out = recorded(record, *leaves, counts=counts)
    return unwrap(out), out._node


def _pull(made: tuple[Any, Any], ct: Any, wanted: Sequence[int], _arguments: Any) -> Sequence[Any]:
    """Return the cotangents of the arguments that are wanted."""
    node = made[1]
    found: Sequence[Any] = node.rule.pulls.together(wanted, ct, *node.saved)
    return found


RECORDS = {"gru": gru, "lstm": lstm, "rnn": rnn}
FUSED = frozenset(RECORDS)
for name, record in RECORDS.items():
    OWN[f"{WHOLE}{name}"] = partial(_forward, record)
    OWN[f"{WHOLE}{name}{PULL}"] = _pull
