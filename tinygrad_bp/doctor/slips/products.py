"""Products of two operands, as a learner may have meant them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tinygrad_bp.doctor.watched.substitution import expression


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
    """Yield the matrix products of two operands, and of two vectors the outer ones."""
    yield from matrix_products(left, right)
    a, b = ast.unparse(left), ast.unparse(right)
    if len(shapes.get(a, ())) == len(shapes.get(b, ())) == 1:
        yield from (expression(f"np.outer({one})") for one in (f"{a}, {b}", f"{b}, {a}"))


def factors(node: ast.expr) -> list[ast.expr]:
    """Return the factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    return [node]
