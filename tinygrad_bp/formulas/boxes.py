"""Formulas as boxes, and the three ways in which boxes are written: text, LaTeX, MathML.

Names are users', and may hold anything: each writer escapes them for its own format, here and
nowhere else.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.printing import printable, shortened

SIGNS_TEX = {
    "neg": "-",
    "⊙": r"\odot", "·": r"\cdot", "−": "-", "==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq",
    "&": r"\wedge", "|": r"\vee", "~": r"\neg", "%": r"\bmod", "//": r"\div",
}  # fmt: skip
SIGNS_MATHML = {
    "neg": "−", "==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "&": "∧", "|": "∨", "~": "¬",
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi",
    "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta",
    "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
ESCAPES_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "`": r"\char96{}",
    "…": r"\ldots{}", "×": r"$\times$", "·": r"$\cdot$", "⊙": r"$\odot$", "−": "$-$",
    "ᵀ": r"$^{\mathsf{T}}$", "±": r"$\pm$", "∂": r"$\partial$", "→": r"$\to$", "≤": r"$\leq$",
    "′": "'", "⁽": "$^{(}$", "⁾": "$^{)}$", "Σ": r"$\Sigma$", "–": "--", "—": "---",
    **{mark: f"$^{digit}$" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{letter: rf"$\{name}$" for letter, name in GREEK.items()},
}  # fmt: skip
# LaTeX's own fonts have most Latin letters, and few others.
DRAWN = {chr(code) for code in range(0x180)} - set("ĦħĸĿŀŉŦŧſ")
LETTERS = re.compile(r"([A-Za-z])(\d*)")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Symbol:
    """A name: of a value, or with a ``d`` before it of the gradient by it.

    `part` is the number of one of several parts that add up to the gradient, from 1.
    """

    name: str
    gradient: bool = False
    part: int = 0


@dataclass(frozen=True)
class Digits:
    """A number."""

    text: str


@dataclass(frozen=True)
class Code:
    """What is written as in Python: an index, a shape, a dtype."""

    text: str


@dataclass(frozen=True)
class Sign:
    """An operator, by its sign in text."""

    text: str


@dataclass(frozen=True)
class Row:
    """Boxes side by side."""

    items: tuple[Any, ...]


@dataclass(frozen=True)
class Bracket:
    """A box in parentheses."""

    inner: Any


@dataclass(frozen=True)
class Power:
    """A box with another above; "T" for the transpose."""

    base: Any
    above: Any


@dataclass(frozen=True)
class Fraction:
    """One box over another; each says whether it needs parentheses on a line."""

    top: Any
    bottom: Any
    top_binds: bool
    bottom_binds: bool


@dataclass(frozen=True)
class Applied:
    """A function and its arguments; pairs of a name and a box are given by keyword."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Indexed:
    """A box with an index in brackets."""

    base: Any
    index: str


@dataclass(frozen=True)
class Line:
    """One formula: what it is of, and how that is computed.

    Attributes
    ----------
    left, right : box
        `right` is None of a constant that is too large to write out: `value` is it.
    shape : tuple of int
        Of the result.
    value : array or None
    """

    left: Any
    right: Any
    shape: Shape
    value: Any = None


TRANSPOSED = "T"
MINUS = "neg"  # the sign of one number, with no space around it


def listed(items: tuple[Any, ...], write: Callable[[Any], str], comma: str) -> str:
    """Return arguments one after the other."""
    return comma.join(
        f"{one[0]}={write(one[1])}" if isinstance(one, tuple) else write(one) for one in items
    )


# Text


def text(box: Any) -> str:
    """Return a box on one line: ``dW3 = a2ᵀ · dz3``."""
    match box:
        case Symbol(name, gradient, part):
            own = shortened(name)
            told = (f"d{own}" if own.isidentifier() else f"d({own})") if gradient else own
            return f"{told}⁽{str(part).translate(SUPERSCRIPTS)}⁾" if part else told
        case Digits(found) | Code(found):
            return found
        case Sign(sign):
            return "−" if sign == MINUS else f" {sign} "
        case Row(items):
            return "".join(map(text, items))
        case Bracket(inner):
            return f"({text(inner)})"
        case Power(base, above):
            if above == TRANSPOSED:
                return f"{text(base)}ᵀ"
            told = text(above)
            return f"{text(base)}²" if told == "2" else f"{text(base)} ^ {told}"
        case Fraction(top, bottom, top_binds, bottom_binds):
            above = text(top) if top_binds else f"({text(top)})"
            below = text(bottom) if bottom_binds else f"({text(bottom)})"
            return f"{above} / {below}"
        case Applied(name, arguments):
            return f"{name}({listed(arguments, text, ', ')})"
        case Indexed(base, index):
            return f"{text(base)}[{index}]"
    raise TypeError(f"{type(box).__name__} is no box")


# LaTeX


