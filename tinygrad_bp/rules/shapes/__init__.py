"""Rules of functions that make arrays, give them another shape, or put them together."""
