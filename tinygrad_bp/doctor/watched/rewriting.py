"""A script's syntax tree, rewritten in memory so that it tells what it does.

The text on the disk is never touched.  Calls to one object, under a name that no class mangles,
stand at the head of every loop, after every store, and around the operations in which an output can
meet its label: ``-``, ``/``, and ``scores[range(m), y] -= 1``.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from tinygrad_bp.doctor.watched.sources import File, Whole, read
from tinygrad_bp.doctor.watched.substitution import copied

HOOK = "_doctor_"
BODY = "_doctor_body_"
Place = tuple[int, int]  # line and column: the same before and after an edit elsewhere
Function = ast.FunctionDef | ast.Lambda | ast.AsyncFunctionDef
HALF = 0.5  # at which a line is drawn between two classes
ORDERED = ast.Lt | ast.LtE | ast.Gt | ast.GtE
PAIRED = {"subtract": "sub", "divide": "div", "true_divide": "div"}


@dataclass
class Loop:
    """A loop of the script: its node, and the function and class it stands in."""

    place: Place
    node: ast.For | ast.While
    function: ast.FunctionDef | None
    around: tuple[Place, ...]


@dataclass
class Script:
    """The texts of a script's files with their tree; edited copies of it share the places."""

    text: str  # of all files: a place's line is one of these
    path: str
    tree: Whole
    files: list[File] = field(default_factory=list)
    loops: dict[Place, Loop] = field(default_factory=dict)
    owners: dict[Place, str] = field(default_factory=dict)  # a method's place: its class

    def code(self, tree: Whole | None = None, number: int = 0) -> CodeType:
        """Return one of the files, or of an edited copy of them, instrumented and compiled."""
        whole: Any = tree or self.tree
        body = whole.imported[number - 1].body if number else whole.body
        return compiled(instrumented(ast.Module(body, [])), self.path)

    def file_at(self, line: int) -> File:
        """Return the file that holds a line."""
        return next(one for one in reversed(self.files) if one.before < max(line, 1))

    def name_of(self, file: File) -> str:
        """Return what a file is called from the script's folder."""
        return file.path.relative_to(Path(self.path).parent).as_posix()

    def is_before(self, node: Any, place: Place) -> bool:
        """Tell whether a node runs before a place: it stands above it, or in another file."""
        own = self.file_at(node.lineno) is self.file_at(place[0])
        return place_of(node) < place or not own

    def at(self, line: int | None) -> str:
        """Say where a line is."""
        file = self.file_at(line or 0)
        where = f"line {(line or 0) - file.before}"
        return f"{where} of {self.name_of(file)}" if file.before else where


def parsed(text: str, path: str) -> Script:
    """Return the script of a text; raises SyntaxError as Python would."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `is 0` and its like: a finding of its own
        files = read(text, path)
    first = files[0].tree
    trees: Any = {"body": first.body, "type_ignores": [], "imported": [f.tree for f in files[1:]]}
    lines = [line for one in files[1:] for line in ["", *one.text.splitlines()][1:]]
    joined = "\n".join([*text.splitlines(), *lines]) if lines else text
    script = Script(joined, path, Whole(**trees), files)
    _Finder(script).visit(script.tree)
    return script


def compiled(tree: ast.Module, path: str) -> CodeType:
    """Return the code of a tree."""
    ast.fix_missing_locations(tree)
    return compile_tree(tree, path)


def compile_tree(tree: ast.Module, path: str) -> CodeType:
    """Return the code of a tree of which every node has its place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(tree, path, "exec", dont_inherit=True)


def place_of(node: Any) -> Place:
    """Return where a node stands."""
    return node.lineno, node.col_offset


