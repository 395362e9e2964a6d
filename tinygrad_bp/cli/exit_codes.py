"""What the command tells the shell."""

from __future__ import annotations

DONE = 0
MISMATCH = 1  # gradients that are wrong
BAD_INPUT = 2  # as argparse's usage errors
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
BROKEN_PIPE = 141  # 128 + SIGPIPE
