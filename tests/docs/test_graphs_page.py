"""The pictures in the documentation are those that its own examples make."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from pages import run_page

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def texts(path):
    """Return what a drawing says, whatever laid it out."""
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314  # our own drawings
    found = ["".join(one.itertext()).replace("\xa0", " ") for one in root.iter(f"{SVG}text")]
    return sorted(found)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    run_page(DOCS / "graphs.md", folder)
    return folder


PICTURES = sorted(DOCS.glob("images/graph-*.svg"))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_what_the_page_makes(picture, drawn):
    boxes = {"hidden2", "output", "network / Sequential"}  # only Graphviz draws these
    made, shown = texts(drawn / picture.name), texts(picture)
    assert [text for text in made if text not in boxes] == [
        text for text in shown if text not in boxes
    ]
    assert picture.stat().st_size < 20_000


def test_every_picture_of_the_page_is_there_and_no_other():
    page = (DOCS / "graphs.md").read_text(encoding="utf-8")
    assert {path.name for path in PICTURES} == set(re.findall(r"\(images/([\w-]+\.svg)\)", page))
