"""Kernels that can be called: with arrays, in turn with NumPy, from threads, by CPython itself."""
