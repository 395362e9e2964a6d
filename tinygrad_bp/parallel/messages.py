"""Messages between ranks that are not waited for in vain: each has a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.errors import ParallelError

EAGER = 50  # looks at a message before there are pauses between them
PAUSE = 1e-3  # seconds: the longest; another rank may need this core
STEP = 0.25  # of the deadline, for each rank that stands between


class Messages:
    """Sends and receives arrays of bytes.

    Parameters
    ----------
    comm : mpi4py communicator
        Or what has its ``Get_rank``, ``Get_size``, ``Isend`` and ``Irecv``.
    deadline : float
        Seconds to wait for another rank.  One that waits for a rank that itself waits for a third
        waits longer, so that the message names the one that all wait for.
    place : callable
        Returns where in its work this rank is, for messages.
    """

    def __init__(self, comm: Any, deadline: float, place: Callable[[], str]) -> None:
        self._comm, self._deadline, self._place = comm, deadline, place
        self.rank, self.size = int(comm.Get_rank()), int(comm.Get_size())
        self._sent: list[tuple[Any, int]] = []

    def send(self, buffer: Any, to: int) -> None:
        """Send an array that will not change before `settle`.

        Parameters
        ----------
        buffer : array of uint8
        to : int
            A rank.
        """
        self._sent.append((self._comm.Isend(buffer, dest=to), to))

    def receive(self, buffer: Any, source: int, depth: int = 0) -> Callable[[], None]:
        """Open an array for what a rank sends.

        Parameters
        ----------
        buffer : array of uint8
        source : int
            A rank.
        depth : int, default 0
            How many ranks it may be waiting for in its turn.

        Returns
        -------
        callable
            Waits until it is there.
        """
        request = self._comm.Irecv(buffer, source=source)
        return lambda: self._wait(request, source, depth)

    def settle(self, depth: int = 0) -> None:
        """Wait until everything that was sent has left.

        Parameters
        ----------
        depth : int, default 0
            As in `receive`.
        """
        for request, to in self._sent:
            self._wait(request, to, depth)
        self._sent.clear()

    def everyones(self, token: bytes) -> list[bytes]:
        """Return what every rank passes here: bytes of one length.

        Parameters
        ----------
        token : bytes

        Returns
        -------
        list of bytes
            By rank.
        """
        own = np.frombuffer(token, np.uint8)
        table = np.zeros((self.size, len(token)), np.uint8)
        if self.rank == 0:
            table[0] = own
            for wait in [self.receive(table[other], other) for other in range(1, self.size)]:
                wait()
            for other in range(1, self.size):
                self.send(table, other)
        else:
            self.send(own, 0)
            self.receive(table, 0, 1)()
        self.settle(1)
        return [row.tobytes() for row in table]

    def _wait(self, request: Any, other: int, depth: int) -> None:
        limit = self._deadline * (1.0 + STEP * depth)
        end = time.monotonic() + limit
        looks = 0
        try:
            while not request.Test():
                looks += 1
                # not the library's own wait: it takes the whole core, and has no end
                time.sleep(0.0 if looks < EAGER else min(PAUSE, 1e-5 * (looks - EAGER)))
                if looks % EAGER == 0 and time.monotonic() > end:
                    raise ParallelError(
                        f"rank {self.rank}, {self._place()}: no word from rank {other} for"
                        f" {limit:g} s: it hangs, has ended, or needs longer; look at its own"
                        f" messages, or raise deadline={self._deadline:g}"
                    )
        except RuntimeError as error:  # of MPI: a message that is longer than expected
            if isinstance(error, ParallelError):
                raise
            raise ParallelError(
                f"rank {self.rank}, {self._place()}: the message of rank {other} is not the one"
                f" expected: {error}; every rank has to make the same calls"
            ) from error
