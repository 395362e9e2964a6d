"""The names of findings: for each its rank, its title, why it matters, and the remedy in words.

The texts are in `vocabulary.txt`: five lines an entry, with a blank one between.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

CRASH, INVARIANT, GRADIENT, STATE, SCALE, REPORT = range(1, 7)


class Entry(NamedTuple):
    """One name: `rank` orders findings, the smaller the earlier."""

    rank: int
    title: str
    why: str
    remedy: str


def _table(text: str) -> dict[str, Entry]:
    found = {}
    for block in text.strip().split("\n\n"):
        head, title, why, remedy = (line.strip() for line in block.split("\n"))
        name, rank = head.split()
        found[name] = Entry(globals()[rank], title, why, remedy)
    return found


TABLE = _table(files(__package__).joinpath("vocabulary.txt").read_text(encoding="utf-8"))
