"""Grad mode: whether operations are recorded in this thread or asyncio task.

`recording` holds the plain answer, since every operation on a tracked Tensor asks.  Beside it
`blocks` holds the `with` blocks that are open, from which the answer follows.

What the code outside of a block sees never changes, however the block is left:

- One object may be entered in several threads and tasks: what is open is known by the context.
- A block in a generator counts while the generator runs.  Between two steps the code that drives it
  sees its own mode, also if it leaves the generator there for good, and another task closes it.  A
  generator that is a context manager (contextlib) or a fixture (pytest) is made to be left at its
  yield: its block belongs to whoever enters it.
- Ctrl-C may come between any two instructions.  Setting and resetting stand in the body of one
  generator, inside its `try`: a generator that is dropped runs its `finally`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Generator, Iterable
from contextvars import ContextVar
from types import FrameType
from typing import Any, Literal, TypeVar

from tinygrad_bp.elsewhere.calls import answers

Function = TypeVar("Function", bound=Callable[..., Any])
T = TypeVar("T")
Hold = Generator[None, None, None]

GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
# They run the two halves of a generator around other code, which is what its block is for.
AROUND_OTHERS = {"contextlib", "_pytest.fixtures"}


class Block:
    """One `with` block, or one call of a decorated function.

    Attributes
    ----------
    mode : bool or Watch
        What `recording` is to be.
    watch : Watch or None
        What looks at values (`debugging`), if this block asks for it.
    frame : frame or None
        Of the generator that the block is in.
    open : bool
        Whether it has not been left.
    """

    __slots__ = ("frame", "mode", "open", "watch")

    def __init__(self, mode: Any, watch: Any = None) -> None:
        self.mode = mode
        self.watch = watch
        self.frame: FrameType | None = None
        self.open = True

    def holds(self) -> bool:
        """Whether it is open, and not in a generator that waits: such a frame has no caller."""
        return self.open and (self.frame is None or self.frame.f_back is not None)


class Seen:
    """What `recording` is where the newest block is a generator's: asked anew each time."""

    __slots__ = ("chain",)

    def __init__(self, chain: tuple[Block, ...]) -> None:
        self.chain = chain

    def _now(self) -> Any:
        return next((block.mode for block in reversed(self.chain) if block.holds()), True)

    def __bool__(self) -> bool:
        return bool(self._now())

    def recorded(self, *what: Any) -> None:
        """Show a new node to the watch, if there is one."""
        mode = self._now()
        if mode is not True:
            mode.recorded(*what)


recording: ContextVar[Any] = ContextVar("recording", default=True)
blocks: ContextVar[tuple[Block, ...]] = ContextVar("blocks", default=())
# True while a transform walks that has found nobody outside who could differentiate its result.
unasked: ContextVar[bool] = ContextVar("unasked", default=False)
is_recording = recording.get


def watch() -> Any:
    """Return what looks at values here, or None."""
    for block in reversed(blocks.get()):
        if block.watch is not None and block.holds():
            return block.watch
    return None


def hold(block: Block) -> Hold:
    """Keep `block` open from the first step of this generator until it is closed."""
    before, outer = recording.get(), blocks.get()
    if outer and not all(one.open for one in outer):  # closed in another context
        outer = tuple([one for one in outer if one.open])
        before = _seen(outer)
    inner = _with(outer, block)
    try:
        blocks.set(inner)
        recording.set(_seen(inner))
        yield
    finally:
        block.open = False  # from here on no context sees it, whichever this one is
        block.frame = None
        unchanged = True
        try:
            unchanged = blocks.get() is inner
        finally:
            if unchanged:  # nothing is called before the mode is back
                try:
                    recording.set(before)
                finally:
                    blocks.set(outer)
            else:
                _leave(block)


def _with(chain: tuple[Block, ...], block: Block) -> tuple[Block, ...]:
    """Return the chain with a new block: beneath those of generators that wait."""
    place = len(chain)
    while place and not chain[place - 1].holds():
        place -= 1
    return (*chain[:place], block, *chain[place:])


def _seen(chain: tuple[Block, ...]) -> Any:
    if not chain:
        return True
    return chain[-1].mode if chain[-1].frame is None else Seen(chain)


