"""Scripts of several files: what is beside the script is watched, judged and patched like it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from command_line import contents

import tinygrad_bp as tg
from tinygrad_bp.doctor.examination import examine
from tinygrad_bp.doctor.watched.rewriting import parsed
from tinygrad_bp.doctor.watched.sources import MOST_LINES

SCRIPT = """
import numpy as np
from nets import Net

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 2))
y = (X[:, :1] > X[:, 1:]).astype(float)
net = Net(2, 4)
for epoch in range(60):
    net.step(X, y)
"""
PACKAGE = "from .model import Net\n"
MODEL = """
import numpy as np
from .activations import sigmoid, slope

rng = np.random.default_rng(1)


class Net:
    def __init__(self, inputs, hidden):
        self.W, self.V = rng.normal(size=(inputs, hidden)), rng.normal(size=(hidden, 1))

    def step(self, X, y, rate=2.0):
        h = sigmoid(X @ self.W)
        p = sigmoid(h @ self.V)
        d = (p - y) / len(y)
        dh = (d @ self.V.T) * slope(h)
        self.V -= rate * h.T @ d
        self.W -= rate * X.T @ dh
"""
ACTIVATIONS = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def slope(a):
    return a * (1 - a)
"""
FILES = {
    "train.py": SCRIPT, "nets/__init__.py": PACKAGE, "nets/model.py": MODEL,
    "nets/activations.py": ACTIVATIONS,
}  # fmt: skip


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text)
    return folder / next(iter(files))


def examined(folder: Path, files: dict[str, str]):
    script = written(folder, files)
    return examine(script.read_text(), str(script)).diagnosis


@pytest.mark.parametrize(
    ("file", "right", "wrong", "name"),
    [
        ("nets/activations.py", "return a * (1 - a)", "return a * (1 + a)", "wrong-sign"),
        ("nets/model.py", "* slope(h)", "", "missing-derivative"),
        ("nets/model.py", "-= rate * X.T", "+= rate * X.T", "wrong-sign"),
    ],
)
def test_a_slip_in_another_file_is_patched_there(
    file: str, right: str, wrong: str, name: str, tmp_path: Path
) -> None:
    assert right in FILES[file]
    bad = FILES[file].replace(right, wrong)
    found = examined(tmp_path, {**FILES, file: bad})
    (finding,) = [one for one in found.findings if one.severity == "fault"]
    assert (finding.name, finding.file) == (name, file)
    assert finding.to_dict()["file"] == file
    assert f"+++ b/{file}" in finding.patch
    lines = bad.splitlines()
    removed = [one[1:] for one in finding.patch.splitlines()[2:] if one.startswith("-")]
    assert lines[finding.line - 1] in removed
    assert f"line {finding.line} of {file}" in str(found)


def test_all_files_are_as_they_were_and_no_module_stays(tmp_path: Path) -> None:
    script = written(tmp_path, FILES)
    before = contents(tmp_path)
    found = tg.doctor.diagnose_script(script)
    assert found.verdict == "healthy"
    assert "60 epochs" in found.watched
    assert contents(tmp_path) == before
    assert examine(SCRIPT, str(script)).diagnosis.verdict == "healthy"
    assert "nets" not in sys.modules


def test_parameters_that_are_another_files_names(tmp_path: Path) -> None:
    layer = """
    w = 0.0

    def step(x, y):
        global w
        error = w * x - y
        w += 0.1 * (error * x).mean()
    """
    script = """
    import numpy as np
    import layer

    x = np.linspace(-1, 1, 20)
    for epoch in range(60):
        layer.step(x, 3 * x)
    """
    files = {"script.py": textwrap.dedent(script), "layer.py": textwrap.dedent(layer)}
    (finding,) = [one for one in examined(tmp_path, files).findings if one.severity == "fault"]
    assert (finding.name, finding.file) == ("wrong-sign", "layer.py")
    assert finding.parameter == "w"


def test_a_loop_in_another_file(tmp_path: Path) -> None:
    files = {
        "main.py": "from training import train\n\ntrain(60)\n",
        "training.py": SCRIPT.replace("for epoch", "def train(n):\n  for epoch").replace("60", "n"),
        **{name: text for name, text in FILES.items() if name != "train.py"},
    }
    files["nets/model.py"] = MODEL.replace("+ 1e", "").replace("* slope(h)", "")
    found = examined(tmp_path, files)
    assert "of training.py" in found.watched
    assert found.findings[0].file == "nets/model.py"


def test_what_is_left_to_python(tmp_path: Path, monkeypatch) -> None:
    """Files with an error, libraries that are installed or very large, and what is not there."""
    text = "import json, absent, broken, large, nets.model\nfrom nets import nothing\n"
    files = {**FILES, "broken.py": "for:\n", "large.py": "\n" * MOST_LINES, "json.py": "x = 1\n"}
    script = written(tmp_path, {"script.py": text, **files})
    names = [one.module for one in parsed(text, str(script)).files]
    assert names[:2] == ["__main__", "large"]
    (tmp_path / "large.py").unlink()
    names = [one.module for one in parsed(text, str(script)).files]
    assert names == ["__main__", "nets", "nets.model", "nets.activations"]
    monkeypatch.syspath_prepend(tmp_path)
    found = examine("import broken\n", str(script)).diagnosis
    assert found.verdict == "undecided"
    assert "broken.py" in found.undecided[0].reason
