"""What is said where a tracked Tensor would leave the graph: the remedy for the very call."""

from __future__ import annotations

import linecache
import re
from pathlib import Path
from types import FrameType

import numpy as np

from tinygrad_bp.errors import TrackedTensorError, users_frame

LIBRARIES = str(Path(np.__file__).parents[1])
LIKE = "np.stack, or np.array(…, like=tensor), makes a Tensor; .detach() gives a plain array"
PLAIN = "pass loss.item(), the plain number"
# The function that was called, as the user's line names it -> what to do instead.
REMEDIES = {
    **dict.fromkeys(("array", "asarray", "asanyarray", "ascontiguousarray"), LIKE),
    **dict.fromkeys(("float", "int", "complex", "round", "range"), "write .item() for the number"),
    **dict.fromkeys(("append", "plot", "scatter", "semilogy", "print", "format"), PLAIN),
    **{f: f"use tg.{f}" for f in ("logsumexp", "softmax", "log_softmax")},
    "minimize": "pass tg.value_and_grad(f) and jac=True: it takes and gives plain arrays",
    "default": "write .tolist() for plain numbers",
}


def _line(frame: FrameType) -> tuple[str, str]:
    """Return the source that `frame` is running, and the name of the instruction."""
    from dis import opname  # it is slow to import, and this is an error

    instruction = opname[frame.f_code.co_code[frame.f_lasti]]
    first, last, start, end = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    if first is None or last is None or start is None or end is None:
        return "", instruction
    numbers = range(first, last + 1)
    lines = [linecache.getline(frame.f_code.co_filename, n).encode() for n in numbers]
    lines[-1] = lines[-1][:end]  # before the start: they may be one line
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace"), instruction


def leaves_the_graph(what: str) -> TrackedTensorError:
    """Return the error for a conversion that would drop a derivative silently.

    Parameters
    ----------
    what : str
        Who asked for plain values: "numpy.asarray", "float()".
    """
    frame = users_frame()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(LIBRARIES):
        frame = frame.f_back
    source, instruction = _line(frame)
    if instruction == "STORE_SUBSCR":
        return TrackedTensorError(
            "a Tensor that tracks gradients was put into a plain array, which would drop them"
            " silently: make the array with np.zeros(shape, like=tensor)"
        )
    call = re.match(r"[\w.]+(?=\()", source)
    name = call[0] if call else what
    remedy = REMEDIES.get(name.rpartition(".")[2])
    if remedy is None and name.startswith("math."):
        remedy = f"use np.{name.removeprefix('math.')}, which has a derivative"
    if remedy is None:
        remedy = (
            "np.stack joins Tensors, tg.differentiable gives a function a rule, .detach() drops the"
            " gradient knowingly"
        )
    return TrackedTensorError(
        f"{name} took a Tensor that tracks gradients for plain numbers, which would drop them"
        f" silently: {remedy}"
    )
