"""New values of parameters: put there all at once, with a mark of when.

A record keeps what its derivatives read.  Of what it has not kept a picture asks the parameter
itself, and by the mark it knows whether that still holds what it held then.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from itertools import repeat
from typing import Any

from tinygrad_bp.engine.nodes import Leaf, Node, tick
from tinygrad_bp.engine.tensor import Tensor


def assign(tensors: Collection[Tensor], values: Iterable[Any]) -> None:
    """Give every Tensor its new value, all or none, and mark it."""
    mark(tensors)
    put(tensors, values)


def put(tensors: Iterable[Tensor], values: Iterable[Any]) -> None:
    """Do the same where they are marked.

    The loop runs in C, between two bytecodes, so Ctrl-C comes before all of them or after all.
    """
    any(map(setattr, tensors, repeat("_value"), values))  # setattr gives None: `any` goes on


def mark(tensors: Iterable[Tensor]) -> None:
    """Note that Tensors get new values from now on: older nodes may have read others."""
    now = tick()
    for one in tensors:
        one._changed = now


def unseen(tensor: Tensor) -> None:
    """Note that a Tensor may get, or may have got, new values without a mark."""
    if type(tensor._node) is Leaf:
        tensor._account.unseen = True


def held_now(leaf: Node) -> tuple[Any, float]:
    """Return what the Tensor of a leaf holds, None if nobody has it, and since which index.

    The index is infinite where none is known.
    """
    account = leaf.account() if type(leaf) is Leaf else None
    tensor = None if account is None else account.holder()
    if account is None or tensor is None or tensor.node is not leaf:
        return None, math.inf
    return tensor._value, math.inf if account.unseen else getattr(tensor, "_changed", -1)
