"""What is seen while a network trains: a bar on a terminal, lines in a pipe, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module

from tinygrad_bp.cli.console import Console

LINES = 20  # of a training that runs to its last epoch

Update = Callable[[int, float, float | None], None]


def progress(console: Console, epochs: int) -> AbstractContextManager[Update]:
    """Return a context that shows progress while it is entered.

    Parameters
    ----------
    console : Console
    epochs : int
        The most that can come.

    Returns
    -------
    context manager
        Gives ``update(epoch, train_loss, heldout_loss)``; an epoch 1 that follows others says that
        training begins anew.
    """
    if console.quiet:
        return _nothing()
    if console.is_terminal:
        try:
            return _bar(epochs)
        except ImportError:  # Rich is of the extra [cli]
            pass
    return _lines(console, epochs)


@contextmanager
def _nothing() -> Iterator[Update]:
    yield lambda *_: None


@contextmanager
def _lines(console: Console, epochs: int) -> Iterator[Update]:
    stride = -(-epochs // LINES)
    width = len(str(epochs))
    last = 0

    def update(epoch: int, train_loss: float, heldout_loss: float | None) -> None:
        nonlocal last
        if epoch == 1 and last:
            console.note(f"the start may be stuck after {last} epochs: training begins anew")
        last = epoch
        if epoch == 1 or epoch % stride == 0:
            losses = _losses(train_loss, heldout_loss)
            console.note(f"epoch {epoch:{width}}/{epochs}  {losses}")

    yield update


def _bar(epochs: int) -> AbstractContextManager[Update]:
    """Return the bar; raises ImportError at once where Rich is absent."""
    rich = import_module("rich.progress")  # now, not above: slow to import, and may be absent
    terminal = import_module("rich.console").Console(stderr=True)
    columns = (
        rich.TextColumn("{task.description}epoch {task.completed:.0f}/{task.total:.0f}"),
        rich.BarColumn(),
        rich.TextColumn("{task.fields[losses]}"),
        rich.TimeElapsedColumn(),
    )

    @contextmanager
    def shown() -> Iterator[Update]:
        starts = 0
        # transient: training stops early as a rule, and a bar left at 40 % looks like a failure
        with rich.Progress(*columns, console=terminal, transient=True) as bar:
            task = bar.add_task("", total=epochs, losses="")

            def update(epoch: int, train_loss: float, heldout_loss: float | None) -> None:
                nonlocal starts
                starts += epoch == 1
                which = f"start {starts}, " if starts > 1 else ""
                losses = _losses(train_loss, heldout_loss)
                bar.update(task, description=which, completed=epoch, losses=losses)

            yield update

    return shown()


def _losses(train_loss: float, heldout_loss: float | None) -> str:
    held = "" if heldout_loss is None else f"  held-out loss {heldout_loss:.4f}"
    return f"loss {train_loss:.4f}{held}"
