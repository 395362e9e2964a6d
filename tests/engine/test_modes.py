"""Grad mode: what the code outside of a block sees never changes, however the block is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from leaves import leaf

import tinygrad_bp as tg
from tinygrad_bp.engine import modes

MODES: dict[str, tuple[Callable[[], Any], bool]] = {
    "no_grad": (tg.no_grad, False),
    "enable_grad": (tg.enable_grad, True),
    "debug": (tg.debug, True),
}


def on() -> bool:
    return bool((leaf([1.0]) * 2).requires_grad)


def watched() -> bool:
    """Whether tg.debug looks at values here."""
    try:
        with np.errstate(divide="ignore"):
            np.log(leaf([0.0]))
    except tg.TinygradError:
        return True
    return False


def nothing_is_open() -> bool:
    return modes.recording.get() is True and modes.blocks.get() == ()


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    assert nothing_is_open()


# Generators


def steps(mode: Any, seen: list[bool], count: int = 3) -> Iterator[int]:
    with mode:
        for i in range(count):
            seen.append(on())
            yield i
        seen.append(on())


def test_a_loop_over_a_generator_sees_its_own_mode() -> None:
    inside: list[bool] = []
    for _ in steps(tg.no_grad(), inside):
        assert on()
        with tg.no_grad():
            assert not on()
        assert on()
    assert inside == [False] * 4
    with tg.no_grad():
        for _ in steps(tg.enable_grad(), inside):
            assert not on()
            with tg.enable_grad():
                assert on()
    assert inside == [False] * 4 + [True] * 4


@pytest.mark.parametrize("how", ["close", "drop", "throw", "break"])
def test_a_generator_left_early(how: str) -> None:
    inside: list[bool] = []
    generator = steps(tg.no_grad(), inside)
    if how == "break":
        for _ in generator:
            break
    else:
        next(generator)
    assert on()
    if how == "close":
        generator.close()
    elif how == "throw":
        with pytest.raises(KeyError):
            generator.throw(KeyError)
    del generator
    assert on()
    assert nothing_is_open()


def test_a_generator_that_is_never_left() -> None:
    generator = steps(tg.no_grad(), [])
    next(generator)
    x = leaf([1.0, 2.0])
    for _ in range(3):
        np.sum(x * x).backward()
    assert x.grad.tolist() == [6.0, 12.0]
    assert tg.grad(lambda x: x**3)(2.0) == 12.0
    generator.close()


def test_a_generator_runs_in_its_own_mode_whatever_is_in_force_around_it() -> None:
    inside: list[bool] = []
    generator = steps(tg.enable_grad(), inside, 4)
    next(generator)
    with tg.no_grad():
        next(generator)
        assert not on()
        off = steps(tg.no_grad(), inside, 2)
        next(off)
        with tg.enable_grad():
            next(generator)
            next(off)
            assert on()
        assert not on()
        next(generator)
    assert on()
    off.close()
    assert on()
    generator.close()
    assert inside == [True, True, False, True, False, True]


def test_debug_in_a_generator_watches_the_generator() -> None:
    def generate() -> Iterator[bool]:
        with tg.debug():
            yield watched()
            yield watched()

    generator = generate()
    assert next(generator)
    assert not watched()
    x = leaf([0.0, 4.0])
    with np.errstate(all="ignore"):
        np.sum(np.sqrt(x) * 0).backward()  # 0 times infinity: not looked at
    assert next(generator)
    generator.close()


def test_generators_in_any_order() -> None:
    """Each has blocks of its own, one inside of the other; the driver has some too."""
    rng = random.Random(0)  # test data

    def generate(seed: int) -> Iterator[None]:
        own = random.Random(seed)  # test data
        for _ in range(3):
            mode, expected = MODES[own.choice(("no_grad", "enable_grad"))]
            with mode():
                assert on() == expected
                yield
                assert on() == expected
                if own.random() < 0.5:
                    with tg.no_grad():
                        yield
                        assert not on()
                    assert on() == expected
            yield

    for seed in range(60):
        around = rng.random() < 0.5
        running = [generate(10 * seed + k) for k in range(4)]
        with tg.enable_grad() if around else tg.no_grad():
            for _ in range(40):
                assert on() == around
                one = rng.choice(running)
                if rng.random() < 0.1:
                    one.close()
                elif next(one, "over") == "over":
                    running[running.index(one)] = generate(rng.randrange(10**6))
                if rng.random() < 0.2:
                    with tg.no_grad():
                        next(rng.choice(running), None)
                        assert not on()
            assert on() == around
        running.clear()
        one = generate(0)
        assert on()


def test_what_a_generator_calls_and_who_calls_it_through_others() -> None:
    def inner() -> Iterator[bool]:
        yield on()

    def deeper() -> bool:
        return on()

    def outer() -> Iterator[bool]:
        with tg.no_grad():
            yield from inner()
            yield deeper()
        yield on()

    found = []
    for value in outer():
        assert on()
        found.append(value)
    assert found == [False, False, True]


# Generators that are made to be left at their yield


@contextlib.contextmanager
def evaluation() -> Iterator[None]:
    with tg.no_grad():
        yield


@contextlib.contextmanager
def evaluation_by_a_stack() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(tg.no_grad())
        yield


@contextlib.contextmanager
def evaluation_of_two() -> Iterator[None]:
    with evaluation(), tg.enable_grad(), evaluation_by_a_stack():
        yield


@pytest.mark.parametrize("manager", [evaluation, evaluation_by_a_stack, evaluation_of_two])
def test_a_context_manager_is_for_the_code_in_it(manager: Any) -> None:
    with manager():
        assert not on()
        with tg.enable_grad():
            assert on()
        assert not on()
    assert on()

    @manager()
    def decorated() -> bool:
        return on()

    assert not decorated()

    def generate() -> Iterator[bool]:  # and in a generator it is for that
        with manager():
            yield on()
            yield on()

    for value in generate():
        assert not value
        assert on()


def test_a_stack_in_a_generator() -> None:
    def generate() -> Iterator[bool]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(tg.no_grad())
            yield on()

    generator = generate()
    assert not next(generator)
    assert on()
    generator.close()


@pytest.fixture
def off() -> Iterator[None]:
    with tg.no_grad():
        yield


@pytest.mark.usefixtures("off")
def test_a_fixture_is_for_the_test() -> None:
    assert not on()


def test_an_asynchronous_context_manager() -> None:
    @contextlib.asynccontextmanager
    async def manager() -> AsyncIterator[None]:
        with tg.no_grad():
            await asyncio.sleep(0)
            yield
            await asyncio.sleep(0)

    async def main() -> list[bool]:
        found = [on()]
        async with manager():
            await asyncio.sleep(0)
            found.append(on())
        return [*found, on()]

    assert asyncio.run(main()) == [True, False, True]


# Asynchronous generators, tasks and threads


async def batches(mode: Any, seen: list[bool]) -> AsyncIterator[int]:
    with mode:
        for i in range(3):
            seen.append(on())
            await asyncio.sleep(0)
            seen.append(on())
            yield i


@pytest.mark.parametrize("left", [False, True])
def test_an_asynchronous_generator(left: bool) -> None:
    """Left early, it is closed by another task, in another context."""
    errors: list[str] = []
    inside: list[bool] = []

    async def main() -> list[bool]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, found: errors.append(str(found)))
        outside = []
        for _ in range(3):
            async for _ in batches(tg.no_grad(), inside):
                outside.append(on())
                if left:
                    break
            outside.append(on())
            gc.collect()
            await asyncio.sleep(0)
            outside.append(on())
        await asyncio.gather(*[asyncio.sleep(0) for _ in range(3)])
        with tg.no_grad():
            outside.append(not on())
        return [*outside, on()]

    assert all(asyncio.run(main()))
    assert errors == []
    assert inside
    assert not any(inside)


def test_one_object_in_many_tasks() -> None:
    off, again = tg.no_grad(), tg.enable_grad()

    async def work(seed: int) -> None:
        rng = random.Random(seed)  # test data

        async def nested(depth: int, expected: bool) -> None:
            for _ in range(2):
                await asyncio.sleep(0)
                assert on() == expected
                if depth:
                    inner = rng.random() < 0.5
                    with again if inner else off:
                        await asyncio.sleep(0)
                        await nested(depth - 1, inner)
                        assert on() == inner
                assert on() == expected

        await nested(3, expected=True)

    async def main() -> None:
        await asyncio.gather(*(work(seed) for seed in range(8)))
        assert on()

    asyncio.run(main())
    assert (off._holds, again._holds) == ({}, {})


def test_a_task_keeps_the_mode_that_it_was_started_in() -> None:
    async def later(event: asyncio.Event) -> bool:
        await event.wait()
        return on()

    async def main() -> tuple[bool, bool]:
        event = asyncio.Event()
        with tg.no_grad():
            inside = asyncio.create_task(later(event))
        outside = asyncio.create_task(later(event))
        await asyncio.sleep(0)
        with tg.no_grad():
            event.set()
            return await inside, await outside

    assert asyncio.run(main()) == (False, True)


def test_one_object_in_many_threads() -> None:
    off, again = tg.no_grad(), tg.enable_grad()
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def work(seed: int) -> None:
        rng = random.Random(seed)  # test data
        try:
            barrier.wait(300)
            for _ in range(200):
                first, second = rng.random() < 0.5, rng.random() < 0.5
                with again if first else off:
                    with again if second else off:
                        assert on() == second
                    assert on() == first
                assert on()
        except BaseException as error:  # noqa: BLE001  # reported by the test
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        running = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for one in running:
            one.start()
        for one in running:
            one.join()
    finally:
        sys.setswitchinterval(before)
    assert errors == []


def test_another_thread_closes_a_generator() -> None:
    generator = steps(tg.no_grad(), [])
    next(generator)
    found: list[bool] = []

    def work() -> None:
        with tg.no_grad():
            generator.close()
            found.append(on())
        found.append(on())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False, True]
    assert on()
    with tg.no_grad():  # drops what is left of it
        assert not on()


# Blocks that are left out of turn


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)])
def test_blocks_left_in_any_order(order: tuple[int, ...]) -> None:
    """The mode is that of the newest that is left."""
    managers = [tg.no_grad(), tg.enable_grad(), tg.no_grad()]
    expected = {0: False, 1: True, 2: False}
    for one in managers:
        one.__enter__()
    for i in order:
        assert on() == expected[max(expected)]
        managers[i].__exit__(None, None, None)
        del expected[i]
        if not expected:
            break
    assert on()


def test_an_exception_goes_on() -> None:
    for mode, _ in MODES.values():
        with pytest.raises(KeyError), mode():
            raise KeyError
        assert nothing_is_open()


# Ctrl-C at any instruction

INTERRUPTED = """
import random, signal, sys
import tinygrad_bp as tg
from tinygrad_bp.engine import modes

