"""One iteration of a loop, run again and again from the same state.

At the head of a loop everything that the script can reach is kept.  The body of the loop then runs
as a function of its own, over the script's names, with a parameter moved a little or with an edited
line, and everything is put back.  That costs one iteration, where running the script again would
cost its set-up as well.
"""

from __future__ import annotations

import ast
import gc
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.watched.preparing import Prepared
from tinygrad_bp.doctor.watched.recorder import Recorder, Recording, Stop
from tinygrad_bp.doctor.watched.rewriting import (
    BODY,
    HOOK,
    Loop,
    Place,
    Script,
    compile_tree,
    compiled,
    instrumented,
    place_of,
)
from tinygrad_bp.doctor.watched.slots import Names, Path, Reached, same, taken
from tinygrad_bp.doctor.watched.substitution import substituted

# One turn of a loop, so that `break` and `continue` end it; what it leaves in its names is kept.
BODY_TEXT = f"""
def {BODY}():
    try:
        for _doctor_once_ in (0,): pass
    finally:
        {HOOK}.keep(locals())
"""


@dataclass
class Iteration:
    """What one run of the body did.

    Attributes
    ----------
    names : Names
        What the names held at its end; arrays are the script's own until the next run.
    marks : dict
        How many comparisons there had been when a watched place first changed.
    """

    names: Names
    recording: Recording
    error: Exception | None
    marks: dict[Path, int]
    stopped: bool = False
    ended: dict[Path, Any] = field(default_factory=dict)

    def value(self, path: Path) -> Any:
        """Return a copy of what stood at a path, or None."""
        try:
            value = self.names.get(path)
        except (KeyError, IndexError, AttributeError, TypeError):
            return None
        return np.array(value) if isinstance(value, np.ndarray) else value


class Replay:
    """The state at the head of a loop, and runs of its body from there."""

    def __init__(self, script: Script, loop: Loop, recorder: Recorder, frame: FrameType) -> None:
        self.script, self.loop, self.recorder = script, loop, recorder
        self.in_function = frame.f_locals is not frame.f_globals
        local = dict(frame.f_locals) if self.in_function else {}
        self.names = Names(frame.f_globals, local)
        self.reached = Reached(self.names)
        self.before = taken(self.reached.values)
        self.prepared = Prepared()
        self.stored = {one.id for one in ast.walk(loop.node) if isinstance(one, ast.Name)}
        self.code = self.body_code()
        self.edited: tuple[dict[int, Any], list[Any]] = {}, []  # what every run has, and in what
        self.runs = 0
        self.called: set[tuple[str, int]] | None = None

    def body_code(self, replaced: dict[int, Any] | None = None) -> CodeType:
        """Return the code of the body, with an edit in it or as it is."""
        body = self.prepared.block(self.loop.node.body, replaced or {})
        made: Any = ast.parse(BODY_TEXT).body[0]
        if self.in_function:
            shared = self._shared(self.loop.function)
            names = [name for name in self.names.local if name.isidentifier()]
            made.args.args = [ast.arg(name) for name in names if name not in shared]
        else:
            shared = {name for name in (*self.stored, *self.names.module) if name.isidentifier()}
        if shared:
            made.body.insert(0, ast.Global(sorted(shared)))
        tree = ast.Module([made], [])
        ast.fix_missing_locations(tree)  # before the statements are in it: they have their places
        made.body[-1].body[0].body = [one for one in body if not isinstance(one, ast.Nonlocal)]
        function = self.loop.function
        owner = self.script.owners.get(place_of(function)) if function is not None else None
        if owner is not None:  # in a class `self.__name` is `self._Class__name`
            tree.body = [ast.ClassDef(owner, [], [], [made], [])]
            ast.fix_missing_locations(tree.body[0])
        code = compile_tree(tree, self.script.path)
        return next(one for one in _codes(code) if one.co_name == BODY)

    @staticmethod
    def _shared(function: ast.FunctionDef | None) -> set[str]:
        nodes = ast.walk(function) if function is not None else ()
        return {name for one in nodes if isinstance(one, ast.Global) for name in one.names}

    def run(
        self,
        change: Callable[[Names], None] | None = None,
        *,
        watched: Iterable[Path] = (),
        limit: int | None = None,
        code: CodeType | None = None,
        keep: bool = False,
    ) -> Iteration:
        """Run the body once from the kept state.

        Parameters
        ----------
        change : callable, optional
            Called with the names before the run.
        watched : iterable of paths
            Places of which the first change is marked.
        limit : int, optional
            End the run after so many comparisons.
        code : code, optional
            Of an edited body.
        keep : bool
            Go on from where the last run ended, instead of from the kept state.
        """
        self.runs += 1
        if not keep:
            self.reached.restore()
        names = Names(self.names.module, dict(self.names.local))
        if change is not None:
            change(names)
        recorder = self.recorder
        held = (recorder.at_head, recorder.on, recorder.limit)
        recorder.at_head = recorder.at_store = recorder.at_comparison = None
        pair, recorder.pair = recorder.pair, None
        recorder.recording, recorder.on = Recording(), True
        recorder.limit = limit or held[2]
        marks: dict[Path, int] = {}
        code = code or self.code
        watch = _Marks(names, [*watched], recorder, code, marks)
        if watch.paths:
            recorder.at_store, recorder.at_comparison = watch, watch.look
        error, stopped = None, False
        function = FunctionType(code, names.module)
        count = code.co_argcount
        given = [names.local.get(name) for name in code.co_varnames[:count]]
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                made = function(*given)
                while isinstance(made, Generator) and next(made, made) is not made:
                    pass  # a body that yields does the rest when it is asked again
        except Stop:
            stopped = True
            if len(recorder.recording.comparisons) < recorder.limit:
                raise  # the time is up
        except (Exception, SystemExit) as caught:  # noqa: BLE001  # whatever the script raises
            error = caught if isinstance(caught, Exception) else RuntimeError("sys.exit")
        finally:
            watch.look()
            recording, recorder.pair = recorder.recording, pair
            recorder.at_store = recorder.at_comparison = None
            recorder.at_head, recorder.on, recorder.limit = held
        names.local.update(recording.kept)
        if keep:
            self.names.local.update(recording.kept)
        return Iteration(names, recording, error, marks, stopped)

    def at(
        self, values: dict[Path, Any], *, watched: Iterable[Path] = (), limit: int | None = None
    ) -> Iteration | None:
        """Run the body with other values in these places; None where they cannot be put there."""

        def change(names: Names) -> None:
            for path, value in values.items():
                names.put(path, value)

        try:
            return self.run(change, watched=watched, limit=limit)
        except (TypeError, KeyError, ValueError, AttributeError, IndexError):
            return None

    def reset(self) -> None:
        """Put back the state at the loop's head, after runs that went on from each other."""
        self.names.local.clear()
        self.names.local.update(self.reached.dicts[0][1])
        self.reached.restore()

    def functions(self) -> set[tuple[str, int]]:
        """Return the functions of the script that one iteration calls: name and first line."""
        if self.called is not None:
            return self.called
        self.called = called = set()

        def note(frame: FrameType, event: str, _: Any) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename == self.script.path and code.co_name != BODY:
                called.add((code.co_name, code.co_firstlineno))

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            self.run()
        finally:
            sys.setprofile(before)
        return called


