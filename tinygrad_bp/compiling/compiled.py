"""`Compiled`: a function that is traced when it is called in a new way, and else only run."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import MethodType
from typing import Any

from tinygrad_bp.compiling.arguments import Signature, count_of, key_of, require_seen, stateful
from tinygrad_bp.compiling.history import reason
from tinygrad_bp.compiling.lowering import Lowering
from tinygrad_bp.compiling.making import Kin, Maker, without_collections
from tinygrad_bp.compiling.reloading import Outline
from tinygrad_bp.compiling.shortcuts import Shortcuts
from tinygrad_bp.compiling.state import State
from tinygrad_bp.compiling.steady import MISS
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.compiling.tracing import Call, Traced
from tinygrad_bp.compiling.turns import Turns
from tinygrad_bp.compiling.version import Version
from tinygrad_bp.engine.modes import is_recording, watch
from tinygrad_bp.errors import NativeUnavailable, ProgramError, TraceError, warn_user
from tinygrad_bp.programs.comparison import Different
from tinygrad_bp.programs.program import Program
from tinygrad_bp.programs.watch import Watch

RESTLESS = 8  # times that captured arrays change before it is said


class Compiled:
    """A compiled function; `tg.compile` makes one, and says what it does.

    Attributes
    ----------
    program : Program
        Of the latest call.
    timings : dict of str to float
        Seconds that were spent on traces, passes and building.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        state: Sequence[Any],
        static: Iterable[int | str],
        backend: str,
        threads: int | None = None,
    ) -> None:
        functools.update_wrapper(self, f)
        self._f = f
        self._backend = backend
        self._objects = list(state)
        self._signature = Signature(f, static)
        self._surroundings = Surroundings(f)
        self._maker = Maker(backend, self._surroundings, threads)
        self._versions: dict[Any, tuple[Kin, Version]] = {}
        self._families: dict[Any, list[Kin]] = {}
        self._state: State | None = None
        self._history: list[str] = []
        self._kept: list[Any] = []  # functions that were arguments: their ids are in keys
        self._latest: tuple[Any, Kin, Version] | None = None
        self._trusts = True  # what is on the disk
        self._turns = Turns()
        self._short = Shortcuts(self._surroundings, self._turns, self._long)

    # Calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns, and do to the state what it does."""
        short = self._short
        entry, layout = short.entry, short.layout
        if entry is not None:
            if layout is None:
                if not kwargs:
                    return entry(*args)
            else:
                values = layout.values(args, kwargs)
                if values is not None:
                    return entry(*values)
        return self._long(*args, **kwargs)

    def _long(self, *args: Any, **kwargs: Any) -> Any:
        """Do a call that the present entry does not do."""
        if self._backend == "eager":
            return self._f(*args, **kwargs)
        result = self._short.other(args, kwargs)
        if result is not MISS:
            return result
        with self._turns:
            result = self._short.run(args, kwargs)
            if result is not MISS:
                return result
            if isinstance(watch(), Watch):  # it is a part of a program that is being written
                return self._f(*args, **kwargs)
            try:
                call, state, kin, version = self._found(args, kwargs)
            except NativeUnavailable as error:
                self._fall_back(error)
                return self._f(*args, **kwargs)
            inputs = version.inputs(call, state)
            outcome = version.outcome(inputs, version.bound(inputs))
            version.commit(outcome)
            result = version.returned(outcome)
            self._short.settle(version, call, (args, kwargs), state, kin.captured)
            return result

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def repeat(self, n: int, *args: Any, **kwargs: Any) -> Any:
        """Call the function n times with the same arguments.

        Native code goes on from step to step by itself where nothing must be drawn or asked in
        between.  Ctrl-C and errors leave the state as it is between two steps.

        Parameters
        ----------
        n : int
            At least 1.
        *args, **kwargs
            The arguments.

        Returns
        -------
        object
            What the last call returns.

        Raises
        ------
        ValueError
            If n is no such number.
        """
        left = count_of("repeat: n", n, 1) - 1
        result = self(*args, **kwargs)
        while left:
            some = self._short.repeated(left, args, kwargs) or self._some(left, args, kwargs)
            done, result = some
            left -= done
        return result

    def _some(self, most: int, args: Any, kwargs: Any) -> tuple[int, Any]:
        """Run up to `most` steps, and return how many, with the result of the last."""
        with self._turns:
            return self._so_many(most, args, kwargs)

    def _so_many(self, most: int, args: Any, kwargs: Any) -> tuple[int, Any]:
        if self._backend == "eager":
            return 1, self._f(*args, **kwargs)
        call, state, _, version = self._found(args, kwargs)
        inputs = version.inputs(call, state)
        count = min(most, version.pace) if version.repeats else 1
        begin = time.perf_counter()
        found = version.bound.repeat(count, inputs) if count > 1 else version.bound(inputs)
        version.keep_pace(count, time.perf_counter() - begin)
        outcome = version.outcome(inputs, found)
        version.commit(outcome)
        return count, version.returned(outcome)

    def epochs(self, batches: Iterable[Any], epochs: int) -> list[list[Any]]:
        """Call the function with each batch, epoch after epoch.

        Parameters
        ----------
        batches : iterable of tuple
            The arguments of each step; iterated anew in each epoch.  What is no tuple is the one
            argument.
        epochs : int
            From 0 on.

        Returns
        -------
        list of list
            What each step returned, one list an epoch.

        Raises
        ------
        ValueError
            If `epochs` is no such number, or `batches` can be iterated over but once.
        """
        epochs = count_of("epochs: epochs", epochs, 0)
        if epochs > 1 and isinstance(batches, Iterator):
            raise ValueError(
                "epochs: batches is an iterator, which is used up after one epoch; pass what can be"
                " iterated anew, such as a list"
            )
        results = []
        for _ in range(epochs):
            given = (one if isinstance(one, tuple) else (one,) for one in batches)
            results.append([self(*one) for one in given])
        return results

    # Versions

    def _found(self, args: Any, kwargs: Any) -> tuple[Call, State, Kin, Version]:
        """Return a call with its state and the version that runs it, made if there is none."""
        call = self._signature.call(args, kwargs)
        given = (*args, *kwargs.values())
        state, key = self._keyed(call, given)
        found = self._versions.get(key)
        why = self._changes(found[0] if found else None)
        if why is None and found and not self._maker.is_proven(found[0], call, state):
            why, self._trusts = "a second trace differs from the first", False
        if why:
            self._forget(why)
            found = None
        if found is None:
            state, key = self._keyed(call, given, anew=True)
            found = self._versions.get(key) or self._make(call, state, key)
        self._latest = (key, *found)
        return call, state, *found

    def _keyed(self, call: Call, given: Any, *, anew: bool = False) -> tuple[State, Any]:
        objects = [*self._objects, *stateful(call)]
        state = self._state
        same = state is not None and len(state.objects) == len(objects)
        if anew or state is None or not same or any(map(_another, state.objects, objects)):
            state = self._state = State(objects)
        key = key_of(call, given), state.signature(), bool(is_recording())
        return state, key

    def _changes(self, kin: Kin | None) -> str | None:
        """Return what has changed around the function since it was traced, if something has."""
        if not self._versions:
            return None
        name = self._surroundings.changed()
        if name is not None:
            return f"{name} has changed"
        return kin.captured.changed() if kin is not None else None

    def _forget(self, why: str) -> None:
        self._versions.clear()
        self._short.forget()
        self._families.clear()
        self._latest = None
        self._history.append(why)
        if sum(one == why for one in self._history) == RESTLESS:
            warn_user(
                f"compile: {why}, {RESTLESS} times by now, and each time the function is traced"
                " again; pass it as an argument"
            )

    @without_collections()
    def _make(self, call: Call, state: State, key: Any) -> tuple[Kin, Version]:
        self._kept += require_seen(call)
        self._surroundings.remember(state, self._kept)
        outline = _outline(key)
        why = reason(call, state, key, self._latest[0]) if self._latest else "the first call"
        for kin in self._families.get(outline, []):
            if not _is_batch(key, kin.batch):
                continue
            try:
                version = self._maker.member(kin, call, state)
            except Different as error:
                why = f"{why}; another program, since {error}"
            else:
                self._history.append(f"{why}: the same program, for another length")
                self._versions[key] = kin, version
                return kin, version
        first = None
        with suppress(TraceError):  # which a trace with names says better
            first = self._maker.trace(call, state)
        looks = self._trusts and self._maker.looks
        reloaded = self._maker.reloaded(first) if first is not None and looks else None
        if reloaded is not None:
            self._history.append(f"{why}: found on the disk")
            self._versions[key] = reloaded
            return reloaded
        self._history.append(f"{why}: traced")
        return self._make_whole(call, state, key, first)

    def _make_whole(
        self, call: Call, state: State, key: Any, first: Traced | None = None
    ) -> tuple[Kin, Version]:
        """Make a family, and in it the version for a call."""
        kin, version = self._maker.kin(call, state, first)
        self._families.setdefault(_outline(key), []).append(kin)
        self._versions[key] = kin, version
        return kin, version

    def _fall_back(self, error: NativeUnavailable) -> None:
        if self._backend == "native":
            raise ProgramError(f"compile: no native code here: {error}") from error
        self._backend = "eager"
        self._history.append(f"the function itself runs, since there is no native code: {error}")
        _say(f"compile: functions run as they are, since there is no native code: {error}")

    # What it tells

    @property
    def backend(self) -> str:
        """What runs: "native", "numpy", or "eager", also where there can be no native code."""
        return "native" if self._backend == "auto" else self._backend

    @property
    def program(self) -> Program:
        """The program of the latest call."""
        if self._latest is None:
            raise ProgramError("compile: there is no program before the first call")
        program = self._latest[2].program
        return program.whole() if isinstance(program, Outline) else program

    @property
    def timings(self) -> dict[str, float]:
        """Seconds that were spent until now, by what they were spent on."""
        return dict(self._maker.timings.seconds)

    def lower(self, *args: Any, **kwargs: Any) -> Lowering:
        """Return the stages from the function to what runs, without running it.

        Parameters
        ----------
        *args, **kwargs
            As of a call.

        Returns
        -------
        Lowering
            Prints as text.
        """
        with self._turns:
            call, state, kin, version = self._found(args, kwargs)
            if kin.family is None and self._latest is not None:
                kin, version = self._make_whole(call, state, self._latest[0])
        assert kin.family is not None  # noqa: S101  # what was found on the disk has been replaced
        return Lowering(kin.traced.program, kin.family, version.program, kin.engine)

    def explain_retrace(self) -> str:
        """Return what each trace was made for: one line each.

        Returns
        -------
        str
        """
        return "\n".join(f"{k}. {why}" for k, why in enumerate(self._history, 1))

    def __reduce__(self) -> Any:
        raise TypeError(
            f"{self!r} holds machine code and variables of its process, and is not copied or"
            " pickled; compile a copy of the function, with a copy of its state"
        )

    def __repr__(self) -> str:
        return f"<compiled {getattr(self, '__name__', 'function')}: {len(self._versions)} versions>"


@functools.cache  # once, of all functions
def _say(text: str) -> None:
    warn_user(text)


def _another(one: Any, other: Any) -> bool:
    return one is not other


def _outline(key: Any) -> Any:
    """Return a key without the lengths of first axes, which may be batches."""
    (names, form, told), signature, mode = key
    return names, form, tuple(map(_without_length, told)), signature, mode


def _without_length(told: Any) -> Any:
    if isinstance(told, tuple) and len(told) > 2 and isinstance(told[2], tuple) and told[2]:
        return (*told[:2], ("", *told[2][1:]), *told[3:])
    return told


def _is_batch(key: Any, batch: frozenset[int]) -> bool:
    """Whether the leaves of a batch have one length."""
    told = key[0][2]
    return len({told[k][2][0] for k in batch}) == 1
