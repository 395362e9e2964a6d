"""How Sphinx makes a site of these pages, which a forge shows as they are.

    python -m sphinx -W --keep-going docs build/site

The site loads nothing from a network: every style, script and letter is beside the pages.
"""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import tinygrad_bp

# The menu at the side.  It stands here, since a forge would show a directive in index.md as text.
CONTENTS = {
    "Learn": (
        "guide",
        "coming-from",
        "graphs",
        "graph-gallery",
        "program",
        "explain",
        "why-it-does-not-learn",
        "doctor",
    ),
    "Build models": (
        "cookbook",
        "gallery",
        "layers",
        "training",
        "compile",
        "testing",
        "dask",
        "scaling",
        "semantics",
        "comparison",
        "coverage",
        "native-math",
    ),
    "Reference": (
        "reference/index",
        "reference/tensor",
        "reference/derivatives",
        "reference/functions",
        "reference/classifier",
        "reference/nn",
        "reference/optim",
        "reference/data",
        "reference/training",
        "reference/parallel",
        "reference/files",
        "reference/testing",
        "reference/doctor",
        "reference/view",
        "reference/errors",
    ),
    "Contribute": ("contributing", "architecture", "changelog"),
}

project = "tinygrad_bp"
release = version = tinygrad_bp.__version__
author = f"the contributors of {project}"
project_copyright = f"{author}, MIT licence"

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
templates_path = ["_templates"]
default_role = "py:obj"  # what docstrings have between single backticks

myst_heading_anchors = 4  # links to headings as a forge makes them

autodoc_typehints = "none"  # the docstrings say more: shapes, ranges, units
autodoc_member_order = "bysource"
autosummary_generate = False  # tables of links into the pages; no page of its own for each name
numpydoc_show_class_members = False  # autodoc shows them
# Parameters, returns and yields are documented, in order and under their own names.
numpydoc_validation_checks = {"GL08", "PR01", "PR02", "PR03", "RT01", "SS01", "YD01"}
numpydoc_validation_overrides = {
    "PR01": [r"\nAttributes\n-"],  # a record is made of its attributes
    "RT01": [r"\AReturn[^\n]*\Z"],  # a single line says what is returned
}

toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_sidebars = {"**": ["contents.html"]}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}


def add_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Give the first page the menu."""
    if page == "index":
        trees = [
            "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])
            for caption, pages in CONTENTS.items()
        ]
        source[0] = "\n\n".join([source[0], *trees])


def setup(app: Sphinx) -> None:
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", add_contents)
