"""`Checkpoint`: all that the next epochs depend on, in one file after each epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import ModelFileError, TinygradError
from tinygrad_bp.files.atomic import FilePath
from tinygrad_bp.files.model_file import read_model, write_model
from tinygrad_bp.nn.state import State
from tinygrad_bp.training.generators import Generators
from tinygrad_bp.training.loop import Loop
from tinygrad_bp.training.saved import save

FORMAT = "tinygrad_bp.checkpoint.1"
KEYS = {"format", "columns", "generators", "stopped"}


class Checkpoint:
    """Writes a training to a file, from which it goes on to the same bits.

    The file has the model, the optimizer, what callbacks remember, the random generators, and the
    history; it is replaced whole or not at all, so that a kill at any moment costs an epoch.

    Parameters
    ----------
    path : str or path-like
        A safetensors file; that of the last epoch.
    best : str or path-like, optional
        Where to write the model alone, as `tg.save` does, when the watched number is lowest.
    every : int, default 1
        Write after every so many epochs, and after the last.
    resume : bool, default False
        Go on from the file if it is there.  Otherwise one that is there is refused.

    Notes
    -----
    What draws random numbers resumes if it is the `rng` of the training, or a generator in an
    attribute of a module, as in `Dropout`; data that shuffle by themselves do not.  Give `fit` the
    same seed: a share that is held out is drawn anew.
    """

    last = 2  # of the callbacks: it writes what the others have come to

    @answers
    def __init__(
        self,
        path: FilePath,
        *,
        best: FilePath | None = None,
        every: int = 1,
        resume: bool = False,
    ) -> None:
        if not every >= 1:
            raise ValueError(f"Checkpoint: every={every!r}; expected 1 or more")
        self.path, self.best, self.every, self.resume = path, best, every, resume
        self._written = 0

    def before_fit(self, loop: Loop) -> None:
        """Go on from the file, or refuse that it is there."""
        self._written = loop.epoch
        if not Path(self.path).exists():
            return
        if not self.resume:
            raise ModelFileError(
                f"{self.path}: there is a checkpoint already; resume=True goes on from it, another"
                " path or its removal begins anew"
            )
        _restore(loop, self.path)
        self._written = loop.epoch

    def after_epoch(self, loop: Loop) -> None:
        """Write the file, and the best model if this is it."""
        if not loop.writes:
            return
        if self.best is not None and loop.history.best(loop.watched) == loop.epoch:
            save(loop.model, self.best)
        ended = loop.epoch == loop.epochs or loop.history.stopped is not None
        if ended or loop.epoch - self._written >= self.every:
            self._write(loop)

    def _write(self, loop: Loop) -> None:
        arrays = {
            f"{part}.{name}": array
            for part, owner in _parts(loop).items()
            for name, array in owner.state().items()
        }
        columns = list(loop.history)
        history = loop.history.state()
        arrays |= {f"history.{i}": history[name] for i, name in enumerate(columns)}
        texts = {
            "columns": columns,
            "generators": loop.generators.state(),
            "stopped": loop.history.stopped,
        }
        metadata = {"format": FORMAT, **{key: json.dumps(value) for key, value in texts.items()}}
        write_model(self.path, arrays, metadata, finite=False)
        self._written = loop.epoch


def _parts(loop: Loop) -> dict[str, Any]:
    """Return what has a state of its own, by the name under which it is stored."""
    callbacks = {
        f"callbacks.{i}": one for i, one in enumerate(loop.callbacks) if hasattr(one, "load_state")
    }
    return {"model": loop.model, "optimizer": loop.optimizer, **callbacks}


def _restore(loop: Loop, path: FilePath) -> None:
    """Set everything to what a checkpoint holds, or nothing."""
    arrays, metadata = read_model(path, finite=False)
    if metadata.keys() != KEYS or metadata["format"] != FORMAT:
        raise ModelFileError(
            f"{path}: format {metadata.get('format')!r:.60}; expected a checkpoint ({FORMAT})"
        )
    owners = _parts(loop)
    before = {part: owner.state() for part, owner in owners.items()}
    generators: Generators = loop.generators
    drawn = generators.state()
    try:
        columns, stored, stopped = (
            json.loads(metadata[key]) for key in ("columns", "generators", "stopped")
        )
        groups = _grouped(arrays, owners)
        history = groups.pop("history")
        shapes = {array.shape for array in history.values()}
        if len(columns) != len(history) or len(shapes) > 1 or not all(map(len, shapes)):
            raise ModelFileError(f"history: columns {columns!r:.60} of shapes {shapes!r:.60}")
        for part, owner in owners.items():
            owner.load_state(groups[part])
        generators.load_state(stored)
        loop.history.load_state({str(n): history[str(i)] for i, n in enumerate(columns)})
        loop.history.stopped = None if stopped is None else str(stopped)
    except (TinygradError, TypeError, ValueError, LookupError, RecursionError) as error:
        for part, owner in owners.items():
            owner.load_state(before[part])
        generators.load_state(drawn)
        raise ModelFileError(
            f"{path}: not a checkpoint of this training: {error!s:.300}"
        ) from error


def _grouped(arrays: Mapping[str, Any], owners: Mapping[str, Any]) -> dict[str, State]:
    groups: dict[str, State] = {part: {} for part in (*owners, "history")}
    for name, array in arrays.items():
        part = next((one for one in groups if name.startswith(f"{one}.")), None)
        if part is None:
            raise ModelFileError(f"an array {name!r:.60}, which nothing here remembers")
        groups[part][name[len(part) + 1 :]] = array
    return groups
