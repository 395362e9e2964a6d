"""What is done when a loss is no number: the step is run again, watched, and its line is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.debugging import debug
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import NonFiniteError, warn_user
from tinygrad_bp.training.generators import Generators
from tinygrad_bp.training.history import History

GROWN = 10.0  # times the first loss: what ends above it has learned nothing, and lost something
Batch = tuple[Any, Any]
Values = tuple[list[Any], dict[str, Any]]


class Guard:
    """Remembers the values before the last two steps, which costs a list of references.

    Parameters
    ----------
    parameters : sequence of Tensor
    generators : Generators
    copies : bool, default False
        Remember copies: a compiled step writes into the arrays of the step before, unless somebody
        holds them.
    """

    def __init__(
        self, parameters: Sequence[Tensor], generators: Generators, *, copies: bool = False
    ) -> None:
        self._copies = copies
        self._parameters, self._generators = parameters, generators
        self._steps: list[tuple[Values, Batch]] = []
        self._first: float | None = None

    @property
    def batch(self) -> Batch | None:
        """The batch of the last step; None before there was one."""
        return self._steps[-1][1] if self._steps else None

    def before(self, batch: Batch) -> None:
        """Note that a step with this batch comes."""
        found = [parameter._value for parameter in self._parameters]
        if self._copies:
            found = [value.copy() for value in found]
        values = found, self._generators.state()
        self._steps = [*self._steps[-1:], (values, batch)]

    def after(self, loss: float) -> None:
        """Note the loss of a step; that of the first is of the weights that were there before."""
        self._first = loss if self._first is None else self._first

    def warn_of_growth(self, history: History, rate: float) -> None:
        """Warn if the weights at the end, which are kept, are far worse than those before."""
        last = history["loss"][-1] if history.epochs else 0.0
        if self._first is not None and history.kept is None and 0 < GROWN * self._first < last:
            warn_user(
                f"fit: the loss of the last epoch is {last:.3g}, that before the first step was"
                f" {self._first:.3g}: the steps are too large; lower lr={rate:g}, or scale the data"
            )

    def fail(self, loss: float, where: str, again: Callable[[Any, Any], Any]) -> None:
        """Restore the weights from before the trouble, find its operation, and raise.

        Parameters
        ----------
        loss : float
        where : str
            Epoch and batch, for the message.
        again : callable
            Computes the loss of a batch and its gradients, and changes no parameter.

        Raises
        ------
        NonFiniteError
            Always.
        """
        causes: list[NonFiniteError] = []
        last = self._steps[0][0]
        for values, batch in self._steps:
            # NaN first: an infinity may be meant, as in a mask
            for inf in (False, True) if not causes else ():
                last = values
                self._restore(values)
                try:
                    with debug(inf=inf):
                        again(*batch)
                except NonFiniteError as error:
                    causes.append(error)
        self._restore(last)
        found = "\nand earlier\n".join(dict.fromkeys(map(str, causes)))
        found = found or "run again under tg.debug, all its numbers are finite"
        raise NonFiniteError(
            f"fit: the loss is {loss} in {where}; the model has the weights from before"
            f" that\n{found}"
        ) from (causes[0] if causes else None)

    def _restore(self, values: Values) -> None:
        assign(self._parameters, values[0])
        self._generators.load_state(values[1])
