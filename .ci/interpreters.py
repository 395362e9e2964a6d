"""Print the Pythons to test with, a line "3.12 /path/to/python3.12" each; the first is `python3`.

One CPython of each version from 3.11 on, with its lock (the GIL), venv and pip: what the PATH has
goes before pyenv's, and what does not run is passed over, such as pyenv's shims.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = (3, 11)
ASKED = """
import sys, sysconfig, venv, pip
assert sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
print(*sys.version_info[:2], sys.executable)
"""


def candidates():
    """Yield paths of what may be a Python, in the order in which they are preferred."""
    yield shutil.which("python3")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [*map(Path, os.get_exec_path()), *sorted(pyenv.glob("versions/*/bin"), reverse=True)]
    for folder in folders:
        if folder.is_dir():
            yield from sorted(
                str(path) for path in folder.iterdir() if re.fullmatch(r"python3\.\d+", path.name)
            )


def main():
    """Print them."""
    found = {}
    for path in filter(None, candidates()):
        asked = subprocess.run([path, "-c", ASKED], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            major, minor, executable = asked.stdout.strip().split(" ", 2)
            if (int(major), int(minor)) >= OLDEST:
                found.setdefault(f"{major}.{minor}", executable)
    for version, executable in found.items():
        print(version, executable)


main()
