"""Weights from PyTorch: the arrays of a ``state_dict`` in the places that they have here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.nn.attention import MultiHeadAttention, TransformerBlock
from tinygrad_bp.nn.cells import GRUCell, LSTMCell, RNNCell
from tinygrad_bp.nn.convolutions import Conv1d, Conv2d
from tinygrad_bp.nn.embedding import Embedding
from tinygrad_bp.nn.layers import Linear
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.normalization import BatchNorm, LayerNorm, RMSNorm
from tinygrad_bp.nn.recurrent import GRU, LSTM, RNN

UNUSED = "num_batches_tracked"  # of PyTorch's batch norms, which count what they do not use


@dataclass(frozen=True)
class Place:
    """Where one of our arrays comes from.

    Attributes
    ----------
    theirs : tuple of str
        Ends of PyTorch's names.
    make : callable
        Takes those arrays, and returns ours.
    words : str
        What it does, for the map that is shown.
    """

    theirs: tuple[str, ...]
    make: Callable[..., Any] = lambda array: array
    words: str = ""


def _transposed(name: str) -> Place:
    return Place((name,), lambda array: array.T, "transposed")


def _split(name: str, part: int) -> Place:
    """Return the place of one of three matrices, or biases, that stand below each other."""
    return Place(
        (name,), lambda array: np.split(array, 3)[part].T, f"part {part + 1} of 3, transposed"
    )


def _linear(name: str) -> dict[str, Place]:
    return {"W": _transposed(f"{name}weight"), "b": Place((f"{name}bias",))}


def _cell(end: str) -> dict[str, Place]:
    return {
        "W": _transposed(f"weight_ih{end}"),
        "U": _transposed(f"weight_hh{end}"),
        "b": Place((f"bias_ih{end}", f"bias_hh{end}"), np.add, "their sum"),
    }


def _gru(end: str) -> dict[str, Place]:
    biases = f"bias_ih{end}", f"bias_hh{end}"

    def gates(new: Any, old: Any) -> Any:
        n = len(new) // 3
        return np.concatenate([new[: 2 * n] + old[: 2 * n], new[2 * n :]])

    of_reset = Place(biases[1:], lambda old: old[2 * (len(old) // 3) :], "its last third")
    return _cell(end) | {
        "b": Place(biases, gates, "their sum, but in the last third"),
        "c": of_reset,
    }


def _within(prefix: str, places: Mapping[str, Place]) -> dict[str, Place]:
    return {f"{prefix}{name}": place for name, place in places.items()}


def _attention(prefix: str) -> dict[str, Place]:
    inner = {
        f"{name}.{kind}": _split(f"{prefix}in_proj_{theirs}", part)
        for part, name in enumerate(("query", "key", "value"))
        for kind, theirs in (("W", "weight"), ("b", "bias"))
    }
    return inner | _within("out.", _linear(f"{prefix}out_proj."))


def _norm(prefix: str) -> dict[str, Place]:
    return {"g": Place((f"{prefix}weight",)), "b": Place((f"{prefix}bias",))}


_PLAIN = {"W": Place(("weight",)), "b": Place(("bias",))}
_STATISTICS = {"mean": Place(("running_mean",)), "var": Place(("running_var",))}
PLACES: dict[type[Module], dict[str, Place]] = {
    Linear: _linear(""),
    Conv1d: _PLAIN,
    Conv2d: _PLAIN,
    Embedding: _PLAIN,
    BatchNorm: _norm("") | _STATISTICS,
    LayerNorm: _norm(""),
    RMSNorm: _norm(""),
    RNNCell: _cell(""),
    LSTMCell: _cell(""),
    GRUCell: _gru(""),
    RNN: _within("cell.", _cell("_l0")),
    LSTM: _within("cell.", _cell("_l0")),
    GRU: _within("cell.", _gru("_l0")),
    MultiHeadAttention: _attention(""),
    TransformerBlock: {
        **_within("norm1.", _norm("norm1.")),
        **_within("attention.", _attention("self_attn.")),
        **_within("norm2.", _norm("norm2.")),
        **_within("expand.", _linear("linear1.")),
        **_within("contract.", _linear("linear2.")),
    },
}


class NameMap(dict[str, str]):
    """Where each array has come from: our name to PyTorch's; prints as a table."""

    def __str__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{ours:{width}}  {theirs}" for ours, theirs in self.items())


