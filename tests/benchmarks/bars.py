"""The bars: how fast `tinygrad_bp` has to be, as ratios within one run."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

import workloads
from report import empty, markdown_table, ratio, seconds
from runner import takes_part
from sizes import import_times

OURS = "tinygrad_bp"
COMPILED = "tinygrad_bp_compiled"
PEERS = (
    "numpy_hand",
    "c_hand",
    "torch_eager",
    "jax_jit",
    "hips_autograd",
    "mygrad_eager",
    OURS,
    COMPILED,
)
RIVALS = ("hips_autograd", "mygrad_eager")
CANNOT = ("none", "wrong", "error", "died")
IMPORT_ROUNDS = 15


@dataclass(frozen=True)
class Bar:
    """Ours over theirs on the workloads that the pattern matches, at most `limit`."""

    pattern: str
    against: str
    limit: float
    strict: bool = False  # less than the limit, not equal to it
    if_there: bool = False  # does not apply where the other was tried and has no time to show
    ours: str = OURS


BARS = (
    Bar("mlp2551-n4", "torch_eager", 0.7),
    Bar("mlp2551-n100", "torch_eager", 0.7),
    Bar("mlp2551-n100-f32", "torch_eager", 0.7),
    Bar("mlp2551-n1000", "torch_eager", 0.85),
    Bar("mlp2551-n100000", "torch_eager", 1.0),
    Bar("mlp2551-n100000-f32", "torch_eager", 1.0),
    Bar("mlp2551-*", "numpy_hand", 3.0),
    Bar("mlp784", "numpy_hand", 1.1),
    Bar("chain-0d", "torch_eager", 0.45),
    Bar("chain-8", "torch_eager", 0.45),
    Bar("deep", "torch_eager", 0.35),
    Bar("million", "torch_eager", 1.0, strict=True),
    Bar("scalar-mlp", "torch_eager", 0.35),
    Bar("hvp", "torch_eager", 0.8),
    Bar("wide", "torch_eager", 1.0),
    *(Bar("*", rival, 1.0, strict=True, if_there=True) for rival in RIVALS),
    *(
        Bar(pattern, "c_hand", limit, ours=COMPILED)
        for pattern, limit in (
            ("mlp2551-*", 1.1),
            ("train-loop", 1.1),
            ("wide", 1.1),
            ("hvp", 1.1),
            ("chain-*", 1.3),
            ("fresh-n4", 2.0),
            ("fresh-n100", 1.3),
            ("fresh-n1000", 1.1),
        )
    ),
    Bar("mlp784", "numpy_hand", 1.0, ours=COMPILED),
    Bar("*", "jax_jit", 1.0, strict=True, if_there=True, ours=COMPILED),
)
IMPORT_BAR = Bar("import", "numpy", 1.3)


@dataclass(frozen=True)
class Verdict:
    """One line of the table of bars."""

    work: str
    bar: Bar
    passed: bool
    measured: float | None = None  # ratio of the medians
    best: float | None = None  # of the fastest rounds: what noise there was has less part in it
    note: str = ""  # why there is no ratio


def compare(work, bar, mine, theirs, best=None):
    measured = mine / theirs
    passed = measured < bar.limit if bar.strict else measured <= bar.limit
    return Verdict(work, bar, passed, measured, best)


def judge_cell(work, bar, cells):
    """The verdict on a bar in a row of cells; None where the bar does not apply."""
    mine, theirs = cells.get(bar.ours), cells.get(bar.against)
    if len(takes_part(work, [bar.against, bar.ours])) < 2:
        return None
    if bar.if_there and any(one and one["status"] in CANNOT for one in (mine, theirs)):
        return None
    for peer, cell in ((bar.ours, mine), (bar.against, theirs)):
        if cell is None:
            return Verdict(work, bar, passed=False, note=f"{peer} not measured")
        if "time" not in cell:
            return Verdict(work, bar, passed=False, note=f"{peer}: {empty(cell) or 'no time'}")
    best = mine["best"] / theirs["best"]
    return compare(work, bar, mine["time"], theirs["time"], best)


def judge(run, works=None, peers=PEERS):
    """A verdict for every bar on `works` (default: all) against one of `peers`.

    A row or a peer that should be there and is not fails its bars: nothing is cleared without a
    measurement.
    """
    verdicts = []
    for work in works or workloads.WORK:
        cells = run["result"].get(work, {})
        verdicts += [
            judge_cell(work, bar, cells)
            for bar in BARS
            if {bar.against, bar.ours} <= {*peers} and fnmatchcase(work, bar.pattern)
        ]
    if works is None:
        verdicts.append(judge_import(run.get("imports", {})))
    return [v for v in verdicts if v is not None]


def judge_import(taken):
    if not {OURS, "numpy"} <= taken.keys():
        return Verdict("import", IMPORT_BAR, passed=False, note="not measured")
    return compare("import", IMPORT_BAR, taken[OURS], taken["numpy"])


def measure_imports(cpu):
    """Median process times of importing ours and NumPy, the interpreter's own start included."""
    taken = import_times(["import numpy", f"import {OURS}"], cpu, IMPORT_ROUNDS)
    return {"numpy": taken["import numpy"], OURS: taken[f"import {OURS}"]}


def table(verdicts, imports=None):
    """The verdicts in Markdown, with a line that counts them."""
    rows = []
    for v in verdicts:
        bound = f"{'<' if v.bar.strict else '<='} {v.bar.limit:g}x"
        rows.append(
            [
                v.work,
                v.bar.against,
                bound,
                ratio(v.measured) if v.measured is not None else v.note,
                ratio(v.best) if v.best is not None else "",
                "pass" if v.passed else "FAIL",
            ]
        )
    head = ["workload", "against", "bar", "median", "fastest round", ""]
    failed = sum(not v.passed for v in verdicts)
    lines = [markdown_table(head, rows), f"{len(verdicts) - failed} pass, {failed} fail."]
    if imports:
        lines.append("Import: " + ", ".join(f"{k} {seconds(t)}" for k, t in imports.items()) + ".")
    return "\n\n".join(lines)