def _leave(block: Block) -> None:
    """Take a block out of the middle of this context's, if it is in there."""
    chain = blocks.get()
    if block in chain:
        chain = tuple([one for one in chain if one.open])
        blocks.set(chain)
        recording.set(_seen(chain))


def takes_whole(name: str) -> bool:
    """Whether a program is being written by somebody who may take a fused rule whole."""
    return name in getattr(watch(), "fused", ())


def within(block: Block, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call `function` in a block of its own."""
    held = hold(block)
    try:
        next(held)
        return function(*args, **kwargs)
    finally:
        held.close()


def recorded(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call `function`, recording, and watching if that was so before."""
    if recording.get() is True:
        return function(*args, **kwargs)
    return within(Block(watch() or True), function, *args, **kwargs)


def _owner(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the generator that a block entered from `frame` is in, or None."""
    while frame is not None:
        if frame.f_globals.get("__name__") not in AROUND_OTHERS:
            if not frame.f_code.co_flags & GENERATOR:
                return None
            caller = frame.f_back
            if caller is None or caller.f_globals.get("__name__") not in AROUND_OTHERS:
                return frame
        frame = frame.f_back
    return None


class Held:
    """A context manager that may be entered again, nested, and in many threads and tasks at a time.

    Notes
    -----
    Ctrl-C as a block begins or ends leaves nothing behind.  Python itself has one gap, before the
    first instruction of `__exit__`: there ``with no_grad():`` puts the mode back as its object is
    dropped, with the traceback of the KeyboardInterrupt.
    """

    @answers
    def __init__(self) -> None:
        self._holds: dict[Any, Hold] = {}

    def _begin(self, frame: FrameType) -> tuple[Any, Hold]:
        """Return a key, and what keeps a block open that is entered in `frame`."""
        raise NotImplementedError

    def _opened(self) -> Iterable[Any]:
        """Return the keys of what is open in this context, the newest first."""
        raise NotImplementedError

    def __enter__(self) -> None:
        key, held = self._begin(sys._getframe(1))
        try:
            next(held)
            self._holds[key] = held
        except BaseException:
            held.close()
            raise

    def __exit__(self, *exc: object) -> Literal[False]:
        holds = self._holds
        if len(holds) == 1:
            holds.popitem()[1].close()
        else:
            here = next((key for key in self._opened() if key in holds), None)
            # None if it is left in another context than it was entered in
            holds.pop(next(reversed(holds)) if here is None else here).close()
        return False


class Mode(Held):
    """Sets the mode of recording of this thread or asyncio task; context manager and decorator."""

    def block(self) -> Block:
        """Return a new block of this mode."""
        raise NotImplementedError

    def _begin(self, frame: FrameType) -> tuple[Any, Hold]:
        block = self.block()
        block.frame = _owner(frame)
        return block, hold(block)

    def _opened(self) -> Iterable[Any]:
        return reversed(blocks.get())

    def __call__(self, function: Function) -> Function:
        """Return `function` running in this mode."""
        name = type(self).__name__
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{name}: {function.__name__} is a generator, whose body runs between"
                " other code;"
                f" use 'with tg.{name}():' inside it"
            )
        block = self.block

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            held = hold(block())
            try:
                next(held)
                return await function(*args, **kwargs)
            finally:
                held.close()

        def called(*args: Any, **kwargs: Any) -> Any:
            return within(block(), function, *args, **kwargs)

        wrapped = awaited if inspect.iscoroutinefunction(function) else called
        return functools.wraps(function)(wrapped)  # type: ignore[return-value]  # same signature


class no_grad(Mode):  # noqa: N801  # reads as a verb: with tg.no_grad():
    """Within it, operations on Tensors are not recorded (per thread and asyncio task).

    Notes
    -----
    In a generator it holds for the generator, not for the code that drives it; tasks and threads
    that the generator starts do not inherit it.

    Examples
    --------
    >>> import tinygrad_bp as tg
    >>> w = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> with tg.no_grad():
    ...     (w * 2).requires_grad
    False
    """

    def block(self) -> Block:
        """Return a new block, in which nothing is recorded."""
        return Block(mode=False)


class enable_grad(Mode):  # noqa: N801  # the counterpart of no_grad
    """Within it, operations are recorded even where an outer `no_grad` holds."""

    def block(self) -> Block:
        """Return a new block, in which operations are recorded, and watched if they were."""
        return Block(watch() or True)
