"""`Ranks`: the shards divided among the processes of MPI."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import ParallelError, ShapeError
from tinygrad_bp.parallel import places as written_down
from tinygrad_bp.parallel.messages import Messages
from tinygrad_bp.parallel.shards import Shards, additions, shard
from tinygrad_bp.parallel.sums import HEAD, Form, Sums


class Ranks(Shards):
    """Computes means over rows by all the ranks that run this script; each gets the result.

    Start the script by ``tinygrad-bp launch -n 4 script.py``; needs the extra ``[mpi]``.  All ranks
    run the whole script, with the same seeds, and have the same weights at any time.

    Parameters
    ----------
    shards : int, default 8
        Into how many parts the rows of a batch are divided, at least as many as there are ranks:
        the same number gives the same bits on any number of ranks.
    deadline : float, default 300
        Seconds after which a rank that is waited for counts as lost.
    comm : mpi4py communicator, optional
        All ranks there are, if not given.

    Attributes
    ----------
    rank, size : int
        The number of this process, from 0, and how many there are.

    Raises
    ------
    ImportError
        If mpi4py is not installed.
    ParallelError
        From any method: if a rank does not answer within the deadline, or does something else.  The
        message names it.  Where it is not caught, the script's end ends all ranks.

    Examples
    --------
    >>> from tinygrad_bp.parallel import Ranks
    >>> ranks = Ranks(shards=8)  # doctest: +SKIP
    >>> loss, slopes = ranks.mean(lambda X, y: step(weights, X, y), X, y)  # doctest: +SKIP
    """

    @answers
    def __init__(self, shards: int = 8, *, deadline: float = 300.0, comm: Any = None) -> None:
        super().__init__(shards)
        if not deadline > 0.0:
            raise ValueError(f"Ranks: deadline={deadline!r}; expected seconds, more than 0")
        self._messages = Messages(_world() if comm is None else comm, deadline, lambda: self.place)
        self.rank, self.size = self._messages.rank, self._messages.size
        self.first = self.rank == 0
        if self.size > self.shards:
            raise ValueError(
                f"Ranks: shards={self.shards} for {self.size} ranks; expected a shard for each or"
                " more"
            )
        self._owners = [number * self.size // self.shards for number in range(self.shards)]

    def agree(self, what: Mapping[str, bytes]) -> None:
        """Check that every rank has the same bytes.

        Parameters
        ----------
        what : mapping of str to bytes
            By a name for the message.

        Raises
        ------
        ParallelError
            If one has others than rank 0; every rank gets to know.
        """
        token = b"".join(hashlib.sha256(one).digest()[:8] for one in what.values())
        tokens = self._messages.everyones(token)
        for rank, theirs in enumerate(tokens):
            differing = [
                name for i, name in enumerate(what)
                if theirs[8 * i : 8 * i + 8] != tokens[0][8 * i : 8 * i + 8]
            ]  # fmt: skip
            if differing:
                raise ParallelError(
                    f"{', '.join(differing)}: rank {rank} has another than rank 0; give every rank"
                    " the same seeds and data, and start them on equal machines"
                )

    def note(self, error: BaseException) -> None:
        """Let an error say in which rank it was raised, and when.

        Parameters
        ----------
        error : exception
        """
        where = f"in rank {self.rank} of {self.size}, {self.place}"
        if where not in getattr(error, "__notes__", ()):
            error.add_note(where)

    def _stand(self, place: str) -> None:
        self.place = place
        written_down.write(place)

    def _total(
        self,
        function: Callable[..., Any],
        columns: Sequence[Any],
        places: Sequence[tuple[int, int]],
        like: Any,
    ) -> Sums:
        try:
            sums = {
                number: shard(function, columns, place)
                for number, place in enumerate(places)
                if self._owners[number] == self.rank and place[0] < place[1]
            }
        except Exception as error:
            self.note(error)
            raise
        if sums:
            form = next(iter(sums.values())).form
        elif like is not None:
            form = Form(like)
        else:
            raise ShapeError(
                f"mean: {places[-1][1]} rows in {self.shards} shards leave none to rank"
                f" {self.rank}; pass like=, a value of the form that the function returns"
            )
        depth = self._up(sums, form, places)
        return self._down(sums.get(0) or Sums(form), depth)

    def _up(self, sums: dict[int, Sums], form: Form, places: Sequence[tuple[int, int]]) -> int:
        """Add this rank's part of the tree; return how many levels have messages."""
        filled = [one for one in additions(self.shards) if places[one[2]][0] < places[one[2]][1]]
        between = [one[0] for one in filled if self._owners[one[1]] != self._owners[one[2]]]
        lowest = min(between, default=0)  # below, nobody waits for another
        incoming = {}
        for level, left, right in filled:  # all are open before the first is waited for
            source = self._owners[right]
            if self._owners[left] == self.rank != source:
                sums[right] = Sums(form, np.empty(form.size, np.uint8))
                incoming[right] = self._messages.receive(sums[right].buffer, source, level - lowest)
        for _, left, right in filled:
            if self._owners[left] == self.rank:
                if right in incoming:
                    incoming[right]()
                    self._check(sums[right], self._owners[right])
                sums[left].add(sums.pop(right))
            elif self._owners[right] == self.rank:
                self._send(sums[right], self._owners[left])
        return max(between, default=lowest) - lowest + 1

    def _down(self, total: Sums, depth: int) -> Sums:
        """Give the sum that rank 0 has to all, by a tree of the ranks' binary digits."""
        parent = self.rank & (self.rank - 1)  # without its last 1
        if self.rank:
            self._messages.receive(total.buffer, parent, depth + self.rank.bit_count())()
            self._check(total, parent)
        lowest = self.rank ^ parent if self.rank else 1 << self.size.bit_length()
        for digit in reversed(range(lowest.bit_length() - 1)):
            if self.rank | 1 << digit < self.size:
                self._send(total, self.rank | 1 << digit)
        self._messages.settle(depth + self.size.bit_length())
        return total

    def _send(self, sums: Sums, to: int) -> None:
        sums.buffer[:HEAD].view(np.uint64)[0] = self._token(sums)
        self._messages.send(sums.buffer, to)

    def _check(self, sums: Sums, source: int) -> None:
        if sums.buffer[:HEAD].view(np.uint64)[0] != self._token(sums):
            raise ParallelError(
                f"rank {self.rank}, {self.place}: rank {source} adds numbers of another step or"
                " another form; every rank has to make the same calls"
            )

    def _token(self, sums: Sums) -> int:
        return sums.form.key << 32 | self._calls & 0xFFFFFFFF


def _world() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: no library of MPI
        raise ImportError(
            "Ranks needs mpi4py and a library of MPI: install the extra, as in"
            " pip install 'tinygrad-bp[mpi]'"
        ) from error
    return MPI.COMM_WORLD
