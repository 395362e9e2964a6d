"""The picture of the page on training is what its own code draws."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pages import blocks

DOCS = Path(__file__).parents[2] / "docs"
PICTURE = "training-history.svg"
SVG = "{http://www.w3.org/2000/svg}"


def words(path: Path) -> list[str]:
    """Return what a drawing says but for the numbers at its axes, which rounding may move."""
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314  # our own drawing
    found = ("".join(one.itertext()).strip() for one in root.iter(f"{SVG}text"))
    return [text for text in found if text[:1].isalpha()]


def test_the_picture_is_what_the_page_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    code = [one.code for one in blocks(DOCS / "training.md") if one.language == "python"]
    last = next(k for k, one in enumerate(code) if PICTURE in one)
    for one in code[: last + 1]:
        exec(one, space)  # noqa: S102  # the page's own code
    shown = words(DOCS / "images" / PICTURE)
    assert words(tmp_path / PICTURE) == shown
    assert {"loss", "validation loss", "accuracy", "validation accuracy"} <= set(shown)
