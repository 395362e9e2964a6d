"""Checks of one thing each: what must hold in a network, its loop, its data, or what it reports."""
