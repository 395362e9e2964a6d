"""Steps in several threads: the same bits for any number of them, and threads that end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lowered import LOOPS, compare, interpreted, program_of
from test_native import EXACT, Step

import tinygrad_bp as tg
from tinygrad_bp.native import Native
from tinygrad_bp.native.calls import code
from tinygrad_bp.native.calls.crew import CREW, Crew
from tinygrad_bp.native.llvm.cache import VARIABLE
from tinygrad_bp.programs.family import Family

LENGTHS = (1, 129, 1024, 1025, 3000)


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let threads run what is not worth it, and end: other tests fork."""
    monkeypatch.setattr(code, "LEAST", 0)
    yield
    CREW.end()


@pytest.mark.parametrize(
    ("sizes", "dtype"),
    [((2, 5, 5, 1), "float64"), ((2, 5, 5, 1), "float32"), ((3, 13, 14, 1), "float64")],
)
def test_the_bits_depend_on_no_number_of_threads_and_no_tile(
    sizes: tuple[int, ...], dtype: str
) -> None:
    step = Step(sizes, dtype)
    one = Native(step.family, step.carry, threads=1)
    others = [Native(step.family, step.carry, threads=n) for n in (2, 3, 4, 8)]
    others += [Native(step.family, step.carry, threads=2, tile=5)]  # no shard has whole tiles
    for rows in LENGTHS:
        program, inputs = step.at(rows)
        wanted = one.at(program, rows)(inputs)
        compare(wanted, interpreted(program, inputs), EXACT[dtype])
        for other in others:
            bound = other.at(program, rows)
            assert bound.whole is None
            out = [np.full_like(x, np.nan) for x in wanted]
            call = bound.fixed(inputs, out)
            assert call is not None
            call()
            for got, found, value in zip(bound(inputs), out, wanted, strict=True):
                np.testing.assert_array_equal(got, value)
                np.testing.assert_array_equal(found, value)


def test_several_loops_over_the_batch_wait_for_each_other() -> None:
    """A centred, scaled batch: the mean, then the spread, then the result, then its sum."""

    def standardised(x: Any, w: Any) -> Any:
        centred = np.exp(x) - np.mean(np.exp(x), axis=0)
        scaled = centred / np.sqrt(np.mean(centred**2, axis=0) + 1e-5)
        return scaled * w, np.max(scaled, axis=0), np.min(scaled @ np.ones((3, 3)), axis=0)

    x = np.random.default_rng(0).normal(size=(2500, 3))
    program, inputs = program_of(standardised, [x, np.array([1.0, 2.0, 3.0])])
    family = Family(program, 2500)
    for loops in LOOPS:
        wanted = Native(family, **loops, threads=1).at(program, 2500)(inputs)
        compare(wanted, interpreted(program, inputs), EXACT["float64"])
        for n in (2, 3, 8):
            found = Native(family, **loops, threads=n).at(program, 2500)(inputs)
            for got, value in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(got, value)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_steps_that_follow_one_another(n: int) -> None:
    step = Step((2, 5, 5, 1))
    program, inputs = step.at(700)
    one, three = (Native(step.family, step.carry, threads=k).at(program, 700) for k in (1, 3))
    for got, value in zip(three.repeat(n, inputs), one.repeat(n, inputs), strict=True):
        np.testing.assert_array_equal(got, value)


def test_it_is_the_threads_that_run_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = CREW.run, []

    def noted(work: Any, shards: int, threads: int) -> None:
        seen.append((shards, threads))
        run(work, shards, threads)

    monkeypatch.setattr(CREW, "run", noted)
    step = Step((2, 5, 5, 1))
    program, inputs = step.at(700)
    bound = Native(step.family, step.carry, threads=3).at(program, 700)
    out = bound(inputs)
    assert {*seen} == {(8, 3)}
    loops = len(seen)
    call = bound.fixed(inputs, [np.empty_like(x) for x in out])
    assert call is not None
    call()
    bound.repeat(2, inputs)
    assert seen == [(8, 3)] * 4 * loops


