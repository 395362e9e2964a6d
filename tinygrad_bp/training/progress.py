"""What is seen of a training: a line that moves on a terminal or in a notebook, else some lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

LINES = 20  # of a training that runs to its last epoch, where lines stay
WIDTH = 20  # characters of the bar
INTERVAL = 0.1  # seconds between two pictures


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
        self._last, self._shown = 0.0, ""

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
        if self._show is None or time.monotonic() - self._last < INTERVAL:
            return
        self._last = time.monotonic()
        share = 0.0 if total is None else done / total
        self._show(f"{self._bar(epoch - 1 + share)} epoch {epoch}/{self._epochs}  loss {loss:.4g}")

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
            self._show(f"{self._bar(epoch)} {text}")
        elif self._stream is not None and self._is_told(epoch):
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def close(self, note: str = "") -> None:
        """End the line, with a note on why the training ended.

        Parameters
        ----------
        note : str
        """
        if self._show is not None and note:
            self._show(f"{self._shown}  {note}")
        elif note and self._stream is not None:
            self._stream.write(f"{note}\n")
        if self._show == self._rewrite and self._shown:
            self._stream.write("\n")

    def _is_told(self, epoch: int) -> bool:
        return epoch in (1, self._epochs) or epoch % -(-self._epochs // LINES) == 0

    def _bar(self, done: float) -> str:
        full = round(WIDTH * done / self._epochs)
        return f"[{'#' * full}{' ' * (WIDTH - full)}]"

    def _rewrite(self, text: str) -> None:
        self._stream.write(f"\r{text}{' ' * (len(self._shown) - len(text))}")
        self._stream.flush()
        self._shown = text


def _notebook() -> Callable[[str], Any] | None:
    """Return what shows a text in the running cell of a notebook; None elsewhere."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if module is None or getattr(shell, "kernel", None) is None:
        return None
    handle: Any = None

    def show(text: str) -> None:
        nonlocal handle
        plain = {"text/plain": text}
        if handle is None:
            handle = module.display.display(plain, raw=True, display_id=True)
        else:
            handle.update(plain, raw=True)

    return show