@answers
def load_torch(
    module: Module, state: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> NameMap:
    """Give a module the weights of one of PyTorch's with the same architecture.

    Layers are matched in the order in which they are defined; matrices of linear layers are
    transposed, and the two biases of recurrent layers added.

    Parameters
    ----------
    module : Module
    state : mapping of str to array or torch.Tensor
        What ``state_dict()`` returned, or a safetensors file of it.
    names : mapping of str to str, optional
        Our name of a layer to PyTorch's, where the order differs: ``{"head": "classifier.2"}``.

    Returns
    -------
    dict of str to str
        Our name of each array to PyTorch's; `print` shows what has gone where.

    Raises
    ------
    ModelFileError
        If a layer finds no weights, or weights no layer.
    ShapeError
        If a shape differs.  Nothing has been changed.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=0))
    >>> theirs = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3),
    ...           "2.weight": np.ones((1, 3)), "2.bias": np.zeros(1)}
    >>> print(nn.load_torch(net, theirs))
    layers.0.W  0.weight, transposed
    layers.0.b  0.bias
    layers.2.W  2.weight, transposed
    layers.2.b  2.bias
    """
    left = {name: _array(one) for name, one in state.items() if not name.endswith(UNUSED)}
    chosen, own = dict(names or {}), module.state()
    arrays: dict[str, Any] = {}
    told = NameMap()
    for path, places in _units(module, own):
        prefix = chosen.pop(path, None)
        if prefix is None:
            reserved = tuple(f"{one}." for one in chosen.values())
            prefix = _next(path, places, [name for name in left if not name.startswith(reserved)])
        start = f"{prefix}." if prefix else ""
        used = {f"{start}{end}": None for place in places.values() for end in place.theirs}
        _require(path, used, left)
        for name, place in places.items():
            theirs = [f"{start}{end}" for end in place.theirs]
            ours = f"{path}.{name}" if path else name
            arrays[ours] = np.asarray(place.make(*(left[one] for one in theirs)), own[ours].dtype)
            told[ours] = ", ".join([*theirs, *([place.words] if place.words else [])])
        for name in used:
            del left[name]
    if left or chosen:
        unknown = [*left, *chosen]
        raise ModelFileError(
            f"load_torch: {', '.join(map(repr, unknown))[:200]} belong to no layer of the module;"
            f" its layers are {', '.join(path or '(itself)' for path, _ in _units(module, own))}"
        )
    module.load_state({name: arrays[name] for name in own})
    return told


def _units(module: Module, own: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Place]]]:
    """Yield (path, places) of each layer that has arrays, those of its inner layers with it.

    A module that is not in the table has its own arrays, under the same names on both sides.
    """
    done: tuple[str, ...] = ()
    for path, one in module.named_modules():
        start = f"{path}." if path else ""
        if start.startswith(done) and done:
            continue
        known = next((PLACES[kind] for kind in type(one).__mro__ if kind in PLACES), None)
        inside = [name[len(start) :] for name in own if name.startswith(start)]
        if known is None:
            inner = tuple(f"{p[len(start) :]}." for p, _ in one.named_modules() if p)
            inside = [name for name in inside if "." not in name or not name.startswith(inner)]
            places = {name: Place((name,)) for name in inside}
        else:
            places = {name: known[name] for name in inside}
            done = (*done, start)
        if places:
            yield path, places


def _next(path: str, places: Mapping[str, Place], names: list[str]) -> str:
    """Return the prefix of the first name, which is to be one of this layer's."""
    ends = [end for place in places.values() for end in place.theirs]
    first = names[0] if names else ""
    fitting = [end for end in ends if first == end or first.endswith(f".{end}")]
    if not fitting:
        raise ModelFileError(
            f"load_torch: layer {path!r} wants {', '.join(ends)}, and the next in the state is"
            f" {first!r}; is the architecture the same?  Else pass names={{{path!r}: ...}}"
        )
    return first[: -len(max(fitting, key=len))].removesuffix(".")


def _require(path: str, used: Mapping[str, Any], left: Mapping[str, Any]) -> None:
    missing = [name for name in used if name not in left]
    if missing:
        raise ModelFileError(
            f"load_torch: layer {path!r} wants {', '.join(missing)}, which the state does not have"
        )


def _array(value: Any) -> Any:
    """Return a tensor of PyTorch's as an array."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    return np.asarray(value)
