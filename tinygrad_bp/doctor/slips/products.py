"""Products of two operands, as a learner may have meant them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tinygrad_bp.doctor.watched.substitution import expression, product


def is_matrix_product(node: ast.AST) -> bool:
    """Tell a matrix product, by operator or by call."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    name = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
    return name in {"dot", "matmul"}


def matrix_products(left: ast.expr, right: ast.expr) -> Iterator[ast.expr]:
    """Yield the matrix products of two operands, in either order, each as it is or transposed."""

    def turned(node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return node.value
        return ast.Attribute(node, "T", ast.Load())

    for a, b in ((left, right), (right, left)):
        for first in (a, turned(a)):
            for second in (b, turned(b)):
                yield ast.BinOp(first, ast.MatMult(), second)


def products(
    left: ast.expr, right: ast.expr, shapes: dict[str, tuple[int, ...]]
) -> Iterator[ast.expr]:
    """Yield the matrix products of two operands, and the outer ones of the vectors in them."""
    yield from matrix_products(left, right)
    parts = [*factors(left), *factors(right)]
    for k, one in enumerate(parts):
        rest = parts[:k] + parts[k + 1 :]
        if rank(rest, shapes) != 1 or rank([one], shapes) != 1:
            continue
        single = [part for part in rest if shape_of(part, shapes) == ()]
        a, b = ast.unparse(joined([part for part in rest if part not in single])), ast.unparse(one)
        for both in (f"{a}, {b}", f"{b}, {a}"):
            yield joined([*single, expression(f"np.outer({both})")])


def joined(parts: list[ast.expr]) -> ast.expr:
    """Return the product of factors."""
    new = parts[0]
    for one in parts[1:]:
        new = product(new, one)
    return new


def rank(parts: list[ast.expr], shapes: dict[str, tuple[int, ...]]) -> int:
    """Return how many axes a product of factors has; an element of a list may be a vector."""
    known = [(one, shape_of(one, shapes)) for one in parts]
    ranks = (isinstance(one, ast.Subscript) if some is None else len(some) for one, some in known)
    return max(ranks, default=0)


def shape_of(node: ast.AST, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """Return the shape of what is computed element by element; None where it is not known."""
    known = shapes.get(ast.unparse(node))
    if known is not None or isinstance(node, ast.Constant):
        return known or ()
    if isinstance(node, ast.Call):
        reduces = ast.unparse(node.func).endswith(("sum", "mean", "dot", "outer", "matmul"))
        parts: list[ast.expr] = [] if reduces else node.args[:1]
    elif isinstance(node, ast.BinOp) and not isinstance(node.op, ast.MatMult):
        parts = [node.left, node.right]
    else:
        parts = [node.operand] if isinstance(node, ast.UnaryOp) else []
    seen = [one for part in parts if (one := shape_of(part, shapes)) is not None]
    return max(seen, key=len) if seen and len(seen) == len(parts) else None


def factors(node: ast.expr) -> list[ast.expr]:
    """Return the factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    return [node]
