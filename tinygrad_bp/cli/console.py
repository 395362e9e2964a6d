"""Where a command writes: results on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from contextlib import suppress
from typing import TextIO

from tinygrad_bp.formulas.printing import printable


class Console:
    """Standard output and standard error, and what the user wants to see on them.

    Every text passes through `printable`, so that a name in a file cannot command the terminal, and
    characters that the stream's encoding lacks become question marks rather than errors.
    """

    def __init__(self) -> None:
        self.quiet = False
        self.json = False
        # as it is now: what a user's function puts in its place is not where results are looked for
        self.output: TextIO | None = sys.stdout

    def configure(self, options: argparse.Namespace) -> None:
        """Take ``--quiet`` and ``--json`` from the command line, where the command has them."""
        self.quiet = getattr(options, "quiet", False)
        self.json = getattr(options, "json", False)

    @property
    def is_terminal(self) -> bool:
        """Whether a bar can be drawn on standard error."""
        stream: TextIO | None = sys.stderr
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"

    def report(self, text: str) -> None:
        """Print a result for people: nothing if quiet, on standard error if JSON has the other."""
        if self.json:
            self.note(text)
        elif not self.quiet:
            stream = self._open_output()
            stream.write(_fitting(text, stream) + "\n")

    def note(self, text: str) -> None:
        """Print news on standard error unless quiet; its being closed does not end the work."""
        if not self.quiet:
            self.error(text)

    def error(self, text: str) -> None:
        """Print on standard error."""
        stream: TextIO | None = sys.stderr
        if stream is not None:
            with suppress(OSError):
                stream.write(_fitting(text, stream) + "\n")
                stream.flush()

    def data(self, text: str) -> None:
        """Write data for programs on standard output, in UTF-8 and otherwise as it is."""
        stream = self._open_output()
        stream.flush()
        stream.buffer.write(text.encode())
        stream.buffer.flush()

    def _open_output(self) -> TextIO:
        # None after the shell's >&-; closed by what a command has run
        if self.output is None or self.output.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self.output


def _fitting(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    lines = "\n".join(map(printable, text.split("\n")))
    return lines.encode(encoding, "replace").decode(encoding)
