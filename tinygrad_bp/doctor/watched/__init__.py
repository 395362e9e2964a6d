"""A script under watch: read, rewritten in memory, run, and an iteration of it run anew."""
