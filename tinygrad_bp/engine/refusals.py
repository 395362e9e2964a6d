"""What is said where a tracked Tensor would leave the graph: the remedy for the very call."""

from __future__ import annotations

import linecache
import math
import os
import sys
from types import FrameType

import numpy as np

from tinygrad_bp.errors import TrackedTensorError, users_frame

LIBRARIES = np.__file__.rpartition(os.sep)[0].rpartition(os.sep)[0]
LONG = 60  # characters of the name of a function
LIKE = "np.stack, or np.array(…, like=tensor), makes a Tensor; .detach() gives a plain array"
PLAIN = "pass loss.item(), the plain number"
DRAWN = f"{PLAIN}, or .numpy(), the plain array"
FRAMED = "take .to_numpy() of the data frame, as in df.to_numpy() @ W"
SCORED = "pass .numpy(), the plain array"
OWN_RULE = (
    "write it in NumPy's words, give it a rule with tg.differentiable, join Tensors with np.stack,"
    " or pass .detach()"
)
DRAWN_APART = "draw plain numbers and compute with these: loc + scale * rng.normal(), x[rng.…]"
# The function that was called, as the user's line names it -> what to do instead.
REMEDIES = {
    **dict.fromkeys(("array", "asarray", "asanyarray", "ascontiguousarray"), LIKE),
    **dict.fromkeys(("float", "int", "complex", "round", "range"), "write .item() for the number"),
    **dict.fromkeys(("append", "print", "format"), PLAIN),
    **{f: f"use tg.{f}" for f in ("logsumexp", "softmax", "log_softmax")},
    "minimize": "pass tg.value_and_grad(f) and jac=True: it takes and gives plain arrays",
    "default": "write .tolist() for plain numbers",
    "full": "write np.full(shape, tensor, like=tensor)",
    "fromiter": "write np.stack(list(values))",
    "vectorize": "write the function in NumPy's words, for whole arrays; or tg.vmap",
}
ARRAYS = ("numpy.asarray", "numpy.array")  # whoever asks for plain arrays; not what was called
# The library that is at work -> what to do instead, where the name of the function tells nothing.
LIBRARY_REMEDIES = {
    "matplotlib": DRAWN,
    "pandas": FRAMED,
    "sklearn": SCORED,
    "scipy.optimize": "tg.grad, tg.jacobian and tg.value_and_grad make functions of plain arrays",
}
# Bases of numpy.polynomial: its modules, and what the names in them begin with.  Nobody can
# override these functions; those of the power basis have older twins, highest power first.
BASES = {
    "polynomial": "poly",
    "chebyshev": "cheb",
    "legendre": "leg",
    "hermite": "herm",
    "hermite_e": "herme",
    "laguerre": "lag",
}
TWINS = {
    "polyval": "np.polyval(c[::-1], x)",
    "polyroots": "np.roots(c[::-1])",
    "polyfromroots": "np.poly(roots)[::-1]",
    "polyvander": "np.vander(x, deg + 1, increasing=True)",
    "polyfit": "np.polyfit(x, y, deg)[::-1]",
    "polyder": "np.polyder(c[::-1], m)[::-1]",
    "polydiv": "np.polydiv(c1[::-1], c2[::-1]), highest power first",
    "polyint": "np.polyint(c[::-1], m)[::-1]",
    **{name: f"np.{name}(c1[::-1], c2[::-1])[::-1]" for name in ("polyadd", "polysub", "polymul")},
}


def _series(frame: FrameType) -> tuple[str, str]:
    """Return what of numpy.polynomial is running in `frame`, and the remedy; nothing elsewhere."""
    folder, _, file = frame.f_code.co_filename.rpartition(os.sep)
    if folder != np.polynomial.__file__.rpartition(os.sep)[0]:
        return "", ""
    name, basis = frame.f_code.co_name, file.removesuffix(".py")
    if basis == "_polybase":
        subject = frame.f_locals.get("self", frame.f_locals.get("cls"))
        kind = subject if isinstance(subject, type) else type(subject)
        basis = kind.__module__.rpartition(".")[2]
        title = kind.__name__ if name.startswith("__") else f"{kind.__name__}.{name}"
        if name == "__call__":
            at = f"{basis}.{BASES.get(basis, '')}val"
            return f"a {title}", f"write {at}(x, p.convert().coef) for p(x)"
        name = BASES.get(basis, "") + {"__init__": "val"}.get(name, name)
    else:
        title = f"{basis}.{name}"
    if name in TWINS:
        return title, f"write {TWINS[name]}"
    if name.endswith("fit"):
        return title, f"write np.linalg.pinv({basis}.{name[:-3]}vander(x, deg)) @ y"
    return title, f"write {basis}.{BASES.get(basis)}vander(x, len(c) - 1) @ c for the value at x"


def _called_by(user: FrameType) -> FrameType:
    """Return the frame that `user` called, on the way to here."""
    frame = sys._getframe(1)  # the standard library's own way to the caller
    while frame.f_back is not None and frame.f_back is not user:
        frame = frame.f_back
    return frame


def _library_remedy(user: FrameType) -> str:
    """Return the remedy for what a library does between the user's line and here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not user:
        module = f"{frame.f_globals.get('__name__')}."
        for name, remedy in LIBRARY_REMEDIES.items():
            if module.startswith(f"{name}."):
                return remedy
        frame = frame.f_back
    return ""


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


def _called(source: str) -> str:
    """Return the function that an expression calls last, as it is written; "" if it is no call."""
    import ast  # it is slow to import, and this is an error

    try:
        call = ast.parse(source.strip(), mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(call, ast.Call):
        return ""
    name = ast.unparse(call.func)
    return name if len(name) <= LONG else name.rpartition(".")[2][-LONG:]


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
    call = _called(source)
    name, remedy = _series(_called_by(frame))
    name = name or call or what
    last = name.partition("(")[0].rpartition(".")[2]
    if call:
        remedy = remedy or REMEDIES.get(last, "")
    if not remedy and what == "float()" and hasattr(math, last):
        remedy = f"use np.{last}, which has a derivative"
    remedy = remedy or _library_remedy(frame)
    if not remedy and (not call or what not in ARRAYS):
        remedy = REMEDIES.get(what.strip("()").rpartition(".")[2], "")
    if not remedy and (".random." in name or name.startswith(("rng.", "random."))):
        remedy = DRAWN_APART
    remedy = remedy or OWN_RULE
    return TrackedTensorError(
        f"{name} took a Tensor that tracks gradients for plain numbers, which would drop them"
        f" silently: {remedy}"
    )
