"""What each engine does with the same questions: the tables of comparison.md and of the README.

Every question is a small program, and is put to each library in a process of its own, the way its
users write.  The answers are kept in answers.json; the tables are made of them.

    python docs/examples/comparison              print the table
    python docs/examples/comparison --write      write it into the pages
    python docs/examples/comparison --ask        put the questions anew (takes minutes)
    python docs/examples/comparison --measured RUN SIZES   keep what the benchmark measured
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engines import LIBRARIES
from questions import QUESTIONS

ROOT = Path(__file__).parents[3]
ANSWERS = Path(__file__).with_name("answers.json")
PAGES = (ROOT / "docs" / "comparison.md", ROOT / "README.md")
MARKS = ("<!-- comparison -->", "<!-- end -->")
GPUS = dict.fromkeys(("PyTorch", "JAX", "tinygrad"), "yes")  # what no program here can ask
PATIENCE = 300.0  # seconds for one question
PEERS = {
    "tinygrad_bp": ("tinygrad_bp", "tinygrad_bp_compiled"),
    "PyTorch": ("torch_eager", "torch_compile"),
    "JAX": ("jax_eager", "jax_jit"),
    "HIPS/autograd": ("hips_autograd",),
    "MyGrad": ("mygrad_eager",),
    "tinygrad": ("tinygrad_eager", "tinygrad_jit"),
}
MEASURED = {
    "a training step of a 2-5-5-1 network, 100 samples": "eager",
    "the same, compiled": "compiled",
    "`import`": "import",
    "installed, with what it needs": "size",
}


def answer(name: str, keys: Sequence[str] = ()) -> dict[str, str]:
    """Put questions, or all of them, to a library in this process."""
    library = LIBRARIES[name]()
    return {key: QUESTIONS[key][1](library) for key in keys or QUESTIONS}


def asked(name: str, key: str) -> str:
    """Put a question to a library in a process of its own, and return the words of the cell."""
    command = [sys.executable, str(Path(__file__).parent), "--answer", name, key]
    try:
        done = subprocess.run(  # noqa: S603  # this very script
            command, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE:.0f} s"
    except subprocess.CalledProcessError as error:
        return f"fails: {error.stderr.strip().splitlines()[-1]:.60}"
    words: str = json.loads(done.stdout.splitlines()[-1])[key]
    return words


def ask() -> None:
    """Put every question to every library that is installed, and keep the answers."""
    kept = json.loads(ANSWERS.read_text(encoding="utf-8")) if ANSWERS.exists() else {}
    for name, library in LIBRARIES.items():
        try:
            kept[name] = {"version": version(library.distribution)}
        except PackageNotFoundError:
            print(f"{name} is not installed: its old answers stay", file=sys.stderr)
            continue
        for key in QUESTIONS:
            kept[name][key] = asked(name, key)
            print(f"{name}: {key}: {kept[name][key]}", file=sys.stderr, flush=True)
        ANSWERS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _duration(seconds: float) -> str:
    return f"{1e3 * seconds:.0f} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.0f} µs"


def _own_size() -> int:
    """Return the bytes of the package, of which an editable installation knows nothing."""
    files = (ROOT / "tinygrad_bp").rglob("*")
    return sum(one.stat().st_size for one in files if one.is_file() and one.suffix != ".pyc")


def measured(run: Path, sizes: Path) -> None:
    """Keep what tests/benchmarks measured: a run of the work mlp2551-n100, and one of --sizes."""
    kept = json.loads(ANSWERS.read_text(encoding="utf-8"))
    cells = json.loads(run.read_text(encoding="utf-8"))["result"]
    about = json.loads(sizes.read_text(encoding="utf-8"))["result"]
    for name, library in LIBRARIES.items():
        for key, peer in zip(("eager", "compiled"), PEERS.get(name, ()), strict=False):
            cell = cells["mlp2551-n100"][peer]
            kept[name][key] = _duration(cell["time"]) if cell.get("time") else "—"
        package = about[library.distribution]
        kept[name]["import"] = f"{package['t_import']:.2f} s"
        size = package["full"] + (_own_size() if library is LIBRARIES["tinygrad_bp"] else 0)
        kept[name]["size"] = f"{size / 1e6:.0f} MB"
    ANSWERS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# The tables


def rows() -> Iterator[tuple[str, list[str]]]:
    """Yield every row: its question, and what each library answers."""
    kept = json.loads(ANSWERS.read_text(encoding="utf-8"))
    checked = re.search(
        r"faults of first order caught.*?\n", (ROOT / "docs/testing.md").read_text("utf-8")
    )
    assert checked is not None
    caught = dict(
        zip(
            ("tinygrad_bp", "PyTorch", "JAX", "HIPS/autograd"),
            (cell.strip() for cell in checked.group().split("|")[1:5]),
            strict=True,
        )
    )
    asked = [(words, key) for key, (words, _) in QUESTIONS.items()]
    for words, key in (*asked, *MEASURED.items()):
        yield words, [kept[name].get(key, "—") for name in LIBRARIES]
    yield "planted faults that its gradient check finds", [caught.get(n, "—") for n in LIBRARIES]
    yield "runs on GPUs, by its documentation", [GPUS.get(name, "no") for name in LIBRARIES]


def short(cell: str) -> str:
    """Return a cell without its reason."""
    return re.sub(r"(: | \().*", "", cell)


def table(full: bool) -> str:
    """Return the table, with the reasons of the cells below it or without."""
    kept = json.loads(ANSWERS.read_text(encoding="utf-8"))
    versions = [kept[name]["version"] for name in LIBRARIES]
    head = [f"{name} {v}" if full else name for name, v in zip(LIBRARIES, versions, strict=True)]
    lines = [f"| | {' | '.join(head)} |", "|---|" + "---|" * len(head)]
    notes = []
    for words, cells in rows():
        lines.append(f"| {words} | {' | '.join(map(short, cells))} |")
        for name, cell in zip(LIBRARIES, cells, strict=True):
            if short(cell) != cell:
                reason = cell.removeprefix(short(cell))
                reason = reason[2:-1] if reason.startswith(" (") else reason[2:]
                notes.append(f"- {name}, {words}: {reason}.")
    return "\n".join([*lines, "", *notes] if full else lines)


def written(page: Path) -> str:
    """Return a page with its table made anew, between the two marks."""
    text = page.read_text(encoding="utf-8")
    new = f"{MARKS[0]}\n{table(page.parent.name == 'docs')}\n{MARKS[1]}"
    before, rest = text.split(MARKS[0])
    return before + new + rest.split(MARKS[1])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="The same questions to several engines.")
    parser.add_argument("--ask", action="store_true", help="put the questions anew")
    parser.add_argument(
        "--answer", nargs="+", metavar=("LIBRARY", "QUESTION"), help="of one library, as JSON"
    )
    parser.add_argument(
        "--measured", nargs=2, type=Path, metavar=("RUN", "SIZES"), help="JSON of the benchmark"
    )
    parser.add_argument("--short", action="store_true", help="the table without its reasons")
    parser.add_argument("--write", action="store_true", help="write the tables into the pages")
    options = parser.parse_args()
    if options.answer:
        print(json.dumps(answer(options.answer[0], options.answer[1:])))
        return
    if options.ask:
        ask()
    if options.measured:
        measured(*options.measured)
    if options.write:
        for page in PAGES:
            page.write_text(written(page), encoding="utf-8")
    elif not (options.ask or options.measured):
        print(table(full=not options.short))


if __name__ == "__main__":
    main()