class Stop(KeyboardInterrupt):
    pass

def stop(*_):
    raise Stop

@tg.no_grad()
def decorated():
    pass

def blocks():
    for _ in range(40):
        with tg.no_grad():
            pass
        with tg.debug():
            with tg.enable_grad():
                pass
        decorated()

def transforms():
    with tg.no_grad():
        for _ in range(3):
            tg.grad(lambda x: tg.checkpoint(lambda x: x * x)(x))(2.0)

blocks(), transforms()  # what they import is there
signal.signal(signal.SIGALRM, stop)
random.seed(0)
for turn in range(1200):
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 2e-4))
            (transforms if turn % 4 == 0 else blocks)()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Stop:
        pass
    state = modes.recording.get(), modes.blocks.get(), modes.unasked.get()
    assert state == (True, (), False), (turn, state)
print("done")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
def test_ctrl_c_at_the_edge_of_a_block() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


# Scopes, the names in drawings, are held the same way


def test_one_scope_in_many_threads_and_left_by_another_task() -> None:
    part = tg.scope("part")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(100):
                with part:
                    y = leaf([1.0]) * 2
                    with part:
                        y = y * 3
                names = [node.scope for node in tg.graph(y).nodes]
                assert names[-1] == ("part", "part")
        except BaseException as error:  # noqa: BLE001  # reported by the test
            errors.append(error)

    running = [threading.Thread(target=work) for _ in range(3)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert errors == []

    async def generate() -> AsyncIterator[int]:
        with part:
            yield 1

    async def main() -> list[Any]:
        async for _ in generate():
            break
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with tg.scope("later"):
            y = leaf([1.0]) * 2
        return [node.scope for node in tg.graph(y).nodes]

    assert asyncio.run(main())[-1] == ("later",)
