"""Measuring: agreement with the reference first, then interleaved rounds."""

import statistics
import sys
from contextlib import ExitStack

import numpy as np
import workloads
from process import DiedError, PeerProcess

BASE = "numpy_hand"
ORDER = (
    "numpy_hand",
    "c_hand",
    "numba_hand",
    "torch_eager",
    "torch_compile",
    "jax_jit",
    "jax_eager",
    "hips_autograd",
    "mygrad_eager",
    "micrograd_scalar",
    "tinygrad_eager",
    "tinygrad_jit",
)
# relative to the largest element of the array
RTOL = {"float64": 1e-8, "float32": 2e-3}
LONG_UNIT = 4.0  # seconds; a unit of more gets two rounds, or one slow peer would take the evening
REFERENCE_LIMIT = 120.0


def available(folders):
    """Names of the peers in the folders, in the order of the columns; newcomers come last."""
    names = {f.stem for folder in folders for f in folder.glob("[!_.]*.py")}
    return [p for p in ORDER if p in names] + sorted(names.difference(ORDER))


def disagreement(name, got, reference):
    """What differs from the reference, in words; empty when nothing does."""
    d = workloads.data(name)
    for key, ref in reference.items():
        if key not in got:
            return f"no {key}"
        value = got[key]
        if value.shape != ref.shape:
            return f"{key}: shape {value.shape} for {ref.shape}"
        slack = 0.0
        if key.startswith("params"):
            # compare what the steps changed, or the weights would hide a wrong gradient
            start = np.asarray(d.params[int(key.removeprefix("params"))], dtype=np.float64)
            value, ref = value - start, ref - start
            slack = 16 * np.finfo(d.dtype).eps * np.abs(start).max()
        scale, error = np.abs(ref).max(), np.abs(value - ref).max()
        if not error <= RTOL[d.dtype] * scale + slack:  # "not <=" is true of NaN as well
            return f"{key}: off by {error:.1e} at scale {scale:.1e}"
    return ""


def reference(name, settings):
    """The base peer's result; a float32 workload is computed in float64 from the same numbers."""
    with PeerProcess(BASE, name, settings, env={"BENCH_F64": "1"}) as process:
        for command in (("prepare",), ("check", workloads.WORK[name].checked - 1)):
            status, info = process.ask(*command, timeout=REFERENCE_LIMIT)
            if status != "ok":
                raise SystemExit(f"the reference failed on {name}: {info}\n{process.stderr()}")
        return process.results()


def qualify(process, name, ref, settings):
    """Prepare, compare and calibrate a peer; the status of its cell stays empty if it may run."""
    cell = {"status": "", "rounds": []}

    def ask(*command):
        status, info = process.ask(*command, timeout=settings.limit)
        if status != "ok":
            cell.update(status=status, why=info)
        return info if status == "ok" else None

    try:
        if info := ask("prepare"):
            cell.update(info)
            ask("check", workloads.WORK[name].checked - 1)
        if not cell["status"] and (wrong := disagreement(name, process.results(), ref)):
            cell.update(status="wrong", why=wrong)
        if not cell["status"] and (info := ask("calibrate", settings.min_time)):
            cell["n"] = info["n"]
            if info["n"] * info["t"] > LONG_UNIT:
                cell["rounds"].append(info["t"])
    except DiedError as e:
        cell.update(status="died", why=str(e))
    return cell


def time_round(process, cell, settings):
    """Add a round to the cell, or what became of the peer."""
    try:
        status, info = process.ask("time", timeout=settings.limit)
    except DiedError as e:
        status, info = "died", str(e)
    if status == "ok":
        cell["rounds"].append(info)
    else:
        cell.update(status=status, why=info)


def complain(name, peer, cell, process, lines):
    """Say on stderr why a cell stays empty; that a peer has no such function is no news."""
    if cell["status"] in ("none", "absent") and not lines:
        return
    tail = process.stderr().strip().splitlines()[-lines:] if lines else []
    print(
        f"  {name} / {peer}: {cell['status']} {cell['why']}", *tail, sep="\n    ", file=sys.stderr
    )


def run_work(name, peers, settings):
    """The cells of one row: peer -> status, rounds, median, spread, version."""
    ref, cells, alive = reference(name, settings), {}, []
    with ExitStack() as stack:
        for peer in peers:
            process = stack.enter_context(PeerProcess(peer, name, settings))
            cell = cells[peer] = qualify(process, name, ref, settings)
            if cell["status"]:
                complain(name, peer, cell, process, settings.verbose)
                process.close()
            else:
                alive.append(process)
        for r in range(settings.rounds):
            first = r % max(len(alive), 1)  # A B C, B C A, ...: nobody always follows the same peer
            for process in alive[first:] + alive[:first]:
                cell = cells[process.peer]
                if cell["status"] or (r and cell["rounds"][0] * cell["n"] > LONG_UNIT):
                    continue
                time_round(process, cell, settings)
    for cell in cells.values():
        summarise(cell, workloads.WORK[name].per)
    return cells


def summarise(cell, per):
    """Add the printed time and the spread to a cell that has rounds."""
    if cell["rounds"] and not cell["status"]:
        middle = statistics.median(cell["rounds"])
        cell["time"] = middle / per
        cell["best"] = min(cell["rounds"]) / per
        if len(cell["rounds"]) > 1:
            cell["spread"] = (max(cell["rounds"]) - min(cell["rounds"])) / middle


def takes_part(name, peers):
    """Of `peers`, those that workload `name` is for."""
    only = workloads.WORK[name].peers
    return [p for p in peers if only is None or p in only]


def first_results(peers, works, settings, repeat):
    """Seconds from a loaded package to the first result, in fresh processes with caches off."""
    out = {}
    for name in works:
        for peer in peers:
            times = []
            for _ in range(repeat):
                with PeerProcess(peer, name, settings, cold=True) as process:
                    try:
                        status, info = process.ask("prepare", timeout=settings.limit)
                    except DiedError:
                        break
                if status != "ok":
                    break
                times.append(info["first"])
            if times:
                out.setdefault(peer, {})[name] = statistics.median(times)
    return out
