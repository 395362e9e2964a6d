"""What not every installation has: a test that needs it is skipped, unless it has to be there.

TINYGRAD_BP_EXTRAS there says that everything is installed ("all"), or all but some ("all but
torch").  TINYGRAD_BP_NEWEST=1 says that all is of its newest version: what that adds or deprecates
is a failure then, and told otherwise.
"""

from __future__ import annotations

import os
import re
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest

SAID = os.environ.get("TINYGRAD_BP_EXTRAS", "")
NEWEST = os.environ.get("TINYGRAD_BP_NEWEST") == "1"
LEFT_OUT = re.findall(r"\w+", SAID.removeprefix("all but")) if SAID != "all" else []


def there(name: str) -> bool:
    """Whether a module is to be used: it is installed, or has to be."""
    top = name.partition(".")[0]
    return find_spec(top) is not None or (SAID != "" and top not in LEFT_OUT)


def extra(name: str) -> ModuleType:
    """Import a module, or skip the test, or all of a file that calls this while it is imported."""
    if not there(name):
        pytest.skip(f"{name} is not installed", allow_module_level=True)
    return import_module(name)
