"""The cookbook has the recipes that are looked for, and each is short."""

from __future__ import annotations

from pathlib import Path

from pages import blocks

PAGE = Path(__file__).parents[2] / "docs" / "cookbook.md"
LINES = 30
RECIPES = {
    "Mini-batches in a loop of your own",
    "Early stopping",
    "Clipping",
    "A network for images",
    "A network for sequences",
    "An embedding",
    "Dropout",
    "Norms",
    "A layer of your own",
    "A loss of your own",
    "An optimizer of your own",
    "A rule of your own",
}


def recipes() -> dict[str, tuple[str, str]]:
    """Return the code of each recipe, and what it prints."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found: dict[str, tuple[str, str]] = {}
    for block in blocks(PAGE):
        above = [line[3:] for line in lines[: block.line] if line.startswith("## ")]
        if above:
            code, shown = found.get(above[-1], ("", ""))
            is_code = block.language == "python"
            found[above[-1]] = (code + block.code, shown) if is_code else (code, shown + block.code)
    return found


def test_every_recipe_is_there_with_what_it_prints() -> None:
    assert recipes().keys() == RECIPES
    assert [name for name, (_, shown) in recipes().items() if not shown.strip()] == []


def test_every_recipe_is_short() -> None:
    long = {name: len(code.splitlines()) for name, (code, _) in recipes().items()}
    assert {name: count for name, count in long.items() if count >= LINES} == {}
