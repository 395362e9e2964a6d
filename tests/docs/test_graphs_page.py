"""The pictures in the documentation are those that its own examples make."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from pages import run_page

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


LAID_OUT = "Note: laid out by tinygrad_bp: 'dot' needs"  # as much as the fonts that it finds


def texts(path):
    """Return what a drawing says, whatever laid it out."""
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314  # our own drawings
    for mark in marks(root):
        mark.clear()
    found = ["".join(one.itertext()).replace("\xa0", " ") for one in root.iter(f"{SVG}text")]
    of_layout = ("number in a circle", LAID_OUT)
    return sorted(text for text in found if text and not any(one in text for one in of_layout))


def marks(root):
    """Return where arrows leave a row and go on: only our own layout has rows."""
    return [one for one in root.iter(f"{SVG}g") if one.get("class") == "connector"]


PAGES = {"graph-": "graphs.md", "model-": "graph-gallery.md"}
PICTURES = {kind: sorted(DOCS.glob(f"images/{kind}*.svg")) for kind in PAGES}


def edges(path):
    """Return how many edges a drawing has, whatever laid it out."""
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314  # our own drawings
    count = sum(one.get("class", "").split(" ")[0] == "edge" for one in root.iter(f"{SVG}g"))
    return count - len({one.find(f"{SVG}text").text for one in marks(root)})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    for page in PAGES.values():
        run_page(DOCS / page, folder)
    return folder


@pytest.mark.parametrize(
    "picture", [one for found in PICTURES.values() for one in found], ids=lambda path: path.name
)
def test_a_picture_is_what_the_page_makes(picture, drawn):
    boxes = {"hidden2", "output", "network / Sequential"}  # only Graphviz draws these
    made, shown = texts(drawn / picture.name), texts(picture)
    assert [text for text in made if text not in boxes] == [
        text for text in shown if text not in boxes
    ]
    assert edges(drawn / picture.name) == edges(picture) > 0
    assert picture.stat().st_size < 20_000


@pytest.mark.parametrize("kind", PAGES)
def test_every_picture_of_the_page_is_there_and_no_other(kind):
    page = (DOCS / PAGES[kind]).read_text(encoding="utf-8")
    named = set(re.findall(r"\(images/([\w-]+\.svg)\)", page))
    assert {path.name for path in PICTURES[kind]} == named


def test_the_gallery_has_ten_models_and_each_its_picture():
    page = (DOCS / PAGES["model-"]).read_text(encoding="utf-8")
    models = page.split("\n## ")[1:]
    assert len(models) >= 10
    assert all("```python" in one and "](images/model-" in one for one in models)
