"""Scripts in a child process: what hostile ones do stays there, and is said in a sentence."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from command_line import Command, contents

import tinygrad_bp as tg
from tinygrad_bp.doctor.findings.diagnosis import Diagnosis, Finding, from_dict
from tinygrad_bp.doctor.findings.page import page
from tinygrad_bp.errors import DataError

LOOP = """
import numpy as np

X = np.linspace(-1, 1, 20)
y = 2 * X
w = 0.0
for epoch in range(60):
    p = w * X
    w -= 0.5 * np.mean((p - y) * X)
"""
THREAD = "import threading\nthreading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()\n"
ENDLESS = "import time\nwhile True:\n    time.sleep(0.01)\n"  # as long as it is let, but idle
SWALLOWS = (
    "import time\nwhile True:\n"
    "    try:\n        time.sleep(0.01)\n    except BaseException:\n        pass\n"
)
PLOTS = "plt.plot(X, y)\nplt.show()\n"
HOSTILE = {
    "exit": ("import sys\nsys.exit(3)\n", "undecided", "line 2 ends the script"),
    "os_exit": ("import os\nos._exit(3)\n", "undecided", "line 2 ends the script"),
    "input": ("n = input('how many? ')\n", "undecided", "asks for input"),
    "crash": ("x = 1 / 0\n", "undecided", "ZeroDivisionError"),
    "no_loop": ("x = 1\n", "undecided", "no loop ran"),
    "no_python": ("for:\n", "undecided", "no Python"),
    "endless": (ENDLESS, "undecided", "nothing had learned"),
    "prints": (f"for i in range(50000): print('x' * 80)\n{LOOP}", "healthy", ""),
    "plots": (f"import matplotlib.pyplot as plt\n{LOOP}{PLOTS}", "healthy", ""),
    "threads": (f"{THREAD}{LOOP}", "healthy", ""),
    "reads": (f"print(open('table.txt').read(), open(__file__).name)\n{LOOP}", "healthy", ""),
    "leaves": (f"import os\nopen('table.txt').close()\nos.chdir('/')\n{LOOP}", "healthy", ""),
    "exits_after": (f"{LOOP}\nimport sys\nsys.exit('done')\n", "healthy", ""),
    "swallows": (f"{LOOP}{SWALLOWS}", "healthy", ""),
}


@pytest.fixture
def command(tmp_path, monkeypatch, capsys) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_script(name: str, tmp_path: Path) -> None:
    text, verdict, said = HOSTILE[name]
    script = tmp_path / "script.py"
    script.write_text(text)
    (tmp_path / "table.txt").write_text("1 2 3")
    before = contents(tmp_path)
    found = tg.doctor.diagnose_script(script, seconds=4)
    assert found.verdict == verdict
    assert said in " ".join(one.reason for one in found.undecided)
    assert contents(tmp_path) == before


def test_the_exit_codes_and_the_json(command, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(LOOP)
    (tmp_path / "wrong.py").write_text(LOOP.replace("w -=", "w +="))
    (tmp_path / "crash.py").write_text("1 / 0")
    code, out, err = command("doctor", "right.py", "--json")
    assert code == 0
    assert "running right.py in a child process" in err
    found = json.loads(out)
    assert {*found} == {"verdict", "findings", "undecided", "seconds"}
    assert found["verdict"] == "healthy"
    code, out, _ = command("doctor", "wrong.py", "--json")
    assert code == 1
    (finding,) = [one for one in json.loads(out)["findings"] if one["severity"] == "fault"][:1]
    assert finding["name"] == "wrong-sign"
    assert {*finding} == {
        "name", "severity", "line", "parameter", "evidence", "why", "patch", "effect",
    }  # fmt: skip
    assert command("doctor", "crash.py").code == 2
    assert command("doctor", "absent.py").code == 2


def test_the_report_never_replaces_a_script(command, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(LOOP)
    (tmp_path / "same").symlink_to(tmp_path / "train.py")
    for name in ("train.py", "same", "other.py"):
        code, _, err = command("doctor", "train.py", "--html", name)
        assert code == 2
        assert "that is a script" in err
    assert (tmp_path / "train.py").read_text() == LOOP


def test_mended_runs_are_shown(command, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(LOOP.replace("w -=", "w +="))
    code, out, _ = command("doctor", "wrong.py", "--fix", "--seeds", 2, "--html", "r.html")
    assert code == 1
    rows = dict(re.findall(r"^  (\S.*?)  +solved (\d of 2)", out, re.MULTILINE))
    assert rows["nothing"] == "0 of 2"
    assert rows["all together"] == "2 of 2"
    assert "Measured effects" in (tmp_path / "r.html").read_text()


def test_no_file_is_an_error() -> None:
    with pytest.raises(DataError, match="name a Python script"):
        tg.doctor.diagnose_script("absent.py")


class Tags(HTMLParser):
    """The elements of a page, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "style"}]


def test_a_page_shows_a_script_as_text() -> None:
    hostile = "</style><script>alert(1)</script><img src=x onerror=alert(2)>"
    finding = Finding("wrong-sign", "fault", hostile, 3, hostile, f"+{hostile}", hostile)
    text = page(Diagnosis([finding, finding], watched=hostile), hostile)
    read = Tags(text)
    assert not {"script", "img", "link", "iframe"} & {*read.tags}
    assert all(one.startswith("#finding-") for one in read.loads)
    assert "default-src &#x27;none&#x27;" in text
    assert len(text) < 50_000


def test_a_diagnosis_survives_its_own_data() -> None:
    finding = Finding("wrong-sign", "fault", "uphill", 3, "w", "+w", "better")
    data = Diagnosis([finding]).to_dict()
    assert from_dict(json.loads(json.dumps(data))).to_dict() == data
