"""What a run has to say: a table for people, and one flat object for programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.cli.fitting import Run, Scores
from tinygrad_bp.data import Table
from tinygrad_bp.data.faults import line_ranges
from tinygrad_bp.data.strict_csv import SEPARATOR_NAMES
from tinygrad_bp.formulas.printing import shortened

NAME_LENGTH = 24  # characters of a class name in a table
FEW = 10  # held-out rows: one of them more or less moves the accuracy by a tenth
TITLE_LENGTH = 60  # characters of a list of names


def report(run: Run) -> list[str]:
    """Return the lines of the table: rows, training, scores and the confusion matrix."""
    confusion = [] if run.confusion is None else ["", *_confusion_table(run)]
    return ["", *_head(run), "", *_score_table(run), *confusion]


def summary(run: Run, out: str, notes: Sequence[str], *, interrupted: bool) -> dict[str, Any]:
    """Return what ``--json`` prints; losses in nats or the target's unit, accuracies of 1."""
    quality, loss = run.judge.names
    simple = "logistic" if run.table.class_names else "linear"
    return {
        "name": run.table.name,
        f"train_{quality}": run.network.train.quality,
        f"heldout_{quality}": run.network.heldout and run.network.heldout.quality,
        f"train_{loss}": run.network.train.loss,
        f"heldout_{loss}": run.network.heldout and run.network.heldout.loss,
        f"baseline_{quality}": run.constant.best.quality,
        f"baseline_{loss}": run.constant.best.loss,
        f"{simple}_{quality}": run.simple and run.simple.best.quality,
        f"{simple}_{loss}": run.simple and run.simple.best.loss,
        "epochs": len(run.epochs),
        "kept_epoch": run.best.number,
        "restarts": run.model.restarts_,
        "seconds": run.seconds,
        "backend": run.model.backend_,
        "separator": run.table.separator,
        "rows_used": run.table.rows_used,
        "rows_train": len(run.train_rows),
        "rows_heldout": len(run.heldout_rows),
        "rows_dropped": run.table.rows_dropped,
        "dropped": [{"line": row.line, "reason": row.reason} for row in run.table.dropped],
        "features": list(run.table.feature_names),
        "classes": list(run.table.class_names),
        "target": run.table.target_name or None,
        "confusion": None if run.confusion is None else run.confusion.tolist(),
        "layers": list(run.sizes),
        "seed": run.seed,
        "interrupted": interrupted,
        "notes": list(notes),
        "out": out,
    }


def layers(run: Run) -> str:
    """Return what the network is called: ``2-5-5-1``."""
    return shortened("-".join(map(str, run.sizes)), NAME_LENGTH)


def _head(run: Run) -> list[str]:
    table, best = run.table, run.best
    classes = shortened(table.target_name, NAME_LENGTH)
    if table.class_names:
        classes = " or ".join(shortened(name, NAME_LENGTH) for name in table.class_names)
        classes = shortened(classes, 2 * TITLE_LENGTH)
    features = shortened(", ".join(table.feature_names), TITLE_LENGTH)
    parts = f"{len(run.train_rows)} to train on, {len(run.heldout_rows)} held out"
    watched = "training" if best.validation_loss is None else "validation"
    if best.validation_loss is None and run.model.validation_fraction:
        watched = "(for want of rows to validate on) training"
    kept = f"kept epoch {best.number}, where the {watched} loss was lowest"
    entries = [
        ("rows used", f"{table.rows_used}: {parts}"),
        ("rows dropped", _dropped(table)),
        ("network", f"{layers(run)}, seed {run.seed}"),
        ("training", f"{len(run.epochs)} epochs in {run.seconds:.1f} s; {kept}"),
        ("restarts", _restarts(run)),
    ]
    if run.model.compile:
        native = run.model.backend_ == "native"
        ran = "native code ran" if native else "the eager step ran: there is no native code here"
        entries.append(("compile", ran))
    if table.separator != ",":
        entries.insert(0, ("separated by", f"{SEPARATOR_NAMES[table.separator]}, not commas"))
    if same := [n for n, x in zip(table.feature_names, table.X.T, strict=True) if np.ptp(x) == 0]:
        names = shortened(", ".join(same), NAME_LENGTH)
        entries.append(("constant", f"{names}: the same in every row, which tells nothing"))
    if not len(run.heldout_rows):
        why = f"nothing is held out of {table.rows_used}: the scores are of rows it was trained on"
        entries.append(("too few rows", why))
    elif len(run.heldout_rows) < FEW:
        scored = f"the held-out scores rest on {len(run.heldout_rows)} rows: they say little"
        entries.append(("too few rows", scored))
    if run.interrupted:
        entries.append(("interrupted", "this is the best model so far"))
    title = f"{shortened(table.name, TITLE_LENGTH)}: {classes}, told from {features}"
    return [title, "", *(f"{name:14}{text}" for name, text in entries)]


def _dropped(table: Table) -> str:
    if not table.dropped:
        return "0"
    lines: dict[str, list[int]] = {}
    for row in table.dropped:
        lines.setdefault(row.reason, []).append(row.line)
    reasons = [f"{reason} ({line_ranges(places)})" for reason, places in lines.items()]
    return f"{table.rows_dropped}: " + ("\n" + " " * 14).join(reasons)


def _restarts(run: Run) -> str:
    count = run.model.restarts_
    if not count:
        return "0"
    why = "the start may have been stuck (its training loss stayed high)"
    return f"{count}: {why}; the best was kept"


def _score_table(run: Run) -> list[str]:
    models: list[tuple[str, Scores | None]] = [
        (f"{layers(run)} network", run.network),
        (run.judge.simple, run.simple),
        (run.judge.constant, run.constant),
    ]
    width = max(len(name) for name, _ in models)
    first, second = run.judge.heads
    rows = [
        f"{'':{width}}  {first:>19}  {second:>19}",
        f"{'':{width}}  {'train':>9} {'held out':>9}  {'train':>9} {'held out':>9}",
    ]
    quality, loss = run.judge.formats
    for name, scores in models:
        if scores is not None:
            parts = scores.train, scores.heldout
            qualities = " ".join(f"{p.quality:{quality}}" if p else f"{'-':>9}" for p in parts)
            losses = " ".join(f"{p.loss:{loss}}" if p else f"{'-':>9}" for p in parts)
            rows.append(f"{name:{width}}  {qualities}  {losses}")
    return rows


def _confusion_table(run: Run) -> list[str]:
    names = [shortened(name, NAME_LENGTH) for name in run.table.class_names]
    heads = [f"predicted {name}" for name in names]
    rows_of = "held-out rows" if len(run.heldout_rows) else "training rows"
    first = max(map(_width, (rows_of, *names)))
    widths = [max(_width(head), 9) for head in heads]

    def line(name: str, cells: Iterable[str]) -> str:
        padded = [" " * (w - _width(c)) + c for w, c in zip(widths, cells, strict=True)]
        return "  ".join([name + " " * (first - _width(name)), *padded])

    counts = [] if run.confusion is None else run.confusion.tolist()
    rows = zip(names, counts, strict=True)
    return [line(rows_of, heads), *(line(name, map(str, row)) for name, row in rows)]


def _width(text: str) -> int:
    """Return how many columns of a terminal a text fills."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
