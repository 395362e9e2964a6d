"""Gradient checkers side by side: what each catches of planted faults, and its false alarms.

    python tests/benchmarks/gradient_checkers.py            # the table of docs/testing.md
    python tests/benchmarks/gradient_checkers.py --missed   # and what each missed, by name

It needs PyTorch, JAX and HIPS/autograd (``pip install --group bench -e .``); one that is missing is
left out.  The faults are those of `planted_faults`, the right functions those of `right_functions`,
written once for all libraries and checked with the default settings of each.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from planted_faults import FAULTS, OURS, Fault
from right_functions import RIGHT, Right

CAUGHT, MISSED, RIGHT_THERE, SILENT, ALARM, ABSENT = (
    *("caught", "missed", "no fault there"),
    *("silent", "false alarm", "cannot run it"),
)

# What a library puts right itself.
NO_FAULTS = (
    ("jax", "changed in place", "its arrays cannot be changed"),
    ("torch", "no sum over the broadcast axis", "it sums what a rule returns to the shape"),
)


class Result(NamedTuple):
    """What became of one function in one library."""

    outcome: str
    reason: str = ""


class Library(ABC):
    """One library with its gradient check.

    It is the ``xp`` that the functions are written in: its attributes are those of `namespace`.
    """

    name = ""
    namespace: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.namespace, name)

    @abstractmethod
    def array(self, value: Any) -> Any:
        """Return a constant."""

    @abstractmethod
    def single(self, value: Any) -> Any:
        """Return a value in float32."""

    @abstractmethod
    def custom(self, f: Any, vjp: Any, count: int) -> Any:
        """Give a function a rule of its own."""

    @abstractmethod
    def value(self, f: Any, args: tuple[Any, ...]) -> None:
        """Call a function, to see whether the library has all that it needs."""

    @abstractmethod
    def check(self, f: Any, args: tuple[Any, ...], *, reverse: bool) -> None:
        """Run the library's own check, to second order; `reverse`: of a rule in reverse mode."""


class Ours(Library):
    """`tinygrad_bp.testing.check_grads`."""

    name = "tinygrad_bp"

    def __getattr__(self, name: str) -> Any:
        return getattr(OURS, name)

    def array(self, value: Any) -> Any:
        return OURS.array(value)

    def single(self, value: Any) -> Any:
        return OURS.single(value)

    def custom(self, f: Any, vjp: Any, count: int) -> Any:
        return OURS.custom(f, vjp, count)

    def value(self, f: Any, args: tuple[Any, ...]) -> None:
        f(*map(np.array, args))

    def check(self, f: Any, args: tuple[Any, ...], *, reverse: bool) -> None:
        from tinygrad_bp.testing import check_grads

        check_grads(f, *args)


class Torch(Library):
    """`torch.autograd.gradcheck` and `gradgradcheck`."""

    name = "torch"

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.namespace = torch

    def array(self, value: Any) -> Any:
        return self.namespace.as_tensor(np.array(value))

    def single(self, value: Any) -> Any:
        return value.float()

    def custom(self, f: Any, vjp: Any, count: int) -> Any:
        torch = self.namespace

        class Rule(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *xs: Any) -> Any:
                out = f(*xs)
                ctx.save_for_backward(out, *xs)
                return out

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                out, *xs = ctx.saved_tensors
                return vjp(ct, out, *xs)

        return Rule.apply

    def value(self, f: Any, args: tuple[Any, ...]) -> None:
        f(*map(self.array, args))

    def check(self, f: Any, args: tuple[Any, ...], *, reverse: bool) -> None:
        leaves = tuple(self.array(x).requires_grad_() for x in args)
        self.namespace.autograd.gradcheck(f, leaves)
        self.namespace.autograd.gradgradcheck(f, leaves)


class Jax(Library):
    """`jax.test_util.check_grads`."""

    name = "jax"

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)  # noqa: FBT003  # JAX's own signature
        jax.config.update("jax_platforms", "cpu")
        self.jax = jax
        self.namespace = jax.numpy

    def array(self, value: Any) -> Any:
        return self.namespace.asarray(value)

    def single(self, value: Any) -> Any:
        return value.astype(np.float32)

    def custom(self, f: Any, vjp: Any, count: int) -> Any:
        def forward(*xs: Any) -> Any:
            out = f(*xs)
            return out, (out, xs)

        def backward(kept: Any, ct: Any) -> tuple[Any, ...]:
            out, xs = kept
            parts = vjp(ct, out, *xs)
            return parts if isinstance(parts, tuple) else (parts,)

        rule = self.jax.custom_vjp(f)
        rule.defvjp(forward, backward)
        return rule

    def value(self, f: Any, args: tuple[Any, ...]) -> None:
        f(*map(self.array, args))

    def check(self, f: Any, args: tuple[Any, ...], *, reverse: bool) -> None:
        from jax.test_util import check_grads

        arrays = tuple(map(self.array, args))
        if reverse:  # a rule in reverse mode has no forward mode there
            check_grads(f, arrays, order=2, modes=("rev",))
        else:
            check_grads(f, arrays, order=2)


