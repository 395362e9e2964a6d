"""Threads that run machine code side by side.

In comes a function of the number of a shard, which gives the interpreter's lock back while it runs;
out comes nothing until all shards are done.  The threads begin when they are first asked for, wait
for work without a look at the clock, and end before the interpreter does.  After a fork the child
has none, and begins its own.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Work = Callable[[int], Any]


class Job:
    """Shards to be run, and who is at it.

    Parameters
    ----------
    work : callable
    shards, threads : int
        Thread k runs the shards k, k + threads, ...
    """

    def __init__(self, work: Work, shards: int, threads: int) -> None:
        self._work, self._shards, self._threads = work, shards, threads
        self._lock, self._idle = threading.Lock(), threading.Event()
        self._left, self._running, self._over = threads, 0, False
        self._error: BaseException | None = None

    def begin(self, k: int) -> None:
        """Run the shards of one thread."""
        with self._lock:
            if self._over:
                return
            self._running += 1
        try:
            for shard in range(k, self._shards, self._threads):
                self._work(shard)
        except BaseException as error:  # noqa: BLE001  # told to who waits
            self._error = error
        with self._lock:
            self._running -= 1
            self._left -= 1
            if not self._left or (self._over and not self._running):
                self._idle.set()

    def wait(self) -> None:
        """Wait until all shards are done."""
        self._idle.wait()
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Let no thread begin any more, and wait for those that have: Ctrl-C may come meanwhile."""
        while True:
            try:
                with self._lock:
                    self._over = True
                    busy = self._running
                if busy:
                    self._idle.wait()
            except KeyboardInterrupt:
                continue
            return


class Crew:
    """So many threads as were ever asked for."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a child has to, which has none of the threads."""
        self._queues: list[SimpleQueue[Any]] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def run(self, work: Work, shards: int, threads: int) -> None:
        """Call ``work(shard)`` for each shard, in so many threads.

        Raises
        ------
        KeyboardInterrupt
            When no thread is at work any more; some shards may not have been.
        """
        threads = min(threads, shards)
        if len(self._queues) < threads:
            self._grow(threads)
        job = Job(work, shards, threads)
        try:
            for k in range(threads):
                self._queues[k].put((job, k))
            job.wait()
        except BaseException:
            job.end()
            raise

    def end(self) -> None:
        """End all threads."""
        with self._lock:
            for queue in self._queues:
                queue.put(None)
            for thread in self._threads:
                thread.join()
            self._queues, self._threads = [], []

    def _grow(self, threads: int) -> None:
        with self._lock:
            while len(self._queues) < threads:
                queue: SimpleQueue[Any] = SimpleQueue()
                name = f"tinygrad_bp-{len(self._queues)}"
                thread = threading.Thread(target=_serve, args=(queue,), name=name, daemon=True)
                thread.start()
                self._threads.append(thread)
                self._queues.append(queue)


def _serve(queue: SimpleQueue[Any]) -> None:
    """Run what comes, until there is an end."""
    while True:
        found = queue.get()
        if found is None:
            return
        job, k = found
        job.begin(k)
        del found, job  # nothing that it holds is kept until more work comes


CREW = Crew()
atexit.register(CREW.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CREW.forget)
