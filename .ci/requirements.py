"""Print requirements out of pyproject.toml, one a line.

python3 .ci/requirements.py floors     the oldest versions of what a user's tests need
python3 .ci/requirements.py GROUP      what a dependency group holds
"""

import re
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
TESTED = ("cli", "scipy", "sklearn", "test")  # extras


def floors():
    """Return ``name==version`` for every lower bound."""
    extras = PROJECT["project"]["optional-dependencies"]
    needed = [
        *PROJECT["project"]["dependencies"],
        *(one for name in TESTED for one in extras[name]),
    ]
    bounds = (re.fullmatch(r"([\w-]+)>=([\d.]+)", one).groups() for one in needed)
    return [f"{name}=={version}" for name, version in bounds]


asked = sys.argv[1]
print(*(floors() if asked == "floors" else PROJECT["dependency-groups"][asked]), sep="\n")
