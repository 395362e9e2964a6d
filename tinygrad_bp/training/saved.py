"""`save` and `load`: the weights and buffers of a module, in a file."""

from __future__ import annotations

from typing import Any

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import ModelFileError, TinygradError
from tinygrad_bp.files.atomic import FilePath
from tinygrad_bp.files.model_file import read_model, write_model
from tinygrad_bp.nn import Module

FORMAT = "tinygrad_bp.module.1"


@answers
def save(model: Module, path: FilePath) -> None:
    """Write every parameter and buffer of a module to a safetensors file.

    Parameters
    ----------
    model : Module
    path : str or path-like
        Replaced whole or not at all.

    Raises
    ------
    ModelFileError
        If an array has a dtype or a name that the file cannot hold; nothing is left out in silence.
        The old file, if there is one, is intact.

    Examples
    --------
    >>> import tempfile, numpy as np, tinygrad_bp as tg
    >>> first, second = tg.nn.Linear(2, 1, rng=0), tg.nn.Linear(2, 1, rng=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save(first, f"{folder}/model.safetensors")
    ...     _ = tg.load(f"{folder}/model.safetensors", second)
    >>> bool(np.all(first.W == second.W))
    True
    """
    write_model(path, _module("save", model).state(), {"format": FORMAT}, finite=False)


@answers
def load(path: FilePath, model: Module) -> Module:
    """Give a module the parameters and buffers that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        Also a file of the ``safetensors`` package's, with the same names, shapes and dtypes.
    model : Module
        Built as the one that was saved.

    Returns
    -------
    Module
        The same, changed.

    Raises
    ------
    ModelFileError
        If the file cannot be read, or its names, shapes or dtypes are not the module's: all that
        differs is named, and nothing has been changed.
    """
    arrays, _ = read_model(path, finite=False)
    try:
        _module("load", model).load_state(arrays)
    except TinygradError as error:
        raise ModelFileError(f"{path}: {error}") from error
    return model


def _module(caller: str, model: Any) -> Module:
    if not isinstance(model, Module):
        order = "save(model, path), load(path, model)"
        raise TypeError(f"{caller}: expected a tg.nn.Module, got {type(model).__name__}: {order}")
    return model
