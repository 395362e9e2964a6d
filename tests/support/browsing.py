"""Pages in a real browser: what opens them, and what they must not do.

Skipped where there is no browser; with TINYGRAD_BP_BROWSER=1 in the environment that is a failure.
"""

from __future__ import annotations

import importlib
import os
import shutil

import pytest
from extras import extra

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
WANTED = os.environ.get("TINYGRAD_BP_BROWSER") == "1"
PATIENCE = 300_000  # milliseconds: a busy machine is not a fault


@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        if WANTED:
            raise
        pytest.skip("Playwright is not installed")
    if CHROMIUM is None:
        (pytest.fail if WANTED else pytest.skip)("there is no Chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE
        )
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that opens a page; what it must not do is checked when the test ends."""
    contexts, troubles = [], []

    def open_page(text, width=1100, height=900, **options):
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append("dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: request.url == path.as_uri() or troubles.append(request.url),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def serious_faults(page):
    """Return what axe finds on an open page that keeps people from using it."""
    name = "axe_playwright_python.sync_playwright"
    axe = importlib.import_module(name) if WANTED else extra(name)
    return [
        (one["id"], node["html"][:200])
        for one in axe.Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
