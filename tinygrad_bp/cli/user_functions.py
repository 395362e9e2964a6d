"""Functions of the user's own, named on the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tinygrad_bp.errors import DataError


def load_function(text: str) -> Callable[..., Any]:
    """Return the function that ``module:name`` names; modules of the working directory count.

    Raises
    ------
    DataError
        If there is no such thing, or its module cannot be imported.
    """
    module, _, name = text.partition(":")
    if not module or not name:
        raise DataError(f"{text!r:.60}: expected MODULE:FUNCTION, such as mymodel:loss")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise DataError(f"{text}: {error}") from error
    except (Exception, SystemExit) as error:  # its exit code is not the command's
        raise DataError(
            f"{text}: importing {module} raised {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise DataError(f"{text}: not a function but a {type(found).__name__}")
    return found  # type: ignore[no-any-return]