class Autograd(Library):
    """`autograd.test_util.check_grads`."""

    name = "autograd"

    def __init__(self) -> None:
        import autograd.numpy

        self.namespace = autograd.numpy

    def array(self, value: Any) -> Any:
        return np.asarray(value)

    def single(self, value: Any) -> Any:
        return value.astype(np.float32)

    def custom(self, f: Any, vjp: Any, count: int) -> Any:
        from autograd.extend import defvjp, primitive

        rule = primitive(f)

        def part(i: int) -> Any:
            def maker(out: Any, *xs: Any) -> Any:
                def pull(ct: Any) -> Any:
                    parts = vjp(ct, out, *xs)
                    return parts[i] if isinstance(parts, tuple) else parts

                return pull

            return maker

        defvjp(rule, *[part(i) for i in range(count)])
        return rule

    def value(self, f: Any, args: tuple[Any, ...]) -> None:
        f(*map(np.array, args))

    def check(self, f: Any, args: tuple[Any, ...], *, reverse: bool) -> None:
        from autograd.test_util import check_grads

        np.random.seed(0)  # noqa: NPY002  # it draws its directions from the global generator
        which = tuple(range(len(args))) if len(args) > 1 else 0
        check_grads(f, argnum=which, modes=["rev"], order=2)(*map(np.array, args))


def libraries() -> list[Library]:
    """Return the libraries that are installed, ours first."""
    found: list[Library] = [Ours()]
    for name, kind in (("torch", Torch), ("jax", Jax), ("autograd", Autograd)):
        if find_spec(name):
            found.append(kind())
    return found


def judged(library: Library, fault: Fault) -> Result:
    """Return whether a library's check catches a fault; any error that it raises counts."""
    for name, kind, reason in NO_FAULTS:
        if library.name == name and kind in fault.kind:
            return Result(RIGHT_THERE, reason)
    with quiet():
        try:
            library.check(fault.build(library), fault.args, reverse=True)
        except Exception as error:  # noqa: BLE001  # each library says it in its own way
            return Result(CAUGHT, f"{type(error).__name__}: {error}")
    return Result(MISSED)


def trusted(library: Library, right: Right, seed: int = 0) -> Result:
    """Return whether a library's check is silent about a right function."""
    args = right.draw(np.random.default_rng([seed, len(right.name)]))
    with quiet():
        f = right.build(library)
        try:
            library.value(f, args)
        except Exception as error:  # noqa: BLE001  # each library says in its own way what it lacks
            return Result(ABSENT, f"{type(error).__name__}: {error}")
        try:
            library.check(f, args, reverse=False)
        except NotImplementedError as error:  # a library has no derivative of the function
            return Result(ABSENT, f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001  # of a right function any other is an alarm
            return Result(ALARM, f"{type(error).__name__}: {error}")
    return Result(SILENT)


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings: the points are chosen to provoke them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def rows(
    found: dict[str, dict[str, list[Result]]], groups: dict[str, list[Any]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows of the table: a name, and a cell for each library."""
    for group, members in groups.items():
        cells = []
        for results in found[group].values():
            outcomes = [one.outcome for one in results]
            if members and isinstance(members[0], Fault):
                possible = len(outcomes) - outcomes.count(RIGHT_THERE)
                cells.append(f"{outcomes.count(CAUGHT)} of {possible}")
            else:
                possible = len(outcomes) - outcomes.count(ABSENT)
                cells.append(f"{outcomes.count(ALARM)} of {possible}")
        yield f"{group} ({len(members)})", cells


def groups_of_faults() -> dict[str, list[Any]]:
    """Return the faults, first and second order apart."""
    return {
        "faults of first order caught": [one for one in FAULTS if one.order == 1],
        "faults of second order caught": [one for one in FAULTS if one.order == 2],
    }


def groups_of_right() -> dict[str, list[Any]]:
    """Return the right functions by kind."""
    kinds = dict.fromkeys(one.kind for one in RIGHT)
    return {f"false alarms, {kind}": [one for one in RIGHT if one.kind == kind] for kind in kinds}


def compared(progress: Callable[[str], None]) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Return the names of the libraries, all results, and the groups."""
    present = libraries()
    groups = {**groups_of_faults(), **groups_of_right()}
    found: dict[str, Any] = {group: {} for group in groups}
    for library in present:
        began = time.perf_counter()
        for group, members in groups.items():
            judge = judged if members and isinstance(members[0], Fault) else trusted
            found[group][library.name] = [judge(library, one) for one in members]
        progress(f"{library.name}: {time.perf_counter() - began:.0f} s")
    return [one.name for one in present], found, groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--missed", action="store_true", help="list what each missed, by name")
    options = parser.parse_args()
    names, found, groups = compared(lambda text: print(text, file=sys.stderr))
    print(f"| | {' | '.join(names)} |")
    print(f"|---|{'---|' * len(names)}")
    for name, cells in rows(found, groups):
        print(f"| {name} | {' | '.join(cells)} |")
    if options.missed:
        for group, members in groups.items():
            for name in names:
                for one, result in zip(members, found[group][name], strict=True):
                    if result.outcome in (MISSED, ALARM, ABSENT):
                        print(f"{name}: {result.outcome}: {one!r} {result.reason[:100]!r}")


if __name__ == "__main__":
    main()
