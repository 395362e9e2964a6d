"""The random generators of a training: found where they are, and set back to where they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.nn import Module


class Generators:
    """Generators by name: those in the attributes of a model's modules, and others.

    Parameters
    ----------
    model : Module
    others : mapping of str to Generator or None
    """

    def __init__(
        self, model: Module, others: Mapping[str, np.random.Generator | None] | None = None
    ) -> None:
        found = dict(others or {})
        for path, module in model.named_modules():
            found |= {
                f"model.{path}.{key}": value
                for key, value in vars(module).items()
                if isinstance(value, np.random.Generator)
            }
        self._found = {name: one for name, one in found.items() if one is not None}

    def state(self) -> dict[str, Any]:
        """Return where each generator stands, in numbers, texts and lists of them.

        Returns
        -------
        dict of str to dict
        """
        return {name: _plain(one.bit_generator.state) for name, one in self._found.items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Set every generator back to where it stood.

        Parameters
        ----------
        state : mapping of str to dict

        Raises
        ------
        ModelFileError
            If these are not the same generators.
        """
        if state.keys() != self._found.keys():
            raise ModelFileError(
                f"generators: there are {sorted(self._found)}, and stored are {sorted(state)};"
                " build the model and the data as they were"
            )
        for name, one in self._found.items():
            try:
                one.bit_generator.state = state[name]
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise ModelFileError(
                    f"generators: {name!r} cannot be set to what is stored: {error}"
                ) from error

    def draws(self) -> list[int]:
        """Draw a number of each generator.

        Returns
        -------
        list of int
        """
        return [int(one.integers(1 << 63)) for one in self._found.values()]

    def seed(self, draws: Sequence[int], number: int) -> None:
        """Set every generator to a place of its own.

        Parameters
        ----------
        draws : sequence of int
            That `draws` returned; of nothing, the generators stay where they are.
        number : int
            Which of the places that a draw leads to.
        """
        for one, draw in zip(self._found.values(), draws, strict=False):
            bits: Any = type(one.bit_generator)
            one.bit_generator.state = bits(np.random.SeedSequence([draw, number])).state


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
