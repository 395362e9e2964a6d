"""The text of a program, which Python's own parser can read: written, and read again."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from tinygrad_bp.programs import literals
from tinygrad_bp.programs.instructions import Input, Instruction, Listing, Type, Types


def written(program: Listing) -> str:
    """Return the text of a program: one line an instruction."""
    lines = [f"def {program.name}({', '.join(_parameters(program))}):"]
    nested = [one for one in program.inputs if len(one.path) > 1]
    lines += [f"    {one.name}: {one.type} = {place(one.path)}" for one in nested]
    for instruction in program.instructions:
        said = " in ".join(filter(None, (instruction.line, instruction.formula)))
        comment = f"  # {said}" if said else ""
        head = f"{instruction.name}: {literals.type_written(instruction.type)}"
        lines.append(f"    {head} = {_call(instruction)}{comment}")
    return "\n".join([*lines, f"    return {literals.written(program.outputs)}"])


def _parameters(program: Listing) -> list[str]:
    arrays = {one.name: one.type for one in program.inputs if len(one.path) == 1}
    return [f"{one}: {arrays[one]}" if one in arrays else one for one in program.parameters]


def place(path: tuple[Any, ...]) -> str:
    """Return where an input is found, as one writes it in Python."""
    return "".join([path[0], *(f"[{one!r}]" for one in path[1:])])


def _call(one: Instruction) -> str:
    first, *rest = one.operands or (None,)
    if one.op == "getitem":
        return f"{literals.written(first)}[{literals.subscript(rest[0])}]"
    given = [literals.written(x) for x in one.operands]
    given += [f"{key}={literals.written(x)}" for key, x in one.parameters]
    return f"{one.op}({', '.join(given)})"


def read(text: str) -> dict[str, Any]:
    """Return the fields of the program that a text is of.

    Raises
    ------
    ValueError
        If it is of none; the message names the line.
    """
    try:
        body = ast.parse(text).body
        comments = _comments(text)
    except SyntaxError as error:
        raise ValueError(f"this is not the text of a program: {error}") from error
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise _wrong(ast.Pass(lineno=1), "expected the text of a program: one function")
    function, given = body[0], body[0].args.args
    if not isinstance(function.body[-1], ast.Return):
        raise _wrong(function.body[-1], "expected 'return'")
    inputs = [Input(one.arg, _one(one.annotation), (one.arg,)) for one in given if one.annotation]
    containers = {one.arg for one in given if not one.annotation}
    instructions = []
    for statement in function.body[:-1]:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            raise _wrong(statement, "expected 'name: type = call'")
        name, value = statement.target.id, statement.value
        path = _path(value)
        if path[:1] and path[0] in containers:
            inputs.append(Input(name, _one(statement.annotation), path))
        else:
            types = literals.type_read(statement.annotation)
            line = comments.get(statement.end_lineno or 0, "")
            instructions.append(_instruction(name, types, value, line))
    return {
        "name": function.name,
        "parameters": tuple(one.arg for one in given),
        "inputs": tuple(inputs),
        "instructions": tuple(instructions),
        "outputs": literals.read(function.body[-1].value),
    }


def _wrong(node: Any, what: str) -> ValueError:
    return ValueError(f"line {node.lineno}: {what}")


def _comments(text: str) -> dict[int, str]:
    """Return what stands after the lines of a text, by their numbers."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        comment = re.search(r"  # ([^'\"#]*)$", line)
        if comment:
            found[number] = comment[1]
    return found


def _one(annotation: Any) -> Type:
    found = literals.type_read(annotation)
    if not isinstance(found, Type):
        raise _wrong(annotation, "an input is one array")
    return found


def _path(node: Any) -> tuple[Any, ...]:
    """Return the path that subscripts write; nothing if they are none."""
    keys: list[Any] = []
    while isinstance(node, ast.Subscript):
        keys.insert(0, literals.read(node.slice))
        node = node.value
    return (node.id, *keys) if isinstance(node, ast.Name) else ()


def _instruction(name: str, types: Types, value: Any, line: str) -> Instruction:
    if isinstance(value, ast.Subscript):
        operands = literals.read(value.value), literals.read(value.slice)
        return Instruction(name, "getitem", operands, (), types, *_origin(line))
    if not isinstance(value, ast.Call):
        raise _wrong(value, "expected a call")
    op = ast.unparse(value.func)
    given = tuple(literals.read(one) for one in value.args)
    parameters = tuple((one.arg or "", literals.read(one.value)) for one in value.keywords)
    if op == "constant" and isinstance(types, Type):
        array = np.array(given[0], types.dtype).reshape(types.shape)
        array.flags.writeable = False
        given = (array,)
    return Instruction(name, op, given, parameters, types, *_origin(line))


def _origin(comment: str) -> tuple[str, str]:
    """Return the line and the formula that a comment names."""
    line, _, formula = comment.partition(" in ")
    return line, formula
