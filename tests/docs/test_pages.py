"""The documentation: every block of every page and every example of every docstring runs."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pages
import pytest
from extras import there
from pages import PageError, blocks, docstrings, run_docstrings, run_page

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / ".github").rglob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MODULES = [
    path
    for path in sorted((ROOT / "tinygrad_bp").rglob("*.py"))
    if any(docstrings(path.read_text(encoding="utf-8")))
]
ELSEWHERE = {"dask.md"}  # a cluster of processes: test_dask runs it
OPTIONAL = {"matplotlib", "rich", "sklearn"}  # the extras of pyproject.toml


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in ELSEWHERE], ids=relative)
def test_every_block_does_what_its_page_says(page: Path, tmp_path: Path) -> None:
    run_page(page, tmp_path)


def test_the_pages_are_found() -> None:
    names = {"README.md", "docs/index.md", "docs/guide.md", "docs/why-it-does-not-learn.md"}
    assert names <= {relative(page) for page in PAGES if blocks(page)}


README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", re.findall(r"(?s)```python\n.*?```", README))
def test_every_block_of_the_readme_runs_by_itself(block: str, tmp_path: Path) -> None:
    page = tmp_path / "alone.md"
    page.write_text(block, encoding="utf-8")
    run_page(page, tmp_path)


@pytest.mark.parametrize("block", re.findall(r"(?s)```sh\n(.*?)```", README))
def test_each_command_of_the_readme_is_one_line_that_stops_where_a_step_fails(block: str) -> None:
    (line,) = block.splitlines()
    assert not re.search(r";|\|\||[^&]&[^&]", line)
    for path in re.findall(r" (tests/\S+)", line):
        assert (ROOT / path).exists()


def imported(name: str) -> ModuleType:
    """Import a module; skip if it needs an extra that is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        cause: BaseException | None = error
        while cause is not None:  # a module may raise its own, friendlier ImportError from it
            missing = str(getattr(cause, "name", None)).partition(".")[0]
            if missing in OPTIONAL and not there(missing):
                pytest.skip(f"{name} needs {missing}, which is not installed")
            cause = cause.__cause__
        raise


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_example_of_a_docstring_runs(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = imported(".".join(part for part in parts if part != "__init__"))
    assert run_docstrings(module, path) > 0


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            linked = page.parent / name if name else page
            assert linked.exists(), f"{relative(page)} links to {target}"
            if anchor:
                assert anchor in anchors(linked), f"{relative(page)} links to {target}"


def anchors(page: Path) -> list[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]


# The runner itself

FENCE = "```"


def written(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text.replace("'''", FENCE), encoding="utf-8")
    return page


GOOD = {
    "one namespace": "'''python\nx = 1\n'''\ntext\n'''python\nassert x == 1\n'''\n",
    "examples share it": "'''python\nx = 1\n'''\n'''python\n>>> y = x + 1\n>>> y\n2\n'''\n"
    "'''python\nassert y == 2\n'''\n",
    "output": "'''python\nprint('a\\n\\nb')\n'''\n\n'''text\na\n\nb\n'''\n",
    "text after prose is no output": "'''python\nprint(1)\n'''\nThus:\n'''text\n2\n'''\n",
    "ellipsis": "'''python\n>>> object()\n<object object at ...>\n'''\n",
    "expected error": "'''python\n>>> 1 / 0\nTraceback (most recent call last):\n"
    "ZeroDivisionError: division by zero\n'''\n",
    "a module that is missing": "<!-- needs: no_such_module -->\n'''python\n1 / 0\n'''\n"
    "'''text\n1\n'''\n",
    "declared warning": "<!-- warns: SyntaxWarning -->\n'''python\n1 is 1\n'''\n",
    "in a list": "- item\n\n  '''python\n  if True:\n      x = 1\n  '''\n\n"
    "  '''python\n  x\n  '''\n",
    "longer fence": "`'''text\n'''python\n1 / 0\n'''\n`'''\n",
    "tildes": "~~~python\nx = 1\n~~~\n",
    "shell": "'''sh\necho a >b\ncat b\n'''\n'''text\na\n'''\n'''python\nopen('b').close()\n'''\n",
    "the command": "'''sh\ntinygrad-bp --version\n'''\n'''text\ntinygrad-bp 0.1.0\n'''\n",
    "virtual environments are the gate's": "'''sh\npython3 -m venv /nowhere\nexit 1\n'''\n",
    "shown only": "'''csv\na,b\n'''\n'''json\n{}\n'''\n'''text\na\n'''\n",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_right_page_passes(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "there", lambda name: name != "no_such_module")
    run_page(written(tmp_path, text), tmp_path)


# page -> (line that is at fault, what is said)
BAD = {
    "# A\n\n'''python\nx = 1\nraise KeyError('k')\n'''\n": (5, "raised KeyError: 'k'"),
    "'''python\ndef f():\n    1 / 0\n\nf()\n'''\n": (3, "ZeroDivisionError"),
    "'''python\nx = 1\n\nif\n'''\n": (4, "SyntaxError"),
    "'''python\nassert 1 == 2\n'''\n": (2, "AssertionError"),
    "'''python\nprint(1)\n'''\n\n'''text\n2\n'''\n": (6, "page says\n2\n--- .* printed\n1\n"),
    "'''python\nprint(1)\n'''\n'''text\n'''\n": (5, "another output"),
    "'''python\nx = 1\n'''\n'''text\n1\n'''\n": (5, "another output"),
    "a\n'''python\n>>> x = 2\n>>> x\n3\n'''\n": (4, "Expected:\n +3\nGot:\n +2\n"),
    "'''python\n>>> 1 / 0\n0\n'''\n": (2, "ZeroDivisionError"),
    "'''python\nx = 1\n>>> x\n1\n'''\n": (2, "has to begin with it"),
    "'''python\n>>> x = 1\n\nx = 2\n'''\n": (2, "would not run this: 'x = 2'"),
    "'''python\n1 is 1\n'''\n": (2, "warnings .*SyntaxWarning"),
    "<!-- warns: UserWarning -->\n'''python\nx = 1\n'''\n": (3, r"declared are \['UserWarning'\]"),
    "<!-- warns: UserWarning -->\n\n'''python\nx = 1\n'''\n": (1, "no block follows"),
    "<!-- needs: numpy -->\n\n'''python\nx = 1\n'''\n": (1, "no block follows"),
    "<!-- needs: numpy -->\n'''python\n1 / 0\n'''\n": (3, "ZeroDivisionError"),
    "'''\nx = 1\n'''\n": (1, "no way to run a block of ''"),
    "'''pyhton\nx = 1\n'''\n": (1, "no way to run a block of 'pyhton'"),
    "'''pycon\n>>> 1\n'''\n": (1, "'pycon'"),
    "'''python\nx = 1\n": (1, "not closed"),
    "text\n\n    x = 1\n": (3, "put it between fences"),
    "'''sh\nexit 3\n'''\n": (2, "exit code 3"),
    "'''sh\nfalse\necho a\n'''\n": (2, "exit code 1"),
    "'''sh\necho a\n'''\n'''text\nb\n'''\n": (5, "page says\nb\n--- .* printed\na\n"),
    "'''sh\ntinygrad-bp trian\n'''\n": (2, "invalid choice: 'trian'"),
    "'''json\n{'a': 1}\n'''\n": (2, "not JSON"),
}


@pytest.mark.parametrize(("text", "line", "message"), [(k, *v) for k, v in BAD.items()])
def test_a_wrong_page_fails_and_names_file_and_line(
    text: str, line: int, message: str, tmp_path: Path
) -> None:
    page = written(tmp_path, text)
    with pytest.raises(PageError, match=f"(?s)^{re.escape(str(page))}:{line}: .*{message}"):
        run_page(page, tmp_path)


def test_a_page_runs_in_the_folder_it_is_given(tmp_path: Path) -> None:
    page = written(tmp_path, "'''python\nopen('made', 'w').close()\n'''\n")
    here = Path.cwd()
    assert run_page(page, tmp_path) == 1
    assert (tmp_path / "made").exists()
    assert Path.cwd() == here


FRIENDLY = """
try:
    raise ModuleNotFoundError(name="sklearn.base")
except ImportError as error:
    raise ImportError("install the extra") from error
"""


@pytest.mark.parametrize(
    ("code", "outcome", "message"),
    [
        ("raise ModuleNotFoundError(name='rich')", pytest.skip.Exception, "needs rich"),
        (FRIENDLY, pytest.skip.Exception, "needs sklearn"),
        ("import no_such_module", ModuleNotFoundError, "no_such_module"),
        ("from math import no_such_name", ImportError, "no_such_name"),
    ],
)
def test_only_a_missing_extra_skips_a_module(
    code: str,
    outcome: type[BaseException],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "cannot_import.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(globals(), "there", lambda _name: False)
    with pytest.raises(outcome, match=message):
        imported("cannot_import")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ('"""A module.\n\n>>> 1\n2\n"""\n', 3),
        ('class A:\n    """A class.\n\n    >>> 1\n    2\n    """\n', 4),
        ('class A:\n  def f(self):\n    """A method.\n\n    >>> 1\n    2\n    """\n', 5),
        ('def f():\n    """A record.\n\n    >>> 1\n    2\n    """\n\nf = object()\n', 4),
    ],
)
def test_a_wrong_example_in_a_docstring_fails(
    code: str, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wrong_example.py"
    path.write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "wrong_example", raising=False)
    with pytest.raises(PageError, match=rf"^{re.escape(str(path))}:{line}: an example fails"):
        run_docstrings(importlib.import_module("wrong_example"), path)
