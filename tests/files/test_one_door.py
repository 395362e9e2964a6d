"""All writing goes through `tinygrad_bp.files`: no other code opens a file to write."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tinygrad_bp

ROOT = Path(tinygrad_bp.__file__).parent
DOOR = ROOT / "files"
SOURCES = sorted(path for path in ROOT.rglob("*.py") if DOOR not in path.parents)

WRITERS = {
    *("write_text", "write_bytes", "touch", "mkdir", "makedirs", "symlink_to", "hardlink_to"),
    *("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory"),
    *("copyfile", "copy2", "copytree", "shutil.move", "rename", "renames", "mkfifo", "fdopen"),
    *("save", "savez", "savez_compressed", "savetxt", "tofile", "dump", "savefig", "memmap"),
    *("to_csv", "imsave", "basicConfig", "FileHandler"),
}
NAMES = {one.rpartition(".")[2] for one in WRITERS}
# (module, call): why it writes into no file
HARMLESS = {
    ("cli/application.py", "os.open(os.devnull, os.O_WRONLY)"): "where output ends after an error",
    (
        "training/curves.py",
        "figure.savefig(out, format='svg', metadata={'Date': None})",
    ): "a StringIO",
    ("training/checkpoints.py", "save(loop.model, self.best)"): "write_model, by way of the door",
    ("doctor/child.py", "os.fdopen(wanted['answer'], 'w', encoding='utf-8')"): "a pipe",
    ("doctor/scripts.py", "os.fdopen(reader, encoding='utf-8')"): "the pipe's other end",
    ("doctor/scripts.py", "tokenize.open(place)"): "which reads",
    ("doctor/watched/sources.py", "tokenize.open(path)"): "which reads",
    ("doctor/watched/patches.py", "ast.dump(substituted(tree, replaced))"): "a text",
    ("doctor/watched/patches.py", "ast.dump(parsed(made, ''))"): "a text",
    (
        "cli/draw.py",
        "view.save(path, force=options.force, width=options.width)",
    ): "GraphView's, by way of the door",
}


def writing(source: str) -> Iterator[str]:
    """Yield each call that opens a file to write, or might."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            name = getattr(called, "attr", getattr(called, "id", ""))
            writes = name in NAMES and {name, ast.unparse(called)} & WRITERS
            if writes or (name == "open" and not _opens_to_read(node)):
                yield ast.unparse(node)


def _opens_to_read(node: ast.Call) -> bool:
    """Tell whether the mode or the flags of an ``open`` are there to see, and read."""
    owner = getattr(node.func, "value", None)
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if isinstance(owner, ast.Name) and owner.id == "os":
        return len(node.args) > 1 and ast.unparse(node.args[1]) == "os.O_RDONLY"
    place = 0 if owner is not None and ast.unparse(owner) not in ("io", "codecs") else 1
    mode = keywords.get("mode", node.args[place] if len(node.args) > place else None)
    if mode is None:
        return None not in keywords
    return isinstance(mode, ast.Constant) and not set(str(mode.value)) & set("wax+")


def test_no_module_outside_the_door_opens_a_file_to_write():
    found = [
        (path.relative_to(ROOT).as_posix(), call)
        for path in SOURCES
        for call in writing(path.read_text(encoding="utf-8"))
    ]
    assert len(SOURCES) > 100
    assert not [one for one in found if one not in HARMLESS]


def test_what_is_harmless_is_still_there():
    for module, call in HARMLESS:
        assert call in set(writing((ROOT / module).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "call",
    [
        "open(p, 'w')",
        "open(p, mode='ab')",
        "open(p, how)",
        "open(p, **options)",
        "Path(p).open('r+')",
        "path.open(mode)",
        "io.open(p, 'x')",
        "os.open(p, os.O_RDWR)",
        "os.open(p, flags)",
        "path.write_text(t)",
        "np.save(p, x)",
        "tempfile.mkstemp()",
        "shutil.move(a, b)",
        "os.makedirs(p)",
    ],
)
def test_every_way_to_write_is_seen(call):
    assert list(writing(f"def f():\n    with {call} as file:\n        pass\n")) == [call]


@pytest.mark.parametrize(
    "call",
    ["open(p)", "open(p, 'rb')", "Path(p).open(encoding='utf-8')", "os.open(p, os.O_RDONLY)"],
)
def test_reading_is_no_writing(call):
    assert not list(writing(call))
