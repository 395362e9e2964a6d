"""Import times and installed sizes."""

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from process import SINGLE_THREAD
from report import markdown_table, seconds

ROOT = Path(__file__).resolve().parents[2]
# distribution -> the module a user imports
PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "torch": "torch",
    "jax": "jax",
    "autograd": "autograd.numpy",
    "mygrad": "mygrad",
    "micrograd": "micrograd.engine",
    "tinygrad": "tinygrad",
    "numba": "numba",
    "scikit-learn": "sklearn",
    "tinygrad-bp": "tinygrad_bp",
}
# runs in the measured environment, so it may import nothing of ours
INSTALLED = r"""
import importlib.metadata as m, re, sys

def own(name):
    sizes = 0
    for f in m.distribution(name).files or []:
        path = f.locate()
        sizes += f.size if f.size is not None else path.stat().st_size if path.exists() else 0
    return sizes

def closure(name, seen):
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in seen:
        return seen
    try:
        needs = m.distribution(name).requires or []
    except m.PackageNotFoundError:
        return seen
    seen.add(name)
    for need in needs:
        if "extra" not in need.partition(";")[2]:
            closure(re.match(r"[A-Za-z0-9._-]+", need).group(), seen)
    return seen

name = sys.argv[1]
everything = closure(name, set())
print(m.version(name), own(name), sum(map(own, everything)), len(everything) - 1)
"""


def import_times(statements, cpu, rounds=5):
    """Median seconds of `python -c STATEMENT`, interpreter included, the statements taking turns.

    A first turn, which fills the file cache and writes the bytecode, is dropped.
    """
    env = {**os.environ, **SINGLE_THREAD}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # or every import would compile its sources anew
    taken = {statement: [] for statement in statements}
    allowed = os.sched_getaffinity(0) if cpu != "-" else None
    try:
        if allowed:
            os.sched_setaffinity(0, {int(cpu)})  # children inherit it
        for _ in range(rounds + 1):
            for statement, sofar in taken.items():
                start = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-c", statement],
                    check=True,
                    cwd=ROOT,  # so the checkout is imported, as in the workers
                    env=env,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                sofar.append(time.perf_counter() - start)
    finally:
        if allowed:
            os.sched_setaffinity(0, allowed)
    return {statement: statistics.median(sofar[1:]) for statement, sofar in taken.items()}


def installed(distribution):
    """Version, bytes, bytes with dependencies, number of these; None where it is not installed."""
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED, distribution], check=False, text=True, capture_output=True
    )
    if done.returncode:
        return None
    version, own, full, needs = done.stdout.split()
    return {"version": version, "own": int(own), "full": int(full), "deps": int(needs)}


def sizes(cpu):
    """What is installed, and the same as a table."""
    there = {name: found for name in PACKAGES if (found := installed(name))}
    taken = import_times(["pass", *(f"import {PACKAGES[name]}" for name in there)], cpu)
    bare = taken["pass"]
    rows = [["(bare python)", platform.python_version(), seconds(bare), "", "", ""]]
    for name, about in there.items():
        about["t_import"] = t = taken[f"import {PACKAGES[name]}"]
        rows.append(
            [
                f"{name} (`import {PACKAGES[name]}`)",
                about["version"],
                seconds(t),
                seconds(max(t - bare, 0.0)),
                f"{about['own'] / 1e6:.1f} MB",
                f"{about['full'] / 1e6:.1f} MB ({about['deps']} deps)",
            ]
        )
    head = ["package", "version", "import", "less bare python", "installed", "with dependencies"]
    return {"bare": bare, **there}, markdown_table(head, rows)