def training(threads: int | None) -> Any:
    net = tg.nn.Sequential(tg.nn.Linear(2, 5, rng=0), tg.nn.Tanh(), tg.nn.Linear(5, 1, rng=1))
    optimizer = tg.optim.Adam(net.parameters())

    @tg.compile(state=(net, optimizer), backend="native", threads=threads)
    def step(x: Any, y: Any) -> Any:
        loss = tg.nn.bce_with_logits(net(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return net, step


def test_a_thread_leaves_the_smallest_numbers_alone() -> None:
    step = Step((2, 5, 5, 1))
    program, inputs = step.at(1025)
    native = Native(step.family, step.carry, threads=2).at(program, 1025)
    native(inputs)
    found = []
    CREW.run(lambda _k: found.append(np.full(33, 1e-310) * 0.5), 2, 2)
    assert all(np.all(x == 5e-311) for x in (*found, np.full(33, 1e-310) * 0.5))


def test_a_compiled_step() -> None:
    rng = np.random.default_rng(0)
    x, y = tg.tensor(rng.normal(size=(600, 2))), tg.tensor(rng.integers(0, 2, (600, 1)) * 1.0)
    results = []
    for threads in (1, 3, None):
        net, step = training(threads)
        losses = [step(x, y).item() for _ in range(8)] + [step.repeat(5, x, y).item()]
        results.append((losses, [p.numpy().copy() for p in net.parameters()]))
    (first, one), (second, three), (third, _) = results
    assert first == second
    np.testing.assert_allclose(first, third, rtol=1e-12)
    for got, value in zip(three, one, strict=True):
        np.testing.assert_array_equal(got, value)


def test_what_is_kept_on_the_disk_is_not_of_shards_and_of_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    x, y = tg.tensor(rng.normal(size=(3000, 2))), tg.tensor(rng.integers(0, 2, (3000, 1)) * 1.0)

    def trained(folder: str, threads: int | None) -> bytes:
        monkeypatch.setenv(VARIABLE, str(tmp_path / folder))
        net, step = training(threads)
        for _ in range(4):
            step(x, y)
        return b"".join(p.numpy().tobytes() for p in net.parameters())

    whole, sharded = trained("whole", None), trained("sharded", 3)
    assert whole != sharded
    assert trained("whole", 3) == trained("sharded", 1) == sharded
    assert trained("sharded", None) == whole


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_what_is_no_number_of_threads(threads: Any) -> None:
    with pytest.raises(ValueError, match="threads="):
        tg.compile(np.sin, threads=threads)


# The crew


def test_every_shard_runs_once_in_threads_that_stay() -> None:
    crew, seen, together = Crew(), [], threading.Barrier(3)

    def work(k: int) -> None:
        seen.append((k, threading.current_thread()))
        if k < 3:
            together.wait()

    for _ in range(3):
        crew.run(work, 8, 3)
    assert sorted(k for k, _ in seen) == sorted([*range(8)] * 3)
    threads = {one for _, one in seen}
    assert len(threads) == 3
    crew.end()
    assert threads & {*threading.enumerate()} == {threading.current_thread()}


def test_an_error_is_told_when_all_are_done() -> None:
    crew, done = Crew(), []

    def work(k: int) -> None:
        if k == 1:
            raise MemoryError
        done.append(k)

    with pytest.raises(MemoryError):
        crew.run(work, 4, 4)
    assert sorted(done) == [0, 2, 3]
    crew.end()


def test_an_interrupt_waits_for_who_is_at_work() -> None:
    crew, begun, ended = Crew(), threading.Semaphore(0), []
    go = threading.Event()

    def work(k: int) -> None:
        begun.release()
        go.wait()
        ended.append(k)

    def interrupt() -> None:
        for _ in range(2):
            begun.acquire()
        os.kill(os.getpid(), signal.SIGINT)
        go.set()

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        crew.run(work, 2, 2)
    assert len(ended) == 1  # the other was this thread's own
    helper.join()
    crew.end()


SCRIPT = """
    import os, sys
    import numpy as np
    from tinygrad_bp.native.calls.crew import CREW
    import threading

    def use():
        seen = []
        CREW.run(seen.append, 8, 4)
        assert sorted(seen) == list(range(8)), seen

    before = threading.active_count()
    assert before == 1  # none before they are asked for
    use()
    assert threading.active_count() == 4
    child = os.fork()
    if not child:
        use()
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    use()
    print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_threads_begin_late_survive_a_fork_and_end_at_exit() -> None:
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
