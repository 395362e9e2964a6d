"""A script, run under watch in this process: seeded, silent, windowless, and never for ever."""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import random
import signal
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recorder, Stop
from tinygrad_bp.doctor.watched.rewriting import HOOK, Place, Script
from tinygrad_bp.doctor.watched.sources import Whole, importing

TICK = 0.2  # seconds between looks at the clock
PICTURES = ("matplotlib", "seaborn", "plotly", "pylab", "tqdm", "IPython")


@dataclass
class Ran:
    """How a run ended.

    Attributes
    ----------
    error : BaseException or None
        What the script raised, and at which of its lines.
    warned : list of (message, line)
        What NumPy and Python warned of, each once.
    """

    module: dict[str, Any]
    error: BaseException | None = None
    line: int | None = None
    stopped: bool = False
    out_of_time: bool = False
    seconds: float = 0.0
    warned: list[tuple[str, int]] = field(default_factory=list)


class Silent(io.TextIOBase):
    """Standard output of the script: taken, and thrown away at once."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Take a text."""
        return len(text)

    def writable(self) -> bool:
        """Take everything."""
        return True


class _Anything(types.ModuleType):
    """A module of pictures, or progress bars, that does nothing."""

    __path__: Any = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()


class _Nothing:
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()

    def __call__(self, *given: Any, **_: Any) -> Any:
        first = given[0] if given else None
        is_wrapped = first is not None and hasattr(first, "__iter__") and len(given) == 1
        return first if is_wrapped and not isinstance(first, str | np.ndarray) else _Nothing()

    def __iter__(self) -> Iterator[Any]:
        return iter((_Nothing(), _Nothing()))

    def __getitem__(self, _: Any) -> Any:
        return _Nothing()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Bar(_Nothing):
    """A progress bar that shows nothing, and hands on what it goes through."""

    write: Any = _Nothing()

    def __init__(self, over: Any = (), *_: Any, **__: Any) -> None:
        self.over = over

    def __iter__(self) -> Iterator[Any]:
        return iter(self.over)

    def __len__(self) -> int:
        return len(self.over)


class _Finder:
    """Finds the modules of pictures, whether they are installed or not."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        """Answer for these modules alone."""
        if name.split(".", maxsplit=1)[0] not in PICTURES:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self)  # type: ignore[arg-type]  # its protocol is wider

    def create_module(self, spec: Any) -> types.ModuleType:
        """Return an empty module."""
        return _Anything(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill in what is called with something to go through."""
        if module.__name__.split(".")[0] == "tqdm":
            given: Any = module
            given.tqdm = given.tqdm_notebook = Bar
            given.trange = given.tnrange = lambda *bounds, **_: Bar(range(*bounds))


def run(
    script: Script,
    recorder: Recorder,
    *,
    seed: int = 0,
    seconds: float = 20.0,
    prepare: Callable[[Recorder], None] | None = None,
    tree: Whole | None = None,
) -> Ran:
    """Run a script to its end, or until `Stop` or the time ends it."""
    recorder.reset()
    if prepare is not None:
        prepare(recorder)
    module = types.ModuleType("__main__")
    space = module.__dict__
    space.update({HOOK: recorder, "__file__": script.path, "__builtins__": builtins})
    ran = Ran(space)
    began = now()
    before, folder = sys.modules.get("__main__"), Path.cwd()
    others = importing(script.files[1:], lambda k: script.code(tree, k + 1), {HOOK: recorder})
    with _world(seed, ran, script.path), _limited(seconds, ran), others:
        sys.modules["__main__"] = module
        try:
            exec(script.code(tree), space)  # noqa: S102  # the user's own script, which they asked to run
        except Stop:
            ran.stopped = True
        except BaseException as error:  # noqa: BLE001  # whatever a script can raise
            ran.error, ran.line = error, line_of(error, script.path)
        finally:
            os.chdir(folder)  # the next run looks for its files where this one did
            _forget(module, before)
    ran.seconds = now() - began
    return ran


def _forget(module: types.ModuleType, before: types.ModuleType | None) -> None:
    """Put what was the main module back, also where `multiprocessing` took its second name.

    A script that imports it, as scikit-learn does, would leave its names for the next run to see.
    """
    for name in [name for name, one in list(sys.modules.items()) if one is module]:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


def line_of(error: BaseException, path: str) -> int | None:
    """Return the innermost line of the script that an exception passed through."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


@contextlib.contextmanager
def _world(seed: int, ran: Ran, path: str) -> Iterator[None]:
    """Give the script fixed random numbers, no output, no windows, and no sleep."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # the script's own, whichever it uses
    made, seeded, sleep = np.random.default_rng, np.random.seed, time.sleep
    count = iter(range(seed, seed + 10**6))

    def generator(given: Any = None) -> Any:
        if given is None:
            given = next(count)
        elif seed and isinstance(given, int):
            given += 1000 * seed  # another seed of the doctor's is another draw for the script
        return made(given)

    def reseed(given: Any = None) -> None:
        seeded(seed if given is None else given + 1000 * seed)

    finder: Any = _Finder()
    seen: dict[tuple[str, int], None] = {}

    def note(message: Any, _kind: Any, _file: str, line: int, *_: Any) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != path:
            frame = frame.f_back
        seen[str(message), line if frame is None else frame.f_lineno] = None

    with (
        warnings.catch_warnings(),
        np.errstate(all="warn", under="ignore"),
        contextlib.redirect_stdout(Silent()),
        contextlib.redirect_stderr(Silent()),
    ):
        warnings.simplefilter("always", RuntimeWarning)
        warnings.showwarning = note  # type: ignore[assignment]  # reads no file
        np.random.default_rng = generator  # type: ignore[assignment]  # passes all on
        np.random.seed = reseed  # type: ignore[assignment]  # passes all on
        time.sleep = lambda _: None
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            np.random.default_rng, np.random.seed, time.sleep = made, seeded, sleep
            sys.meta_path.remove(finder)
            for name in [n for n, m in sys.modules.items() if isinstance(m, _Anything)]:
                del sys.modules[name]
            ran.warned = list(seen)


@contextlib.contextmanager
def _limited(seconds: float, ran: Ran) -> Iterator[None]:
    """End the script, wherever it is, after a time."""
    until = now() + seconds

    def expired(_number: int, _frame: FrameType | None) -> None:
        if now() > until:
            ran.out_of_time = True
            raise Stop

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, TICK, TICK)  # again and again: an `except:` may eat one
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def at_one_head(
    place: Place, at: int, act: Callable[[FrameType], None]
) -> Callable[[Recorder], None]:
    """Return the preparation of a run that acts at a head of a loop and ends there."""
    left = at

    def prepare(recorder: Recorder) -> None:
        def at_head(here: Place, frame: FrameType) -> None:
            nonlocal left
            left -= here == place
            if not left:
                recorder.at_head = None
                act(frame)
                raise Stop

        recorder.at_head = at_head

    return prepare
