"""The forms of an explanation: what they hold, and that no name breaks out of them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.formulas.boxes import (
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
    text,
)

HOSTILE = [
    "</style><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"\'&', "a\u202eb", "\x00",
    r"\input{/etc/passwd}", "$$x$$", "{}%#_^~", "`code`\n# heading", "]]>", "\ud800",
    "𝒳" * 90, "W 1",
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
    plain = re.sub(r"\\[{}]", "", document)
    assert plain.count("{") == plain.count("}")
    assert r"\input" not in document.replace(r"\usepackage[utf8]{inputenc}", "")
    assert document.count("$") % 2 == document.count(r"\$") % 2
    for line in document.splitlines():
        assert not re.search(r"(?<!\\)[%#]", line)
    document.encode()


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
KEYED = "<mrow><mtext>axis</mtext><mo>=</mo><mtext>0</mtext></mrow>"
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