class _Finder(ast.NodeVisitor):
    """Notes the loops, and whose method a function is."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.functions: list[ast.FunctionDef] = []
        self.around: list[Place] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        around, self.around = self.around, []
        self.functions.append(node)
        self.generic_visit(node)
        self.functions.pop()
        self.around = around

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for one in node.body:
            if isinstance(one, ast.FunctionDef):
                self.script.owners[place_of(one)] = node.name
        self.generic_visit(node)

    def _loop(self, node: ast.For | ast.While) -> None:
        place = place_of(node)
        function = self.functions[-1] if self.functions else None
        self.script.loops[place] = Loop(place, node, function, tuple(self.around))
        self.around.append(place)
        self.generic_visit(node)
        self.around.pop()

    visit_For = _loop  # noqa: N815  # ast's own name
    visit_While = _loop  # noqa: N815  # ast's own name


def instrumented(tree: Any) -> Any:
    """Return a tree with the calls in it; the tree that is given is kept."""
    return _Rewriter().visit(copied(tree))


def call(name: str, *values: Any) -> ast.Call:
    """Return a call of a method of the watching object."""
    hook = ast.Attribute(ast.Name(HOOK, ast.Load()), name, ast.Load())
    arguments: list[Any] = [
        one if isinstance(one, ast.AST) else ast.Constant(one) for one in values
    ]
    return ast.Call(hook, arguments, [])


def _told(name: str, node: Any, *values: Any) -> ast.Expr:
    return ast.copy_location(ast.Expr(call(name, *values, *place_of(node))), node)


def _kept(name: str, node: Any, *values: Any) -> ast.Expr:
    """Return a call that is made only while values are kept: asking costs a quarter of a call."""
    is_on = ast.Attribute(ast.Name(HOOK, ast.Load()), "on", ast.Load())
    made = ast.BoolOp(ast.And(), [is_on, call(name, *values, *place_of(node))])
    return ast.copy_location(ast.Expr(made), node)


class _Rewriter(ast.NodeTransformer):
    def _loop(self, node: ast.For | ast.While) -> ast.stmt:
        self.generic_visit(node)
        told = _stores(node.target) if isinstance(node, ast.For) else []
        node.body[:0] = [_told("head", node), *told]
        return node

    visit_For = _loop  # noqa: N815  # ast's own name
    visit_While = _loop  # noqa: N815  # ast's own name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if node.args.args:
            node.body.insert(_after_docstring(node), _entered(node))
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        place = place_of(node.right)  # an operation begins where the one on its left does
        chain = _chain(node)
        if len(chain) > 2 and not any(_is_number(one) for one in chain):
            places: Any = [ast.Constant(side) for one in chain[1:] for side in place_of(one)]
            terms = ast.Tuple([self.visit(one) for one in chain], ast.Load())
            return ast.copy_location(call("chain", terms, *places), node)
        self.generic_visit(node)
        name = {ast.Sub: "sub", ast.Div: "div"}.get(type(node.op))
        if name is None or _is_number(node.left) or _is_number(node.right):
            return node  # no data is a literal
        told = call(name, node.left, node.right, *place)
        return ast.copy_location(told, node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        place = place_of(node)
        self.generic_visit(node)
        if len(node.ops) != 1:
            return node
        left, right = node.left, node.comparators[0]
        literal = any(isinstance(one, ast.Constant) for one in (left, right))
        if isinstance(node.ops[0], ast.Eq | ast.NotEq) and not literal:
            name = "equal" if isinstance(node.ops[0], ast.Eq) else "unequal"
            return ast.copy_location(call(name, left, right, *place), node)
        if isinstance(node.ops[0], ORDERED) and _is_plain(right):
            node.left = ast.copy_location(call("scored", left, copied(right), *place), left)
        if isinstance(right, ast.Constant) and right.value == HALF:
            node.left = ast.copy_location(call("halved", node.left, *place), left)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if getattr(node.func, "id", "") == "accuracy_score" and len(node.args) == 2:
            told = ast.copy_location(call("told", *copied(node.args), *place_of(node)), node)
            return ast.copy_location(ast.BoolOp(ast.Or(), [told, node]), node)
        if getattr(node.func, "attr", "") in {"sign", "heaviside"} and node.args:
            first = node.args[0]
            told = call("scored", first, ast.Constant(0), *place_of(node))
            node.args[0] = ast.copy_location(told, first)
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called == "shuffle" and len(node.args) == 1 and not node.keywords:
            told = call("shuffled", node.func, node.args[0], *place_of(node))
            return ast.copy_location(told, node)
        name = PAIRED.get(getattr(node.func, "attr", ""))
        if name is None or len(node.args) != 2 or node.keywords:
            return node
        return ast.copy_location(call(name, *node.args, *place_of(node)), node)

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        self.generic_visit(node)
        target = node.targets[0]
        array = target.value if isinstance(target, ast.Subscript) else None
        if isinstance(array, ast.Name) and not isinstance(node.value, ast.Constant):
            told = call("written", node.value, loaded(array), array.id, node.lineno)
            node.value = ast.copy_location(told, node.value)
        stored = [one for target in node.targets for one in _stores(target)]
        return [node, *(stored or [_kept("tick", node)])]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        self.generic_visit(node)
        return [node, *_stores(node.target)] if node.value is not None else [node]

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        self.generic_visit(node)
        before: list[ast.stmt] = []
        if isinstance(node.op, ast.Sub) and not _calls(node.target):
            target = copied(node.target)
            if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
                before = [_told("picked", node, target.value, target.slice, copied(node.value))]
                before = before if not _calls(node.value) else []
        return [*before, node, *(_stores(node.target) or [_kept("tick", node)])]

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        self.generic_visit(node)
        return [node, _kept("tick", node)] if isinstance(node.value, ast.Call) else [node]


def _entered(node: ast.FunctionDef) -> ast.Expr:
    return _kept("enter", node, ast.Call(ast.Name("locals", ast.Load()), [], []))


def _after_docstring(node: ast.FunctionDef) -> int:
    first = node.body[0]
    return int(isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant))


def _stores(target: ast.expr) -> list[ast.stmt]:
    """Return the calls that tell what was just stored in a target."""
    if isinstance(target, ast.Tuple | ast.List):
        return [one for part in target.elts for one in _stores(part)]
    if isinstance(target, ast.Starred) or _calls(target):
        return [_kept("tick", target)]
    value = loaded(target)
    return [_kept("store", target, ast.unparse(target), value)]


def loaded(target: ast.expr) -> ast.expr:
    """Return the expression that reads what a target stores."""
    value: Any = copied(target)
    value.ctx = ast.Load()
    read: ast.expr = value
    return read


def _calls(node: ast.AST) -> bool:
    """Tell whether reading a target again may do something; text of numbers does nothing."""
    plain = {"str", "len", "range", "int"}
    made = [one for one in ast.walk(node) if isinstance(one, ast.Call | ast.NamedExpr)]
    return any(
        not (isinstance(one, ast.Call) and getattr(one.func, "id", getattr(one.func, "attr", ""))
             in {*plain, "arange"})
        for one in made
    )  # fmt: skip


def _chain(node: ast.expr) -> list[ast.expr]:
    """Return the terms of `a - b - c`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return [*_chain(node.left), node.right]
    return [node]


def _is_plain(node: ast.AST) -> bool:
    """Tell whether reading an expression twice does no more than reading it once."""
    plain = ast.Name | ast.Attribute | ast.Constant | ast.UnaryOp | ast.expr_context | ast.unaryop
    return all(isinstance(one, plain) for one in ast.walk(node))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)
