"""Pages that ask no network for anything: a template, its policy, and the data of its script."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from tinygrad_bp.view.picture import palette

LIGHT = {
    "paper": palette.PAPER, "text": palette.TEXT, "edge": palette.EDGE, "loop": palette.LOOP,
    "minus": "#0072B2", "plus": "#D55E00", "soft": "#F4F6F8", "line": "#C9D1D9",
}  # fmt: skip
DARK = {
    "paper": palette.DARK_PAPER, "text": palette.DARK_TEXT, "edge": palette.DARK_EDGE,
    "loop": palette.DARK_LOOP, "minus": "#1480BF", "plus": "#D55E00", "soft": "#1E252D",
    "line": "#3A444F",
}  # fmt: skip


def asset(name: str, package: str = __package__) -> str:
    """Return the text of a file that lies beside the modules of a package, or of this one."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def colours(light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    """Return CSS variables for light screens and dark ones: what every page has, and these."""

    def root(found: Mapping[str, str]) -> str:
        return ":root{" + "".join(f"--{name}:{value};" for name, value in found.items()) + "}"

    dark_root = root({**DARK, **dark})
    return f"{root({**LIGHT, **light})}@media (prefers-color-scheme:dark){{{dark_root}}}"


def script_of(parts: Iterable[str]) -> str:
    """Return one script whose names nobody else sees."""
    return "".join(['"use strict";(() => {\n', *parts, "})();"])


def filled(template: str, style: str, script: str, parts: Mapping[str, str]) -> str:
    """Return a page: a template with ``@@NAME@@`` for each part, and POLICY, STYLE and SCRIPT.

    The content-security policy allows its own script and style, by their hash, and nothing else.
    """
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}';"
        " base-uri 'none'; form-action 'none'"
    )
    own = {**parts, "POLICY": html.escape(policy), "STYLE": style, "SCRIPT": script}
    pieces = template.split("@@")  # the template's own places alone: data may hold anything
    return "".join(own[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def as_json(found: Any) -> str:
    """Return JSON that can stand in a script element: nothing in it can end one or begin one."""
    try:
        text = json.dumps(found, separators=(",", ":"), allow_nan=False, default=str)
    except ValueError:  # a number that is not finite, which is rare, and looking for it slow
        text = json.dumps(_finite(found), separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(found: Any) -> Any:
    """Return the same with texts for numbers that JSON lacks."""
    if isinstance(found, Mapping):
        return {str(key): _finite(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_finite(value) for value in found]
    if isinstance(found, complex) or (isinstance(found, float) and not math.isfinite(found)):
        return str(found)
    return found


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
