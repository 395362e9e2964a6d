"""Run every script of the gallery and its twin in PyTorch, and write their numbers into the page.

    python docs/examples/gallery/measure.py [NAME ...] [--torch INTERPRETER] [--rounds 2]

The runs take turns, each in a process of its own with one thread; of the seconds of the processor
the least counts.  Without PyTorch its column keeps what it has.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "gallery.md"
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
TABLE = r"(<!-- measured: {name} -->\n).*?(<!-- end -->)"


def ran(command: list[str]) -> dict[str, float]:
    """Return the numbers that a script prints."""
    done = subprocess.run(  # noqa: S603  # scripts of this folder
        command, check=True, capture_output=True, text=True, env={**os.environ, **THREADS}
    )
    pairs = (line.rsplit(": ", 1) for line in done.stdout.splitlines())
    return {what: float(number) for what, number in pairs}


def measured(
    name: str, torch: str | None, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the numbers of both, with the least time of the rounds."""
    commands = [[sys.executable, str(HERE / f"{name}.py")]]
    if torch is not None:
        commands.append([torch, str(HERE / "in_pytorch.py"), name])
    found: list[dict[str, float]] = [{} for _ in range(2)]
    for _ in range(rounds):
        for numbers, command in zip(found, commands, strict=False):
            before = numbers.get("seconds", float("inf"))
            numbers.update(ran(command))
            numbers["seconds"] = min(before, numbers["seconds"])
    return found[0], found[1]


def table(ours: dict[str, float], theirs: dict[str, float]) -> str:
    rows = [
        f"| {what} | {number:.3g} | {format(theirs[what], '.3g') if what in theirs else ''} |\n"
        for what, number in ours.items()
    ]
    return "".join(["| | here | PyTorch |\n|---|---|---|\n", *rows])


def shown(page: str, name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the numbers that the page has."""
    found = re.search(TABLE.format(name=name), page, re.DOTALL)
    if found is None:
        raise ValueError(f"{PAGE}: no table of {name}; expected <!-- measured: {name} -->")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in found[0].splitlines()[3:-1]
    ]
    columns = ({row[0]: float(row[k]) for row in rows if row[k]} for k in (1, 2))
    ours, theirs = columns
    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--torch", help="an interpreter that has PyTorch")
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    known = re.findall(r"<!-- measured: (\w+) -->", PAGE.read_text(encoding="utf-8"))
    for name in chosen.names or known:
        ours, theirs = measured(name, chosen.torch, chosen.rounds)
        page = PAGE.read_text(encoding="utf-8")
        new = table(ours, theirs or shown(page, name)[1])
        pattern = re.compile(TABLE.format(name=name), re.DOTALL)
        PAGE.write_text(pattern.sub(rf"\g<1>{new}\g<2>", page), encoding="utf-8")
        print(name, ours, theirs, flush=True)


if __name__ == "__main__":
    main()
