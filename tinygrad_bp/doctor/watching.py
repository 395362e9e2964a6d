"""A loop of one's own, told epoch by epoch: what arrays alone can show."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks import ranges
from tinygrad_bp.doctor.checks.histories import of_losses
from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Diagnosis, Finding, Undecided
from tinygrad_bp.engine.tensor import Tensor

STILL = 3  # epochs after which an array that has not moved does not move
SMALL, LARGE = 1e-7, 1.0  # changes of a parameter in one epoch, to its size, worth a note


class Watched:
    """What `watch` gives: it is told of each epoch, and holds the diagnosis at the end.

    Attributes
    ----------
    diagnosis : Diagnosis
        Of all epochs so far.
    """

    def __init__(self, output: Any = None, label: Any = None) -> None:
        self._output, self._label = output, label
        self._epochs = 0
        self._first: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._ratios: dict[str, list[float]] = {}
        self._found: dict[tuple[str, str], Finding] = {}
        self._losses: list[float] = []
        self._bounds = (np.inf, -np.inf, np.inf, -np.inf)  # of outputs, and of labels
        self._began = time.monotonic()

    def epoch(
        self, *, output: Any = None, label: Any = None, loss: Any = None, **arrays: Any
    ) -> None:
        """Take the arrays of an epoch.

        Parameters
        ----------
        output, label : array or Tensor, optional
            What the network answers, and what it should; here or in `watch`.
        loss : float or Tensor, optional
        **arrays : array or Tensor
            The parameters, by name.
        """
        self._epochs += 1
        output = self._output if output is None else output
        label = self._label if label is None else label
        if output is not None and label is not None:
            for one in ranges.meeting(_plain(output), _plain(label)):
                self._add(one)
            self._bound(np.asarray(_plain(output)), np.asarray(_plain(label)))
        if loss is not None:
            self._losses.append(float(np.asarray(_plain(loss), float)))
        for name, value in arrays.items():
            self._parameter(name, _plain(value))
        for key in [
            k for k, v in {"output": output, "loss": loss, **arrays}.items() if v is not None
        ]:
            self._finite(key, _plain({"output": output, "loss": loss, **arrays}[key]))

    @property
    def diagnosis(self) -> Diagnosis:
        """The findings of all epochs so far, in order of rank."""
        answer = Diagnosis(list(self._found.values()), seconds=time.monotonic() - self._began)
        answer.watched = f"watched: {self._epochs} epochs"
        answer.findings += [*self._moves(), *of_losses(self._losses), *self._out_of_reach()]
        answer.undecided.append(
            Undecided("gradients", "arrays alone do not show them; tg.doctor.diagnose_script does")
        )
        if not self._epochs:
            answer.undecided.append(Undecided("loop", "no epoch was told of: call .epoch(...)"))
        answer.sort()
        return answer

    def _bound(self, output: Any, label: Any) -> None:
        low, high, least, most = self._bounds
        if output.size and label.size:
            self._bounds = (
                min(low, float(output.min())), max(high, float(output.max())),
                min(least, float(label.min())), max(most, float(label.max())),
            )  # fmt: skip

    def _add(self, finding: Finding) -> None:
        self._found.setdefault((finding.name, finding.parameter or ""), finding)

    def _parameter(self, name: str, value: Any) -> None:
        array = np.array(value)
        if array.dtype.kind in "iu":
            text = f"{name} has the dtype {array.dtype}"
            self._add(Finding("integer-array", FAULT, text, parameter=name))
        before = self._last.get(name)
        self._first.setdefault(name, array)
        if before is not None and before.shape != array.shape:
            text = f"{name} grew from {before.shape} to {array.shape} in epoch {self._epochs}"
            self._add(Finding("parameter-grew", FAULT, text, parameter=name))
        elif before is not None and array.dtype.kind == "f":
            size = float(np.linalg.norm(before)) or 1.0
            with np.errstate(all="ignore"):
                moved = float(np.linalg.norm(array - before)) / size
            self._ratios.setdefault(name, []).append(moved)
        self._last[name] = array

    def _finite(self, name: str, value: Any) -> None:
        array = np.asarray(value)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            text = f"{name} is no number from epoch {self._epochs} on"
            if not any(one.name == "exploding" for one in self._found.values()):
                self._add(Finding("exploding", FAULT, text, parameter=name))

    def _out_of_reach(self) -> list[Finding]:
        """Note labels outside of where every output of every epoch was: a squashed one stays so."""
        low, high, least, most = self._bounds
        squashed = 0 <= low < high <= 1 and self._epochs >= STILL
        if not squashed or (least >= 0 and most <= 1):
            return []
        text = (
            f"in {self._epochs} epochs the output lay between {low:.3g} and {high:.3g}, the labels"
            f" between {least:.3g} and {most:.3g}"
        )
        return [Finding("target-out-of-range", NOTE, text)]

    def _moves(self) -> list[Finding]:
        """Return what the changes from epoch to epoch show."""
        found = []
        ratios = {name: some for name, some in self._ratios.items() if len(some) >= STILL - 1}
        still = [name for name, some in ratios.items() if not any(some)]
        if still and len(still) < len(ratios):
            names = ", ".join(still)
            text = f"{names} are the same after {self._epochs} epochs; the others move"
            found.append(Finding("not-updated", FAULT, text, parameter=names))
        for name, some in ratios.items():
            typical = float(np.median(some))
            if 0 < typical < SMALL:
                text = f"{name} changes by {typical:.1g} of its size in an epoch"
                found.append(Finding("step-too-small", NOTE, text, parameter=name))
            elif typical > LARGE and self._epochs > 2 * STILL:
                text = f"{name} changes by {typical:.3g} times its size in an epoch"
                found.append(Finding("step-too-large", NOTE, text, parameter=name))
        return found


def _plain(value: Any) -> Any:
    return value.detach().numpy() if isinstance(value, Tensor) else value


@contextmanager
def watch(output: Any = None, label: Any = None) -> Iterator[Watched]:
    """Watch a loop of one's own.

    Parameters
    ----------
    output, label : array, optional
        Given here if they are the same arrays in every epoch; else to `epoch`.

    Yields
    ------
    Watched
        Call its ``epoch(output=..., label=..., loss=..., W1=W1, b1=b1)`` in the loop; its
        ``diagnosis`` is the answer.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> X, y, b = np.ones((4, 2)), np.array([[0.0], [1.0], [1.0], [0.0]]), np.zeros((1, 1))
    >>> with tg.doctor.watch(label=y) as watched:
    ...     for epoch in range(3):
    ...         p = X[:, :1] * 0.5 + b
    ...         watched.epoch(output=p, b=b)
    ...         b = b - 0.1 * (p - y)
    >>> [finding.name for finding in watched.diagnosis.findings]
    ['parameter-grew']
    """
    yield Watched(output, label)
