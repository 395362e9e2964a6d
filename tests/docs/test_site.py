"""The site that Sphinx has made of the pages opens without a network, and its links lead somewhere.

Skipped unless TINYGRAD_BP_SITE in the environment says in which folder the site is.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = os.environ.get("TINYGRAD_BP_SITE")
FOLDER = Path(SITE).resolve() if SITE else Path()
if SITE is None:
    pytestmark = pytest.mark.skip("TINYGRAD_BP_SITE names no site")

LOADED = {"src", "srcset", "poster", "data"}  # attributes whose address a browser fetches by itself
REMOTE = re.compile(r"(?:https?:)?//")


class Page(HTMLParser):
    """What a page loads, what it links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, found in attrs:
            address = found or ""
            if name in LOADED or (tag == "link" and name == "href"):
                self.loads.append(address)
            elif tag == "a" and name == "href":
                self.links.append(address)
            elif name == "id":
                self.anchors.add(address)


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    paths = [path for path in FOLDER.rglob("*.html") if path.parent.name != "_static"]  # templates
    found = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    assert FOLDER / "index.html" in found
    return found


def test_no_page_loads_from_a_network(pages: dict[Path, Page]) -> None:
    loads = {address for page in pages.values() for address in page.loads}
    assert loads
    assert [address for address in loads if REMOTE.match(address)] == []


def test_no_style_loads_from_a_network() -> None:
    styles = {path: path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.css")}
    assert styles
    for path, text in styles.items():
        addresses = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)", text)
        assert [one for one in addresses if REMOTE.match(one)] == [], path


def test_every_link_inside_leads_somewhere(pages: dict[Path, Page]) -> None:
    lost = []
    for path, page in pages.items():
        for link in {*page.links, *page.loads}:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            there = target.exists() if target not in pages else True
            anchor = unquote(address.fragment)
            if not there or (anchor and target in pages and anchor not in pages[target].anchors):
                lost.append(f"{path.relative_to(FOLDER)}: {link}")
    assert lost == []


def test_what_a_page_loads_is_seen() -> None:
    page = Page(
        '<link rel="stylesheet" href="//a/b.css"><script src="https://a/b.js"></script>'
        '<a href="https://a" id="here">b</a>'
    )
    assert [bool(REMOTE.match(address)) for address in page.loads] == [True, True]
    assert page.links == ["https://a"]
    assert page.anchors == {"here"}