class _Marks:
    """Notes when watched places change for the first time."""

    def __init__(
        self,
        names: Names,
        paths: list[Path],
        recorder: Recorder,
        code: CodeType,
        marks: dict[Path, int],
    ) -> None:
        self.paths, self.recorder, self.code, self.marks = paths, recorder, code, marks
        self.names = Names(names.module, dict(names.local))  # a copy: stores are entered in it
        self.before = {path: self._value(path) for path in paths}
        self.stored = False

    def _value(self, path: Path) -> Any:
        try:
            value = self.names.get(path)
        except (KeyError, IndexError, AttributeError, TypeError):
            return None
        return np.array(value) if isinstance(value, np.ndarray) else value

    def __call__(self, text: str, value: Any, frame: FrameType) -> None:
        self.stored = True
        if text.isidentifier() and frame.f_code is self.code:
            self.names.local[text] = value

    def look(self) -> None:
        """Note what has changed since the last comparison, before the next one is counted."""
        if not self.stored:
            return
        self.stored = False
        for path in self.paths:
            if path not in self.marks and not same(self._value(path), self.before[path]):
                self.marks[path] = len(self.recorder.recording.comparisons)


def live_functions(path: str) -> dict[tuple[str, int], list[FunctionType]]:
    """Return the script's function objects by name and first line."""
    found: dict[tuple[str, int], list[FunctionType]] = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename == path:
            key = one.__code__.co_name, one.__code__.co_firstlineno
            found.setdefault(key, []).append(one)
    return found


def function_code(
    script: Script, node: Any, replaced: dict[int, Any], prepared: Prepared, shared: tuple[str, ...]
) -> CodeType | None:
    """Return the code of a function with an edit in it.

    Parameters
    ----------
    shared : tuple of str
        The names that it takes from the function around it.
    """
    if isinstance(node, ast.Lambda):
        wrapped: Any = ast.Expr(instrumented(substituted(node, replaced)))
    else:
        wrapped = ast.FunctionDef(
            node.name, node.args, prepared.block(node.body, replaced), [], node.returns
        )
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        wrapped.lineno, wrapped.col_offset = first, node.col_offset
        wrapped.end_lineno, wrapped.end_col_offset = node.end_lineno, node.end_col_offset
    owner = script.owners.get(place_of(node))
    if owner is not None:
        wrapped = ast.ClassDef(owner, [], [], [wrapped], [])
    if shared:
        around: Any = ast.parse("def _around_(): pass").body[0]
        around.args.args, around.body = [ast.arg(name) for name in shared], [wrapped]
        wrapped = around
    module = compiled(ast.Module([wrapped], []), script.path)
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    return next((one for one in _codes(module) if one.co_name == name), None)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


@contextmanager
def swapped(functions: list[FunctionType], code: CodeType) -> Iterator[None]:
    """Let functions run other code while the block runs."""
    before = [one.__code__ for one in functions]
    try:
        for one in functions:
            one.__code__ = code
        yield
    finally:
        for one, old in zip(functions, before, strict=True):
            one.__code__ = old


__all__ = ["Iteration", "Place", "Replay", "function_code", "live_functions", "swapped"]
