"""Cells put into loops, tiles and registers: the kernel of a segment."""
