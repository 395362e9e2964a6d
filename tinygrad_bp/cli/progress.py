"""What is seen while a network trains: a bar on a terminal, lines in a pipe, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tinygrad_bp.cli.console import Console

LINES = 20  # of a training that runs to its last epoch

Update = Callable[[int, float, float], None]


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
        Gives ``update(epoch, train_loss, heldout_loss)``.
    """
    if console.quiet:
        return _nothing()
    if console.is_terminal:
        try:
            import rich.progress  # noqa: F401, PLC0415  # of the extra [cli], and slow to import
        except ImportError:
            pass
        else:
            return _bar(epochs)
    return _lines(console, epochs)


@contextmanager
def _nothing() -> Iterator[Update]:
    yield lambda epoch, train_loss, heldout_loss: None  # noqa: ARG005


@contextmanager
def _lines(console: Console, epochs: int) -> Iterator[Update]:
    stride = -(-epochs // LINES)
    width = len(str(epochs))

    def update(epoch: int, train_loss: float, heldout_loss: float) -> None:
        if epoch == 1 or epoch % stride == 0:
            console.note(
                f"epoch {epoch:{width}}/{epochs}  loss {train_loss:.4f}  held-out loss {heldout_loss:.4f}"
            )

    yield update


@contextmanager
def _bar(epochs: int) -> Iterator[Update]:
    from rich.console import Console as Terminal  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("loss {task.fields[train]:.4f}  held-out loss {task.fields[heldout]:.4f}"),
        TimeElapsedColumn(),
    )
    # transient: training stops early as a rule, and a bar left standing at 40 % looks like a failure
    with Progress(*columns, console=Terminal(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=epochs, train=float("nan"), heldout=float("nan"))
        yield lambda epoch, train_loss, heldout_loss: bar.update(
            task, completed=epoch, train=train_loss, heldout=heldout_loss
        )
