"""Ranks as threads of this process: a communicator with the four methods that are asked of one."""

from __future__ import annotations

import contextvars
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np


class LostError(RuntimeError):
    """What MPI raises: of a message that is longer than the array for it."""


class Message:
    """A message under way; it is read where it lies when it is received, as MPI may do."""

    def __init__(self, buffer: Any, world: World) -> None:
        self.buffer, self.taken, self.world = buffer, False, world

    def Test(self) -> bool:
        if self.world.aborted:
            raise LostError("aborted by another rank")
        return self.taken


class Awaited:
    """An array that waits for its message."""

    def __init__(self, buffer: Any, world: World) -> None:
        self.buffer, self.message, self.world = buffer, None, world

    def Test(self) -> bool:
        if self.world.aborted:
            raise LostError("aborted by another rank")
        if self.message is None:
            return False
        source, target = (one.reshape(-1) for one in (self.message.buffer, self.buffer))
        if len(source) > len(target):
            raise LostError("message truncated")
        target[: len(source)] = source
        self.message.taken = True
        return True


class World:
    """The mailboxes of so many ranks."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size, self.lock, self.aborted = size, threading.Lock(), False
        self.boxes: dict[tuple[int, int], tuple[deque[Any], deque[Any]]] = {
            (a, b): (deque(), deque()) for a in range(size) for b in range(size)
        }
        self.chance = random.Random(seed)

    def match(self, pair: tuple[int, int]) -> None:
        sent, awaited = self.boxes[pair]
        while sent and awaited:
            awaited.popleft().message = sent.popleft()


class Comm:
    """What one of the ranks holds; it sends after a moment, which differs."""

    def __init__(self, world: World, rank: int) -> None:
        self.world, self.rank = world, rank

    def Get_rank(self) -> int:
        return self.rank

    def Get_size(self) -> int:
        return self.world.size

    def Isend(self, buffer: Any, dest: int) -> Message:
        time.sleep(self.world.chance.choice([0.0, 0.0, 1e-4]))
        assert buffer.dtype == np.uint8
        return self._put((self.rank, dest), 0, Message(buffer, self.world))

    def Irecv(self, buffer: Any, source: int) -> Awaited:
        return self._put((source, self.rank), 1, Awaited(buffer, self.world))

    def _put(self, pair: tuple[int, int], side: int, one: Any) -> Any:
        with self.world.lock:
            self.world.boxes[pair][side].append(one)
            self.world.match(pair)
        return one


def on_ranks(
    size: int, work: Callable[[Comm], Any], seed: int = 0, *, abort: bool = True
) -> list[Any]:
    """Return what `work` returns, or raises, on each of so many ranks; an error ends all."""
    world = World(size, seed)
    found: list[Any] = [None] * size

    def run(rank: int) -> None:
        try:
            found[rank] = work(Comm(world, rank))
        except Exception as error:  # noqa: BLE001  # it is what the rank came to
            found[rank] = error
            world.aborted = abort

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run, rank), daemon=True)
        for rank in range(size)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(300)
        assert not one.is_alive()
    return found
