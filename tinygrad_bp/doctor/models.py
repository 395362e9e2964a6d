"""A model of this package, its optimizer and its data: one step looked at, and taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks import crashes, ranges
from tinygrad_bp.doctor.checks.histories import diagnose_history
from tinygrad_bp.doctor.checks.recorded import asleep, leaf_nodes, met, out_of_reach, squashed_twice
from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Diagnosis, Finding, Undecided
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.modes import no_grad
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn import bce_with_logits, cross_entropy, mse
from tinygrad_bp.nn.module import Module
from tinygrad_bp.optim import Optimizer

LONG, SHORT = 0.5, 1e-6  # one step to the size of the parameter
WEAK = 1e-5  # a first layer's gradient to the last one's


@answers
def diagnose(
    model: Module | Mapping[str, Sequence[float]],
    optimizer: Optimizer | None = None,
    data: tuple[Any, Any] | None = None,
    loss: Callable[[Any, Any], Any] | None = None,
) -> Diagnosis:
    """Look at one step of training, or at the course of a whole one.

    Of a model, one step is made: outputs, gradients, activations, the update. It is taken back:
    parameters, gradients and the optimizer's memory are as before. Of a history, its columns are
    judged: a loss that is no number, that rises, or that stands still at chance; a held-out loss
    that turns. `data` then tells how many classes there are.

    Parameters
    ----------
    model : Module or mapping of str to list of float
        A mapping is the history that `tg.training.fit` returns.
    optimizer : Optimizer
        Of a model.
    data : (X, y)
        Of a model; of a history, if it is at hand.
    loss : callable, optional
        ``loss(output, y)``; by default cross entropy of logits where `y` is labels 0 and 1 or
        classes, and mean squared error elsewhere.

    Returns
    -------
    Diagnosis
    """
    if isinstance(model, Mapping):
        return diagnose_history(model, None if data is None else data[1])
    if optimizer is None or data is None:
        raise TypeError("diagnose: a model is diagnosed with its optimizer and its data (X, y)")
    began = time.monotonic()
    X, y = data
    answer = Diagnosis(watched="watched: one step")
    named = dict(model.named_parameters())
    gradients = {name: one.grad for name, one in named.items()}
    values, memory = {name: one.numpy().copy() for name, one in named.items()}, optimizer.state()
    answer.findings += _held(named, optimizer)
    answer.findings += _left_over(gradients)
    try:
        for one in named.values():
            one.grad = None
        answer.findings += _one_step(model, optimizer, named, X, y, loss or usual_loss(y))
    except Exception as error:  # noqa: BLE001  # a user's model may raise anything
        text = f"the step ends in {crashes.said(error)}"
        answer.findings.append(Finding(crashes.kind_of(error), FAULT, text))
    finally:
        _put_back(named, values, gradients)
        with suppress(ValueError):  # a state that was never written
            optimizer.load_state(memory)
    answer.findings += ranges.in_blocks(np.asarray(y))
    answer.undecided.append(Undecided("scale", "one step shows no course; follow it with watch"))
    answer.seconds = time.monotonic() - began
    answer.sort()
    return answer


def usual_loss(y: Any) -> Callable[[Any, Any], Any]:
    """Return the loss for labels of this kind."""
    labels = np.asarray(y)
    if labels.dtype.kind in "iu" and labels.ndim == 1:
        return cross_entropy
    return bce_with_logits if np.all((labels == 0) | (labels == 1)) else mse


def _put_back(named: dict[str, Tensor], values: dict[str, Any], gradients: dict[str, Any]) -> None:
    with no_grad():
        for name, one in named.items():
            one[...] = values[name]
            one.grad = gradients[name]


def _held(named: dict[str, Tensor], optimizer: Optimizer) -> list[Finding]:
    """Compare the model's parameters with those that the optimizer holds."""
    held = {id(one) for one in optimizer.params}
    missing = ", ".join(name for name, one in named.items() if id(one) not in held)
    if not missing:
        return []
    own = {id(one) for one in named.values()}
    others = sum(id(one) not in own for one in optimizer.params)
    text = f"the optimizer does not hold {missing}" + (
        f"; it holds {others} parameters that are not the model's" if others else ""
    )
    return [Finding("not-updated", FAULT, text, parameter=missing)]


def _left_over(gradients: dict[str, Any]) -> list[Finding]:
    left = ", ".join(n for n, one in gradients.items() if one is not None and np.any(one.numpy()))
    if not left:
        return []
    text = f"{left} have gradients already; the next backward pass adds to them"
    return [Finding("never-reset", NOTE, text, parameter=left)]


def _one_step(
    model: Module, optimizer: Optimizer, named: dict[str, Tensor], X: Any, y: Any, loss: Any
) -> list[Finding]:
    output = model(X)
    values = output.detach().numpy()
    found = ranges.meeting(values, y) if loss is not cross_entropy else []
    value = loss(output, y)
    pair = met(value)
    found += [*squashed_twice(value), *asleep(value)]
    found += out_of_reach(pair.rule, pair.labels) if pair is not None else []
    found += _first_loss(float(value.item()), np.asarray(y), loss)
    value.backward()
    reached = leaf_nodes(value)
    outside = ", ".join(name for name, one in named.items() if one.node not in reached)
    if outside:
        text = f"the loss does not depend on {outside}"
        found.append(Finding("not-in-graph", FAULT, text, parameter=outside))
    before = {name: one.numpy().copy() for name, one in named.items()}
    sizes = {
        n: float(np.linalg.norm(p.grad.numpy())) for n, p in named.items() if p.grad is not None
    }
    found += _vanishing(sizes)
    optimizer.step()
    for name, one in named.items():
        size = float(np.linalg.norm(before[name]))
        step = float(np.linalg.norm(one.numpy() - before[name]))
        if size and step > LONG * size:
            text = f"one step changes {name} by {step / size:.2g} of its size"
            found.append(Finding("step-too-large", NOTE, text, parameter=name))
        elif size and 0 < step < SHORT * size:
            text = f"one step changes {name} by {step / size:.1g} of its size"
            found.append(Finding("step-too-small", NOTE, text, parameter=name))
    return found


def _first_loss(value: float, y: Any, loss: Any) -> list[Finding]:
    """Compare the first loss with that of a network that knows nothing."""
    if not np.isfinite(value):
        return [Finding("exploding", FAULT, f"the first loss is {value}")]
    if loss not in (bce_with_logits, cross_entropy):
        return []
    classes = 2 if loss is bce_with_logits else len(np.unique(y))
    expected = float(np.log(max(classes, 2)))
    if value < 3 * expected:
        return []
    text = (
        f"the first loss is {value:.3g}; one that knows nothing has ln {classes} = {expected:.3g}"
    )
    return [Finding("init-too-large", NOTE, text)]


def _vanishing(sizes: dict[str, float]) -> list[Finding]:
    weights = [(name, size) for name, size in sizes.items() if name.endswith("W")]
    if len(weights) < 2:
        return []
    (first, small), (last, large) = weights[0], weights[-1]
    if large == 0 or small > WEAK * large:
        return []
    text = f"the gradient of {first} has the norm {small:.1g}, that of {last} {large:.1g}"
    return [Finding("vanishing", NOTE, text, parameter=first)]
