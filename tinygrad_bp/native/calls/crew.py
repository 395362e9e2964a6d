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

    Whoever is free takes the next one: where others have the processor, the one that called does
    most of them, and nobody waits for a thread that does not come to run.

    Parameters
    ----------
    work : callable
    shards : int
    """

    def __init__(self, work: Work, shards: int) -> None:
        self._work, self._rest, self._left = work, iter(range(shards)), shards
        self._lock, self._idle = threading.Lock(), threading.Event()
        self._running, self._over = 0, False
        self._error: BaseException | None = None

    def help(self) -> None:
        """Run shards, in another thread than the one that called."""
        while True:
            with self._lock:
                shard = None if self._over else next(self._rest, None)
                if shard is None:
                    return
                self._running += 1
            self._run(shard)
            with self._lock:
                self._running -= 1
                self._left -= 1
                if not self._left or (self._over and not self._running):
                    self._idle.set()

    def finish(self) -> None:
        """Run shards until there are no more, and wait for those that others run."""
        while True:
            with self._lock:
                shard = next(self._rest, None)
            if shard is None:
                break
            self._run(shard)
            with self._lock:
                self._left -= 1
        if self._left:
            self._idle.wait()
        if self._error is not None:
            raise self._error

    def _run(self, shard: int) -> None:
        try:
            self._work(shard)
        except Exception as error:  # noqa: BLE001  # told when all are done
            self._error = error

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
    """So many threads as were ever asked for, beside those that ask."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a child has to, which has none of the threads."""
        self._queues: list[SimpleQueue[Any]] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def run(self, work: Work, shards: int, threads: int) -> None:
        """Call ``work(shard)`` for each shard, in so many threads, of which this is one.

        Raises
        ------
        KeyboardInterrupt
            When no thread is at work any more; some shards may not have been.
        """
        threads = min(threads, shards)
        if len(self._queues) < threads - 1:
            self._grow(threads - 1)
        job = Job(work, shards)
        try:
            for queue in self._queues[: threads - 1]:
                queue.put(job)
            job.finish()
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
        job = queue.get()
        if job is None:
            return
        job.help()
        del job  # nothing that it holds is kept until more work comes


CREW = Crew()
atexit.register(CREW.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CREW.forget)
