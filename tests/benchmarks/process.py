"""The parent's side of one peer at work on one workload, in a process of its own."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
# One thread for everyone, whatever the library calls its pool; the rest keeps runs repeatable.
SINGLE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "NUM_CPU_THREADS": "1",
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "DEV": "CPU",
    "PYTHONHASHSEED": "0",
}


class DiedError(Exception):
    """A peer's process ended, or was ended for taking too long."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to measure; the command line fills it in."""

    rounds: int = 5
    min_time: float = 0.2  # seconds a round lasts at least
    limit: float = 150.0  # seconds a single request may take
    cpu: str = "-"  # the core all peers are pinned to
    python: dict = field(default_factory=dict)  # peer -> interpreter of another environment
    env: dict = field(default_factory=dict)
    folders: tuple = (PEERS,)  # where peers are looked for, first match wins
    verbose: int = 0  # lines of a failing peer's stderr to show


class PeerProcess:
    """Asks `worker.py` for one thing at a time; a crash or a hang costs no more than one cell."""

    def __init__(self, peer, work, settings, *, env=None, cold=False):
        self.peer = peer
        self.tmp = Path(tempfile.mkdtemp(prefix="bench-"))
        environment = {**os.environ, **SINGLE_THREAD, **settings.env, **(env or {})}
        environment["BENCH_TMP"] = str(self.tmp)
        if cold:
            environment.update(
                TORCHINDUCTOR_CACHE_DIR=str(self.tmp / "inductor"),
                TORCHINDUCTOR_FORCE_DISABLE_CACHES="1",
                CACHEDB=str(self.tmp / "kernels.db"),
                CCACHE="0",
            )
        python = settings.python.get(peer, sys.executable)
        self.log = (self.tmp / "stderr").open("w+b")
        self.process = subprocess.Popen(
            [python, HERE / "worker.py", peer, work, settings.cpu, *settings.folders],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
            start_new_session=True,  # compilers the peer starts are ended with it
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def ask(self, *command, timeout):
        """Send a command; return (status, information)."""
        try:
            self.process.stdin.write(json.dumps(command).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as e:
            raise DiedError(self.why()) from e
        end, answer = time.monotonic() + timeout, b""
        wire = self.process.stdout.fileno()
        while not answer.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([wire], [], [], left)[0]:
                self.kill()
                raise DiedError(f"time limit {timeout:.0f} s")
            part = os.read(wire, 1 << 16)
            if not part:
                raise DiedError(self.why())
            answer += part
        return json.loads(answer)

    def results(self):
        """What the last `check` left behind: name -> float64 array."""
        with np.load(self.tmp / "result.npz") as file:
            return dict(file)

    def why(self):
        status = self.process.wait()
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"exit status {status}"

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.log.closed:  # closed before; by now the number may belong to another process
            return
        self.kill()
        for file in (self.process.stdin, self.process.stdout, self.log):
            with contextlib.suppress(OSError):  # a pipe to a dead process may refuse its last flush
                file.close()
        shutil.rmtree(self.tmp, ignore_errors=True)
