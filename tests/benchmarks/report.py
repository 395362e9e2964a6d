"""Printing what was measured: tables, units, the machine."""

import datetime as dt
import os
import platform
from pathlib import Path

import numpy as np
import workloads
from runner import BASE

PLAIN = {"none": "-", "wrong": "WRONG", "absent": "not installed"}
METHOD = (
    "Every process on one core with one thread. A cell is the median of {rounds} interleaved "
    "rounds of at least {min_time:g} s, in brackets as a multiple of {base}. Every peer with a "
    "time agreed with {base}, computed in float64, before it was timed."
)
UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


def seconds(t):
    """Three digits and a unit."""
    if t is None:
        return ""
    unit, size = next(((u, k) for u, k in UNITS if t >= k), UNITS[-1])
    return f"{t / size:.3g} {unit}"


def ratio(r):
    """About three digits and an x."""
    if r >= 100:
        return f"{r:,.0f}x"
    return f"{r:.1f}x" if r >= 10 else f"{r:.2f}x" if r >= 0.1 else f"{r:.2g}x"


def markdown_table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def columns(result, peers=None):
    """The peers that have something to show, in the order of measurement or of `peers`."""
    there = dict.fromkeys(p for cells in result.values() for p in cells)
    shown = [p for p in there if any(_here(cells.get(p)) for cells in result.values())]
    return [p for p in (peers or shown) if p in shown]


def _here(cell):
    return cell is not None and cell["status"] != "absent"


def empty(cell):
    """What a cell without a time says."""
    if cell is None:
        return ""
    why = cell.get("why") or ""
    by_status = {**PLAIN, "error": why.split(":")[0], "died": why}
    return by_status.get(cell["status"], "")


def times(result, peers=None, which="time"):
    """The table of medians, or with which="best" of fastest rounds; in brackets times the base."""
    used, rows = columns(result, peers), []
    for name, cells in result.items():
        base = cells.get(BASE, {}).get(which)
        row = [name + (" (per op)" if workloads.WORK[name].per > 1 else "")]
        for cell in map(cells.get, used):
            if cell and which in cell:
                mine = cell[which]
                row.append(seconds(mine) + (f" ({ratio(mine / base)})" if base else ""))
            else:
                row.append(empty(cell))
        rows.append(row)
    return markdown_table(["workload", *used], rows)


def first(result, works):
    """The table of `runner.first_results`."""
    rows = [[peer, *(seconds(by_work.get(w)) for w in works)] for peer, by_work in result.items()]
    return markdown_table(["peer", *(f"first result {w}" for w in works)], rows)


def spreads(result, peers=None):
    """The table of (max - min) / median over the rounds of each cell."""
    used = columns(result, peers)
    rows = [
        [name, *(f"{c['spread']:.0%}" if c and "spread" in c else "" for c in map(cells.get, used))]
        for name, cells in result.items()
    ]
    return markdown_table(["workload", *used], rows)


def versions(result):
    """Peer and version, for every peer that said one."""
    said = {
        p: c["version"] for cells in result.values() for p, c in cells.items() if "version" in c
    }
    return ", ".join(f"{peer} {version}" for peer, version in said.items())


def missing(result):
    """A line that names the columns left out; empty when there are none."""
    shown = columns(result)
    absent = dict.fromkeys(p for cells in result.values() for p in cells if p not in shown)
    return f"Not installed: {', '.join(absent)}." if absent else ""


def reasons(result):
    """Why cells are empty, a line for each peer and reason."""
    because = {}
    for name, cells in result.items():
        for peer, cell in cells.items():
            if cell["status"] not in ("", "absent") and cell.get("why"):
                # an exception's text may quote paths of the machine; its type is enough
                why = empty(cell) if cell["status"] == "error" else cell["why"]
                because.setdefault((peer, why), []).append(name)
    return [f"- {peer}: {', '.join(works)}: {why}" for (peer, why), works in because.items()]


def machine_line(machine):
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}; "
        f"Python {machine['python']}, NumPy {machine['numpy']} ({machine['blas']}); "
        f"{machine['date']}"
    )


def document(run, peers=None):
    """Everything about a run as one page of Markdown."""
    result, how = run["result"], run["settings"]
    parts = [
        "# Autograd engines side by side",
        f"Machine: {machine_line(run['machine'])}.",
        f"Versions: {versions(result)}.",
        METHOD.format(base=BASE, **how),
        "## Median of the rounds",
        times(result, peers),
        "## Fastest round",
        times(result, peers, "best"),
        "## Spread: (max - min) / median",
        spreads(result, peers),
    ]
    if why := reasons(result):
        parts += ["## Cells without a time", "\n".join(why)]
    if "bars" in run:
        parts += ["## Bars", run["bars"]]
    return "\n\n".join(parts) + "\n"


def machine():
    """What the figures depend on; nothing that names the computer."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', '?')} {blas.get('version', '')}".strip(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    }


def _processor():
    """The model; on Linux with family and number, for virtual machines that hide the name."""
    facts = {}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    for line in lines:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    name = facts.get("model name", platform.machine())
    return f"{name} (family {facts.get('cpu family', '?')} model {facts.get('model', '?')})"
