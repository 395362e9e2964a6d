"""The child process that serves one (peer, workload) to `process.PeerProcess`. Not run by hand.

    worker.py PEER WORKLOAD CPU FOLDER ...

Commands come in and answers go out as lines of JSON; results go through `result.npz` in the folder
that BENCH_TMP names.
"""

import gc
import importlib
import json
import os
import sys
import time
import traceback
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load_peer(name, folders):
    """Import a peer as a submodule of a package made up for the purpose.

    So no peers folder is on the import path: a peer file may carry the name of the package it
    measures, and peers import each other with `from . import`.
    """
    package = sys.modules["bench_peers"] = types.ModuleType("bench_peers")
    package.__path__ = [str(folder) for folder in folders]
    return importlib.import_module(f"bench_peers.{name}")


def arrays(result):
    """A peer's result as named float64 arrays; the members of a list are numbered."""
    import numpy as np

    out = {}
    for key, value in result.items():
        if isinstance(value, (list, tuple)):
            out.update({f"{key}{i}": np.asarray(a, np.float64) for i, a in enumerate(value)})
        else:
            out[key] = np.asarray(value, np.float64)
    return out


class Server:
    """The commands that `serve` dispatches; each returns (status, what the parent is told)."""

    def __init__(self, peer, work, folders):
        self.peer, self.work, self.folders = peer, work, folders
        self.unit, self.sync, self.n = None, lambda: None, 1

    def prepare(self):
        """Import the peer, then, timed, build the unit and do it once."""
        import workloads

        try:
            module = load_peer(self.peer, self.folders)
        except ModuleNotFoundError as e:
            return "absent", f"no module {e.name}"
        name = workloads.WORK[self.work].function
        build = getattr(module, name, None)
        d = workloads.data(self.work)
        start = time.perf_counter()
        self.unit = build(d) if build else None
        if self.unit is None:
            return "none", getattr(module, "WHY", {}).get(name, "")
        self.sync = getattr(self.unit, "sync", self.sync)
        self.unit()
        self.sync()
        first = time.perf_counter() - start
        version = getattr(module, "version", str)()
        return "ok", {"first": first, "version": version}

    def check(self, more):
        """Do `more` units, then hand the results over."""
        import numpy as np

        for _ in range(more):
            self.unit()
        self.sync()
        np.savez(Path(os.environ["BENCH_TMP"], "result.npz"), **arrays(self.unit.result()))
        return "ok", None

    def calibrate(self, least):
        """Find how many units fill a round of `least` seconds."""
        n = 1
        while (t := self.loop(n)) < least:
            n = max(n + 1, min(10 * n, int(1.15 * n * least / max(t, 1e-9)) + 1))
        self.n = n
        return "ok", {"n": n, "t": t / n}

    def time(self):
        return "ok", self.loop(self.n) / self.n

    def loop(self, n):
        unit, clock, times = self.unit, time.perf_counter, range(n)
        gc.collect()
        start = clock()
        for _ in times:
            unit()
        self.sync()
        return clock() - start


def private_wires():
    """The pipes to the parent, out of reach of libraries: what those print goes to stderr."""
    wire_in, wire_out = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return wire_in, wire_out


def serve(peer, work, folders):
    wire_in, wire_out = private_wires()
    server = Server(peer, work, folders)
    for line in wire_in:
        command, *args = json.loads(line)
        try:
            answer = getattr(server, command)(*args)
        except BaseException as e:  # noqa: BLE001  # RecursionError, MemoryError, ... are results
            traceback.print_exc()
            answer = "error", f"{type(e).__name__}: {str(e).partition(chr(10))[0][:120]}"
        wire_out.write(json.dumps(answer) + "\n")
        wire_out.flush()


if __name__ == "__main__":
    if sys.argv[3] != "-":
        os.sched_setaffinity(0, {int(sys.argv[3])})
    # the checkout beside this folder is measured, not a release that happens to be installed
    sys.path.insert(0, str(HERE.parents[1]))
    serve(sys.argv[1], sys.argv[2], sys.argv[4:])