def tex(box: Any) -> str:
    """Return a box in LaTeX's mathematics."""
    match box:
        case Symbol(name, gradient, part):
            told = _tex_name(shortened(name))
            told = rf"\mathrm{{d}}{told}" if gradient else told
            return f"{told}^{{({part})}}" if part else told
        case Digits(found):
            return _tex_digits(found)
        case Code(found):
            return rf"\texttt{{{tex_escaped(found)}}}"
        case Sign(sign):
            return f" {SIGNS_TEX.get(sign, sign)} "
        case Row(items):
            return "".join(map(tex, items))
        case Bracket(inner):
            return rf"\left({tex(inner)}\right)"
        case Power(base, above):
            told = r"\mathsf{T}" if above == TRANSPOSED else tex(above)
            return f"{{{tex(base)}}}^{{{told}}}"
        case Fraction(top, bottom, _, _):
            return rf"\frac{{{tex(top)}}}{{{tex(bottom)}}}"
        case Applied(name, arguments):
            told = r"\sigma" if name == "σ" else rf"\operatorname{{{tex_escaped(name)}}}"
            keyed = tuple(
                [(tex_escaped(one[0]), one[1]) if isinstance(one, tuple) else one
                 for one in arguments]
            )  # fmt: skip
            return rf"{told}\left({listed(keyed, tex, ', ')}\right)"
        case Indexed(base, index):
            return rf"{tex(base)}\texttt{{[{tex_escaped(index)}]}}"
    raise TypeError(f"{type(box).__name__} is no box")


def _tex_digits(told: str) -> str:
    told = re.sub(r"e([+−-])0*(\d+)", r" \\cdot 10^{\1\2}", told.replace("−", "-"))
    return re.sub(r"inf|nan", r"\\text{\g<0>}", told.replace("^{+", "^{"))


def _tex_name(name: str) -> str:
    found = LETTERS.fullmatch(name)
    if found is None:
        return rf"\texttt{{{tex_escaped(name)}}}"
    return f"{found[1]}_{{{found[2]}}}" if found[2] else found[1]


def tex_escaped(name: str) -> str:
    """Return a text that LaTeX shows as it is; of letters beyond Latin and Greek, their numbers."""
    return "".join(
        ESCAPES_TEX.get(one, one if one in DRAWN else f"[U+{ord(one):04X}]")
        for one in printable(name)
    )


# MathML

# A font without mathematics stretches a parenthesis more the deeper it stands.
EQUALS = '<mo lspace="0" rspace="0">=</mo>'  # of a keyword
OPEN, CLOSE = '<mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo>'


def mathml(box: Any) -> str:
    """Return a box in MathML, which every browser draws."""
    match box:
        case Symbol(name, gradient, part):
            told = _mathml_name(shortened(name))
            told = f"<mrow><mi>d</mi>{told}</mrow>" if gradient else told
            return f"<msup>{told}<mtext>({part})</mtext></msup>" if part else told
        case Digits(found):
            return f"<mn>{html.escape(found)}</mn>"
        case Code(found):
            return f"<mtext>{html.escape(found)}</mtext>"
        case Sign(sign):
            return f"<mo>{html.escape(SIGNS_MATHML.get(sign, sign))}</mo>"
        case Row(items):
            return f"<mrow>{''.join(map(mathml, items))}</mrow>"
        case Bracket(inner):
            return f"<mrow>{OPEN}{mathml(inner)}{CLOSE}</mrow>"
        case Power(base, above):
            told = "<mi>T</mi>" if above == TRANSPOSED else mathml(above)
            return f"<msup>{mathml(base)}{told}</msup>"
        case Fraction(top, bottom, _, _):
            return f"<mfrac>{mathml(top)}{mathml(bottom)}</mfrac>"
        case Applied(name, arguments):
            commas = "<mo>,</mo>".join(map(_mathml_argument, arguments))
            told = f"<mi>{html.escape(name)}</mi><mo>&#x2061;</mo>"
            return f"<mrow>{told}{OPEN}{commas}{CLOSE}</mrow>"
        case Indexed(base, index):
            return f"<mrow>{mathml(base)}<mtext>[{html.escape(index)}]</mtext></mrow>"
    raise TypeError(f"{type(box).__name__} is no box")


def _mathml_argument(one: Any) -> str:
    if isinstance(one, tuple):
        told = f"<mtext>{html.escape(one[0])}</mtext>{EQUALS}{mathml(one[1])}"
        return f"<mrow>{told}</mrow>"
    return mathml(one)


def _mathml_name(name: str) -> str:
    found = LETTERS.fullmatch(name)
    if found is None:
        return f"<mtext>{html.escape(name)}</mtext>"
    if not found[2]:
        return f"<mi>{found[1]}</mi>"
    return f"<msub><mi>{found[1]}</mi><mn>{found[2]}</mn></msub>"


Box = Symbol | Digits | Code | Sign | Row | Bracket | Power | Fraction | Applied | Indexed
