"""Rules of functions that act on each element alone."""
