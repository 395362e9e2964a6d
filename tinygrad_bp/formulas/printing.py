"""Names come from users and from files: here they become printable, and short enough to show."""

from __future__ import annotations

NAME_LENGTH = 40  # characters of a name in a label


def printable(text: str) -> str:
    """Return `text` with control characters, half characters and invisible ones as visible escapes.

    Every character of it is printable then, and can be written as UTF-8 and as XML.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shortened(text: str, length: int = NAME_LENGTH) -> str:
    """Return `text` printable, and cut to `length` characters."""
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"
