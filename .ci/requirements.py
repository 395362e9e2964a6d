"""Print requirements out of pyproject.toml, one a line.

python3 .ci/requirements.py floors     the oldest versions of what a user's tests need
python3 .ci/requirements.py GROUP      what a dependency group holds
python3 .ci/requirements.py torch      PyTorch, if pip has a build for processors alone; or nothing
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
TESTED = ("cli", "scipy", "sklearn", "test")  # extras
TORCH = "torch==2.13.0"
OF_GRAPHICS = ("cuda", "nvidia", "triton")  # gigabytes that a build for graphics cards needs


def floors():
    """Return ``name==version`` for every lower bound."""
    extras = PROJECT["project"]["optional-dependencies"]
    needed = [
        *PROJECT["project"]["dependencies"],
        *(one for name in TESTED for one in extras[name]),
    ]
    bounds = (re.fullmatch(r"([\w-]+)>=([\d.]+)", one).groups() for one in needed)
    return [f"{name}=={version}" for name, version in bounds]


def torch():
    """Return the pin of PyTorch; nothing where pip finds no build, or one for graphics cards."""
    options = ["--dry-run", "--no-deps", "--only-binary=:all:", "--ignore-installed", "--quiet"]
    found = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--report=-", TORCH],
        stdout=subprocess.PIPE,
        check=False,
    )
    if found.returncode != 0:
        return []
    needs = json.loads(found.stdout)["install"][0]["metadata"].get("requires_dist", [])
    return [] if any(one.startswith(OF_GRAPHICS) for one in needs) else [TORCH]


asked = sys.argv[1]
made = {"floors": floors, "torch": torch}
print(*(made[asked]() if asked in made else PROJECT["dependency-groups"][asked]), sep="\n")
