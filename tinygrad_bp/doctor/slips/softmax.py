"""Answers for classes that are no shares of 1, and the divisor that makes them so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks.numerics import quotients
from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.losses import meetings
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.slips.repairs import Workshop
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.substitution import expression

Replaced = dict[int, Any]


def uneven(replay: Replay, roles: Roles) -> tuple[Finding, Replaced, list[Any]] | None:
    """Return why the answers for one-hot labels are no shares, with the edit that makes them so.

    Only a division by a sum is edited: sigmoids need not add up to 1.
    """
    met = _sums(roles.base.recording, roles)
    if met is None or np.allclose(met[0], 1) or not np.isfinite(met[0]).all():
        return None
    shop = Workshop(replay, roles)
    for unit, node, new in _divisions(shop):
        iteration = shop.run({id(node): new}, [unit], None)
        mended = _sums(iteration.recording, roles) if iteration is not None else None
        if mended is not None and np.allclose(mended[0], 1):
            own, across = met
            name = "softmax-axis" if np.allclose(across, 1) else "softmax-shift"
            text = (
                f"the probabilities of one sample add up to {own.min():.3g} up to {own.max():.3g},"
                " not to 1: what they are divided by is not their own sum"
            )
            patch = patches.patch_of(replay.script, {id(node): new})
            return Finding(name, FAULT, text, node.lineno, patch=patch), {id(node): new}, [unit]
    return None


def _sums(recording: Any, roles: Roles) -> tuple[Any, Any] | None:
    """Return the sums of the answers of each sample, and those along the other axis or of all."""
    if not roles.pairs or roles.pairs[0].own:
        return None
    outputs, labels = meetings(recording, roles.pairs[0], roles.compared)
    if not outputs or outputs[0].shape != labels[0].shape or np.any(outputs[0] < 0):
        return None
    o, y = outputs[0], labels[0]
    axes = [k for k in range(o.ndim - 1, -1, -1) if o.shape[k] > 1 and np.all(y.sum(axis=k) == 1)]
    if not axes or not np.all((y == 0) | (y == 1)):
        return None
    across = o.sum(axis=1 - axes[0]) if o.ndim == 2 else o.sum()  # a table
    return o.sum(axis=axes[0]), o.sum() if np.isclose(o.sum(), 1) else across


def _divisions(shop: Workshop) -> Iterator[tuple[Any, Any, ast.expr]]:
    """Yield (what it stands in, a quotient or divisor, one by the numerator's own sum)."""
    for unit in shop.units():
        for _, above, below in quotients(unit):
            for axis in (-1, 0):
                text = f"np.sum({ast.unparse(above)}, axis={axis}, keepdims=True)"
                yield unit, below, expression(text)
