"""The report of a run as a page: its curves with the held-out one, and what was observed."""

from __future__ import annotations

from dataclasses import replace

from tinygrad_bp.classifier import SigmoidRegressor
from tinygrad_bp.cli.fitting import Run
from tinygrad_bp.cli.report import layers
from tinygrad_bp.training import History
from tinygrad_bp.training.observed import Observed


def training_page(run: Run) -> str:
    """Return the page of a run that was observed."""
    history = History()
    for epoch in run.epochs:
        row = {"loss": epoch.train_loss, "validation_loss": epoch.validation_loss}
        row["heldout_loss"] = epoch.heldout_loss
        history.append({name: loss for name, loss in row.items() if loss is not None})
    history.kept = run.best.number
    history.stopped = run.model.history_.stopped
    if run.model.history_.observed is not None:
        history.observed = _in_its_units(run, run.model.history_.observed)
    return history.report(
        title=f"{run.table.name}, {layers(run)} network",
        features=run.table.feature_names,
        classes=run.table.class_names,
    )


def _in_its_units(run: Run, observed: Observed) -> Observed:
    """Return what was observed with the layers' names, losses and targets of the run."""
    model = run.model
    count = len(observed.layers)
    names = [*(f"hidden{k}" for k in range(1, count)), "output"]
    frames = [replace(f, loss=run.judge.of_curve(f.loss, model)) for f in observed.frames]
    plane = observed.plane
    if isinstance(model, SigmoidRegressor) and plane is not None:
        low, high = (model.target_mean_ + model.target_scale_ * v for v in plane.span)
        plane = replace(plane, span=(low, high))
    named = [replace(one, name=n) for one, n in zip(observed.layers, names, strict=True)]
    return replace(observed, layers=named, frames=frames, plane=plane)
