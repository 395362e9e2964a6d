"""`Live`: the report of a training while it runs, in a page that looks again by itself."""

from __future__ import annotations

import math
from time import monotonic as clock

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.files.atomic import FilePath, atomic_write_text
from tinygrad_bp.training.loop import Loop

SHARE = 20  # of the time: what is written takes a twentieth of it at most
LONGEST = 60  # seconds until the page looks again, however long an epoch takes


class Live:
    """Writes the report after an epoch, at most once a second, and once more at the end.

    Open the file in a browser: it needs no server, and loads itself anew until the training ends.
    It shows what `History.report` does, with how far the training is and how long it may take.

    Parameters
    ----------
    path : str or path-like
        An HTML file; replaced whole or not at all.  It is there after the first epoch.
    title : str

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from tinygrad_bp import nn, optim, training
    >>> net, X = nn.Linear(1, 1, rng=0), np.linspace(-1.0, 1.0, 64)[:, None]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     live = training.Live(f"{folder}/run.html")
    ...     history = training.fit(net, nn.mse, (X, 3.0 * X), optim.SGD(net.parameters(), 0.1),
    ...                            epochs=5, rng=0, progress=False, callbacks=[live])
    """

    last = 3  # of the callbacks: it shows what the others have come to

    @answers
    def __init__(self, path: FilePath, *, title: str = "Training") -> None:
        self.path, self.title = path, title
        self._begun = self._next = 0.0  # seconds of the clock
        self._before = 0  # epochs before this run

    def before_fit(self, loop: Loop) -> None:
        """Start the clock."""
        self._begun = self._next = clock()
        self._before = loop.epoch

    def after_epoch(self, loop: Loop) -> None:
        """Write the page, if it is time."""
        now = clock()
        if not loop.writes or now < self._next:
            return
        rate = (loop.epoch - self._before) / max(now - self._begun, 1e-9)
        again = math.ceil(min(max(1.0 / rate, 1.0), LONGEST))
        self._write(loop, _told(loop, rate), again)
        self._next = now + max(1.0, SHARE * (clock() - now))

    def after_fit(self, loop: Loop) -> None:
        """Write the page that stays."""
        if loop.writes and loop.epoch:
            self._write(loop, "", 0)

    def _write(self, loop: Loop, told: str, again: int) -> None:
        from tinygrad_bp.training.report import page  # and all that pages need: when one is wanted

        history = loop.history
        text = page(
            history,
            history.observed,
            kept=history.kept,
            stopped=history.stopped,
            title=self.title,
            running=told,
            again=again,
        )
        atomic_write_text(self.path, text)


def _told(loop: Loop, rate: float) -> str:
    """Return how far a training is."""
    speed = f"{rate:.3g} epochs a second" if rate >= 1.0 else f"{1.0 / rate:.3g} s an epoch"
    left = max(loop.epochs - loop.epoch, 0) / rate
    return f"Epoch {loop.epoch:,} of {loop.epochs:,}; {speed}; {_time(left)} to go at most."


def _time(seconds: float) -> str:
    """Return a time to be read at a glance."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = math.ceil(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
