"""``tinygrad-bp train``: read or generate a table, train, report, and write the folder of the run."""

from __future__ import annotations

import argparse
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.fitting import Run, Scores, fit
from tinygrad_bp.cli.run_folder import (
    BOUNDARY,
    GRAPH,
    GRAPH_SOURCE,
    HISTORY,
    LOSS,
    MODEL,
    check_folder,
    new_folder,
)
from tinygrad_bp.data import Table, generate, penguins, read_csv
from tinygrad_bp.nn import bce_with_logits
from tinygrad_bp.tensor import tensor
from tinygrad_bp.training.model_file import write_model
from tinygrad_bp.view import graph

SAMPLES = 600
INTERRUPTED = 130


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    table = _table(options)
    target = check_folder(options.out or f"runs/{table.name}", force=options.force)
    settings: dict[str, Any] = {"hidden": tuple(options.hidden)}
    if options.epochs:
        settings["max_epochs"] = options.epochs
    result = fit(table, settings, options.seed, console)
    with new_folder(target, force=options.force) as folder:
        notes = _write(result, folder)
    shown = options.out or f"runs/{table.name}"
    console.report("\n".join([*_report(result), *notes, f"written to {shown}"]))
    if options.json:
        console.data(json.dumps(_summary(result, shown)) + "\n")
    return INTERRUPTED if result.interrupted else 0


def _table(options: argparse.Namespace) -> Table:
    if options.file is not None:
        if options.data or options.samples:
            options.fail("FILE and --data or --samples exclude each other")
        if not options.features or not options.label:
            options.fail("FILE needs --features and --label")
        missing = "drop" if options.drop_missing else "error"
        return read_csv(options.file, options.features, options.label, missing=missing)  # type: ignore[arg-type]
    if options.features or options.label or options.drop_missing:
        options.fail("--features, --label and --drop-missing need a FILE")
    if options.data in (None, "penguins"):
        if options.samples:
            options.fail("--samples needs --data with a generated set")
        return penguins()
    return generate(options.data, options.samples or SAMPLES, options.seed)


def _write(run: Run, folder: Path) -> list[str]:
    """Write every output into `folder`; return notes on what could not be drawn."""
    table, classifier = run.table, run.classifier
    arrays = dict(classifier.network_.state())
    arrays |= {"input_mean": classifier.mean_, "input_scale": classifier.scale_}
    metadata = {
        "features": json.dumps(table.feature_names),
        "classes": json.dumps(table.class_names),
        "hidden": json.dumps(list(classifier.hidden)),
    }
    write_model(folder / MODEL, arrays, metadata)
    lines = ["epoch,train_loss,validation_loss,heldout_loss"]
    for e in run.epochs:
        validation = "" if e.validation_loss is None else repr(e.validation_loss)
        lines.append(f"{e.number},{e.train_loss!r},{validation},{e.heldout_loss!r}")
    (folder / HISTORY).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [*_draw(run, folder), *_draw_graph(run, folder)]


def _draw(run: Run, folder: Path) -> list[str]:
    try:
        from tinygrad_bp.cli import plots  # noqa: PLC0415

        text = plots.loss_svg(run.epochs, run.best, f"{run.table.name}: loss by epoch")
        (folder / LOSS).write_text(text, encoding="utf-8")
        if run.table.X.shape[1] != 2:
            return [f"{BOUNDARY} not drawn: it shows two features, the table has {run.sizes[0]}"]
        (folder / BOUNDARY).write_text(plots.boundary_svg(run), encoding="utf-8")
    except ImportError:
        return [
            f"{LOSS}, {BOUNDARY} not drawn: they need Matplotlib (pip install 'tinygrad-bp[cli]')"
        ]
    return []


def _draw_graph(run: Run, folder: Path) -> list[str]:
    classifier = run.classifier
    rows = run.train_rows[:4]
    X = tensor((run.table.X[rows] - classifier.mean_) / classifier.scale_, name="X")
    y = tensor(run.table.y[rows, None], name="y")
    loss = bce_with_logits(classifier.network_(X), y)
    view = graph(loss, parameters=dict(classifier.network_.named_parameters()))
    if shutil.which("dot") is None:
        (folder / GRAPH_SOURCE).write_text(view.to_dot(), encoding="utf-8")
        return [f"{GRAPH_SOURCE} instead of {GRAPH}: there is no Graphviz program 'dot' here"]
    (folder / GRAPH).write_text(view.to_svg(), encoding="utf-8")
    return []


def _report(run: Run) -> list[str]:
    table = run.table
    out = io.StringIO()
    sizes = "-".join(map(str, run.sizes))
    print(f"\n{table.name}: {sizes} network, seed {run.seed}, {run.seconds:.1f} s", file=out)
    print(f"rows used {table.rows_used}, dropped {table.rows_dropped}", file=out)
    for dropped in table.dropped:
        print(f"  line {dropped.line}: {dropped.reason}", file=out)
    print(f"epochs {len(run.epochs)}, kept {run.best.number}", file=out)
    print(f"stuck starts given up: {run.classifier.restarts_}\n", file=out)
    print(f"{'':22}{'accuracy':>20}{'log-loss':>20}", file=out)
    print(f"{'':22}{'train':>10}{'held out':>10}{'train':>10}{'held out':>10}", file=out)
    models: list[tuple[str, Scores | None]] = [
        (f"{sizes} network", run.network),
        ("logistic regression", run.logistic),
        ("majority class", run.majority),
    ]
    for name, s in models:
        if s is not None:
            print(
                f"{name:22}{s.train.accuracy:10.1%}{s.heldout.accuracy:10.1%}"
                f"{s.train.log_loss:10.4f}{s.heldout.log_loss:10.4f}",
                file=out,
            )
    names = [name[:16] for name in table.class_names]
    print(f"\nheld out: true class by row\n{'':16} {names[0]:>16} {names[1]:>16}", file=out)
    for name, row in zip(names, run.confusion, strict=True):
        print(f"{name:16} {row[0]:16d} {row[1]:16d}", file=out)
    if run.interrupted:
        print("interrupted: this is the best model so far", file=out)
    return out.getvalue().splitlines()


def _summary(run: Run, out: str) -> dict[str, Any]:
    return {
        "name": run.table.name,
        "train_accuracy": run.network.train.accuracy,
        "heldout_accuracy": run.network.heldout.accuracy,
        "train_logloss": run.network.train.log_loss,
        "heldout_logloss": run.network.heldout.log_loss,
        "baseline_accuracy": run.majority.heldout.accuracy,
        "logistic_accuracy": run.logistic.heldout.accuracy if run.logistic else None,
        "epochs": len(run.epochs),
        "restarts": run.classifier.restarts_,
        "seconds": run.seconds,
        "rows_used": run.table.rows_used,
        "rows_dropped": run.table.rows_dropped,
        "seed": run.seed,
        "interrupted": run.interrupted,
        "confusion": np.asarray(run.confusion).tolist(),
        "out": out,
    }
