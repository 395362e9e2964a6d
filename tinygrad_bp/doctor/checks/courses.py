"""The lists that a script keeps of its epochs: losses on samples trained on, and on others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks.histories import HELD_OUT, SHORTEST, overfitting
from tinygrad_bp.doctor.findings.diagnosis import Finding
from tinygrad_bp.doctor.watched.recorder import is_array, is_number

LOSS = re.compile(r"loss|cost|err|mse|nll|_ce\b|bce", re.IGNORECASE)
APART = re.compile(r"val|test|dev|held|eval", re.IGNORECASE)


def kept(names: Mapping[str, Any]) -> list[Finding]:
    """Return what the lists of a script show, once it has ended."""
    columns = dict(_columns(names))
    losses = {name: some for name, some in columns.items() if LOSS.search(name)}
    for name, held in losses.items():
        own = (some for other, some in losses.items()
               if not APART.search(other) and len(some) == len(held))  # fmt: skip
        train = next(own, None) if APART.search(name) else None
        if train is not None and np.isfinite(train).all():
            found = overfitting({HELD_OUT + "loss": list(held)}, train)
            for one in found:
                one.evidence = f"{name}: {one.evidence}"
            if found:
                return found
    return []


def _columns(names: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the lists of numbers by name, those in dicts and objects too."""
    for name, value in [*names.items()]:
        text = f"{under}{name}"
        if isinstance(value, list | np.ndarray):
            plain = is_array(value) or all(is_number(one) for one in value)
            if plain and np.ndim(value) == 1 and len(value) >= SHORTEST:
                yield text, np.asarray(value, float)
        elif not under and isinstance(value, dict):
            yield from _columns({str(key): one for key, one in value.items()}, f"{name} ")
        elif not under and type(value).__module__ == names.get("__name__"):
            yield from _columns(getattr(value, "__dict__", {}), f"{name}.")
