"""The process in which a script is examined: it takes its orders as JSON, and answers in it.

Whatever the script does to a process - threads, `os._exit`, a full memory - happens to this one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

SHARE = 1 / 3  # of the time on the wall that is work: others use the machine too


def main(order: str) -> NoReturn:
    """Examine the script that is ordered, write the answer, and end at once."""
    wanted = json.loads(order)
    answer = os.fdopen(wanted["answer"], "w", encoding="utf-8")
    os._exit, leave = _refused, os._exit  # type: ignore[assignment]  # it raises
    path = Path(wanted["path"])
    sys.path.insert(
        0, str(path.parent)
    )  # after the imports above: a script's folder may hold anything
    sys.argv = [str(path)]
    os.chdir(path.parent)
    try:
        found = _answer(wanted, path)
    except BaseException as error:  # noqa: BLE001  # said to the parent, which says it to the user
        found = {"failure": f"{type(error).__name__}: {error}"}
    answer.write(json.dumps(found))
    answer.flush()
    leave(0)  # threads of the script's may still run


def _answer(wanted: dict[str, Any], path: Path) -> dict[str, Any]:
    from tinygrad_bp.doctor.examination import examine
    from tinygrad_bp.doctor.mending import mended

    examined = examine(wanted["text"], str(path), wanted["seconds"] * SHARE)
    if wanted["fix"]:
        mended(examined, wanted["seeds"])
    found = examined.diagnosis.to_dict()
    return {**found, "watched": examined.diagnosis.watched, "broken": examined.diagnosis.broken}


def _refused(code: int = 0) -> NoReturn:
    raise SystemExit(code)


if __name__ == "__main__":
    main(sys.argv[1])
