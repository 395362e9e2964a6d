"""What is seen of a training: a line that moves on a terminal, curves in a notebook, or lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

LINES = 20  # of a training that runs to its last epoch, where lines stay
WIDTH = 20  # characters of the bar
INTERVAL = 0.1  # seconds between two pictures

Columns = dict[str, list[float]]


class Progress:
    """Shows epochs and batches on standard error, or in a notebook's cell.

    Parameters
    ----------
    epochs : int
        The most that can come.
    stream : text file, optional
        Standard error, if not given.
    """

    def __init__(self, epochs: int, stream: TextIO | None = None) -> None:
        self._epochs = epochs
        self._stream = sys.stderr if stream is None else stream
        self._show = _notebook()
        terminal: bool = self._stream is not None and self._stream.isatty()
        if self._show is None and terminal and os.environ.get("TERM") != "dumb":
            self._show = self._rewrite
        self._last, self._done, self._shown, self._length = 0.0, 0.0, "", 0
        self._columns: Columns = {}

    def batch(self, epoch: int, done: int, total: int | None, loss: float) -> None:
        """Show where in an epoch the training is.

        Parameters
        ----------
        epoch, done : int
            Counted from 1.
        total : int or None
            Batches of the epoch, if that is known.
        loss : float
        """
        if self._show is None or self._is_recent():
            return
        share = 0.0 if total is None else done / total
        text = f"epoch {epoch}/{self._epochs}  loss {loss:.4g}"
        self._draw(text, (epoch - 1 + share) / self._epochs)

    def epoch(self, epoch: int, row: Mapping[str, float], backend: str = "eager") -> None:
        """Show the numbers of an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 1.
        row : mapping of str to float
        backend : str, default "eager"
            What ran it; told if it is something else.
        """
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in row.items())
        ran = "" if backend == "eager" else f"  {backend}"
        text = f"epoch {epoch}/{self._epochs}{ran}  {numbers}"
        if self._show is not None:
            for name, value in row.items():
                self._columns.setdefault(name, []).append(value)
            self._shown, self._done = text, epoch / self._epochs
            # curves cost milliseconds, a line nothing
            if self._show == self._rewrite or epoch == self._epochs or not self._is_recent():
                self._draw(text, self._done)
        elif self._stream is not None and self._is_told(epoch):
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def close(self, note: str = "") -> None:
        """End the line, with a note on why the training ended.

        Parameters
        ----------
        note : str
        """
        pending = self._shown and self._show != self._rewrite  # perhaps
        if self._show is not None and (note or pending):
            self._draw(f"{self._shown}  {note}".rstrip(), self._done)
        elif note and self._stream is not None:
            self._stream.write(f"{note}\n")
        if self._show == self._rewrite and self._shown:
            self._stream.write("\n")

    def _is_recent(self) -> bool:
        return time.monotonic() - self._last < INTERVAL

    def _is_told(self, epoch: int) -> bool:
        return epoch in (1, self._epochs) or epoch % -(-self._epochs // LINES) == 0

    def _draw(self, text: str, done: float) -> None:
        """Show a text beside the share that is done, and the curves where there can be any."""
        if self._show is not None:
            self._last, self._shown, self._done = time.monotonic(), text, done
            full = round(WIDTH * done)
            self._show(f"[{'#' * full}{' ' * (WIDTH - full)}] {text}", text, done, self._columns)

    def _rewrite(self, line: str, *_: Any) -> None:
        self._stream.write(f"\r{line}{' ' * (self._length - len(line))}")
        self._stream.flush()
        self._length = len(line)


def _notebook() -> Callable[[str, str, float, Columns], Any] | None:
    """Return what shows a training in the running cell of a notebook; None elsewhere."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if module is None or getattr(shell, "kernel", None) is None:
        return None
    from tinygrad_bp.view.formats.notebook import progress_html  # which nobody else needs

    handle: Any = None

    def show(line: str, text: str, done: float, columns: Columns) -> None:
        nonlocal handle
        bundle = {"text/plain": line, "text/html": progress_html(done, text, columns)}
        if handle is None:
            handle = module.display.display(bundle, raw=True, display_id=True)
        else:
            handle.update(bundle, raw=True)

    return show
