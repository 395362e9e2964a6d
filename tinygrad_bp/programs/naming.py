"""What the values of a program are called: as the user calls them, or after what makes them.

A name that begins with an underscore is the program's own, and no loss if it goes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tinygrad_bp.programs.calling import INTO
from tinygrad_bp.programs.literals import RESERVED
from tinygrad_bp.programs.trace import Trace
from tinygrad_bp.programs.watch import Watch


def identifier(text: str) -> str:
    """Return a text as a name that Python takes."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII) or "_"
    return f"{name}_" if name[0].isdigit() or name in RESERVED else name


class Names:
    """Names that are given once each: the one that is wanted, as long as nobody has it."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._used = set(taken)
        self._counts: Counter[str] = Counter()

    def new(self, wanted: str) -> str:
        """Return a name, and take it."""
        name = wanted
        while name in self._used or name in RESERVED:
            self._counts[wanted] += 1
            name = f"{wanted}_{self._counts[wanted] + 1}"
        self._used.add(name)
        return name


def unique(wanted: Iterable[tuple[str, str]], taken: Iterable[str]) -> dict[str, str]:
    """Return a name for each key, the one that is wanted as long as nobody has it."""
    own = Names(taken)
    return {key: own.new(name) for key, name in wanted}


def names(trace: Trace, watch: Watch, parameters: Iterable[str]) -> dict[str, str]:
    """Return the final name of every value of a trace."""
    inputs = {one.name: one.path for one in trace.inputs}
    named = {watch.values[node] for node in watch.values if node.name}
    moves = _moves(watch)
    told = {key for key, (_, of) in moves.items() if of in named}
    users = {key: identifier(name) for key, name in trace.local_names.items() if key not in told}
    users |= {watch.values[n]: identifier(n.name) for n in watch.values if n.name}
    users |= {key: path[0] for key, path in inputs.items() if len(path) == 1}
    bases = {
        one.name: one.op.removeprefix(INTO).removesuffix(".reduce").replace(".", "_")
        for one in trace.instructions
    }
    bases |= {key: identifier("_".join(map(str, path))) for key, path in inputs.items()}
    bases |= {key: node.rule.name for node, key in watch.values.items() if node.rule.pulls}
    own = {key: f"_{re.sub(r'[^A-Za-z0-9]+', '_', base).strip('_')}" for key, base in bases.items()}
    for key in inputs:
        users.setdefault(key, own[key].strip("_"))
    taken = {one for one in parameters if (one,) not in inputs.values()}
    given = Names(taken)
    found = {key: given.new(users[key]) for key in trace.types if key in users}
    for key in trace.types:  # what a cotangent is of stands before it, and has its name
        if key not in found:
            kind, of = moves.get(key, ("", ""))
            whose = found.get(of, "")
            bare = whose.removeprefix("_")
            wanted = f"{whose[: len(whose) - len(bare)]}{kind}_{bare}" if bare else own[key]
            found[key] = given.new(wanted)
    return found


def _moves(watch: Watch) -> dict[str, tuple[str, str]]:
    """Return of each cotangent and tangent that it is one, and of what; parts of one are none."""
    last = {move: key for key, known in watch.moves.items() for move in known}
    found: dict[str, tuple[str, str]] = {}
    for (kind, node), key in last.items():
        of = watch.values.get(node)
        if of is not None and (key not in found or node.name or of in watch.trace.local_names):
            found[key] = kind, of
    return found
