"""The forms of an explanation: what they hold, and that no name breaks out of them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from latex_reader import TEX, require_compiled, require_sound

import tinygrad_bp as tg
from tinygrad_bp.derivations.latex import HEAD
from tinygrad_bp.formulas.boxes import (
    DRAWN,
    Applied,
    Bracket,
    Code,
    Digits,
    Fraction,
    Indexed,
    Power,
    Row,
    Sign,
    Symbol,
    mathml,
    tex,
    tex_escaped,
    text,
)

HOSTILE = [
    "</style><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"\'&', "a\u202eb", "\x00",
    r"\input{/etc/passwd}", "$$x$$", "{}%#_^~", "`code`\n# heading", "]]>", "\ud800",
    "𝒳" * 90, "W 1", "α_β", "日本", "Ħſ", "a−b", "\xa0", "d⁽¹⁰⁾",
]  # fmt: skip


def explained(name: str) -> tg.Explanation:
    x = tg.tensor([1.0, 2.0], requires_grad=True, name=name)
    loss = np.mean(np.tanh(x) ** 2) + np.sum(x)
    loss.name = f"loss {name}"
    return tg.explain(loss, element=f"{name}[1]", names={})


class Tags(HTMLParser):
    """Collects the tags of a page and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


PLAIN_TAGS = {tag for tag, _ in Tags(explained("x").to_html()).found}


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_breaks_out_of_a_page(name: str) -> None:
    page = explained(name).to_html()
    tags = Tags(page).found
    assert {tag for tag, _ in tags} <= PLAIN_TAGS | {"mtext"}
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in tags}
    assert not any(key.startswith("on") for _, attributes in tags for key in attributes)
    (policy,) = [dict(a)["content"] for tag, a in tags if a.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "http" not in page.replace("http-equiv", "")
    body = re.sub(r"^<!DOCTYPE html>\n", "", page).replace("&#x2061;", "")
    body = re.sub(r"<meta ([^>]*)>", r"<meta \1/>", body)
    ET.fromstring(body)  # noqa: S314  # our own; it is well formed, as XML is
    page.encode()


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_breaks_out_of_latex(name: str) -> None:
    document = explained(name).to_latex()
    require_sound(document)
    assert r"\input" not in document.replace(r"\usepackage[utf8]{inputenc}", "")
    assert document.count("$") % 2 == document.count(r"\$") % 2
    for line in document.splitlines():
        assert not re.search(r"(?<!\\)[%#]", line)
    document.encode()


def test_numbers_and_names_in_latex() -> None:
    for told, wanted in {"−1.5e-07": r"-1.5 \cdot 10^{-7}", "1e+16": r"1 \cdot 10^{16}",
                         "−inf": r"-\text{inf}", "nan": r"\text{nan}"}.items():  # fmt: skip
        assert tex(Digits(told)) == wanted
    assert tex(Symbol("日", gradient=True)) == r"\mathrm{d}\texttt{[U+65E5]}"
    assert tex_escaped("αx`") == r"$\alpha$x\char96{}"


def test_a_wide_value_fits_on_a_page() -> None:
    x = tg.tensor(np.arange(24.0).reshape(1, 24), requires_grad=True)
    require_sound(tg.explain(np.sum(x**2)).to_latex())


@pytest.mark.deep
@pytest.mark.skipif(TEX is None, reason="no pdflatex")
def test_every_name_and_letter_compiles(tmp_path: Path) -> None:
    for name in HOSTILE:
        require_compiled(explained(name).to_latex(), tmp_path)
    letters = [one for one in sorted(DRAWN) if one.isprintable()]
    told = [rf"{tex_escaped(x)} \texttt{{{tex_escaped(x)}}} ${tex(Symbol(x))}$" for x in letters]
    body = "\n\n".join(told)
    require_compiled(f"{HEAD}\\begin{{document}}\n{body}\n\\end{{document}}\n", tmp_path)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_breaks_out_of_markdown_and_text(name: str) -> None:
    found = explained(name)
    told = found.to_markdown()
    outside = re.sub(r"\$\$\n.*?\n\$\$", "", told, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)[<>`]", outside.replace("&lt;", "").replace("&gt;", ""))
    assert not re.search(r"^# heading", outside, re.MULTILINE)
    for form in (told, str(found)):
        assert all(c.isprintable() or c == "\n" for c in form)
        form.encode()


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_breaks_out_of_a_source(name: str) -> None:
    found = explained(name)
    assert max(found.check().values()) < 1e-14
    compile(found.numpy(), "source", "exec")
    found.numpy().encode()


def test_a_notebook_shows_the_page_without_its_head() -> None:
    shown = explained("x")._repr_html_()
    of_page = {"html", "head", "meta", "title", "body", "code", "pre"}
    assert {tag for tag, _ in Tags(shown).found} == PLAIN_TAGS - of_page
    assert shown.startswith("<style>")


OPEN, CLOSE = '<mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo>'
KEYED = '<mrow><mtext>axis</mtext><mo lspace="0" rspace="0">=</mo><mtext>0</mtext></mrow>'
ERROR = Row((Digits("1"), Sign("−"), Symbol("p")))
BOXES = {
    "symbol": (Symbol("W3"), "W3", "W_{3}", "<msub><mi>W</mi><mn>3</mn></msub>"),
    "gradient": (
        Symbol("z", gradient=True, part=2), "dz⁽²⁾", r"\mathrm{d}z^{(2)}",
        "<msup><mrow><mi>d</mi><mi>z</mi></mrow><mtext>(2)</mtext></msup>",
    ),
    "power": (
        Power(Symbol("a"), "T"), "aᵀ", r"{a}^{\mathsf{T}}", "<msup><mi>a</mi><mi>T</mi></msup>"
    ),
    "fraction": (
        Fraction(ERROR, Digits("4"), top_binds=False, bottom_binds=True), "(1 − p) / 4",
        r"\frac{1 - p}{4}",
        "<mfrac><mrow><mn>1</mn><mo>−</mo><mi>p</mi></mrow><mn>4</mn></mfrac>",
    ),
    "call": (
        Applied("sum", (Symbol("x"), ("axis", Code("0")))), "sum(x, axis=0)",
        r"\operatorname{sum}\left(x, axis=\texttt{0}\right)",
        f"<mrow><mi>sum</mi><mo>&#x2061;</mo>{OPEN}<mi>x</mi><mo>,</mo>{KEYED}{CLOSE}</mrow>",
    ),
    "index": (
        Indexed(Bracket(Symbol("x")), "1:"), "(x)[1:]", r"\left(x\right)\texttt{[1:]}",
        f"<mrow><mrow>{OPEN}<mi>x</mi>{CLOSE}</mrow><mtext>[1:]</mtext></mrow>",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("box", "line", "latex", "markup"), BOXES.values(), ids=BOXES)
def test_a_box_in_each_form(box: object, line: str, latex: str, markup: str) -> None:
    assert text(box) == line
    assert re.sub(r" +", " ", tex(box)) == latex
    assert mathml(box) == markup
