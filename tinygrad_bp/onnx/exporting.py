"""`export`: trace a function, write its program down in ONNX's operators, check and save it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

try:
    import onnx
    from onnx import helper
except ImportError as error:
    raise ImportError(
        "tg.onnx needs the package onnx: install the extra, as in pip install 'tinygrad-bp[onnx]'"
    ) from error

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.containers import flatten, places
from tinygrad_bp.engine.modes import no_grad
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ProgramError
from tinygrad_bp.files.atomic import FilePath, atomic_write_bytes
from tinygrad_bp.nn import Module
from tinygrad_bp.nn.summary import modes_restored
from tinygrad_bp.onnx.batch import of_any_size
from tinygrad_bp.onnx.operators import OPSET, Graph, build
from tinygrad_bp.programs import program
from tinygrad_bp.programs.instructions import Instruction, Ref, Type
from tinygrad_bp.programs.program import Program
from tinygrad_bp.version import __version__

IR_VERSION = 10  # of the file's format: programs of 2024 read it
BATCH = "batch"  # what the axis is called in the file


@answers
def export(
    model: Callable[..., Any], sample: Any, path: FilePath, *, batch: bool = True
) -> onnx.ModelProto:
    """Write what a model or function computes to an ONNX file, for other programs to run.

    Parameters
    ----------
    model : Module, or callable
        A module is exported as it is after the training: see `Module.eval`.
    sample : array, or tuple of arrays
        What it is called with; a tuple has one for each argument.
    path : str or path-like
        Replaced whole or not at all.
    batch : bool, default True
        Let the first axis of the arguments have any size, which is found by tracing with one row
        more; False for a model of the sample's shape alone.

    Returns
    -------
    onnx.ModelProto
        What was written, checked by `onnx.checker`.

    Raises
    ------
    ProgramError
        If something has no operator in ONNX, or depends on the size of the batch in a way that a
        file cannot hold; it names the function and your line.
    TraceError
        If the function decides by values, or reads one.

    Notes
    -----
    Inputs are called ``input``, or by the places of several; outputs ``output`` likewise.  The
    dtypes are those of the sample and the weights: most programs are made for float32.
    """
    arguments = sample if isinstance(sample, tuple) else (sample,)
    arrays = tuple(np.asarray(unwrap(one)) for one in arguments)
    module = model if isinstance(model, Module) else None
    with nullcontext() if module is None else modes_restored(module), no_grad():
        if module is not None:
            module.eval()
        first = program(model, *arrays)
        instructions, shapes = list(first.instructions), _shapes(first)
        if batch:
            longer = tuple(np.concatenate([one, one[:1]]) for one in arrays)
            instructions, shapes = of_any_size(first, program(model, *longer))
    made = _model(first, instructions, shapes)
    onnx.checker.check_model(made, full_check=True)
    atomic_write_bytes(path, made.SerializeToString())
    return made


def _shapes(one: Program) -> dict[str, Any]:
    return {name: kind.shape for name, kind in one.types.items() if isinstance(kind, Type)}


def _model(
    first: Program, instructions: list[Instruction], shapes: dict[str, Any]
) -> onnx.ModelProto:
    types = {name: kind for name, kind in first.types.items() if isinstance(kind, Type)}
    graph = Graph(types)
    inputs = []
    for number, one in enumerate(first.inputs):
        name = "input" if len(first.inputs) == 1 else f"input_{number}"
        graph.node("Identity", [name], one.name)
        inputs.append(_info(name, one.type, shapes[one.name]))
    for each in instructions:
        build(graph, each)
    leaves, _ = flatten(first.outputs)
    outputs = []
    for place, leaf in zip(places(first.outputs), leaves, strict=True):
        if not isinstance(leaf, Ref):
            raise ProgramError(f"onnx.export: output{place} is {leaf!r:.60}; expected an array")
        words = "".join(c if c.isalnum() else "_" for c in place).strip("_")
        name = f"output_{words}" if words else "output"
        graph.node("Identity", [leaf.name], name)
        outputs.append(_info(name, types[leaf.name], shapes[leaf.name]))
    return helper.make_model(
        helper.make_graph(graph.nodes, first.name, inputs, outputs, graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="tinygrad_bp",
        producer_version=__version__,
    )


def _info(name: str, kind: Type, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    sides = [(BATCH if i == 0 else None) if side < 0 else side for i, side in enumerate(shape)]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind.dtype), sides)
